# SPDX-License-Identifier: MIT
"""Stored parameters as components: the names that users have for them, and the places that the core names them by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from withstand import _core
from withstand._coerce import shown, whole
from withstand._types import FloatArray, Weight
from withstand.model.failure_arguments import LARGEST
from withstand.model.layout import Layout, stored, stores_bias
from withstand.model.maps import Conv, Shape

#: How the core marks parameters among its components.
FIRST, BIAS = int(_core.parameters), int(_core.one)


def owner(layout: Layout, place: int) -> int:
    """Return the layer that a stage's parameters belong to: the next one that may fail, or the outputs."""
    return next(number for number, other in enumerate(layout.places) if other >= place)


def array_name(layout: Layout, place: int, what: str) -> str:
    """Return the name of a stored array: that of its stage comes first where the stage cannot fail."""
    if place in layout.numbers:
        return what
    return f"{layout.stage_name(place)}.{what}"


def weight_names(layout: Layout, place: int) -> list[tuple[str, int]]:
    """Return the names of the weights that a stage stores, each with the number of its read."""
    reads = layout.given[place - 1].reads
    several = len(reads) > 1
    found = (n for n, (_, kind) in enumerate(reads) if stored(kind))
    return [(array_name(layout, place, f"weight_{n}" if several else "weight"), n) for n in found]


def has_parameters(layout: Layout, place: int, biases: bool) -> bool:
    """Whether a stage stores weights, or, where they are asked about too, biases."""
    layer = layout.given[place - 1]
    return bool(weight_names(layout, place)) or (biases and layer.bias is not None and stores_bias(layer))


def named(layout: Layout, core: _core.Network, place: int, to: int, source: int) -> Weight:
    """Return the parameter of a place that receiver `to` hears sender `source` with, the core's numbers."""
    layer, number = layout.given[place - 1], owner(layout, place)
    if source == BIAS:
        assert layer.bias is not None
        return number, array_name(layout, place, "bias"), _bias_index(layout, place, to)
    for name, n in weight_names(layout, place):
        read, kind = layer.reads[n]
        first = core.offset(place - 1, read)
        if first <= source < first + math.prod(layout.shapes[read]):
            sender = source - first
            if isinstance(kind, Conv):
                return number, name, kernel_entry(kind, layout.shapes[read], to, sender)
            return number, name, (to, sender)
    raise AssertionError(f"no stored weight of layer {place} meets signal {source}")


def site(layout: Layout, core: _core.Network, weight: Weight) -> _core.Site:
    """Return a parameter as the core names it.

    Raises
    ------
    ValueError
        If there is no such parameter.
    """
    number, name, index = weight
    for place in range(1, len(layout.given) + 1):
        if owner(layout, place) != number:
            continue
        layer = layout.given[place - 1]
        if layer.bias is not None and stores_bias(layer) and name == array_name(layout, place, "bias"):
            _inside(weight, layer.bias.shape)
            return _core.Site(place, bias_owners(layout, place).index(_flat(layer.bias, index)), FIRST + BIAS)
        for found, n in weight_names(layout, place):
            if found != name:
                continue
            read, kind = layer.reads[n]
            _inside(weight, stored(kind)[0].shape)
            to, sender = _first_place(kind, layout.shapes[read], weight) if isinstance(kind, Conv) else index
            return _core.Site(place, to, FIRST + core.offset(place - 1, read) + sender)
    places = [place for place in range(1, len(layout.given) + 1) if owner(layout, place) == number]
    known = [array for place in places for array, _ in weight_names(layout, place)]
    but = f", but {', '.join(known)}" if known else ""
    raise ValueError(f"weight {weight}: layer {number} stores no {name!r}{but}")


def shared_biases(layout: Layout) -> list[list[int]]:
    """Return for the neurons of each place the first one that shares its stored bias; nothing where none is stored."""
    shared: list[list[int]] = [[]]
    for place, layer in enumerate(layout.given, start=1):
        if layer.bias is None or not stores_bias(layer):
            shared.append([])
            continue
        owners = np.array(bias_owners(layout, place))
        _, first, back = np.unique(owners, return_index=True, return_inverse=True)
        shared.append(first[back].tolist())
    return shared


