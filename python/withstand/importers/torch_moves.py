# SPDX-License-Identifier: MIT
"""ATen operators that move entries: joins, pads, repetitions, and gathers by stored positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .budget import extent
from .torch_values import Signal, Tracer, is_constant
from .torch_views import SHARING, expand, keep, moved, permute, reshape, unsqueeze

__all__ = ["MOVES", "chosen", "join"]


def join(t: Tracer, tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors one after the other along an axis."""
    parts = [part for part in tensors if math.prod(part.shape)]  # an empty one of any rank is passed over
    if all(is_constant(part) for part in parts):
        t.builder.account.array(sum(part.size for part in parts))
        return np.concatenate(parts, dim)
    signals = [_signal(t, part, parts) for part in parts]
    axis = dim % len(signals[0].shape)
    return Signal(t.builder.concat([signal.form for signal in signals], axis), t.here)


def stack(t: Tracer, tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors one after the other along a further axis."""
    return join(t, [unsqueeze(t, part, dim) for part in tensors], dim)


def gather(t: Tracer, self: Any, indices: Sequence[Any]) -> Any:
    """Entries at stored positions."""
    if any(not (place is None or is_constant(place)) for place in indices):
        raise ValueError("reads a tensor at computed positions, which no layer does")
    part = tuple(slice(None) if place is None else np.asarray(place) for place in indices)
    if any(place.dtype.kind not in "iub" for place in part if not isinstance(place, slice)):
        raise ValueError("reads a tensor at positions that are no integers")
    return moved(t, self, lambda index: index[part])


def index_select(t: Tracer, self: Any, dim: int, index: Any) -> Any:
    """Positions of one axis, in any order."""
    return gather(t, self, [None] * (dim % len(self.shape)) + [index])


def scatter_slice(
    t: Tracer, self: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    """The tensor with a slice replaced by another tensor."""
    extent = self.shape[dim]
    replaced = range(extent)[slice(start, end, step)]
    own = [at for at in range(extent) if at not in replaced]
    order = np.argsort([*own, *replaced])
    kept = index_select(t, self, dim, np.array(own, dtype=np.intp))
    return index_select(t, join(t, [kept, src], dim), dim, order)


def scatter_select(t: Tracer, self: Any, src: Any, dim: int, index: int) -> Any:
    """The tensor with one position of an axis replaced by another tensor."""
    at = index % self.shape[dim]
    return scatter_slice(t, self, unsqueeze(t, src, dim % len(self.shape)), dim, at, at + 1)


def pad(t: Tracer, self: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Any:
    """Entries put around a tensor, from the last axis to the first; negative ones are cut off."""
    axes = len(self.shape)
    pairs = [(0, 0)] * (axes - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if min(pad) < 0:
        ends = [(max(0, -a), n - max(0, -b)) for (a, b), n in zip(pairs, self.shape, strict=True)]
        self = moved(t, self, lambda index: index[tuple(slice(a, b) for a, b in ends)])
        pairs = [(max(0, a), max(0, b)) for a, b in pairs]
    t.room([n + a + b for n, (a, b) in zip(self.shape, pairs, strict=True)])
    if mode != "constant":
        how: Any = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
        return moved(t, self, lambda index: np.pad(index, pairs, mode=how))
    fill = 0.0 if value is None else float(value)
    if is_constant(self):
        return np.pad(self, pairs, constant_values=fill)
    signal = t.signal(self)
    form = signal.form if not fill else t.builder.shift(signal.form, np.asarray(-fill))
    form = t.builder.pad(form, pairs)
    return t.like(form if not fill else t.builder.shift(form, np.asarray(fill)), signal)


def shuffle_up(t: Tracer, self: Any, upscale_factor: int) -> Any:
    """Channels made rows and columns."""
    *front, channels, rows, columns = self.shape
    r, at = upscale_factor, len(front)
    parts = reshape(t, self, (*front, channels // r**2, r, r, rows, columns))
    order = (*range(at), at, at + 3, at + 1, at + 4, at + 2)
    return reshape(t, permute(t, parts, order), (*front, channels // r**2, rows * r, columns * r))


def shuffle_down(t: Tracer, self: Any, downscale_factor: int) -> Any:
    """Rows and columns made channels."""
    *front, channels, rows, columns = self.shape
    r, at = downscale_factor, len(front)
    parts = reshape(t, self, (*front, channels, rows // r, r, columns // r, r))
    order = (*range(at), at, at + 2, at + 4, at + 1, at + 3)
    return reshape(t, permute(t, parts, order), (*front, channels * r**2, rows // r, columns // r))


def _signal(t: Tracer, part: Any, parts: Sequence[Any]) -> Signal:
    """Return a part of a join as a form; stored numbers stand beside what the others read."""
    if not is_constant(part):
        return t.signal(part)
    other = t.signal(next(other for other in parts if not is_constant(other)))
    return Signal(other.form.constant(np.asarray(part, dtype=np.float64)))


def chosen(t: Tracer, condition: Any, self: Any, other: Any) -> Any:
    """Entries of one tensor where a stored condition holds, of another where it does not."""
    shape = np.broadcast_shapes(np.shape(condition), *(np.shape(part) or (1,) for part in (self, other)))
    t.room(shape)
    size = math.prod(shape)
    both = [np.broadcast_to(part, shape) if is_constant(part) else expand(t, part, shape) for part in (self, other)]
    joined = join(t, [reshape(t, part, (size,)) for part in both])
    index = np.arange(size).reshape(shape) + np.where(np.asarray(condition, dtype=bool), 0, size)
    return moved(t, joined, lambda positions: positions[index])


def repeat(t: Tracer, self: Any, repeats: Sequence[int]) -> Any:
    """The tensor so often along every axis."""
    t.builder.account.array(extent(self.shape) * extent(repeats))
    return moved(t, self, lambda index: np.tile(index, repeats))


def enlarge(t: Tracer, input: Any, output_size: Any = None, scale_factors: Any = None, **scales: Any) -> Any:
    """Every entry of an image so often along each axis, as upsampling to the nearest does by whole factors."""
    axes = len(input.shape) - 2
    image = input.shape[2:]
    sizes = output_size or [int(n * scale) for n, scale in zip(image, scale_factors, strict=True)]
    if axes < 1 or any(size % n for size, n in zip(sizes, image, strict=True)):
        raise ValueError(f"scales an image of {image} to {tuple(sizes)}, supported are whole factors")

    t.room((*input.shape[:2], *sizes))

    def repeated(index: NDArray[Any]) -> NDArray[Any]:
        for axis, (size, n) in enumerate(zip(sizes, image, strict=True), start=2):
            index = np.repeat(index, size // n, axis)
        return index

    return moved(t, input, repeated)


_PAD: Final = pad  # a name that the schema's argument does not hide

MOVES: Final[dict[str, Callable[..., Any]]] = {
    **SHARING,
    "_unsafe_index": gather,
    "cat": join,
    "clone": keep,
    "concat": join,
    "copy": lambda t, self, src, non_blocking=False: expand(t, src, self.shape),
    "constant_pad_nd": lambda t, self, pad, value=0: _PAD(t, self, pad, "constant", value),
    "flip": lambda t, self, dims: moved(t, self, lambda index: np.flip(index, tuple(dims))),
    "index": gather,
    "index_select": index_select,
    "lift_fresh_copy": keep,
    "pad": pad,
    "pixel_shuffle": shuffle_up,
    "pixel_unshuffle": shuffle_down,
    "repeat": repeat,
    "roll": lambda t, self, shifts, dims=None: moved(t, self, lambda index: np.roll(index, shifts, dims or None)),
    "select_scatter": scatter_select,
    "slice_scatter": scatter_slice,
    "stack": stack,
    **dict.fromkeys(("upsample_nearest1d.vec", "upsample_nearest2d.vec", "upsample_nearest3d.vec"), enlarge),
}
