# SPDX-License-Identifier: MIT
"""Networks whose stored parameters are words of a number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import real_array, shown
from withstand._types import FloatArray
from withstand.model.formats import Format
from withstand.model.graph import Layer
from withstand.model.layout import Layout, stored, stores_bias
from withstand.model.maps import Conv, Map
from withstand.model.quantisation import LayerFormat, Quantisation

if TYPE_CHECKING:
    from withstand.model.network import Network

#: What a scale is given as: for all layers, or for each a number or one per channel.
Scales = float | npt.ArrayLike | Sequence[npt.ArrayLike] | None


def rounded(net: Network, format: str | Format, scale: Scales = None) -> tuple[tuple[Layer, ...], Quantisation]:
    """Return a network's layers with parameters that are words, and their formats."""
    layout = net._described()
    given = _given(format, scale)
    scales = _scales(scale, len(layout.places) - 1)
    before = net._quantisation
    layers, formats = [], [LayerFormat(signal=None if before is None else before.formats[0].signal)]
    for place, layer in enumerate(layout.given, start=1):
        own = given or _weights(layer, str(format), scales[_number(layout, place) - 1], place)
        new, found = _rounded(layer, own, place)
        layers.append(new)
        signal = None if before is None else before.formats[place].signal
        formats.append(LayerFormat(found, signal))
    kept = Quantisation(tuple(formats)) if before is None else replace(before, formats=tuple(formats))
    return tuple(layers), kept


def _given(format: Any, scale: Any) -> Format | None:
    """Return a format that is given with its scale; None where layers have scales of their own."""
    if isinstance(format, Format):
        if scale is not None:
            raise TypeError(f"scale must not be given with a Format, which has one, got {shown(scale)}")
        return format
    known = Format(format)
    if known.is_float:
        if scale is not None:
            raise ValueError(f"scale must not be given for {format}, floats have none, got {shown(scale)}")
        return known
    if format.startswith("uint"):
        raise ValueError(f"{format} has no negative words without a zero point: give a Format with one")
    return None


def _scales(scale: Any, layers: int) -> list[Any]:
    """Return what is given for each layer 1..L+1."""
    several = isinstance(scale, Sequence) or (isinstance(scale, np.ndarray) and scale.ndim > 0)
    if not several:
        return [scale] * layers
    if len(scale) != layers:
        raise ValueError(f"scale must be a number, or one entry for each of the {layers} layers, got {shown(scale)}")
    return list(scale)


def _number(layout: Layout, place: int) -> int:
    """Return the layer that a stage's parameters belong to: the next one that may fail, or the outputs."""
    return next(number for number, other in enumerate(layout.places) if other >= place)


def _weights(layer: Layer, name: str, scale: Any, place: int) -> Format:
    """Return the format of a layer's weights, by the scale that is given for it or by the largest of them."""
    if scale is not None:
        factors = real_array(scale, f"scale of layer {place}")
        return Format(name, factors.item() if factors.ndim == 0 else tuple(factors.reshape(-1).tolist()))
    weights = [array for _, kind in layer.reads for array in stored(kind)]
    return _fitted(name, weights)


def _fitted(name: str, arrays: Sequence[FloatArray]) -> Format:
    """Return the format whose largest word is the largest number."""
    largest = max((float(np.abs(array).max()) for array in arrays), default=0.0)
    scale = largest / (2 ** (Format(name).bits - 1) - 1)
    return Format(name, scale if scale > 0 else 1.0)


def _rounded(layer: Layer, own: Format, place: int) -> tuple[Layer, tuple[tuple[str, Format], ...]]:
    weighted = [n for n, (_, kind) in enumerate(layer.reads) if stored(kind)]
    found = [("weight" if len(layer.reads) == 1 else f"weight_{n}", own) for n in weighted]
    reads = [(source, _words(kind, own, place)) for source, kind in layer.reads]
    bias = layer.bias
    if bias is not None and stores_bias(layer):
        form = own if own.is_float else _fitted("int32", [bias])
        bias = _finite(form.round(bias), form, place)
        found.append(("bias", form))
    return Layer(reads, bias, layer.activation, layer.may_fail, layer.shape, layer.name), tuple(found)


def _words(kind: Map, own: Format, place: int) -> Map:
    if isinstance(kind, Conv):
        kernel = _finite(_round(kind.kernel, own, place), own, place)
        return Conv(kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    return _finite(_round(kind, own, place), own, place) if isinstance(kind, np.ndarray) else kind


def _round(weights: FloatArray, own: Format, place: int) -> FloatArray:
    if own.channels not in (None, len(weights)):
        raise ValueError(f"layer {place} has {len(weights)} channels, its scale {own.channels}")
    return own.round(weights)


def _finite(words: FloatArray, own: Format, place: int) -> FloatArray:
    if not np.isfinite(words).all():
        raise ValueError(f"layer {place} has parameters beyond the largest {own.name}, {own.high:g}")
    return words
