# SPDX-License-Identifier: MIT
"""ONNX operators that move or view what they read, and compute nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from .form import INTEGER, SOFTMAX, Form
from .onnx_node import Node, Value, constant, live

__all__ = ["MOVES", "VIEWS", "pad"]

#: Operators that only move entries of their first input: they are run on the entries' positions.
MOVES: Final = frozenset(
    {"DepthToSpace", "Expand", "Flatten", "Gather", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze"}
    | {"Tile", "Transpose", "Unsqueeze"}
)


def pad(node: Node, values: list[Value]) -> Form:
    """Return a tensor with a border: of a constant, or of its own entries."""
    form = live(values[0])
    mode = (node.attribute("mode") or b"constant").decode()
    axes, sizes, value = _border(node, values, len(form.shape))
    half = len(sizes) // 2
    pairs = [(0, 0)] * len(form.shape)
    for axis, before, after in zip(axes, sizes[:half], sizes[half:], strict=True):
        pairs[axis] = (before, after)
    if mode == "constant":
        padded = form.pad(pairs)
        if value == 0:
            return padded
        border = form.constant(np.zeros(form.shape)).plus(np.asarray(-value)).pad(pairs).plus(np.asarray(value))
        return padded if border.shift is None else padded.plus(border.shift)
    if mode not in ("reflect", "edge", "wrap") or min(sizes) < 0:
        raise ValueError(f"pads by mode '{mode}' and {list(sizes)}")
    form.account.array(int(np.prod([size + sum(ends) for size, ends in zip(form.shape, pairs)])), copies=2)
    kind: Any = mode
    return form.take(np.pad(form.positions(), pairs, mode=kind))


def _border(node: Node, values: list[Value], rank: int) -> tuple[list[int], list[int], float]:
    """Return the axes, the sizes and the constant of a Pad, which moved from attributes to inputs."""
    given = [*values[1:], None, None, None][:3] if node.opset >= 11 else [None] * 3
    sizes = given[0] if node.opset >= 11 else node.attribute("pads") or node.attribute("paddings")
    if sizes is None or isinstance(sizes, Form) or isinstance(given[2], Form):
        raise ValueError("has a computed border, supported are constants")
    value = constant(given[1]).reshape(()) if given[1] is not None else node.attribute("value", 0.0)
    axes = range(rank) if given[2] is None else np.asarray(given[2]).reshape(-1)
    places = [int(axis) % rank for axis in axes]
    ends = [int(size) for size in np.asarray(sizes).reshape(-1)]
    if len(ends) != 2 * len(places):
        raise ValueError(f"pads {len(places)} axes by {ends}")
    return places, ends, float(value)


def _cast(node: Node, values: list[Value]) -> Value:
    tensor = live(values[0])
    if not node.casts_to_float(values):
        raise ValueError("rounds a computed tensor to a type other than a float")
    return replace(tensor, closed="") if tensor.closed == INTEGER else tensor


def _dropout(node: Node, values: list[Value]) -> Value:
    training = values[2] if len(values) > 2 else None
    if training is not None and np.any(np.asarray(training)):
        raise ValueError("is in training mode; export the network in inference mode")
    return values[0]


def _identity(node: Node, values: list[Value]) -> Value:
    return values[0]


def _shape(node: Node, values: list[Value]) -> Value:
    start, end = node.attribute("start", 0), node.attribute("end")
    return np.array(live(values[0]).shape[start:end], dtype=np.int64)


def _size(node: Node, values: list[Value]) -> Value:
    return np.array(live(values[0]).size, dtype=np.int64)


def _softmax(node: Node, values: list[Value]) -> Value:
    """Taken off where it runs over all entries: it keeps their order, which is what a decision uses."""
    tensor = live(values[0])
    if tensor.closed:
        raise ValueError(tensor.closed)
    axis = node.attribute("axis") % max(len(tensor.shape), 1)
    # Before version 13 a softmax ran over all axes from the given one on.
    classes = tensor.shape[axis:] if node.opset < 13 else tensor.shape[axis : axis + 1]
    if int(np.prod(classes)) != tensor.size:
        raise ValueError(f"runs over axis {axis} of shape {tensor.shape}, supported is only the class axis")
    return replace(tensor, closed=SOFTMAX)


VIEWS: Final[dict[str, Callable[[Node, list[Value]], Value]]] = {
    "Cast": _cast,
    "CastLike": _cast,
    "Dropout": _dropout,
    "Identity": _identity,
    "LogSoftmax": _softmax,
    "Shape": _shape,
    "Size": _size,
    "Softmax": _softmax,
    "ZipMap": _identity,
}
