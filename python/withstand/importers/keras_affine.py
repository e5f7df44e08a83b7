# SPDX-License-Identifier: MIT
"""Layers of Keras that are affine maps but no convolutions: dense ones, normalisations, merges of several tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Final

import numpy as np

from .graph import Form, GraphBuilder
from .keras_conv import with_bias
from .keras_parts import Part
from .keras_shapes import agree, axis_of, number_array
from .layers import Array

__all__ = ["AFFINE", "MERGES", "fitted"]

#: What Keras divides by at least, `keras.config.epsilon()`, unless its user changes it: no file says so.
_EPSILON: Final = 1e-7


def _dense(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    (kernel,), bias = with_bias(part)
    if kernel.ndim != 2 or kernel.shape[0] != forms[0].shape[-1]:
        raise ValueError(f"has a kernel of shape {kernel.shape} for a tensor of shape {forms[0].shape}")
    agree(part, bias, kernel.shape[1], units=kernel.shape[1])
    return build.dense(forms[0], kernel.T, bias)


def _batch_normalization(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    form, config = forms[0], part.config
    axis = axis_of(config.get("axis", -1), len(form.shape))
    center, scale = bool(config.get("center", True)), bool(config.get("scale", True))
    weights = part.weights()
    if len(weights) != 2 + center + scale:
        raise ValueError(f"has {len(weights)} arrays of weights, supported are {2 + center + scale}")
    if any(array.shape != (form.shape[axis],) for array in weights):
        raise ValueError(f"has weights of {[array.shape for array in weights]} for axis {axis} of {form.shape}")
    weights = [_along(array, axis, form) for array in weights]
    variance, mean = weights.pop(), weights.pop()
    shift = weights.pop() if center else 0.0
    factor = (weights.pop() if scale else 1.0) / np.sqrt(variance + float(config.get("epsilon", 1e-3)))
    return build.shift(build.scale(build.shift(form, -mean), factor), np.asarray(shift))


def _normalization(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    form, config = forms[0], part.config
    given = config.get("axis", -1)
    over = [] if given is None else given if isinstance(given, list | tuple) else [given]
    axes = sorted(axis_of(axis, len(form.shape)) for axis in over)
    shape = tuple(size if n in axes else 1 for n, size in enumerate(form.shape))
    if config.get("mean") is not None:
        mean, variance = (number_array(key, config[key]) for key in ("mean", "variance"))
    else:
        weights = part.weights()
        if len(weights) not in (2, 3):
            raise ValueError(f"has {len(weights)} arrays of weights, supported are a mean, a variance, and a count")
        mean, variance = weights[:2]
    kept = tuple(form.shape[n] for n in axes)
    mean, variance = (np.broadcast_to(_of_axes(array, kept), kept).reshape(shape) for array in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), _EPSILON)
    if config.get("invert", False):
        return build.shift(build.scale(form, deviation), mean)
    return build.scale(build.shift(form, -mean), 1 / deviation)


def _of_axes(array: Array, kept: tuple[int, ...]) -> Array:
    """Return statistics without the axes of length 1 that stand for those that are not kept."""
    return array.reshape(kept) if array.size == math.prod(kept) else array


def _rescaling(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    scale, offset = (number_array(key, part.config.get(key, usual)) for key, usual in (("scale", 1.0), ("offset", 0.0)))
    return build.shift(build.scale(forms[0], fitted(scale, forms[0])), fitted(offset, forms[0]))


def fitted(array: Array, form: Form) -> Array:
    """Return an array that is broadcast with a tensor and its batch axis, without that axis.

    Raises
    ------
    ValueError
        If it does not fit, or makes the tensor larger.
    """
    if array.ndim == len(form.shape) + 1 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > len(form.shape) or np.broadcast_shapes(array.shape, form.shape) != form.shape:
        raise ValueError(f"combines an array of shape {array.shape} with a tensor of shape {form.shape}")
    return array


def _along(array: Array, axis: int, form: Form) -> Array:
    return array.reshape(tuple(-1 if n == axis else 1 for n in range(len(form.shape))))


def _add(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    return reduce(build.add, _of_one_rank(forms))


def _average(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    return build.scale(_add(build, forms, part), np.asarray(1 / len(forms)))


def _subtract(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    if len(forms) != 2:
        raise ValueError(f"subtracts {len(forms)} tensors, supported are two")
    return build.subtract(*_of_one_rank(forms))


def _maximum(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    return reduce(build.maximum, _of_one_rank(forms))


def _minimum(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    return reduce(build.minimum, _of_one_rank(forms))


def _concatenate(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    axis = axis_of(part.config.get("axis", -1), len(forms[0].shape))
    rest = {(*form.shape[:axis], *form.shape[axis + 1 :]) for form in _of_one_rank(forms)}
    if len(rest) > 1:
        raise ValueError(f"joins shapes {' and '.join(str(form.shape) for form in forms)} along axis {axis + 1}")
    build.account.array(sum(math.prod(form.shape) for form in forms))
    return build.concat(forms, axis)


def _of_one_rank(forms: list[Form]) -> list[Form]:
    shapes = [form.shape for form in forms]
    if len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"joins tensors of shapes {' and '.join(map(str, shapes))}, supported are equally many axes")
    return forms


Affine = Callable[[GraphBuilder, list[Form], Part], Form]

AFFINE: Final[dict[str, Affine]] = {
    "BatchNormalization": _batch_normalization,
    "Dense": _dense,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
}

#: Layers that read a list of tensors.
MERGES: Final[dict[str, Affine]] = {
    "Add": _add,
    "Average": _average,
    "Concatenate": _concatenate,
    "Maximum": _maximum,
    "Minimum": _minimum,
    "Subtract": _subtract,
}