def channels(layout: Layout, place: int) -> list[int]:
    """Return the channel of every neuron of a place: its feature map where it has an axis of channels, else itself."""
    shape, axis = layout.shapes[place], layout.channel_axes[place]
    if axis is None:
        return list(range(math.prod(shape)))
    return np.indices(shape)[axis].reshape(-1).tolist()  # type: ignore[no-any-return]


def as_weight(component: Sequence[object]) -> Weight:
    """Return a component that names a parameter: (layer, name, index)."""
    form = "a weight is (layer, parameter, index), as in (1, 'weight', (0, 2))"
    try:
        layer, name, index = component
        entries = (index,) if isinstance(index, (int, np.integer)) else tuple(index)  # type: ignore[arg-type]
        place = tuple(whole(entry, "an index", most=LARGEST) for entry in entries)
        number = whole(layer, "a layer", most=LARGEST)
    except (TypeError, ValueError):
        raise ValueError(f"component {shown(component)}: {form}") from None
    if not isinstance(name, str):
        raise ValueError(f"component {shown(component)}: {form}")
    return number, name, place


# helpers --------------------------------------------------------------------------------------------------------
def _inside(weight: Weight, shape: Shape) -> None:
    index = weight[2]
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape)):
        raise ValueError(f"weight {weight}: the array has shape {shape}")


def _flat(array: FloatArray, index: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, array.shape))


def bias_owners(layout: Layout, place: int) -> list[int]:
    """Return for every neuron of a place the entry of the stored biases that it has, counted in C order."""
    layer, size = layout.given[place - 1], math.prod(layout.shapes[place])
    assert layer.bias is not None
    return list(range(size)) if layer.bias.size == size else channels(layout, place)


def _bias_index(layout: Layout, place: int, to: int) -> tuple[int, ...]:
    bias = layout.given[place - 1].bias
    assert bias is not None
    return tuple(int(i) for i in np.unravel_index(bias_owners(layout, place)[to], bias.shape))


def _images(kind: Conv, source: Shape) -> tuple[Shape, Shape]:
    """Return the places of the two images."""
    result = kind.shape(source)
    return (source[:-1], result[:-1]) if kind.channel_axis == -1 else (source[1:], result[1:])


def _split(kind: Conv, shape: Shape, neuron: int) -> tuple[int, tuple[int, ...]]:
    """Return channel and place of a neuron of an image."""
    whole_index = tuple(int(i) for i in np.unravel_index(neuron, shape))
    return (whole_index[-1], whole_index[:-1]) if kind.channel_axis == -1 else (whole_index[0], whole_index[1:])


def kernel_entry(kind: Conv, source: Shape, to: int, sender: int) -> tuple[int, ...]:
    """Return the entry of the kernel with which a receiver hears a sender."""
    out, place = _split(kind, kind.shape(source), to)
    channel, read = _split(kind, source, sender)
    entry = (
        (q - p * stride + before) // dilation
        for p, q, stride, dilation, (before, _) in zip(place, read, kind.stride, kind.dilation, kind.padding)
    )
    return (out, channel % kind.kernel.shape[1], *entry)


def _first_place(kind: Conv, source: Shape, weight: Weight) -> tuple[int, int]:
    """Return the first receiver that hears a sender with an entry of the kernel, and that sender."""
    out, channel, *entry = weight[2]
    image, result = _images(kind, source)
    place, read = [], []
    for e, stride, dilation, (before, _), size, sizes in zip(
        entry, kind.stride, kind.dilation, kind.padding, image, result
    ):
        p = max(0, -(-(before - e * dilation) // stride))
        q = p * stride - before + e * dilation
        if p >= sizes or q >= size:
            raise ValueError(f"weight {weight} meets nothing but padding: it is no component that can fail")
        place.append(p)
        read.append(q)
    own = out // (len(kind.kernel) // kind.groups) * kind.kernel.shape[1] + channel
    last = kind.channel_axis == -1
    receiver = (*place, out) if last else (out, *place)
    sender = (*read, own) if last else (own, *read)
    return int(np.ravel_multi_index(receiver, kind.shape(source))), int(np.ravel_multi_index(sender, source))
