# SPDX-License-Identifier: MIT
"""Closing a graph: trailing activations belong to the outputs, what no output reads is left out, chains are layers."""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias

import numpy as np

from withstand.model.graph import Layer, bias_of
from withstand.model.maps import Conv

from .form import Form, arrange
from .form_sum import join
from .graph_layers import Layering, Shape
from .layers import IDENTITY, Array, Layers, Phi

__all__ = ["finish"]

#: Up to so many entries a layer that moves and scales what it reads is written as a matrix, so that a chain is dense.
_SMALL: Final = 1 << 20

Box: TypeAlias = tuple[Array, Array] | None
Kind: TypeAlias = Literal["values", "logits"]
Parts: TypeAlias = tuple[tuple[Layer, ...], Shape, Kind, Box]


def finish(layering: Layering, outputs: list[Form], logits: bool, box: Box, name: str = "") -> Layers | Parts:
    """Return `Layers`, or what a `Graph` is made of."""
    if not outputs:
        raise ValueError("has no outputs")
    whole = outputs[0] if len(outputs) == 1 else join([form.reshape((form.size,)) for form in outputs], 0)
    kind: Kind = "logits" if logits else "values"
    trailing = _trailing(layering, outputs)
    layers, phis = layering.layers, layering.phis
    if trailing == {len(layers)} and len(whole.terms) == 1 and _is_transmitted(whole):
        return _ended(layering, whole, len(layers), kind, box, name)
    for number in trailing:
        layers[number - 1] = _with(layers[number - 1], may_fail=False)
    end = layering.layer(whole, IDENTITY, name, may_fail=False)
    return _closed(layering, [*layers, end], [*phis, IDENTITY], kind, box)


def _ended(layering: Layering, whole: Form, last: int, kind: Kind, box: Box, name: str) -> Layers | Parts:
    """Close a network whose last layer's neurons are the outputs, perhaps moved."""
    layers, phis = layering.layers, layering.phis
    shape, layer = layering.shape(last), layers[last - 1]
    index = arrange(whole.terms[0].index, math.prod(shape))
    if index is None:
        bias = layer.bias if whole.shape == shape or layer.bias is None else bias_of(layer, shape)
        end = _with(layer, may_fail=False, shape=whole.shape or (1,), bias=bias)
        return _closed(layering, [*layers[:-1], end], phis, kind, box)
    if all(isinstance(kind_, np.ndarray) for _, kind_ in layer.reads):
        flat = index.reshape(-1)
        rows = [(source, kind_[flat]) for source, kind_ in layer.reads if isinstance(kind_, np.ndarray)]
        end = Layer(rows, bias_of(layer, shape)[flat], layer.activation, False, whole.shape or (1,), layer.name)
        return _closed(layering, [*layers[:-1], end], phis, kind, box)
    layers[last - 1] = _with(layer, may_fail=False)
    end = layering.layer(whole, IDENTITY, name, may_fail=False)
    return _closed(layering, [*layers, end], [*phis, IDENTITY], kind, box)


def _trailing(layering: Layering, outputs: list[Form]) -> set[int]:
    """Return the layers of neurons that are outputs as they are, and that nothing else reads."""
    found: set[int] = set()
    others: set[int] = {source for layer in layering.layers for source, _ in layer.reads}
    for form in outputs:
        sources = {term.source for term in form.terms}
        if _is_transmitted(form):
            found |= {source for source in sources if source and layering.layers[source - 1].may_fail}
        else:
            others |= sources
    return found - others


def _is_transmitted(form: Form) -> bool:
    """Whether every entry is the signal of one neuron."""
    taken = np.zeros(form.shape, dtype=np.intp)
    for term in form.terms:
        if term.map is not None or (term.scale is not None and np.any(term.scale != 1)):
            return False
        taken += 1 if term.index is None else term.index >= 0
    return bool(np.all(taken == 1)) and (form.shift is None or not np.any(form.shift))


def _closed(layering: Layering, layers: list[Layer], phis: list[Phi], kind: Kind, box: Box) -> Layers | Parts:
    kept = layering.kept = _reached(layers)
    layers, phis = _renumbered(layers, kept), [phis[number - 1] for number in kept]
    shapes = [layering.shape(0), *(layer.shape or () for layer in layers)]
    matrices = _chain(layering, layers, shapes)
    if matrices is None:
        return tuple(layers), layering.shape(0), kind, box
    biases = tuple(bias_of(layer, shape) for layer, shape in zip(layers, shapes[1:]))
    names = tuple(layer.name for layer in layers)
    return Layers(tuple(matrices), biases, tuple(phis[:-1]), phis[-1], kind, box, names if any(names) else ())


def _reached(layers: list[Layer]) -> list[int]:
    """Return the numbers of the layers that the last one depends on, itself included."""
    wanted = {len(layers)}
    for number in range(len(layers), 0, -1):
        if number in wanted:
            wanted |= {source for source, _ in layers[number - 1].reads if source}
    return sorted(wanted)


def _renumbered(layers: list[Layer], kept: list[int]) -> list[Layer]:
    if len(kept) == len(layers):
        return layers
    place = {0: 0} | {number: new for new, number in enumerate(kept, start=1)}
    renumbered = []
    for number in kept:
        layer = layers[number - 1]
        reads = [(place[source], kind) for source, kind in layer.reads]
        renumbered.append(_with(layer, reads=reads))
    return renumbered


def _chain(layering: Layering, layers: list[Layer], shapes: list[Shape]) -> list[Array] | None:
    """Return one matrix per layer where each reads the one before alone, and all hidden ones may fail; else None."""
    if not all(layer.may_fail for layer in layers[:-1]):
        return None
    for number, layer in enumerate(layers):
        if any(source != number or isinstance(kind, Conv) for source, kind in layer.reads):
            return None
        matrices = sum(isinstance(kind, np.ndarray) for _, kind in layer.reads)
        if matrices < len(layer.reads) and math.prod(shapes[number]) * math.prod(shapes[number + 1]) > _SMALL:
            return None
    return [_matrix(layering, layer, math.prod(shape)) for layer, shape in zip(layers, shapes)]


def _matrix(layering: Layering, layer: Layer, width: int) -> Array:
    parts = []
    for _, kind in layer.reads:
        if isinstance(kind, np.ndarray):
            parts.append(kind)
            continue
        assert not isinstance(kind, Conv)
        index = np.arange(width) if kind is None else kind.index.reshape(-1)
        layering.account.matrix(len(index), width)
        weights = np.zeros((len(index), width))
        read = index >= 0
        factor = 1.0 if kind is None or kind.weight is None else kind.weight.reshape(-1)[read]
        weights[np.flatnonzero(read), index[read]] = factor
        parts.append(weights)
    return sum(parts[1:], start=parts[0])


def _with(layer: Layer, **changes: object) -> Layer:
    parts = {name: getattr(layer, name) for name in ("reads", "bias", "activation", "may_fail", "shape", "name")}
    return Layer(**(parts | changes))
