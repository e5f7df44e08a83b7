# SPDX-License-Identifier: MIT
"""A plain feed-forward network, its execution with failures, and the same execution in exact rationals.

Layers: 0 the inputs, 1..L hidden, L+1 the outputs. ``failed`` forces transmitted values: {(layer, neuron):
value}, and {(layer, to, from): value} replaces weight * signal. ``added`` perturbs instead of replacing:
{(layer, neuron): amount} after the activation (the neuron keeps relaying), {(layer, to, from): amount} on the
product.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .activations import Activation

IDENTITY = Activation("identity")


@dataclass(frozen=True, eq=False)
class Network:
    """weights[l-1] has shape (N_l, N_{l-1}); activations[l-1] belongs to hidden layer l."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[Activation, ...]
    output_activation: Activation = IDENTITY

    @property
    def depth(self) -> int:
        return len(self.weights) - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """(d, N_1, ..., N_L, m)."""
        return (self.weights[0].shape[1], *(W.shape[0] for W in self.weights))

    @property
    def hidden(self) -> tuple[int, ...]:
        """(N_1, ..., N_L)."""
        return self.widths[1:-1]

    @property
    def n_neurons(self) -> int:
        return sum(self.hidden)

    @property
    def max_weights(self) -> tuple[Any, ...]:
        """(w_1, ..., w_{L+1}), biases not included."""
        return tuple(abs(W).max() for W in self.weights)

    @property
    def lipschitz(self) -> tuple[Any, ...]:
        return tuple(act.lipschitz for act in self.activations)

    @property
    def lengths(self) -> tuple[Any, ...]:
        """(R_1, ..., R_L), infinite for an unbounded activation."""
        return tuple(act.length for act in self.activations)

    def exact(self) -> Network:
        """The same network in Fractions (doubles are rationals)."""
        return Network(
            tuple(exact(W) for W in self.weights),
            tuple(exact(b) for b in self.biases),
            tuple(act.exact() for act in self.activations),
            self.output_activation.exact(),
        )

    def with_outputs(self, weight: Any, bias: Any) -> Network:
        """Other linear outputs on the same hidden layers (a difference of outputs, a single output)."""
        weight, bias = np.atleast_2d(weight), np.atleast_1d(bias)
        return Network((*self.weights[:-1], weight), (*self.biases[:-1], bias), self.activations)

    def act(self, layer: int) -> Activation:
        """The activation of layer 1..L+1."""
        return self.activations[layer - 1] if layer <= self.depth else self.output_activation


def exact(array: Any) -> np.ndarray:
    """An object array of Fractions."""
    array = np.asarray(array)
    out = np.empty(array.shape, dtype=object)
    for index, value in np.ndenumerate(array):
        out[index] = Fraction(value) if isinstance(value, (int, Fraction)) else Fraction(float(value))
    return out


def network(
    weights: Any, biases: Any = None, activation: Any = "relu", output_activation: Any = "identity"
) -> Network:
    """Build a Network; ``activation`` is a name, an Activation, or one per hidden layer."""
    weights = tuple(np.asarray(W) if np.asarray(W).dtype == object else np.asarray(W, float) for W in weights)
    if biases is None:
        biases = [0 * W[:, 0] for W in weights]
    biases = tuple(np.asarray(b, W.dtype) for b, W in zip(biases, weights, strict=True))
    if isinstance(activation, (str, Activation)):
        activation = [activation] * (len(weights) - 1)
    acts = [
        act if isinstance(act, Activation) else Activation(act) for act in (*activation, output_activation)
    ]
    return Network(weights, biases, tuple(acts[:-1]), acts[-1])


def run(
    net: Network, X: Any, failed: Any = None, added: Any = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pre-activations and transmitted values of every layer, (n, N_l) each; pre[0] is the input itself.

    Values in ``failed`` and ``added`` are numbers, or arrays (n,) with one value per input.
    """
    failed, added = _numbers(net, failed), _numbers(net, added)
    y = _transmit(0, np.atleast_2d(np.asarray(X)), failed, added)
    pre, post = [y], [y]
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        product = y[:, None, :] * W[None, :, :]
        for (k, to, source), amount in ((c, v) for c, v in added.items() if len(c) == 3):
            if k == layer:
                product[:, to, source] = product[:, to, source] + amount
        for (k, to, source), value in ((c, v) for c, v in failed.items() if len(c) == 3):
            if k == layer:
                product[:, to, source] = value
        s = product.sum(axis=2) + b
        y = _transmit(layer, net.act(layer)(s), failed, added)
        pre.append(s)
        post.append(y)
    return pre, post


def _numbers(net: Network, amounts: Any) -> dict[tuple[int, ...], Any]:
    """Failed values in the network's number type, so that nothing turns a rational network into floats."""
    amounts = dict(amounts or {})
    if net.weights[0].dtype != object:
        return amounts
    return {c: v if np.ndim(v) else Fraction(v) for c, v in amounts.items()}


def _transmit(layer: int, y: np.ndarray, failed: Any, added: Any) -> np.ndarray:
    y = y.copy()
    for component, amount in added.items():
        if len(component) == 2 and component[0] == layer:
            y[:, component[1]] = y[:, component[1]] + amount
    for component, value in failed.items():
        if len(component) == 2 and component[0] == layer:
            y[:, component[1]] = value
    return y


def trace(net: Network, X: Any, failed: Any = None, added: Any = None) -> list[np.ndarray]:
    """Transmitted values of layers 0..L+1, each (n, N_l), or (N_l,) for a single input."""
    post = run(net, X, failed, added)[1]
    return [y[0] for y in post] if np.ndim(X) == 1 else post


def forward(net: Network, X: Any, failed: Any = None, added: Any = None) -> np.ndarray:
    """Outputs (n, m), or (m,) for a single input."""
    return trace(net, X, failed, added)[-1]


def exact_forward(net: Network, x: Any, failed: Any = None, added: Any = None) -> list[Fraction]:
    """Outputs for one input in exact rationals: a second evaluator, plain loops over Fractions."""
    failed, added = failed or {}, added or {}

    def transmit(component: tuple[int, ...], value: Fraction) -> Fraction:
        return (
            Fraction(failed[component]) if component in failed else value + Fraction(added.get(component, 0))
        )

    y = [transmit((0, i), Fraction(v)) for i, v in enumerate(x)]
    for layer in range(1, net.depth + 2):
        W, b, act = net.weights[layer - 1], net.biases[layer - 1], net.act(layer).exact()
        z = []
        for j in range(W.shape[0]):
            s = Fraction(b[j])
            for i, signal in enumerate(y):
                s += transmit((layer, j, i), Fraction(W[j, i]) * signal)
            z.append(transmit((layer, j), act(np.array(s, dtype=object))[()]))
        y = z
    return y
