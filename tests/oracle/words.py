# SPDX-License-Identifier: MIT
"""Networks as lists of layers, with every stored number in its place; imports nothing from the package.

A map is a matrix, a `Conv`, a `Select`, or None: the source itself. Layers that may fail are numbered 1, 2, ..., the
outputs come last; a place counts all layers. A parameter is (layer, name, index), as users name it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import formats
from .activations import Activation

Shape = tuple[int, ...]
Parameter = tuple[int, str, tuple[int, ...]]
#: Where a parameter is used: at (read, to, from) in a layer's matrices, or at (to,) in its biases.
Places = list[tuple[int, ...]]


@dataclass(frozen=True)
class Conv:
    """Channels lie on axis 0 or -1; paddings are pairs."""

    kernel: np.ndarray
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int = 1
    channel_axis: int = 0


@dataclass(frozen=True)
class Select:
    index: np.ndarray
    weight: np.ndarray | None = None


@dataclass(frozen=True)
class Layer:
    """`stored_as` and `bias_as`: format and scale (one, or one per channel) that a file tells, or None."""

    reads: tuple[tuple[int, Any], ...]
    bias: np.ndarray | None
    activation: Activation
    may_fail: bool = True
    shape: Shape = ()
    name: str = ""
    stored_as: tuple[str, Any] | None = None
    bias_as: tuple[str, float] | None = None


def is_stored(kind: Any) -> bool:
    return kind is not None and not isinstance(kind, Select)


def expand(kind: Any, source: Shape) -> tuple[np.ndarray, Shape, dict[tuple[int, ...], list[tuple[int, int]]]]:
    """The matrix of a map, the shape of its result, and where each stored number is used: (to, from)."""
    size = math.prod(source)
    if kind is None:
        return np.eye(size), source, {}
    if isinstance(kind, Select):
        matrix = np.zeros((kind.index.size, size))
        for to, sender in enumerate(kind.index.reshape(-1)):
            if sender >= 0:
                matrix[to, sender] = 1.0 if kind.weight is None else kind.weight.reshape(-1)[to]
        return matrix, kind.index.shape, {}
    if not isinstance(kind, Conv):
        return kind.copy(), (len(kind),), {(j, i): [(j, i)] for j, i in np.ndindex(*kind.shape)}
    return _convolution(kind, source)


def _convolution(conv: Conv, source: Shape) -> Any:
    last = conv.channel_axis == -1
    image = source[:-1] if last else source[1:]
    out, each, *sizes = conv.kernel.shape
    result = tuple(
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, (before, after), k, d, s in zip(image, conv.padding, sizes, conv.dilation, conv.stride)
    )
    shape = (*result, out) if last else (out, *result)
    matrix = np.zeros((math.prod(shape), math.prod(source)))
    used: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for o, c in np.ndindex(out, each):
        channel = o // (out // conv.groups) * each + c
        for at in np.ndindex(*result):
            for entry in np.ndindex(*sizes):
                along = zip(at, conv.stride, conv.padding, entry, conv.dilation)
                read = [p * s - before + e * d for p, s, (before, _), e, d in along]
                if any(not 0 <= q < n for q, n in zip(read, image)):
                    continue
                to = np.ravel_multi_index((*at, o) if last else (o, *at), shape)
                sender = np.ravel_multi_index((*read, channel) if last else (channel, *read), source)
                matrix[to, sender] = conv.kernel[(o, c, *entry)]
                used.setdefault((o, c, *entry), []).append((int(to), int(sender)))
    return matrix, shape, used


class Net:
    """A list of layers behind inputs of a shape; `dense`: a chain, which stores biases also where none are given."""

    def __init__(self, layers: list[Layer], shape: Shape) -> None:
        self.layers, self.inputs = layers, shape
        self.shapes = [shape]
        self.matrices: list[list[np.ndarray]] = [[]]
        self.used: list[list[dict[tuple[int, ...], list[tuple[int, int]]]]] = [[]]
        for layer in layers:
            parts = [expand(kind, self.shapes[source]) for source, kind in layer.reads]
            self.shapes.append(layer.shape or parts[0][1])
            self.matrices.append([part[0] for part in parts])
            self.used.append([part[2] for part in parts])
        hidden = [p for p, layer in enumerate(layers, 1) if layer.may_fail and p < len(layers)]
        self.places = [0, *hidden, len(layers)]  # of layers 0, 1, ..., L+1

    @property
    def depth(self) -> int:
        return len(self.places) - 2

    def width(self, number: int) -> int:
        return math.prod(self.shapes[self.places[number]])

    def number(self, place: int) -> int | None:
        return self.places.index(place) if place in self.places else None

    def owner(self, place: int) -> int:
        """The layer whose parameters those of a stage are: the next one that may fail, or the outputs."""
        return next(n for n, other in enumerate(self.places) if other >= place)

    # -- components ----------------------------------------------------------------------------------------------

    def neurons(self) -> list[tuple[int, int]]:
        return [(n, i) for n in range(1, self.depth + 1) for i in range(self.width(n))]

    @cached_property
    def synapses(self) -> dict[tuple[int, int, int], tuple[int, int, int, int]]:
        """Products of stored weights, (layer, to, from) with from through all reads: (place, read, to, sender)."""
        found = {}
        for number, place in enumerate(self.places[1:], 1):
            before = 0
            for n, (source, _) in enumerate(self.layers[place - 1].reads):
                for to, sender in itertools.chain(*self.used[place][n].values()):
                    found[(number, to, before + sender)] = (place, n, to, sender)
                before += math.prod(self.shapes[source])
        return found

    @cached_property
    def parameters(self) -> dict[Parameter, tuple[int, Places, float]]:
        """Place, uses and value of every stored number that some receiver hears; biases are named "bias"."""
        found = {}
        for place, layer in enumerate(self.layers, 1):
            before = "" if self.number(place) is not None else f"{layer.name or f'stage{place}'}."
            for n, (_, kind) in enumerate(layer.reads):
                array = kind.kernel if isinstance(kind, Conv) else kind
                name = before + ("weight" if len(layer.reads) == 1 else f"weight_{n}")
                for index, pairs in self.used[place][n].items():
                    uses: Places = [(n, to, sender) for to, sender in pairs]
                    found[(self.owner(place), name, index)] = (place, uses, float(array[index]))
            for index, uses in self._biases(place).items():
                assert layer.bias is not None
                found[(self.owner(place), before + "bias", index)] = (place, uses, float(layer.bias[index]))
        return found

    def _biases(self, place: int) -> dict[tuple[int, ...], Places]:
        layer, shape = self.layers[place - 1], self.shapes[place]
        if layer.bias is None or not (layer.may_fail or any(is_stored(kind) for _, kind in layer.reads)):
            return {}
        found: dict[tuple[int, ...], Places] = {}
        own = np.arange(layer.bias.size).reshape(layer.bias.shape)
        spread = own.reshape(shape) if own.size == math.prod(shape) else self.channels(place).reshape(shape)
        for to, entry in enumerate(spread.reshape(-1)):
            index = tuple(int(i) for i in np.unravel_index(entry, layer.bias.shape))
            found.setdefault(index, []).append((to,))
        return found

    def channels(self, place: int) -> np.ndarray:
        """The channel of every neuron of a place: its feature map, where it has any, else the neuron itself."""
        shape, axes = self.shapes[place], self.channel_axes(place)
        if len(axes) != 1:
            return np.arange(math.prod(shape))
        return np.indices(shape)[axes.pop()].reshape(-1)

    def channel_axes(self, place: int) -> set[int]:
        """Axes of the convolutions that a place reads, or of what it reads through multiples of the identity."""
        if place == 0:
            return set()
        layer, shape = self.layers[place - 1], self.shapes[place]
        if axes := {kind.channel_axis for _, kind in layer.reads if isinstance(kind, Conv)}:
            return axes
        found: set[int] = set()
        for source, kind in layer.reads:
            moved = isinstance(kind, Select) and not np.array_equal(kind.index.ravel(), np.arange(kind.index.size))
            if is_stored(kind) or moved or self.shapes[source] != shape:
                return set()
            behind = self.channel_axes(source)
            found |= behind if len(behind) == 1 else set()
        return found

    def intact_bias(self, place: int) -> np.ndarray:
        bias, shape = self.layers[place - 1].bias, self.shapes[place]
        if bias is None:
            return np.zeros(math.prod(shape))
        if bias.size == math.prod(shape):
            return bias.reshape(-1).copy()
        return bias[self.channels(place)]

    # -- words ---------------------------------------------------------------------------------------------------

    def weight_scale(self, place: int, name: str, given: Any, channel: int) -> float:
        """The scale of a stage's weights: as it is given, else as the file says, else by the largest of them."""
        layer = self.layers[place - 1]
        if given is not None:
            return _of_channel(given if isinstance(given, float) else given[self.owner(place) - 1], channel)
        if layer.stored_as is not None and layer.stored_as[0] == name:
            return _of_channel(layer.stored_as[1], channel)
        arrays = [k.kernel if isinstance(k, Conv) else k for _, k in layer.reads if is_stored(k)]
        return fitted(name, max(float(np.abs(a).max()) for a in arrays))

    def bias_word(self, place: int, name: str) -> tuple[str, float]:
        layer = self.layers[place - 1]
        assert layer.bias is not None
        return layer.bias_as or (name, fitted(name, float(np.abs(layer.bias).max())))


def fitted(name: str, largest: float) -> float:
    """The scale with which the largest word is the largest number."""
    if formats.is_float(name) or largest == 0:
        return 1.0
    return largest / (2 ** (formats.BITS[name] - (not name.startswith("u"))) - 1)


def _of_channel(scale: Any, channel: int) -> float:
    return float(scale) if np.ndim(scale) == 0 else float(scale[channel])
