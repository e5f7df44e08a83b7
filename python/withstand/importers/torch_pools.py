# SPDX-License-Identifier: MIT
"""ATen's means, sums and maxima, over axes and over windows, and what is nothing in evaluation mode."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .graph import Form
from .torch_moves import join
from .torch_values import Signal, Tracer, is_constant
from .torch_views import narrow

__all__ = ["POOLS"]


def mean(t: Tracer, self: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The mean over axes."""
    if is_constant(self):
        return np.mean(self, axis=_tuple(dim), keepdims=keepdim)
    signal = t.signal(self)
    axes = _reduced(signal.shape, dim)
    form, own = _single(t, signal, axes)
    return t.like(t.builder.mean(form, own, keepdim), signal, _left(signal.shape, axes, keepdim))


def total(t: Tracer, self: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The sum over axes."""
    if is_constant(self):
        return np.sum(self, axis=_tuple(dim), keepdims=keepdim)
    signal = t.signal(self)
    axes = _reduced(signal.shape, dim)
    form, own = _single(t, signal, axes)
    return t.like(t.builder.sum(form, own, keepdim), signal, _left(signal.shape, axes, keepdim))


def largest(t: Tracer, self: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The maximum over axes, by layers that may not fail."""
    if is_constant(self):
        return np.max(self, axis=_tuple(dim), keepdims=keepdim)
    signal = t.signal(self)
    axes = _reduced(signal.shape, dim)
    form, own = _single(t, signal, axes)
    return t.like(t.builder.largest(form, own, keepdim, name=t.here), signal, _left(signal.shape, axes, keepdim))


def largest_along(t: Tracer, self: Any, dim: int, keepdim: bool = False) -> tuple[Any, None]:
    """The maximum over an axis; where it is, nothing may read."""
    return largest(t, self, dim, keepdim), None


def average_pool(
    t: Tracer,
    self: Any,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    """Means over windows."""
    axes = _image_axes(t)
    sizes = _each(kernel_size, axes)
    form = _image(t, self, axes)
    whole = divisor_override is not None
    result = t.builder.mean_pool(
        form,
        size=sizes,
        stride=_each(stride, axes) if stride else sizes,
        padding=_each(padding, axes),
        channel_axis=0,
        count_include_pad=count_include_pad or whole,
        ceil=ceil_mode,
    )
    if whole:
        if ceil_mode and not _even(form, sizes, stride, padding):
            raise ValueError("has a divisor of its own for windows that reach over the image's end")
        result = t.builder.scale(result, np.asarray(math.prod(sizes) / divisor_override))
    return _restored(t, self, result, axes)


def max_pool(
    t: Tracer,
    self: Any,
    kernel_size: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Maxima over windows, by layers that may not fail."""
    axes = _image_axes(t)
    sizes = _each(kernel_size, axes)
    result = t.builder.max_pool(
        _image(t, self, axes),
        size=sizes,
        stride=_each(stride, axes) if stride else sizes,
        padding=_each(padding, axes),
        dilation=_each(dilation, axes),
        channel_axis=0,
        ceil=ceil_mode,
        name=t.here,
    )
    return _restored(t, self, result, axes)


def max_pool_with_places(t: Tracer, self: Any, *args: Any, **named: Any) -> tuple[Any, None]:
    """Maxima over windows; where they are, nothing may read."""
    return max_pool(t, self, *args, **named), None


def adaptive_average(t: Tracer, self: Any, output_size: Any) -> Any:
    """Means over windows that share an image evenly."""
    return _adaptive(t, self, output_size, lambda part, axes: mean(t, part, axes, keepdim=True))


def adaptive_maximum(t: Tracer, self: Any, output_size: Any) -> tuple[Any, None]:
    """Maxima over windows that share an image evenly; where they are, nothing may read."""
    return _adaptive(t, self, output_size, lambda part, axes: largest(t, part, axes, keepdim=True)), None


def dropout(t: Tracer, input: Any, p: float, train: bool | None) -> Any:
    """Nothing, in evaluation mode."""
    if train is not False and p > 0:
        raise ValueError("is in training mode; call model.eval(), and give a function of torch training=self.training")
    return input


def native_dropout(t: Tracer, input: Any, p: float, train: bool | None) -> tuple[Any, None]:
    """Nothing, in evaluation mode; the mask is read by nothing."""
    return dropout(t, input, p, train), None


def extent(t: Tracer, self: Any, dim: int) -> int:
    """The size of an axis."""
    return int(self.shape[dim])


def _adaptive(t: Tracer, value: Any, output_size: Any, reduce: Callable[[Any, Any], Any]) -> Any:
    """Reduce windows: from floor(i n / m) up to ceil((i + 1) n / m) for the entry i of m, along every axis."""
    rank = _image_axes(t)
    wanted = _each(output_size, rank)
    value = t.signal(value)
    axes = range(len(value.shape) - rank, len(value.shape))
    sizes = [value.shape[axis] if n is None else n for axis, n in zip(axes, wanted, strict=True)]
    if all(n == 1 for n in sizes):
        return reduce(value, tuple(axes))
    if all(value.shape[axis] % n == 0 for axis, n in zip(axes, sizes, strict=True)):
        windows = [value.shape[axis] // n for axis, n in zip(axes, sizes, strict=True)]
        pool = average_pool if "avg" in t.node.op else max_pool
        return pool(t, value, windows)
    for axis, count in zip(axes, sizes, strict=True):  # of windows of windows the mean is that of all their entries
        n = value.shape[axis]
        t.builder.account.steps(count)
        ends = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
        value = join(t, [reduce(narrow(t, value, axis, a, b), (axis,)) for a, b in ends], axis)
    return value


def _image_axes(t: Tracer) -> int:
    """Return how many axes the windows of the present operator have, which its name says."""
    (axes,) = (n for n in (1, 2, 3) if f"{n}d" in t.node.op)
    return axes


def _image(t: Tracer, value: Any, axes: int) -> Form:
    """Return a tensor as channels and an image, without the batch."""
    signal = t.signal(value)
    if len(signal.shape) == axes + 1:
        return signal.form
    form = t.inner(signal)
    if len(form.shape) != axes + 1:
        raise ValueError(f"moves a window of {axes} axes over a tensor of shape {signal.shape}")
    return form


def _restored(t: Tracer, value: Any, form: Form, axes: int) -> Signal:
    return t.like(form, value, tuple(form.shape) if len(value.shape) == axes + 1 else (1, *form.shape))


def _even(form: Form, sizes: Sequence[int], stride: Any, padding: Any) -> bool:
    """Whether windows come out even, so that rounding their number up changes nothing."""
    strides = _each(stride, len(sizes)) if stride else sizes
    pads = _each(padding, len(sizes))
    return all((n + 2 * p - k) % s == 0 for n, p, k, s in zip(form.shape[1:], pads, sizes, strides, strict=True))


def _each(value: Any, axes: int) -> tuple[Any, ...]:
    each = tuple(value) if isinstance(value, Sequence) else (value,)
    return each * axes if len(each) == 1 else each


def _tuple(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _reduced(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    """Return the axes that are reduced; the batch must not be one of them."""
    every = dim is None or (isinstance(dim, Sequence) and not dim)
    given = range(len(shape)) if every else dim if isinstance(dim, Sequence) else (dim,)
    axes = tuple(sorted(int(axis) % len(shape) for axis in given))
    if len(shape) > 1 and shape[0] == 1 and 0 in axes:
        raise ValueError(f"reduces axis 0 of a tensor of shape {shape}, the batch: examples would depend on each other")
    return axes


def _single(t: Tracer, signal: Signal, axes: tuple[int, ...]) -> tuple[Form, tuple[int, ...]]:
    """Return a tensor without the batch, and its axes that are meant."""
    form = t.inner(signal)
    return form, tuple(axis - (len(signal.shape) - len(form.shape)) for axis in axes)


def _left(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    if keepdim:
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


POOLS: Final[dict[str, Callable[..., Any]]] = {
    "_adaptive_avg_pool2d": adaptive_average,
    "_adaptive_avg_pool3d": adaptive_average,
    "adaptive_avg_pool1d": adaptive_average,
    "adaptive_avg_pool2d": adaptive_average,
    "adaptive_avg_pool3d": adaptive_average,
    "adaptive_max_pool1d": adaptive_maximum,
    "adaptive_max_pool2d": adaptive_maximum,
    "adaptive_max_pool3d": adaptive_maximum,
    "alpha_dropout": dropout,
    "amax": largest,
    "avg_pool1d": average_pool,
    "avg_pool2d": average_pool,
    "avg_pool3d": average_pool,
    "dropout": dropout,
    "feature_alpha_dropout": dropout,
    "feature_dropout": dropout,
    "max": largest,
    "max.dim": largest_along,
    "max_pool1d": max_pool,
    "max_pool1d_with_indices": max_pool_with_places,
    "max_pool2d": max_pool,
    "max_pool2d_with_indices": max_pool_with_places,
    "max_pool3d": max_pool,
    "max_pool3d_with_indices": max_pool_with_places,
    "mean": mean,
    "native_dropout": native_dropout,
    "sum": total,
    "sym_size": extent,
}
