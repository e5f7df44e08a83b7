# SPDX-License-Identifier: MIT
"""From a failure model to the numbers that bounds need: what a failed component may transmit, and how far off
it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .failures import NEURON, Model, Term, sites
from .networks import Network

Box = tuple[np.ndarray, np.ndarray]


def affine_box(W: np.ndarray, b: np.ndarray, low: np.ndarray, high: np.ndarray) -> Box:
    """Range of W y + b over low <= y <= high."""
    return np.minimum(W * low, W * high).sum(axis=1) + b, np.maximum(W * low, W * high).sum(axis=1) + b


def nominal_boxes(net: Network, box: Box | None) -> tuple[list[Box], list[Box]]:
    """Pre-activation and transmitted ranges of the intact network, layers 0..L+1 (interval propagation).

    Without a domain the transmitted ranges are the activations' ranges, and pre-activations are unknown.
    """
    if box is None:
        free = [(np.full(n, -np.inf), np.full(n, np.inf)) for n in net.widths]
        ranges = [net.act(layer).range for layer in range(1, net.depth + 2)]
        post = [(np.full(n, a), np.full(n, b)) for n, (a, b) in zip(net.widths[1:], ranges, strict=True)]
        return free, [free[0], *post]
    low, high = (np.asarray(side) for side in box)
    pre, post = [(low, high)], [(low, high)]
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        pre.append(affine_box(W, b, *post[-1]))
        post.append(tuple(net.act(layer)(side) for side in pre[-1]))
    return pre, post


@dataclass(frozen=True)
class Fault:
    """One term of a model, layer by layer.

    may: {layer: which components it may hit}, (N_l,) for neurons, (N_l, N_{l-1}) for synapses into layer l;
    low, high: {layer: transmitted value}; down, up: {layer: deviation from the fault-free value} (neurons
    only).
    """

    term: Term
    may: dict[int, np.ndarray]
    low: dict[int, np.ndarray]
    high: dict[int, np.ndarray]
    down: dict[int, np.ndarray]
    up: dict[int, np.ndarray]

    @property
    def on_neurons(self) -> bool:
        return self.term.effect in NEURON

    @property
    def pooled(self) -> bool:
        """The count is a total over all layers."""
        return isinstance(self.term.count, int)

    def count_at(self, layer: int) -> int:
        """How many may fail in this layer: its own count, or the total as far as the layer has components."""
        if layer not in self.may:
            return 0
        count = self.term.count if self.pooled else (self.term.count[layer - 1] if layer else 0)
        return min(count, int(self.may[layer].sum()))

    def settled(self, layer: int) -> bool:
        """Whether the count of this layer is known: its own, or a total that can be nowhere else."""
        return not self.pooled or not any(may.any() for other, may in self.may.items() if other != layer)

    def reach(self, layer: int) -> np.ndarray:
        """d_i: how far off a failed neuron may be, max(|down|, |up|)."""
        return np.maximum(abs(self.down[layer]), abs(self.up[layer]))


def read(net: Network, model: Model, box: Box | None) -> list[Fault]:
    """The terms of a model (noise aside) over an input box."""
    post = nominal_boxes(net, box)[1]
    return [_fault(net, term, post) for term in model if term.effect != "noise"]


def _fault(net: Network, term: Term, post: list[Box]) -> Fault:
    fault = Fault(term, {}, {}, {}, {}, {})
    for layer, *place in sites(net, term):
        shape = net.widths[layer] if len(place) == 1 else (net.widths[layer], net.widths[layer - 1])
        fault.may.setdefault(layer, np.zeros(shape, bool))[tuple(place)] = True
    if fault.on_neurons:
        for layer in fault.may:
            (lo, hi), C = post[layer], term.size
            if term.effect == "deviation":
                value, deviation = (lo - C, hi + C), (_full(lo, -C), _full(lo, C))
            else:
                p, q = {"crash": (0, 0), "stuck": (C, C), "value": (-C, C)}[term.effect]
                value, deviation = (_full(lo, p), _full(lo, q)), (p - hi, q - lo)
            fault.low[layer], fault.high[layer] = value
            fault.down[layer], fault.up[layer] = deviation
    return fault


def _full(like: np.ndarray, value: Any) -> np.ndarray:
    return np.full(like.shape, value, dtype=like.dtype)


def noise_of(net: Network, model: Model) -> list[np.ndarray]:
    """Amplitude of the noise on every neuron of layers 0..L."""
    amplitude = [0 * W[0] for W in net.weights]
    for term in model:
        if term.effect == "noise":
            for layer, i in sites(net, term):
                amplitude[layer][i] += term.size[layer - 1] if np.ndim(term.size) else term.size
    return amplitude


def synapse_reach(fault: Fault, layer: int, W: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """M_ji of a failing synapse into this layer (the table of section 1.2), Y_i = sup |y_i| of the nominal
    signal."""
    C, zero = fault.term.size, 0 * abs(W)
    return {
        "synapse-crash": lambda: abs(W) * Y,
        "product": lambda: zero + C,
        "signal": lambda: abs(W) * C,
        "replace": lambda: C + abs(W) * Y,
    }[fault.term.effect]()


def top(gains: Any, may: Any, count: int, *, exactly: bool = False) -> Any:
    """Sum of the ``count`` largest gains among those that may fail; negative gains are left out unless
    ``exactly``."""
    allowed = sorted((g for g, m in zip(np.ravel(gains), np.ravel(may), strict=True) if m), reverse=True)[
        :count
    ]
    return sum(g if exactly else max(g, 0) for g in allowed)


def pick(fault: Fault, gains: dict[int, np.ndarray]) -> Any:
    """Largest sum of gains over all layers: one joint selection for a total count, one per layer
    otherwise."""
    if not fault.pooled:
        return sum(top(gains[layer], fault.may[layer], fault.count_at(layer)) for layer in gains)
    everything = [np.where(fault.may[layer], gains[layer], 0).ravel() for layer in gains]
    flat = np.concatenate(everything) if everything else np.array([])
    return top(flat, flat > 0, fault.term.count)
