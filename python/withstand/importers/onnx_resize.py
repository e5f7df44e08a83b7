# SPDX-License-Identifier: MIT
"""ONNX operators that repeat the entries of an image: Resize and Upsample to their nearest neighbour."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .form import Form
from .onnx_node import Node, Value, constant, live

__all__ = ["resize"]

#: Coordinates and rounding with which result i of a whole factor f is entry floor(i / f).
_REPEATING: Final = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")}


def resize(node: Node, values: list[Value]) -> Form:
    """Return an image whose entries are repeated a whole number of times along its axes behind the channels."""
    form = live(values[0])
    given = {name: (node.attribute(name) or b"").decode() for name in ("mode", "coordinate_transformation_mode")}
    kind = (given["coordinate_transformation_mode"], (node.attribute("nearest_mode") or b"").decode())
    if given["mode"] not in ("", "nearest") or (node.op == "Resize" and node.opset >= 11 and kind not in _REPEATING):
        raise ValueError(
            f"interpolates by mode '{given['mode']}' with '{kind[0]}' and '{kind[1]}', supported is the mode 'nearest' "
            f"with {' or '.join(' and '.join(map(repr, known)) for known in sorted(_REPEATING))}"
        )
    if node.attribute("axes") is not None or node.attribute("antialias", 0):
        raise ValueError("names axes or smooths, supported is one factor for every axis")
    repeats = _repeats(node, values, form)
    index: Any = form.positions()
    form.account.array(int(index.size * np.prod(repeats)), copies=2)
    for axis, times in enumerate(repeats):
        index = np.repeat(index, times, axis)
    return form.take(index)


def _repeats(node: Node, values: list[Value], form: Form) -> list[int]:
    """Return how often entries are repeated along every axis; factors are attributes or inputs, or sizes say them."""
    rank = len(form.shape)
    if node.op == "Upsample" and node.opset < 9:
        factors = np.asarray(node.attribute("scales"), dtype=np.float64)
    elif len(values) > 3 and values[3] is not None:
        sizes = constant(values[3]).reshape(-1)
        factors = sizes / form.shape if sizes.size == rank else sizes
    else:
        place = 2 if node.op == "Resize" and node.opset >= 11 else 1
        factors = constant(values[place] if len(values) > place else None).reshape(-1)
    whole = factors.round()
    if factors.size != rank or np.any(whole != factors) or np.any(whole < 1) or np.any(whole[:1] != 1):
        raise ValueError(f"resizes axes of sizes {form.shape} by {factors.tolist()}, supported are whole factors")
    return [int(times) for times in whole]
