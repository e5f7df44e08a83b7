# SPDX-License-Identifier: MIT
"""What is known of a network: layers, widths, parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._coerce import real_array
from withstand._core import Site
from withstand._types import Component, FloatArray
from withstand.model.activations import Activation
from withstand.model.graph import Layer
from withstand.model.layout import LayerFacts, Layout, stored, stored_shapes
from withstand.model.maps import Shape
from withstand.model.parameters import named
from withstand.model.quantisation import LayerFormat, Quantisation

Outputs = Literal["values", "logits"]


class Facts:
    """What `Network` tells of itself; the core holds the numbers."""

    __slots__ = ("_arrays", "_box", "_chain", "_core", "_judged", "_layout", "_names", "_outputs", "_quantisation")
    _core: _core.Network
    _arrays: tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]] | None
    _layout: Layout | None
    _chain: Layout | None  # of a chain of matrices, once somebody has asked
    _names: tuple[str, ...]  # of a chain's layers 1..L+1, or none
    _judged: tuple[bool, bool] | None  # made for a decision: with negated outputs, and with a second output
    _outputs: Outputs
    _box: tuple[FloatArray, FloatArray] | None
    _quantisation: Quantisation | None

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """Weight matrices W^(1), ..., W^(L+1), read-only. Graphs have none (ValueError): see `layers`."""
        return self._matrices("weights")[0]

    @property
    def biases(self) -> tuple[FloatArray, ...]:
        """Bias vectors b^(1), ..., b^(L+1), read-only. Graphs have none (ValueError): see `layers`."""
        return self._matrices("biases")[1]

    @property
    def layers(self) -> tuple[LayerFacts, ...]:
        """What is known of the layers 1..L that may fail, and of the outputs."""
        return self._described().facts()

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Activations of the hidden layers."""
        return tuple(map(self._activation, self._places()[1:-1]))

    @property
    def output_activation(self) -> Activation:
        """Activation of the outputs."""
        return self._activation(self._places()[-1])

    @property
    def depth(self) -> int:
        """Number L of hidden layers that may fail."""
        return len(self._places()) - 2

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of neurons (d, N_1, ..., N_L, m)."""
        return tuple(map(self._core.own, self._places()))

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of the inputs, of the layers that may fail and of the outputs; neurons are numbered in C order."""
        if self._layout is None:
            return tuple((width,) for width in self.widths)
        return tuple(self._layout.shapes[place] for place in self._layout.places)

    @property
    def n_neurons(self) -> int:
        """Number N_1 + ... + N_L of hidden neurons that may fail."""
        return sum(self.widths[1:-1])

    @property
    def n_synapses(self) -> int:
        """Number of synapses: products of a stored weight and a signal. A convolution has many for each weight."""
        return int(self._core.synapses)

    @property
    def n_weights(self) -> int:
        """Number of stored weights; a convolution stores its kernel."""
        return self._stored("weight")

    @property
    def n_parameters(self) -> int:
        """Number of stored weights and biases."""
        return self._stored("weight") + self._stored("bias")

    @property
    def nbytes(self) -> int:
        """Memory that weights, biases and the maps between layers take in the core."""
        return int(self._core.bytes)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that determines the function."""
        from withstand.model.fingerprint import fingerprint

        return fingerprint(self)

    @property
    def is_graph(self) -> bool:
        """Whether it is no chain of matrices: layers read several earlier ones, or convolve, or cannot fail."""
        return self._arrays is None

    @property
    def max_weights(self) -> tuple[float, ...]:
        """Largest |weight| of each layer (w_1, ..., w_{L+1}) of a chain; biases are not included."""
        return tuple(float(np.abs(w).max()) for w in self.weights)

    @property
    def lipschitz(self) -> tuple[float, ...]:
        """Lipschitz constants (K_1, ..., K_L) of the hidden activations of a chain."""
        self._matrices("lipschitz")
        return tuple(a.lipschitz for a in self.activations)

    @property
    def outputs(self) -> Outputs:
        """"values", or "logits" where a trailing softmax was taken off by an importer."""
        return self._outputs

    @property
    def input_box(self) -> tuple[FloatArray, FloatArray] | None:
        """Lower and upper ends of the inputs that the file admits, or None."""
        return self._box

    @property
    def formats(self) -> tuple[LayerFormat, ...] | None:
        """Number formats of layers 1..L+1 of a quantised or `rounded` network, else None."""
        return None if self._quantisation is None else self._quantisation.per_layer(self._described())

    @property
    def noise(self) -> tuple[float, ...] | None:
        """How far the roundings of a quantised file move signals, as `Noise` takes it; None of other networks.

        One amplitude for the inputs and one for every layer before the outputs, those that cannot fail included.
        """
        return None if self._quantisation is None else self._quantisation.noise

    @property
    def output_rounding(self) -> float | None:
        """How far roundings behind the last neurons move the outputs of a quantised file; None of other networks."""
        return None if self._quantisation is None else self._quantisation.output_rounding

    # -- helpers -------------------------------------------------------------------------------------------------

    def _inputs(self, X: npt.ArrayLike, name: str = "X") -> tuple[FloatArray, bool]:
        """Return `X` as rows of inputs, and whether it was a single one."""
        width = self.widths[0]
        _refuse_parts(X, name, width)
        array = real_array(X, name)
        if array.ndim not in (1, 2):
            held = math.prod(array.shape[1:])
            advice = f"; flatten: {name}.reshape(len({name}), -1)" if array.ndim > 2 and held == width else ""
            if array.ndim > 2 and held < width:
                advice = "; a row holds every input of the network, each flattened, one behind the other"
            raise ValueError(f"{name} must have shape (n, {width}) or ({width},), got {array.shape}{advice}")
        rows = array[None] if array.ndim == 1 else array
        if rows.shape[1] != self.widths[0]:
            one = array.ndim == 2 and array.size == self.widths[0]
            advice = f"; if it is one input, flatten: {name}.reshape(1, -1)" if one else ""
            raise ValueError(f"{name} has {rows.shape[1]} columns, the network takes {self.widths[0]} inputs{advice}")
        if self._box is not None:
            self._check_box(rows)
        return rows, array.ndim == 1

    def _check_box(self, rows: FloatArray) -> None:
        assert self._box is not None
        lower, upper = self._box
        for n, i in np.argwhere((rows < lower) | (rows > upper))[:1]:
            raise ValueError(f"input {n}: entry {i} is {rows[n, i]}, the file admits [{lower[i]}, {upper[i]}]")

    def _activation(self, layer: int) -> Activation:
        core = self._core.activation(layer)
        return Activation(core.name, core.gain, core.slope)

    def _places(self) -> tuple[int, ...]:
        """Where the core has the layers 0..L+1."""
        return tuple(range(self._core.layers + 1)) if self._layout is None else self._layout.places

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Let refusals of the core speak of the layers, and of the words, that users know."""
        try:
            yield
        except ValueError as error:
            said = str(error) if self._layout is None else self._layout.told(str(error))
            raise type(error)(self._of_words(said)) from error

    def _of_words(self, message: str) -> str:
        """Return a refusal of what is no word: of words that a network states, rounding it again is no advice."""
        known = {form.name for layer in self.formats or () for form in (layer.weight,) if form is not None}
        if not known:
            return message
        own = " or ".join(f"format={name!r}" for name in sorted(known))
        advice = f"the network states its own words: ask with {own} and without scale"
        return re.sub(r"flip the bits of net\.rounded\('\w+'\), whose parameters are", advice, message)

    def _place(self, component: Component) -> Site:
        """Return a component as the core names it."""
        return Site(*(component if self._layout is None else self._layout.place(self._core, component)))

    def _component(self, layer: int, to: int, source: int) -> Any:
        """Return what the core names (source -1: a neuron) as users do."""
        if source >= _core.parameters:
            return named(self._described(), self._core, layer, to, source - _core.parameters)
        if self._layout is not None:
            return self._layout.component(self._core, layer, to, source)
        return (layer, to) if source < 0 else (layer, to, source)

    def _values(self, found: Mapping[Component, float]) -> dict[Any, float]:
        """Return what failed components send, which the core names, by the names that users have for them."""
        named = {self._component(*(*component, -1)[:3]): value for component, value in found.items()}
        return {component: self._told(component, value) for component, value in named.items()}

    def _told(self, component: Any, value: float) -> float:
        """Return what an output's synapse delivers as the network delivers it whose outputs were negated, or back."""
        turned = self._judged is not None and self._judged[0] and component[0] == self.depth + 1
        return 0.0 - value if turned and len(component) == 3 and not isinstance(component[1], str) else value

    def _judged_output(self, output: int) -> int:
        """Return the output that a network has which was given a second one."""
        return 0 if self._judged is not None and self._judged[1] else output

    def _judged_outputs(self, values: FloatArray) -> FloatArray:
        """Return what is said of every output, of a network that was given a second one: of the other class."""
        return values.max(keepdims=True) if self._judged is not None and self._judged[1] else values

    def _described(self) -> Layout:
        known = self._chain if self._layout is None else self._layout
        if known is not None:
            return known
        phis = (*self.activations, self.output_activation)
        parts = zip(self.weights, self.biases, phis, self._names or ("",) * len(phis), strict=True)
        layers = [Layer([(l, w)], b, phi, name=name) for l, (w, b, phi, name) in enumerate(parts)]
        self._chain = Layout(layers, self.widths[:1])
        return self._chain

    def _largest_weights(self) -> tuple[float, ...]:
        """Largest |weight| of what each layer 1..L+1 stores; 0 where it stores none."""
        layout = self._described()
        stages = ([*layout.stages(place), place] for place in layout.places[1:])
        reads = ([kind for stage in found for _, kind in layout.given[stage - 1].reads] for found in stages)
        parts = ([float(np.abs(part).max()) for kind in found for part in stored(kind)] for found in reads)
        return tuple(max(found, default=0.0) for found in parts)

    def _stored(self, what: str) -> int:
        facts = self._described()
        shapes = [shape for layer in facts.given for shape in stored_shapes(layer, what)]
        return sum(math.prod(shape) for shape in shapes)

    def _matrices(self, name: str) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
        if self._arrays is None:
            raise ValueError(f"{name}: this network is a graph or convolutional, no chain of matrices; see net.layers")
        return self._arrays


def _refuse_parts(X: Any, name: str, width: int) -> None:
    """Say how rows are made of several tensors, where these are given instead."""
    if not isinstance(X, tuple | list | dict):
        return
    shapes: list[tuple[int, ...]] = [getattr(part, "shape", ()) for part in (X.values() if isinstance(X, dict) else X)]
    if len(shapes) < 2 or min(map(len, shapes)) < 2 or len({shape[0] for shape in shapes}) > 1:
        return
    if sum(math.prod(shape[1:]) for shape in shapes) == width:
        parts = f"{name}.values()" if isinstance(X, dict) else name
        raise ValueError(
            f"{name} is {len(shapes)} tensors, expected are rows of shape (n, {width}): "
            f"np.concatenate([t.reshape(len(t), -1) for t in {parts}], axis=1), in the order in which the network "
            "takes its inputs"
        )
