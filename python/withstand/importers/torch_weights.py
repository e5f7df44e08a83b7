# SPDX-License-Identifier: MIT
"""ATen operators that read weights: products with matrices, convolutions, normalisation by running statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .affine import matmul_size
from .graph import Form
from .layers import Array
from .torch_arithmetic import add, multiply
from .torch_values import Signal, Tracer, is_constant
from .torch_views import permute, transpose

__all__ = ["WEIGHTS"]

_BATCH: Final = "normalises by the statistics of the batch; call model.eval() and keep running statistics"


def linear(t: Tracer, input: Any, weight: Any, bias: Any = None) -> Any:
    """Return x W^T + b, over the last axis."""
    if is_constant(input) and is_constant(weight):
        _room(t, input, weight.T)
        return input @ weight.T + (0 if bias is None else bias)
    matrix = _stored(weight, "weights")
    own = None if bias is None else _stored(bias, "biases")
    shape = tuple(input.shape)
    if matrix.ndim != 2 or shape[-1:] != matrix.shape[1:]:
        raise ValueError(f"multiplies a tensor of shape {shape} with weights of shape {matrix.shape}")
    form = t.builder.dense(t.inner(input), matrix, own)
    return t.like(form, Signal(form, t.here), (*shape[:-1], len(matrix)))


def matmul(t: Tracer, self: Any, other: Any) -> Any:
    """A product of which one factor is stored."""
    if is_constant(self) and is_constant(other):
        _room(t, self, other)
        return self @ other
    if not is_constant(self) and not is_constant(other):
        raise ValueError("multiplies two computed tensors, which no layer does")
    if is_constant(self) and self.ndim > 2 and math.prod(self.shape[:-2]) == 1 and self.ndim <= len(other.shape):
        self = self.reshape(self.shape[-2:])
    if is_constant(other):
        if other.ndim == 1:
            return _drop_last(t, linear(t, self, other[None]))
        if other.ndim > 2 and math.prod(other.shape[:-2]) == 1 and other.ndim <= len(self.shape):
            other = other.reshape(other.shape[-2:])
        if other.ndim == 2:
            return linear(t, self, other.T)
    elif self.ndim in (1, 2):
        axes = len(other.shape)
        matrix = self if self.ndim == 2 else self[None]
        if axes == 1:
            result = linear(t, other, matrix)
            return _drop_last(t, result) if self.ndim == 1 else result
        if matrix.ndim == 2:
            turned = transpose(t, linear(t, transpose(t, other, -1, -2), matrix), -1, -2)
            return turned if self.ndim == 2 else _drop_axis(t, turned, -2)
    shapes = f"{tuple(self.shape)} and {tuple(other.shape)}"
    raise ValueError(f"multiplies tensors of shapes {shapes}, supported are products with one matrix")


def addmm(t: Tracer, self: Any, mat1: Any, mat2: Any, beta: float = 1, alpha: float = 1) -> Any:
    """Return beta self + alpha mat1 mat2."""
    product = multiply(t, matmul(t, mat1, mat2), alpha) if alpha != 1 else matmul(t, mat1, mat2)
    return add(t, product, multiply(t, self, beta) if beta != 1 else self)


def convolution(
    t: Tracer,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    transposed: bool = False,
    output_padding: Any = 0,
    groups: int = 1,
) -> Signal:
    """A convolution of any number of dimensions, or its transpose."""
    kernel = _stored(weight, "weights")
    axes = kernel.ndim - 2
    options: dict[str, Any] = {"stride": _each(stride, axes), "dilation": _each(dilation, axes), "groups": groups}
    pads = _pads(padding, kernel.shape[2:], options["dilation"])
    own = None if bias is None else _stored(bias, "biases")
    image = t.signal(input).form
    single = len(image.shape) == axes + 1  # an image without a batch
    form = image if single else t.inner(input)
    if len(form.shape) != axes + 1:
        raise ValueError(f"reads an image of shape {tuple(image.shape)} with a kernel of shape {kernel.shape}")
    if transposed:
        result = _transposed(t, form, kernel, own, pads, _each(output_padding, axes), options)
    else:
        result = t.builder.conv(form, kernel, own, padding=pads, channel_axis=0, **options)
    return Signal(result, t.here) if single else t.batched(result, t.here)


def conv_transpose(
    t: Tracer,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Signal:
    """A transposed convolution."""
    return convolution(t, input, weight, bias, stride, padding, dilation, True, output_padding, groups)


def batch_norm(
    t: Tracer,
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> Any:
    """Normalisation of channels by running statistics."""
    if training or running_mean is None or running_var is None:
        raise ValueError(_BATCH)
    ends = (1,) * (len(input.shape) - 2)

    def channels(values: Any) -> Array:
        return _stored(values, "weights").reshape(-1, *ends)

    factor = 1 / np.sqrt(channels(running_var) + eps)
    factor = factor if weight is None else factor * channels(weight)
    result = multiply(t, add(t, input, -channels(running_mean)), factor)
    return result if bias is None else add(t, result, channels(bias))


def normalised(
    t: Tracer,
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    momentum: float,
    eps: float,
) -> tuple[Any, None, None]:
    """The operator that decompositions make of a normalisation; its statistics are read by nothing here."""
    return batch_norm(t, input, weight, bias, running_mean, running_var, False, momentum, eps), None, None


def trained(t: Tracer, input: Any, **others: Any) -> Any:
    """A normalisation that is in training mode."""
    raise ValueError(_BATCH)


def weight_norm(t: Tracer, v: Any, g: Any, dim: int = 0) -> Any:
    """Return g v / |v|, each norm over all axes but one."""
    direction, size = _stored(v, "weights"), _stored(g, "weights")
    others = tuple(axis for axis in range(direction.ndim) if axis != dim % direction.ndim)
    return direction * (size / np.sqrt((direction * direction).sum(axis=others, keepdims=True)))


def product(t: Tracer, self: Any, **others: Any) -> Any:
    """A product of stored tensors, as parametrisations compute them."""
    (other,) = others.values()
    if is_constant(self) and is_constant(other):
        _room(t, self, other)
        return np.asarray(self @ other)
    return matmul(t, self, other)


def _room(t: Tracer, left: Any, right: Any) -> None:
    """Charge for a product of stored tensors."""
    entries, operations = matmul_size(left.shape, right.shape)
    t.builder.account.array(entries)
    t.builder.account.work(operations)


def _stored(value: Any, what: str) -> Array:
    if not isinstance(value, np.ndarray):
        raise ValueError(f"reads {what} that are computed from the inputs, supported are stored ones")
    if value.dtype.kind != "f":
        raise ValueError(f"reads {what} of type {value.dtype}, supported are float32 and float64")
    return value


def _drop_last(t: Tracer, value: Signal) -> Signal:
    return _drop_axis(t, value, -1)


def _drop_axis(t: Tracer, value: Signal, axis: int) -> Signal:
    shape = list(value.shape)
    del shape[axis]
    return t.like(value.form, value, tuple(shape))


def _each(value: Any, axes: int) -> tuple[int, ...]:
    each = tuple(value) if isinstance(value, Sequence) else (value,)
    return tuple(int(entry) for entry in (each * axes if len(each) == 1 else each))


def _pads(padding: Any, sizes: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    if padding == "valid":
        return [(0, 0)] * len(sizes)
    if padding == "same":  # an odd zero stands behind
        totals = [(size - 1) * step for size, step in zip(sizes, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(pad, pad) for pad in _each(padding, len(sizes))]


def _transposed(
    t: Tracer, form: Form, kernel: Array, bias: Array | None, pads: Any, extra: Any, options: dict[str, Any]
) -> Form:
    make = getattr(t.builder, "conv_transpose", None)
    if make is None:
        raise ValueError("is a transposed convolution, which is not supported")
    result: Form = make(form, kernel, bias, padding=pads, output_padding=extra, channel_axis=0, **options)
    return result


WEIGHTS: Final[dict[str, Callable[..., Any]]] = {
    "_native_batch_norm_legit": trained,
    "_native_batch_norm_legit_functional": trained,
    "_native_batch_norm_legit_no_training": normalised,
    "_weight_norm": weight_norm,
    "addmm": addmm,
    "batch_norm": batch_norm,
    "bmm": product,
    "conv1d": convolution,
    "conv2d": convolution,
    "conv3d": convolution,
    "conv_transpose1d": conv_transpose,
    "conv_transpose2d": conv_transpose,
    "conv_transpose3d": conv_transpose,
    "convolution": convolution,
    "dot": product,
    "linear": linear,
    "matmul": matmul,
    "mm": product,
    "mv": product,
    "native_batch_norm": trained,
    "numpy_T": lambda t, self: permute(t, self, tuple(reversed(range(len(self.shape))))),
    "vdot": product,
}
