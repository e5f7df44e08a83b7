# SPDX-License-Identifier: MIT
"""The maps that a layer of a graph reads earlier ones with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from withstand._coerce import real_array, shown, whole
from withstand._types import FloatArray
from withstand.model.held import held, held_indices

Shape: TypeAlias = tuple[int, ...]
#: A number for every axis of an image, or one for all of them.
PerAxis: TypeAlias = int | Sequence[int]
#: Likewise, where the two ends of an axis may differ.
Padding: TypeAlias = int | Sequence[int | Sequence[int]]


class Conv:
    """A convolution in one, two or more dimensions, kept as its kernel.

    As in PyTorch and ONNX the kernel is not flipped: entry (o, c, u, ...) weighs channel c, `u * dilation` places
    behind the corner of the window, in channel o.

    Parameters
    ----------
    kernel : array_like, shape (channels out, channels in / groups, size, ...)
    stride, dilation : int or one per axis, default 1
    padding : int, one per axis, or a pair (before, after) per axis, default 0
        Zeros put around the image.
    groups : int, default 1
        Input and output channels fall into so many groups, each of which reads its own; a depthwise convolution has as
        many groups as channels.
    channel_axis : {0, -1}, default 0
        Where source and result have their channels: (C, H, W), or (H, W, C).

    Raises
    ------
    TypeError, ValueError
        For arrays that do not hold finite real numbers, and for numbers that do not fit the kernel.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Conv([[[1.0, -1.0]]], padding=1).shape((1, 5))
    (1, 6)
    """

    __slots__ = ("channel_axis", "dilation", "groups", "kernel", "padding", "stride")

    def __init__(
        self,
        kernel: npt.ArrayLike,
        stride: PerAxis = 1,
        padding: Padding = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        channel_axis: int = 0,
    ) -> None:
        given = _kernel(kernel)
        if given.ndim < 3 or 0 in given.shape:
            wanted = "(channels out, channels in / groups, size, ...)"
            raise ValueError(f"kernel must have shape {wanted}, got {given.shape}")
        axes = given.ndim - 2
        self.stride = _per_axis(stride, axes, "stride", 1)
        self.dilation = _per_axis(dilation, axes, "dilation", 1)
        self.padding = _pairs(padding, axes)
        self.groups = whole(groups, "groups", least=1)
        if len(given) % self.groups:
            raise ValueError(f"groups: {len(given)} channels do not fall into {self.groups} groups")
        if channel_axis not in (0, -1):
            raise ValueError(f"channel_axis must be 0 or -1, got {shown(channel_axis)}")
        self.channel_axis = int(channel_axis)
        ordered = in_order(given, self.channel_axis)
        self.kernel: FloatArray = held(ordered) if channel_axis == 0 else np.moveaxis(held(ordered), -1, 1)

    @property
    def channels(self) -> tuple[int, int]:
        """Channels of the source, and of the result."""
        return self.kernel.shape[1] * self.groups, len(self.kernel)

    def shape(self, source: Shape) -> Shape:
        """Return the shape of the result.

        Raises
        ------
        ValueError
            If the source has other axes or channels than the kernel, or is smaller than it.
        """
        axes = self.kernel.ndim - 2
        if len(source) != axes + 1:
            raise ValueError(f"a kernel of shape {self.kernel.shape} reads {axes + 1} axes, not {source}")
        if source[self.channel_axis] != self.channels[0]:
            raise ValueError(
                f"a kernel of shape {self.kernel.shape} in {self.groups} groups reads {self.channels[0]} channels, "
                f"not the {source[self.channel_axis]} of {source}"
            )
        image = source[1:] if self.channel_axis == 0 else source[:-1]
        reach = [(size - 1) * step + 1 for size, step in zip(self.kernel.shape[2:], self.dilation)]
        padded = [size + before + after for size, (before, after) in zip(image, self.padding)]
        if any(size < needed for size, needed in zip(padded, reach)):
            raise ValueError(f"a kernel that reaches over {tuple(reach)} does not fit in an image of {tuple(padded)}")
        result = tuple((size - needed) // step + 1 for size, needed, step in zip(padded, reach, self.stride))
        return (self.channels[1], *result) if self.channel_axis == 0 else (*result, self.channels[1])

    def __repr__(self) -> str:
        parts = [f"kernel {self.kernel.shape}"]
        for name, usual in (("stride", 1), ("padding", (0, 0)), ("dilation", 1)):
            value = getattr(self, name)
            if any(entry != usual for entry in value):
                parts.append(f"{name}={value}")
        parts += [f"groups={self.groups}"] * (self.groups != 1) + ["channel_axis=-1"] * (self.channel_axis == -1)
        return f"Conv({', '.join(parts)})"


class Select:
    """A map of which every receiver reads one sender, or none: slices, pads, transposes, scales.

    Parameters
    ----------
    index : array_like of int, of the result's shape
        The sender of every receiver, counted through the source in C order; -1 for none, which delivers 0.
    weight : array_like, optional
        Factor of every receiver, broadcast to the result's shape; 1 where absent.

    Raises
    ------
    TypeError, ValueError
        For an index that holds no integers or one below -1, and for weights that are not finite or do not fit.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Select([2, 1, 0]), ws.Select([[0, 1], [1, -1]], weight=0.5)
    (Select(3), Select(2 x 2, weighted))
    """

    __slots__ = ("index", "weight")

    def __init__(self, index: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> None:
        try:
            given = np.asarray(index)
        except ValueError:  # rows of different lengths
            raise ValueError(f"index must be an array, got {shown(index)}, of which not all rows are alike") from None
        if given.dtype.kind not in "iu" or given.size == 0:
            raise TypeError(f"index must hold integers, got dtype {given.dtype} and shape {given.shape}")
        if given.min() < -1:
            raise ValueError(f"index must be at least -1, got {int(given.min())}")
        if given.max() > np.iinfo(np.int32).max:
            raise ValueError(f"index names sender {int(given.max())}, which no source has")
        self.index: npt.NDArray[np.int32] = held_indices(given)
        self.weight: FloatArray | None = None
        if weight is not None:
            factors = real_array(weight, "weight")
            try:
                self.weight = _uniform(np.broadcast_to(factors, self.index.shape))
            except ValueError:
                raise ValueError(f"weight has shape {factors.shape}, index has {self.index.shape}") from None

    def shape(self, source: Shape) -> Shape:
        """Return the shape of the result.

        Raises
        ------
        ValueError
            If it names a sender that the source does not have.
        """
        if self.index.max() >= math.prod(source):
            raise ValueError(f"a selection names sender {int(self.index.max())} of {math.prod(source)}")
        return self.index.shape or (1,)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.index.shape))
        return f"Select({shape}{'' if self.weight is None else ', weighted'})"


#: What a layer reads a source with: a matrix of shape (receivers, senders), or a map by name; None, the source itself.
Map: TypeAlias = FloatArray | Conv | Select | None


def shape_behind(kind: Map, source: Shape) -> Shape:
    """Return the shape of what a map makes of a source.

    Raises
    ------
    ValueError
        If it does not read such a source.
    """
    if kind is None:
        return source
    if isinstance(kind, (Conv, Select)):
        return kind.shape(source)
    if kind.shape[1] != math.prod(source) or 0 in kind.shape:
        raise ValueError(f"a matrix of shape {kind.shape} does not read {math.prod(source)} signals")
    return kind.shape[:1]


def as_shape(shape: Any) -> Shape:
    """Return a shape: of the number of every axis, or of the only one."""
    several = isinstance(shape, Iterable) and not isinstance(shape, (str, bytes))
    return tuple(whole(size, "shape", least=1) for size in (shape if several else [shape]))


def in_order(kernel: FloatArray, channel_axis: int) -> FloatArray:
    """Return a kernel with its axes in the order in which the core holds them: channels where images have them."""
    return kernel if channel_axis == 0 else np.moveaxis(kernel, 1, -1)


# what they are made from ---------------------------------------------------------------------------------------------
def _kernel(value: npt.ArrayLike) -> FloatArray:
    """Return an array of finite doubles, in any order: holding it makes the only copy."""
    if type(value) is np.ndarray and value.dtype == np.float64 and np.isfinite(value).all():
        return value
    return real_array(value, "kernel")


def _uniform(weight: FloatArray) -> FloatArray:
    """Return factors, one in memory where all are alike."""
    first = weight.reshape(-1)[:1]
    alike = bool(first[0] != 0 and np.all(weight == first))
    return np.broadcast_to(held(first), weight.shape) if alike else held(weight)


def _per_axis(value: Any, axes: int, name: str, least: int) -> Shape:
    each = [value] * axes if not isinstance(value, (Sequence, np.ndarray)) else list(value)
    if len(each) != axes:
        raise ValueError(f"{name} must be one integer or {axes}, got {shown(value)}")
    return tuple(whole(entry, name, least=least) for entry in each)


def _pairs(value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    each = [value] * axes if not isinstance(value, (Sequence, np.ndarray)) else list(value)
    if len(each) != axes:
        raise ValueError(f"padding must be one entry or {axes}, got {shown(value)}")
    pairs = [entry if isinstance(entry, (Sequence, np.ndarray)) else (entry, entry) for entry in each]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"padding must have two ends for each axis, got {shown(value)}")
    return tuple((whole(before, "padding"), whole(after, "padding")) for before, after in pairs)
