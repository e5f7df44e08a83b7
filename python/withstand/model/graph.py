# SPDX-License-Identifier: MIT
"""What a graph of layers is made of: layers, and the maps that they read earlier ones with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from withstand._coerce import flag, real_array, shown, whole
from withstand._types import FloatArray
from withstand.model.activations import Activation, ActivationLike, as_activation

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
        self.kernel: FloatArray = _held(real_array(kernel, "kernel"))
        if self.kernel.ndim < 3 or 0 in self.kernel.shape:
            raise ValueError(
                f"kernel must have shape (channels out, channels in / groups, size, ...), got {self.kernel.shape}"
            )
        axes = self.kernel.ndim - 2
        self.stride = _per_axis(stride, axes, "stride", 1)
        self.dilation = _per_axis(dilation, axes, "dilation", 1)
        self.padding = _pairs(padding, axes)
        self.groups = whole(groups, "groups", least=1)
        if len(self.kernel) % self.groups:
            raise ValueError(f"groups: {len(self.kernel)} channels do not fall into {self.groups} groups")
        if channel_axis not in (0, -1):
            raise ValueError(f"channel_axis must be 0 or -1, got {shown(channel_axis)}")
        self.channel_axis = int(channel_axis)

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
        given = np.asarray(index)
        if given.dtype.kind not in "iu" or given.size == 0:
            raise TypeError(f"index must hold integers, got dtype {given.dtype} and shape {given.shape}")
        self.index: npt.NDArray[np.int64] = np.ascontiguousarray(given, dtype=np.int64)
        if self.index.min() < -1:
            raise ValueError(f"index must be at least -1, got {int(self.index.min())}")
        self.weight: FloatArray | None = None
        if weight is not None:
            factors = real_array(weight, "weight")
            self.weight = _held(np.ascontiguousarray(np.broadcast_to(factors, self.index.shape)))

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


class Layer:
    """A layer of neurons that read earlier layers: phi(sum over reads of W y + bias).

    Parameters
    ----------
    reads : sequence of (source, map)
        `source` numbers the layers as they are given, 0 being the inputs. `map` is an array of shape (receivers,
        senders), a `Conv`, a `Select`, or None for the source itself.
    bias : array_like, optional
        One per neuron, of the layer's shape or flat; or, where a convolution is read, one per channel.
    activation : str or Activation, default "relu"
    may_fail : bool, default True
        Whether its neurons are such that may fail. Those of pooling stages and wires are not, and are not counted.
    shape : tuple of int, optional
        Shape of what it transmits, where that is another than what its maps give; neurons are numbered in C order.
    name : str, optional
        What messages, tables and reports call it.

    Raises
    ------
    TypeError, ValueError
        For parts that are none of these. What does not fit the layers before is told by `Network`.
    """

    __slots__ = ("activation", "bias", "may_fail", "name", "reads", "shape")

    def __init__(
        self,
        reads: Any,
        bias: npt.ArrayLike | None = None,
        activation: ActivationLike = "relu",
        may_fail: bool = True,
        shape: Sequence[int] | None = None,
        name: str = "",
    ) -> None:
        if isinstance(reads, (str, bytes)) or not isinstance(reads, Iterable):
            raise TypeError(f"reads must be a sequence of pairs (source, map), got {shown(reads)}")
        self.reads: tuple[tuple[int, Map], ...] = tuple(map(_read, reads))
        if not self.reads:
            raise ValueError("reads must name at least one source")
        self.bias: FloatArray | None = None if bias is None else _held(real_array(bias, "bias"))
        self.activation: Activation = as_activation(activation)
        self.may_fail = flag(may_fail, "may_fail")
        self.shape: Shape | None = None if shape is None else tuple(whole(n, "shape", least=1) for n in shape)
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {shown(name)}")
        self.name = name

    @property
    def kind(self) -> str:
        """"dense" or "conv" where it reads weights; else "select", or "add" where it reads its sources as they are."""
        maps = [kind for _, kind in self.reads]
        if any(isinstance(kind, np.ndarray) for kind in maps):
            return "dense"
        if any(isinstance(kind, Conv) for kind in maps):
            return "conv"
        return "select" if any(isinstance(kind, Select) for kind in maps) else "add"

    def __repr__(self) -> str:
        maps = [f"{s}: {f'dense {w.shape}' if isinstance(w, np.ndarray) else w}" for s, w in self.reads]
        still = "" if self.may_fail else ", may_fail=False"
        return f"Layer({', '.join(maps)}, {self.activation.name}{still})"


def shapes_of(layers: Sequence[Layer], inputs: Shape) -> list[Shape]:
    """Return the shapes of the inputs and of every layer.

    Raises
    ------
    ValueError
        If a layer reads one that does not come before it, or its reads do not fit together.
    """
    shapes = [inputs]
    for n, layer in enumerate(layers, start=1):
        found = []
        for source, kind in layer.reads:
            if source >= n:
                raise ValueError(f"layer {n} reads layer {source}, a layer reads earlier ones")
            try:
                found.append(_shape_of(kind, shapes[source]))
            except ValueError as error:
                raise ValueError(f"layer {n}, read of layer {source}: {error}") from None
        sizes = {math.prod(shape) for shape in found}
        if len(sizes) > 1:
            raise ValueError(f"layer {n}: its reads have shapes {' and '.join(map(str, found))}")
        shape = layer.shape or found[0]
        if math.prod(shape) not in sizes:
            raise ValueError(f"layer {n}: shape {shape} does not hold the {sizes.pop()} neurons of its reads")
        shapes.append(shape)
    return shapes


def bias_of(layer: Layer, shape: Shape) -> FloatArray:
    """Return the biases of a layer's neurons, flat."""
    size = math.prod(shape)
    if layer.bias is None:
        return np.zeros(size)
    if layer.bias.shape in ((size,), shape):
        return np.ascontiguousarray(layer.bias.reshape(-1))
    for _, kind in layer.reads:
        if isinstance(kind, Conv) and layer.bias.shape == kind.channels[1:]:
            ends = (1,) * (len(shape) - 1)
            own = layer.bias.reshape((-1, *ends) if kind.channel_axis == 0 else (*ends, -1))
            return np.ascontiguousarray(np.broadcast_to(own, shape).reshape(-1))
    raise ValueError(f"{layer.bias.shape} biases for neurons of shape {shape}")


# what they are made from ---------------------------------------------------------------------------------------------
def _read(given: Any) -> tuple[int, Map]:
    try:
        source, kind = given
    except (TypeError, ValueError):
        raise TypeError(f"reads must be pairs (source, map), got {shown(given)}") from None
    number = whole(source, "source")
    if kind is None or isinstance(kind, (Conv, Select)):
        return number, kind
    return number, _held(real_array(kind, f"map that reads layer {number}", 2))


def _shape_of(kind: Map, source: Shape) -> Shape:
    if kind is None:
        return source
    if isinstance(kind, (Conv, Select)):
        return kind.shape(source)
    if kind.shape[1] != math.prod(source) or 0 in kind.shape:
        raise ValueError(f"a matrix of shape {kind.shape} does not read {math.prod(source)} signals")
    return kind.shape[:1]


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


def _held(array: FloatArray) -> FloatArray:
    """A read-only copy, unless it is one."""
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array
