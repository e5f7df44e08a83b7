# SPDX-License-Identifier: MIT
"""Convolutions and pooling of Keras. Kernels come as (size, ..., channels in / groups, channels out)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .graph import Form, GraphBuilder
from .keras_parts import Part
from .keras_shapes import agree, channel_axis, image, per_axis, same
from .layers import Array

__all__ = ["CONVOLUTIONS", "POOLING", "with_bias"]


def with_bias(part: Part, kernels: int = 1) -> tuple[list[Array], Array | None]:
    """Return so many kernels of a layer, and its bias where it has one."""
    weights = part.weights()
    biased = bool(part.config.get("use_bias", True))
    if len(weights) != kernels + biased:
        raise ValueError(f"has {len(weights)} arrays of weights, supported are {kernels} kernels and a bias")
    return weights[:kernels], weights[kernels] if biased else None


def _window(form: Form, part: Part, axes: int, size: tuple[int, ...]) -> dict[str, Any]:
    """Return stride, padding and dilation of a layer whose kernel has that size."""
    axis = channel_axis(part)
    stride, dilation = per_axis(part, "strides", axes), per_axis(part, "dilation_rate", axes)
    padding, lengths = part.config.get("padding", "valid"), image(form.shape, axis)
    if len(form.shape) != axes + 1:
        raise ValueError(f"reads images of {axes} axes and channels, not a tensor of shape {form.shape}")
    if padding == "same":
        ends = same(lengths, size, stride, dilation)
    elif padding == "causal" and axes == 1:
        ends = [((size[0] - 1) * dilation[0], 0)]
    elif padding == "valid":
        ends = [(0, 0)] * axes
    else:
        raise ValueError(f"has padding {padding!r}, supported are valid, same, and causal in one dimension")
    return {"stride": stride, "padding": ends, "dilation": dilation, "channel_axis": axis}


def _kernel(array: Array, axes: int) -> Array:
    """Return a kernel as (channels out, channels in / groups, size, ...)."""
    if array.ndim != axes + 2:
        raise ValueError(f"has a kernel of shape {array.shape}, supported are {axes + 2} axes")
    return np.moveaxis(array, (-1, -2), (0, 1))


def _depthwise(array: Array, axes: int) -> Array:
    """Return a kernel (size, ..., channels, multiplier) as one with a group for every channel."""
    if array.ndim != axes + 2:
        raise ValueError(f"has a kernel of shape {array.shape}, supported are {axes + 2} axes")
    moved = np.moveaxis(array, (-2, -1), (0, 1))
    return moved.reshape(-1, 1, *array.shape[:-2])


def _conv(axes: int) -> Callable[[GraphBuilder, list[Form], Part], Form]:
    def convolved(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        (array,), bias = with_bias(part)
        kernel, groups = _kernel(array, axes), part.config.get("groups", 1)
        agree(part, bias, len(kernel), filters=len(kernel), kernel_size=list(kernel.shape[2:]))
        return build.conv(forms[0], kernel, bias, groups=groups, **_window(forms[0], part, axes, kernel.shape[2:]))

    return convolved


def _depthwise_conv(axes: int) -> Callable[[GraphBuilder, list[Form], Part], Form]:
    def convolved(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        (array,), bias = with_bias(part)
        kernel = _depthwise(array, axes)
        agree(part, bias, len(kernel), depth_multiplier=array.shape[-1], kernel_size=list(kernel.shape[2:]))
        window = _window(forms[0], part, axes, kernel.shape[2:])
        return build.conv(forms[0], kernel, bias, groups=array.shape[-2], **window)

    return convolved


def _separable_conv(axes: int) -> Callable[[GraphBuilder, list[Form], Part], Form]:
    def convolved(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        (deep, point), bias = with_bias(part, kernels=2)
        kernel = _depthwise(deep, axes)
        sizes = {"depth_multiplier": deep.shape[-1], "kernel_size": list(kernel.shape[2:]), "filters": point.shape[-1]}
        agree(part, bias, point.shape[-1], **sizes)
        window = _window(forms[0], part, axes, kernel.shape[2:])
        middle = build.conv(forms[0], kernel, None, groups=deep.shape[-2], **window)
        return build.conv(middle, _kernel(point, axes), bias, channel_axis=window["channel_axis"])

    return convolved


def _check_edges(part: Part, ends: list[Any]) -> None:
    """Refuse means of windows of which some reach over one edge further than over the other.

    There Keras on torch repeated the edge up to 3.15, where other backends, and later versions, leave out what lies
    outside the image.
    """
    backend = part.writer.backend
    if any(before != after for before, after in ends) and backend not in ("tensorflow", "jax", "numpy"):
        of = f"of Keras {part.writer.version} on {backend}" if backend else "of a file that does not say its backend"
        raise ValueError(
            f"takes means {of} with padding {ends}, which backends and versions of Keras compute differently; "
            "supported are tensorflow, jax and numpy"
        )


def _pool(axes: int, largest: bool) -> Callable[[GraphBuilder, list[Form], Part], Form]:
    """Windows at the edges hold what lies inside the image; a mean counts no zeros."""

    def pooled(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        form, axis = forms[0], channel_axis(part)
        if len(form.shape) != axes + 1:
            raise ValueError(f"reads images of {axes} axes and channels, not a tensor of shape {form.shape}")
        size = per_axis(part, "pool_size", axes, 2)
        stride = per_axis(part, "strides", axes) if part.config.get("strides") is not None else size
        padding = part.config.get("padding", "valid")
        if padding not in ("valid", "same"):
            raise ValueError(f"has padding {padding!r}, supported are valid and same")
        ends = same(image(form.shape, axis), size, stride) if padding == "same" else [(0, 0)] * axes
        if largest:
            return build.max_pool(form, size, stride, ends, channel_axis=axis)
        _check_edges(part, ends)
        return build.mean_pool(form, size, stride, ends, channel_axis=axis, count_include_pad=False)

    return pooled


def _global_pool(axes: int, largest: bool) -> Callable[[GraphBuilder, list[Form], Part], Form]:
    def pooled(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        form, axis = forms[0], channel_axis(part)
        if len(form.shape) != axes + 1:
            raise ValueError(f"reads images of {axes} axes and channels, not a tensor of shape {form.shape}")
        over = tuple(range(1, axes + 1)) if axis == 0 else tuple(range(axes))
        keep = bool(part.config.get("keepdims", False))
        if not largest:
            return build.mean(form, over, keep)
        size = image(form.shape, axis)
        result = build.max_pool(form, size, size, [(0, 0)] * axes, channel_axis=axis)
        return result if keep else build.reshape(result, (math.prod(result.shape),))

    return pooled


#: Convolutions by class, each with what to do and how many axes its images have.
CONVOLUTIONS: Final[dict[str, Callable[[GraphBuilder, list[Form], Part], Form]]] = {
    **{f"Conv{n}D": _conv(n) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise_conv(n) for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable_conv(n) for n in (1, 2)},
}

POOLING: Final[dict[str, Callable[[GraphBuilder, list[Form], Part], Form]]] = {
    **{f"MaxPooling{n}D": _pool(n, largest=True) for n in (1, 2, 3)},
    **{f"AveragePooling{n}D": _pool(n, largest=False) for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}D": _global_pool(n, largest=True) for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}D": _global_pool(n, largest=False) for n in (1, 2, 3)},
}
