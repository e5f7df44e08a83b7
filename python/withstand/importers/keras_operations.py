# SPDX-License-Identifier: MIT
"""Operations of `keras.ops` that a Functional model may hold beside layers, as `x + 1` or `keras.ops.relu(x)`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .graph import Form, GraphBuilder
from .keras_affine import MERGES, fitted
from .keras_parts import Part
from .keras_shapes import number_array
from .layers import Array

__all__ = ["ARITHMETIC", "combined"]


def combined(build: GraphBuilder, part: Part, arguments: list[Any]) -> Form:
    """Return what an operation makes of tensors and numbers.

    Raises
    ------
    ValueError
        For products of two computed tensors, and other arguments than it takes.
    """
    left, right = [*arguments, None][:2]
    if part.kind in _UNARY:
        return _UNARY[part.kind](build, left, part)
    if isinstance(left, Form) and isinstance(right, Form):
        if part.kind not in ("Add", "Subtract", "Maximum", "Minimum"):
            raise ValueError("combines two computed tensors, supported are sums and differences of them")
        return MERGES[part.kind](build, [left, right], part)
    if isinstance(left, Form):
        return _with_number(build, part.kind, left, _fitted(right, left), first=True)
    return _with_number(build, part.kind, right, _fitted(left, right), first=False)


def _fitted(number: Any, form: Form) -> Array:
    return fitted(number_array("the argument", number), form)


def _with_number(build: GraphBuilder, kind: str, form: Form, array: Array, first: bool) -> Form:
    """Return what an operation makes of a tensor and numbers, of which the tensor is the first or the second."""
    if kind == "Add":
        return build.shift(form, array)
    if kind == "Subtract":
        return build.shift(form if first else build.scale(form, np.asarray(-1.0)), -array if first else array)
    if kind == "Multiply":
        return build.scale(form, array)
    if kind in ("Divide", "TrueDivide") and first and np.all(array):
        return build.divide(form, array)
    raise ValueError("has arguments that are not supported: a number that is no sum, difference, factor or divisor")


def _reshape(build: GraphBuilder, form: Form, part: Part) -> Form:
    given = [-1 if size is None else int(size) for size in part.config.get("newshape", part.config.get("shape", ()))]
    if len(given) < 2 or given[0] != -1 or -1 in given[1:] or math.prod(given[1:]) != math.prod(form.shape):
        raise ValueError(f"makes a shape of {given} of {form.shape} and a batch axis")
    return build.reshape(form, tuple(given[1:]))


_UNARY: Final[dict[str, Callable[[GraphBuilder, Form, Part], Form]]] = {
    "Negative": lambda build, form, part: build.scale(form, np.asarray(-1.0)),
    "Reshape": _reshape,
}

#: Operations that `combined` knows.
ARITHMETIC: Final = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", *_UNARY)
