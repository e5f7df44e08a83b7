# SPDX-License-Identifier: MIT
"""The network: what computes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._coerce import as_path, finite, real_array, shown
from withstand._types import Component, FloatArray
from withstand.model.activations import Activation, ActivationLike, as_activation, per_layer
from withstand.model.failure_arguments import named_component

if TYPE_CHECKING:
    from withstand.importers.layers import Layers

Outputs = Literal["values", "logits"]
_UNHEARD = 20_000_000  # products of one call of the core


class Network:
    """A feed-forward network y^(l) = phi_l(W^(l) y^(l-1) + b^(l)), immutable.

    Layers are numbered as in the paper: 0 the inputs, 1..L the hidden layers, L+1 the outputs; neurons from 0.

    Parameters
    ----------
    weights : sequence of array_like
        ``weights[l-1]`` has shape (N_l, N_{l-1}); entry (j, i) goes from neuron i of layer l-1 to neuron j of layer l.
    biases : sequence of array_like, optional
        ``biases[l-1]`` has shape (N_l,); zero where absent.
    activation : str, Activation or one per hidden layer, default "relu"
        Activation of the hidden layers.
    output_activation : str or Activation, default "identity"
        Activation of the outputs.

    Raises
    ------
    TypeError
        If an array does not hold real numbers.
    ValueError
        If there is no hidden layer, shapes do not chain, or a value is not finite.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> net
    Network(1-2-1, relu, 7 parameters)
    >>> net.forward([3.0])
    array([-3.])
    >>> net.forward([3.0], failed={(1, 1): 0.0})
    array([3.])
    """

    __slots__ = ("_arrays", "_box", "_core", "_outputs")

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike | None] | None = None,
        *,
        activation: ActivationLike | Sequence[ActivationLike] = "relu",
        output_activation: ActivationLike = "identity",
    ) -> None:
        given = _parts(weights, "weights")
        matrices = [real_array(w, f"weights of layer {n}", 2) for n, w in enumerate(given, start=1)]
        biases = [None] * len(matrices) if biases is None else _parts(biases, "biases")
        if len(biases) != len(matrices):
            raise ValueError(f"{len(biases)} bias vectors for {len(matrices)} layers")
        vectors = [
            np.zeros(len(w)) if b is None else real_array(b, f"biases of layer {n}", 1)
            for n, (w, b) in enumerate(zip(matrices, biases), start=1)
        ]
        hidden = per_layer(activation, max(len(matrices) - 1, 0))
        activations = [*hidden, as_activation(output_activation)]
        self._core = _core.Network(matrices, vectors, [a._core for a in activations])
        layers = range(1, len(matrices) + 1)  # read-only views: weights are held once, by the core
        self._arrays = (tuple(map(self._core.weight, layers)), tuple(map(self._core.bias, layers)))
        self._outputs: Outputs = "values"
        self._box: tuple[FloatArray, FloatArray] | None = None

    @classmethod
    def _from_layers(cls, layers: Layers) -> Network:
        """Build from what an importer read."""
        net = cls(
            layers.weights,
            layers.biases,
            activation=[Activation(*a) for a in layers.activations],
            output_activation=Activation(*layers.output_activation),
        )
        net._outputs = layers.outputs
        if layers.input_box is not None:
            lower, upper = layers.input_box
            net._box = (_frozen(real_array(lower, "lower", 1)), _frozen(real_array(upper, "upper", 1)))
        return net

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """Weight matrices W^(1), ..., W^(L+1), read-only."""
        return self._arrays[0]

    @property
    def biases(self) -> tuple[FloatArray, ...]:
        """Bias vectors b^(1), ..., b^(L+1), read-only."""
        return self._arrays[1]

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Activations of the hidden layers."""
        return tuple(self._activation(l) for l in range(1, self.depth + 1))

    @property
    def output_activation(self) -> Activation:
        """Activation of the outputs."""
        return self._activation(self.depth + 1)

    @property
    def depth(self) -> int:
        """Number L of hidden layers."""
        return len(self.weights) - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of neurons (d, N_1, ..., N_L, m)."""
        return (self.weights[0].shape[1], *(len(w) for w in self.weights))

    @property
    def n_neurons(self) -> int:
        """Number N_1 + ... + N_L of hidden neurons."""
        return sum(self.widths[1:-1])

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(w.size for w in self.weights) + sum(b.size for b in self.biases)

    @property
    def max_weights(self) -> tuple[float, ...]:
        """Largest |weight| of each layer (w_1, ..., w_{L+1}); biases are not included."""
        return tuple(float(np.abs(w).max()) for w in self.weights)

    @property
    def lipschitz(self) -> tuple[float, ...]:
        """Lipschitz constants (K_1, ..., K_L) of the hidden activations."""
        return tuple(a.lipschitz for a in self.activations)

    @property
    def outputs(self) -> Outputs:
        """"values", or "logits" where a trailing softmax was taken off by an importer."""
        return self._outputs

    @property
    def input_box(self) -> tuple[FloatArray, FloatArray] | None:
        """Lower and upper ends of the inputs that the file admits, or None."""
        return self._box

    # -- what it computes ----------------------------------------------------------------------------------------

    def forward(self, X: npt.ArrayLike, failed: Mapping[Component, float] | None = None) -> FloatArray:
        """Evaluate the network, optionally with failed components.

        This is the canonical evaluation: each input is computed on its own in a fixed order, so results do not
        depend on the batch, on threads or on the machine's instruction set.

        Parameters
        ----------
        X : array_like, shape (n, d) or (d,)
            Inputs.
        failed : mapping, optional
            ``{(layer, neuron): transmitted value}``; for a synapse ``{(layer, to, from): value}``, the value that
            replaces weight * signal.

        Returns
        -------
        ndarray, shape (n, m) or (m,)

        Raises
        ------
        TypeError
            If `X` or a value is not real.
        ValueError
            If `X` has the wrong width, is not finite or outside `input_box`, or a component does not exist.
        """
        rows, single = self._inputs(X)
        forced = self._forced(failed)
        some = max(1, _UNHEARD // sum(w.size for w in self.weights))
        parts = [rows[i : i + some] for i in range(0, max(1, len(rows)), some)]  # Ctrl-C is heard between them
        out = np.concatenate([_core.forward_batch(self._core, part, forced) for part in parts])
        return out[0] if single else out

    def trace(self, X: npt.ArrayLike, failed: Mapping[Component, float] | None = None) -> tuple[FloatArray, ...]:
        """Return what every layer transmits: arrays y^(0), ..., y^(L+1) of shapes (n, N_l), or (N_l,) for 1-D input.

        Parameters and errors as in `forward`.
        """
        rows, single = self._inputs(X)
        forced = self._forced(failed)
        traces = [_core.trace(self._core, row, forced) for row in rows]
        layers = [np.array([t[l] for t in traces]).reshape(len(rows), w) for l, w in enumerate(self.widths)]
        return tuple(y[0] for y in layers) if single else tuple(layers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an .npz file (no pickle inside); `withstand.load` reads it back equal."""
        from withstand.importers.npz import save_npz

        save_npz(self._layers(), as_path(path, "path"))

    # -- Python's protocols --------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        same_box = (self._box is None) == (other._box is None) and (
            self._box is None or other._box is None or all(map(np.array_equal, self._box, other._box))
        )
        return bool(self._core == other._core) and self._outputs == other._outputs and same_box

    def __hash__(self) -> int:
        return hash((self.widths, self.weights[-1].tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._layers(),)

    def __repr__(self) -> str:
        names = [a.name for a in self.activations]
        hidden = names[0] if len(set(names)) == 1 else ", ".join(names)
        output = "" if self.output_activation.name == "identity" else f", output {self.output_activation.name}"
        widths = "-".join(map(str, self.widths))
        return f"Network({widths}, {hidden}{output}, {self.n_parameters:,} parameters)"

    # -- helpers -------------------------------------------------------------------------------------------------

    def _activation(self, layer: int) -> Activation:
        core = self._core.activation(layer)
        return Activation(core.name, core.gain, core.slope)

    def _layers(self) -> Layers:
        from withstand.importers.layers import Layers, Phi

        *hidden, output = (Phi(a.name, a.gain, a.slope) for a in (*self.activations, self.output_activation))
        return Layers(self.weights, self.biases, tuple(hidden), output, self._outputs, self._box)

    def _inputs(self, X: npt.ArrayLike, name: str = "X") -> tuple[FloatArray, bool]:
        """Return `X` as rows of inputs, and whether it was a single one."""
        array = real_array(X, name)
        if array.ndim not in (1, 2):
            raise ValueError(f"{name} must have shape (n, {self.widths[0]}) or ({self.widths[0]},), got {array.shape}")
        rows = array[None] if array.ndim == 1 else array
        if rows.shape[1] != self.widths[0]:
            raise ValueError(f"{name} has {rows.shape[1]} columns, the network takes {self.widths[0]} inputs")
        if self._box is not None:
            self._check_box(rows)
        return rows, array.ndim == 1

    def _check_box(self, rows: FloatArray) -> None:
        assert self._box is not None
        lower, upper = self._box
        for n, i in np.argwhere((rows < lower) | (rows > upper))[:1]:
            raise ValueError(f"input {n}: entry {i} is {rows[n, i]}, the file admits [{lower[i]}, {upper[i]}]")

    def _forced(self, failed: Mapping[Component, float] | None) -> list[_core.Forced]:
        if failed is None:
            return []
        if not isinstance(failed, Mapping):
            raise TypeError(f"failed must be a mapping from components to values, got {shown(failed)}")
        named = {named_component(component): value for component, value in failed.items()}
        values = {c: finite(named[c], f"failed component {c}: transmitted value") for c in sorted(named)}
        return [_core.Forced(_core.Site(*component), value) for component, value in values.items()]


def _parts(value: Any, name: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of arrays, one per layer, got {shown(value)}")
    return list(value)


def as_network(net: object) -> Network:
    """Return what is a network, and refuse anything else."""
    if not isinstance(net, Network):
        raise TypeError(f"net must be a withstand.Network, got {shown(net)}")
    return net


def _frozen(array: FloatArray) -> FloatArray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _rebuild(layers: Layers) -> Network:
    return Network._from_layers(layers)
