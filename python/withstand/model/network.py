# SPDX-License-Identifier: MIT
"""The network: what computes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import as_path, real_array, shown
from withstand._types import FloatArray
from withstand.model.activations import Activation, ActivationLike
from withstand.model.construction import chain, of_layers, parts, refuse_unheard, shape_of
from withstand.model.facts import Facts, Outputs
from withstand.model.forcing import Failed, Forcing
from withstand.model.formats import Format
from withstand.model.graph import Layer
from withstand.model.layout import Layout
from withstand.model.maps import Shape
from withstand.model.quantisation import Quantisation
from withstand.model.rounded import Scales, rounded

if TYPE_CHECKING:
    from withstand.importers.graph import Graph
    from withstand.importers.layers import Layers

_UNHEARD = 20_000_000  # products of one call of the core


class Network(Facts):
    """A feed-forward network, immutable: a chain y^(l) = phi_l(W^(l) y^(l-1) + b^(l)), or a graph of layers.

    Layers are numbered as in the paper: 0 the inputs, 1..L the hidden layers, L+1 the outputs; neurons from 0. Layers
    of a graph that cannot fail are not numbered.

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
    layers : sequence of Layer, optional
        A graph instead: every layer reads some of those before it, the last one holds the outputs.
    shape : tuple of int, optional
        Shape of the inputs of a graph.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or both a chain and a graph are given.
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

    A residual connection: the second layer reads the first one twice over, through weights and as it is.

    >>> layers = [ws.Layer([(0, [[1.0], [2.0]])]), ws.Layer([(1, [[1.0, 0.0], [0.0, 1.0]]), (0, [[1.0], [1.0]])]),
    ...           ws.Layer([(2, [[1.0, -1.0]])], activation="identity")]
    >>> ws.Network(layers=layers, shape=(1,)).forward([3.0])
    array([-3.])
    """

    __slots__ = ()

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike] | None = None,
        biases: Sequence[npt.ArrayLike | None] | None = None,
        *,
        activation: ActivationLike | Sequence[ActivationLike] = "relu",
        output_activation: ActivationLike = "identity",
        layers: Sequence[Layer] | None = None,
        shape: Sequence[int] | None = None,
    ) -> None:
        self._outputs, self._box, self._layout, self._arrays, self._names = "values", None, None, None, ()
        self._chain, self._quantisation = None, None
        self._judged = None
        if (weights is None) == (layers is None):
            raise TypeError("a network is made of weights, or of layers and the shape of its inputs")
        if layers is not None:
            refuse_unheard("layers", biases=biases, activation=activation, output_activation=output_activation)
            self._layout = Layout(of_layers(layers), shape_of(shape))
            self._core = self._layout.core()
        else:
            refuse_unheard("weights", shape=shape)
            self._core = chain(parts(weights, "weights"), biases, activation, output_activation)
        if self._core.is_dense:  # read-only views: weights are held once, by the core
            numbers = range(1, self._core.layers + 1)
            self._arrays = (tuple(map(self._core.weight, numbers)), tuple(map(self._core.bias, numbers)))

    @classmethod
    def _from_layers(cls, layers: Layers) -> Network:
        """Build from what an importer read."""
        net = cls(
            layers.weights,
            layers.biases,
            activation=[Activation(*a) for a in layers.activations],
            output_activation=Activation(*layers.output_activation),
        )
        net._outputs, net._names, net._quantisation = layers.outputs, layers.names, layers.quantisation
        if layers.input_box is not None:
            lower, upper = layers.input_box
            net._box = (_frozen(real_array(lower, "lower", 1)), _frozen(real_array(upper, "upper", 1)))
        return net

    @classmethod
    def _from_graph(cls, graph: Graph) -> Network:
        """Build from what an importer read."""
        net = cls(layers=graph.layers, shape=graph.shape)
        net._outputs, net._quantisation = graph.outputs, graph.quantisation
        if graph.input_box is not None:
            lower, upper = graph.input_box
            net._box = (_frozen(real_array(lower, "lower", 1)), _frozen(real_array(upper, "upper", 1)))
        return net

    # -- what it computes ----------------------------------------------------------------------------------------

    def forward(self, X: npt.ArrayLike, failed: Failed = None) -> FloatArray:
        """Evaluate the network, optionally with failed components.

        This is the canonical evaluation: each input is computed on its own in a fixed order, so results do not
        depend on the batch, on threads or on the machine's instruction set.

        Parameters
        ----------
        X : array_like, shape (n, d) or (d,)
            Inputs.
        failed : mapping or Witness, optional
            ``{(layer, neuron): transmitted value}``; for a synapse ``{(layer, to, from): value}``, the value that
            replaces weight * signal; for a parameter ``{(layer, name, index): value}``, what replaces it.

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
        forcing = Forcing(self, failed)
        some = max(1, _UNHEARD // max(1, int(self._core.cost)))
        parts = [rows[i : i + some] for i in range(0, max(1, len(rows)), some)]  # Ctrl-C is heard between them
        with self._naming():
            out = np.concatenate([forcing.outputs(part) for part in parts])
        return out[0] if single else out

    def trace(self, X: npt.ArrayLike, failed: Failed = None) -> tuple[FloatArray, ...]:
        """Return what every layer transmits: arrays y^(0), ..., y^(L+1) of shapes (n, N_l), or (N_l,) for 1-D input.

        Parameters and errors as in `forward`.
        """
        rows, single = self._inputs(X)
        forcing = Forcing(self, failed)
        with self._naming():
            traces = [forcing.trace(row) for row in rows]
        widths = zip(self._places(), self.widths)  # behind the neurons of a layer the core has wires
        layers = [np.array([t[place][:width] for t in traces]).reshape(len(rows), width) for place, width in widths]
        return tuple(y[0] for y in layers) if single else tuple(layers)

    def rounded(self, format: str | Format, scale: Scales = None) -> Network:
        """Return the network whose stored weights and biases are words of a number format; `formats` tells which.

        Parameters
        ----------
        format : str or Format
            A name as `Format` takes it; or a format with its scale and zero point, for the weights of all layers.
        scale : float, or sequence with one entry per layer 1..L+1, optional
            Of integers; an entry may be an array with one scale per neuron or output channel. By default
            max |weight| / (2^(n-1) - 1) of each layer. What a stage that cannot fail stores belongs to the next layer.

        Returns
        -------
        Network
            Weights are the nearest words. Biases are words of the float format; beside integers they are int32, with
            the scale max |bias| / (2^31 - 1) of their layer.

        Raises
        ------
        TypeError, ValueError
            For an unknown name, scales that do not fit, or a number beyond the format's largest float.

        Examples
        --------
        >>> import withstand as ws
        >>> net = ws.Network([[[1.0], [0.3]], [[1.0, -1.0]]]).rounded("int4")
        >>> net.weights[0].ravel() * 7, net.formats[0].weight.name
        (array([7., 2.]), 'int4')
        """
        layers, found = rounded(self, format, scale)
        if self._layout is not None:
            return _rebuild_graph(layers, self._layout.shapes[0], self._outputs, self._box, found)
        words = tuple(np.asarray(layer.reads[0][1]) for layer in layers)
        biases = tuple(np.asarray(layer.bias) for layer in layers)
        return Network._from_layers(replace(self._layers(), weights=words, biases=biases, quantisation=found))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an .npz file (no pickle inside); `withstand.load` reads it back equal."""
        from withstand.importers.npz import save_npz
        from withstand.importers.npz_graph import save_graph

        if self._layout is None:
            save_npz(self._layers(), as_path(path, "path"))
        else:
            save_graph(self, as_path(path, "path"))

    # -- Python's protocols --------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        same_box = (self._box is None) == (other._box is None) and (
            self._box is None or other._box is None or all(map(np.array_equal, self._box, other._box))
        )
        same = self._outputs == other._outputs and same_box and self.shapes == other.shapes
        return same and bool(self._core == other._core)

    def __hash__(self) -> int:
        return hash((self.widths, self._core.bias(self._core.layers).tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        state = () if self._judged is None else ((None, {"_judged": self._judged}),)
        if self._layout is None:
            return _rebuild, (self._layers(),), *state
        shape = self._layout.shapes[0]
        return _rebuild_graph, (self._layout.given, shape, self._outputs, self._box, self._quantisation), *state

    def __repr__(self) -> str:
        names = [a.name for a in self.activations]
        hidden = ", ".join(names[:1] if len(set(names)) == 1 else names)
        output = "" if self.output_activation.name == "identity" else f", output {self.output_activation.name}"
        widths = "-".join("x".join(map(str, shape)) for shape in self.shapes)
        return f"Network({widths}, {hidden}{output}, {self.n_parameters:,} parameters)"

    # -- helpers -------------------------------------------------------------------------------------------------

    def _layers(self) -> Layers:
        from withstand.importers.layers import Layers, Phi

        *hidden, output = (Phi(a.name, a.gain, a.slope) for a in (*self.activations, self.output_activation))
        return Layers(
            self.weights, self.biases, tuple(hidden), output, self._outputs, self._box, self._names, self._quantisation
        )


def as_network(net: object) -> Network:
    """Return what is a network, and refuse anything else."""
    if not isinstance(net, Network):
        advice = "; withstand.load reads it from a file" if isinstance(net, (str, os.PathLike)) else ""
        raise TypeError(f"net must be a withstand.Network, got {shown(net)}{advice}")
    return net


def as_chain(net: object, what: str) -> Network:
    """Return what is a chain of matrices, and refuse a graph: `what` says what is found for chains alone."""
    found = as_network(net)
    if found.is_graph:
        raise ValueError(f"{what} chains of dense layers, and this network is a graph or convolutional")
    return found


def _frozen(array: FloatArray) -> FloatArray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _rebuild_graph(
    layers: Sequence[Layer], shape: Shape, outputs: Outputs, box: Any, quantisation: Quantisation | None = None
) -> Network:
    net = Network(layers=layers, shape=shape)
    net._outputs, net._box, net._quantisation = outputs, box, quantisation
    return net


def _rebuild(layers: Layers) -> Network:
    return Network._from_layers(layers)
