# SPDX-License-Identifier: MIT
"""How the layers that users speak of lie among those of the core, which has layers that cannot fail as well."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from withstand import _core
from withstand._types import Component, FloatArray
from withstand.model.activations import Activation
from withstand.model.graph import Layer, shapes_of, stored_bias
from withstand.model.held import shared, shared_indices
from withstand.model.maps import Conv, Map, Select, Shape, in_order

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class LayerFacts:
    """What `Network.layers` says of a layer.

    Attributes
    ----------
    name : str
        What the file calls it; empty where nothing does.
    kind : {"dense", "conv", "select", "add"}
        What it reads with: a matrix, a convolution; slices and the like, or its sources as they are. Where only a
        range is clipped behind a matrix or a convolution that cannot fail itself, that is meant.
    shape : tuple of int
        Of what it transmits; neurons are numbered in C order.
    channel_axis : int or None
        The axis of `shape` that holds channels, where the layer reads convolutions, or, entry by entry, what does: the
        sum of a shortcut and a convolution, say.
    reads : tuple of int
        The nearest layers before it that may fail, or 0 for the inputs.
    parameters : dict of str to tuple of int
        Shapes of the stored weights and biases, by name; "stage.weight" are those of stages before it that cannot fail.
    activation : Activation
    """

    name: str
    kind: str
    shape: Shape
    channel_axis: int | None
    reads: tuple[int, ...]
    parameters: dict[str, Shape]
    activation: Activation


class Layout:
    """The layers of a graph: those that may fail are numbered 1..L, and the outputs L+1."""

    def __init__(self, layers: Sequence[Layer], inputs: Shape) -> None:
        self.given = tuple(layers)
        self.shapes = shapes_of(self.given, inputs)
        last = len(self.given)
        #: Places of the layers 0..L+1 in the graph.
        self.places = (0, *(n for n, layer in enumerate(self.given, 1) if layer.may_fail and n < last), last)
        self.numbers = {place: number for number, place in enumerate(self.places)}

    @cached_property
    def channel_axes(self) -> tuple[int | None, ...]:
        """The axis of every place that holds channels: of convolutions that it reads, or of what it reads as it is."""
        found: list[int | None] = [None]
        for layer, shape in zip(self.given, self.shapes[1:]):
            axes = {kind.channel_axis % len(shape) for _, kind in layer.reads if isinstance(kind, Conv)}
            if not axes and all(_in_place(kind, self.shapes[source], shape) for source, kind in layer.reads):
                axes = {axis for source, _ in layer.reads if (axis := found[source]) is not None}
            found.append(axes.pop() if len(axes) == 1 else None)
        return tuple(found)

    def core(self) -> _core.Network:
        """Return the network as the core takes it."""
        return _core.Network(math.prod(self.shapes[0]), [self._layer(n) for n in range(1, len(self.given) + 1)])

    def facts(self) -> tuple[LayerFacts, ...]:
        """Describe the layers 1..L+1."""
        return tuple(self._facts(place) for place in self.places[1:])

    def place(self, net: _core.Network, component: Component) -> tuple[int, ...]:
        """Return a component as the core names it, which counts senders through a whole layer, wires included."""
        layer, to, *source = component
        if layer >= len(self.places):
            return layer + len(self.given), to, *source  # there is no such layer, which the core tells
        place = self.places[layer]
        if not source:
            return place, to
        left = source[0]
        for read, _ in self._reads(place):
            size = math.prod(self.shapes[read])
            if left < size:
                return place, to, net.offset(place - 1, read) + left
            left -= size
        raise ValueError(f"component {component}: layer {layer} reads {source[0] - left} signals")

    def component(self, net: _core.Network, layer: int, to: int, source: int) -> Component:
        """Return what the core names as users do."""
        number = self.numbers[layer]
        if source < 0:
            return number, to
        before = 0
        for read, _ in self._reads(layer):
            size, first = math.prod(self.shapes[read]), net.offset(layer - 1, read)
            if first <= source < first + size:
                return number, to, before + source - first
            before += size
        raise AssertionError(f"no read of layer {layer} delivers signal {source}")

    def per_layer(self, values: Sequence[Number], synapses: bool) -> list[Number]:
        """Spread numbers, one for each layer, over the layers of the core: 0 for those that cannot fail."""
        places = self.places[1:] if synapses else self.places[1:-1]
        spread = [type(values[0])(0)] * (len(self.given) if synapses else len(self.given) - 1)
        for place, value in zip(places, values, strict=True):
            spread[place - 1] = value
        return spread

    def stages(self, place: int) -> range:
        """Return the stages that cannot fail whose parameters belong to the layer at a place: those just before it."""
        return range(self.places[self.numbers[place] - 1] + 1, place)

    def stage_name(self, place: int) -> str:
        """Return what a stage that cannot fail is called in the names of its parameters."""
        return self.given[place - 1].name or f"stage{place}"

    def told(self, message: str) -> str:
        """Return a refusal of the core, which counts stages too, in terms of the layers that users know."""
        ends = {len(self.given) - 1: len(self.places) - 2, len(self.given): len(self.places) - 1}
        message = re.sub(r"(?<=among names \()\d+|(?<=failed component \()\d+|(?<=\blayer )\d+",
                         lambda found: str(self._number(int(found[0]))), message)  # fmt: skip
        message = re.sub(r"(?<=layers \d )(\(inputs\) )?to (\d+)",
                         lambda found: f"{found[1] or ''}to {ends.get(int(found[2]), found[2])}", message)  # fmt: skip
        widths = " ".join(str(math.prod(self.shapes[place])) for place in self.places)
        return re.sub(r"(?<=layers have widths )[\d ]+(?= and)", widths, message)

    # -- helpers -------------------------------------------------------------------------------------------------

    def _number(self, place: int) -> int:
        """Return the layer to which a place belongs; beyond the last is what users named so."""
        if place > len(self.given):
            return place - len(self.given)
        return next(number for number, other in enumerate(self.places) if other >= place)

    def _reads(self, place: int) -> tuple[tuple[int, object], ...]:
        return self.given[place - 1].reads

    def _layer(self, place: int) -> _core.Layer:
        layer, shape = self.given[place - 1], self.shapes[place]
        reads = [(source, _map(kind, self.shapes[source])) for source, kind in layer.reads]
        try:
            values, each = stored_bias(layer, shape)
        except ValueError as error:
            raise ValueError(f"layer {place}: {error}") from None
        return _core.Layer(reads, _core.Bias(values, each, math.prod(shape)), layer.activation._core, layer.may_fail)

    def _facts(self, place: int) -> LayerFacts:
        layer = self.given[place - 1]
        parameters, kind = _parameters(layer), layer.kind
        for stage in reversed(self.stages(place)):
            found = _parameters(self.given[stage - 1])
            parameters |= {f"{self.stage_name(stage)}.{what}": size for what, size in found.items()}
            if found and len(layer.reads) == 1 and kind in ("select", "add"):
                kind = self.given[stage - 1].kind
        shape, axis, reads = self.shapes[place], self.channel_axes[place], self._nearest(place)
        return LayerFacts(layer.name, kind, shape, axis, reads, parameters, layer.activation)

    def _nearest(self, place: int) -> tuple[int, ...]:
        found: set[int] = set()
        for source, _ in self._reads(place):
            found |= {self.numbers[source]} if source in self.numbers else set(self._nearest(source))
        return tuple(sorted(found))


def _in_place(kind: Map, source: Shape, own: Shape) -> bool:
    """Whether every neuron of a layer reads the one in its own place, whatever the factor."""
    if source != own or isinstance(kind, Conv):
        return False
    entries = np.arange(math.prod(own))
    return kind is None or (isinstance(kind, Select) and np.array_equal(kind.index.reshape(-1), entries))


def _parameters(layer: Layer) -> dict[str, Shape]:
    """Return the shapes of what a stage stores, by name."""
    weights, several = stored_shapes(layer, "weight"), len(layer.reads) > 1
    names = [f"weight_{n}" if several else "weight" for n, (_, kind) in enumerate(layer.reads) if stored(kind)]
    return {**dict(zip(names, weights, strict=True)), **dict(zip(("bias",), stored_shapes(layer, "bias")))}


def stored(kind: Map) -> tuple[FloatArray, ...]:
    """Return the weights that a map stores."""
    if isinstance(kind, Conv):
        return (kind.kernel,)
    return (kind,) if isinstance(kind, np.ndarray) else ()


def stores_bias(layer: Layer) -> bool:
    """Whether a layer's biases are parameters, not the ends of a range that a stage without weights clips to."""
    return layer.may_fail or any(stored(kind) for _, kind in layer.reads)


