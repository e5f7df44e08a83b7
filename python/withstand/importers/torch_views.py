# SPDX-License-Identifier: MIT
"""ATen operators that name entries anew: shapes, orders of axes, slices, splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .torch_program import Shape
from .torch_values import Closed, Tracer, is_constant

__all__ = ["SHARING", "VIEWS", "convert", "keep", "moved", "narrow", "permute", "reshape", "transpose", "unsqueeze"]


def reshape(t: Tracer, self: Any, *sizes: Any, **named: Any) -> Any:
    """Another shape of the same entries; one size of -1 is what is left."""
    (size,) = (*sizes, *named.values())
    shape, entries = [int(n) for n in size], math.prod(self.shape)
    if shape.count(-1) == 1:
        rest = math.prod(n for n in shape if n != -1)
        shape[shape.index(-1)] = entries // rest if rest else 0
    if math.prod(shape) != entries:
        raise ValueError(f"makes a tensor of shape {tuple(size)} from {entries} entries")
    return _reshaped(t, self, tuple(shape))


def flatten(t: Tracer, self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Several axes made one."""
    shape = tuple(self.shape) or (1,)
    first, last = start_dim % len(shape), end_dim % len(shape)
    return _reshaped(t, self, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def unflatten(t: Tracer, self: Any, dim: int, sizes: Sequence[int]) -> Any:
    """One axis made several."""
    shape = tuple(self.shape)
    at = dim % len(shape)
    return reshape(t, self, (*shape[:at], *sizes, *shape[at + 1 :]))


def permute(t: Tracer, self: Any, dims: Sequence[int]) -> Any:
    """The axes in another order."""
    axes = tuple(int(dim) % len(self.shape) for dim in dims)
    if is_constant(self):
        return np.transpose(self, axes)
    if isinstance(self, Closed):
        return moved(t, self, lambda index: np.transpose(index, axes))
    signal = t.signal(self)
    return t.like(t.builder.transpose(signal.form, axes), signal)


def transpose(t: Tracer, self: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    axes = list(range(len(self.shape)))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return permute(t, self, axes)


def squeeze(t: Tracer, self: Any, dim: Any = None) -> Any:
    """No axes of size 1, or not those that are named."""
    shape = tuple(self.shape)
    named = range(len(shape)) if dim is None else _axes(dim, shape)
    return _reshaped(t, self, tuple(n for axis, n in enumerate(shape) if axis not in named or n != 1))


def unsqueeze(t: Tracer, self: Any, dim: int) -> Any:
    """A further axis of size 1."""
    shape = list(self.shape)
    shape.insert(dim % (len(shape) + 1), 1)
    return _reshaped(t, self, tuple(shape))


def expand(t: Tracer, self: Any, size: Sequence[int], implicit: bool = False) -> Any:
    """Entries repeated along axes of size 1."""
    own = (1,) * (len(size) - len(self.shape)) + tuple(self.shape)
    shape = tuple(here if n == -1 else int(n) for n, here in zip(size, own, strict=True))
    t.room(shape)
    if is_constant(self) or isinstance(self, Closed):
        return moved(t, self, lambda index: np.broadcast_to(index, shape))
    signal = t.signal(self)
    return signal if shape == signal.shape else t.like(t.builder.broadcast(signal.form, shape), signal)


def keep(t: Tracer, self: Any, **others: Any) -> Any:
    """The tensor itself."""
    return self


def convert(t: Tracer, self: Any, dtype: Any = None, other: Any = None, **others: Any) -> Any:
    """The tensor itself where its type stays a float type of at least 32 bits; stored numbers in any type."""
    name = str(dtype).removeprefix("torch.")
    if dtype is None or name in ("float32", "float64"):
        return np.asarray(self, dtype=np.float64) if is_constant(self) and dtype is not None else self
    if is_constant(self) and name in ("int64", "int32", "bool"):
        return np.asarray(self).astype(name)
    raise ValueError(f"converts to {dtype}, supported are torch.float32 and torch.float64")


def narrow(t: Tracer, self: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """A slice."""
    part: list[Any] = [slice(None)] * len(self.shape)
    part[dim] = slice(start, end, step)
    return moved(t, self, lambda index: index[tuple(part)])


def select(t: Tracer, self: Any, dim: int, index: int) -> Any:
    """One position of an axis, which goes."""
    part: list[Any] = [slice(None)] * len(self.shape)
    part[dim] = index
    return moved(t, self, lambda positions: positions[tuple(part)])


def split(t: Tracer, self: Any, split_size: Any = None, dim: int = 0, **named: Any) -> tuple[Any, ...]:
    """Slices one after the other, of one size or of several."""
    sizes = named.get("split_sizes", split_size)
    extent = self.shape[dim]
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"splits {extent} entries into parts of {sizes}")
        t.builder.account.steps(extent // sizes)
        sizes = [min(sizes, extent - start) for start in range(0, extent, sizes)]
    t.builder.account.steps(len(sizes))
    ends = np.cumsum([0, *sizes])
    if ends[-1] != extent:
        raise ValueError(f"splits {extent} entries into {list(sizes)}")
    return tuple(narrow(t, self, dim, int(a), int(b)) for a, b in zip(ends, ends[1:], strict=False))


def chunk(t: Tracer, self: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """So many slices of equal size, the last one smaller where they do not come out even; fewer where they suffice."""
    return split(t, self, max(1, -(-self.shape[dim] // chunks)), dim)


def unbind(t: Tracer, self: Any, dim: int = 0) -> tuple[Any, ...]:
    """The positions of an axis."""
    t.builder.account.steps(self.shape[dim])
    return tuple(select(t, self, dim, at) for at in range(self.shape[dim]))


def moved(t: Tracer, value: Any, move: Callable[[NDArray[Any]], NDArray[Any]]) -> Any:
    """Return a tensor whose entries `move` moves, given as what it does to the positions."""
    if is_constant(value):
        return move(np.asarray(value))
    signal = value.logits if isinstance(value, Closed) else t.signal(value)
    t.builder.account.array(math.prod(signal.shape))
    index = np.ascontiguousarray(move(np.arange(math.prod(signal.shape)).reshape(signal.shape)))
    if 0 in index.shape:
        raise ValueError(f"makes an empty tensor of shape {index.shape}")
    if isinstance(value, Closed) and index.size != math.prod(signal.shape):
        raise ValueError("takes a part of what a softmax returns, which is no network of logits")
    result = t.like(t.builder.take(signal.form, index), signal)
    return Closed(result) if isinstance(value, Closed) else result


def _reshaped(t: Tracer, value: Any, shape: Shape) -> Any:
    if is_constant(value):
        return np.reshape(value, shape)
    if isinstance(value, Closed):
        return Closed(t.like(value.logits.form, value.logits, shape))
    signal = t.signal(value)
    return t.like(signal.form, signal, shape)


def _axes(dim: Any, shape: Shape) -> tuple[int, ...]:
    each = dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(int(axis) % len(shape) for axis in each) if shape else ()


#: Operators whose result may share the memory of their first argument.
SHARING: Final[dict[str, Callable[..., Any]]] = {
    "_to_copy": convert,
    "_unsafe_view": reshape,
    "alias": keep,
    "chunk": chunk,
    "contiguous": keep,
    "detach": keep,
    "expand": expand,
    "flatten": flatten,
    "getitem": lambda t, values, index: values[index],
    "movedim": lambda t, self, source, destination: permute(
        t, self, np.moveaxis(np.empty([1] * len(self.shape)), source, destination).shape
    ),
    "narrow": lambda t, self, dim, start, length: narrow(t, self, dim, start, start + length),
    "permute": permute,
    "reshape": reshape,
    "select": select,
    "slice": narrow,
    "split": split,
    "split_with_sizes": split,
    "squeeze": squeeze,
    "swapaxes": lambda t, self, axis0, axis1: transpose(t, self, axis0, axis1),
    "swapdims": transpose,
    "t": lambda t, self: transpose(t, self, 0, -1),
    "to": convert,
    "transpose": transpose,
    "type_as": keep,
    "unbind": unbind,
    "unflatten": unflatten,
    "unsqueeze": unsqueeze,
    "view": reshape,
    "view_as": lambda t, self, other: reshape(t, self, other.shape),
}

#: A dropout in evaluation mode returns its argument itself.
VIEWS: Final = frozenset((*SHARING, "alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout"))