def stored_shapes(layer: Layer, what: str) -> list[Shape]:
    """Return the shapes of a layer's stored arrays: of each "weight", or of its "bias"."""
    if what == "bias":
        return [layer.bias.shape] if layer.bias is not None and stores_bias(layer) else []
    return [array.shape for _, kind in layer.reads for array in stored(kind)]


def _map(kind: Map, source: Shape) -> _core.Affine | None:
    if kind is None:
        return None
    if isinstance(kind, Select):
        weight = np.empty(0) if kind.weight is None else kind.weight
        one = not any(weight.strides)  # in memory, for all receivers
        return _core.Selection(math.prod(source), shared_indices(kind.index), weight.reshape(-1)[: 1 if one else None])
    if not isinstance(kind, Conv):
        return _core.Dense(shared(kind))
    result, last = kind.shape(source), kind.channel_axis == -1
    images = zip(source[:-1], result[:-1]) if last else zip(source[1:], result[1:])
    axes = [
        _core.Axis(source=before, result=after, size=size, stride=stride, dilation=dilation, before=pad)
        for (before, after), size, stride, dilation, (pad, _) in zip(
            images, kind.kernel.shape[2:], kind.stride, kind.dilation, kind.padding
        )
    ]
    return _core.Convolution(shared(in_order(kind.kernel, kind.channel_axis)), kind.groups, axes, last)
