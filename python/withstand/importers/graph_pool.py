# SPDX-License-Identifier: MIT
"""Pooling: where windows lie in an image, and means and maxima over them as forms and as layers that may not fail."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from withstand.model.maps import Padding, PerAxis

from .form import Form, Index

__all__ = ["Windows", "along", "sum_of", "windows"]


@dataclass(frozen=True, eq=False)
class Windows:
    """The entries of an image that moving windows meet.

    Parameters
    ----------
    cells : list of int arrays of the result's shape
        For every cell of the window the flat position that each result meets there, -1 outside the image.
    counted : int array of the result's shape
        How many cells of each window lie in the image or its padding.
    """

    cells: list[Index]
    counted: Index

    def inside(self) -> Index:
        """Return how many cells of each window lie in the image."""
        return sum((cell >= 0).astype(np.int32) for cell in self.cells)  # type: ignore[return-value]

    def filled(self) -> list[Index]:
        """Return the cells with those outside the image replaced by one inside it, for maxima."""
        if min(int(cell.min()) for cell in self.cells) >= 0:
            return list(self.cells)
        first = np.full(self.counted.shape, -1, dtype=np.int32)
        for cell in reversed(self.cells):
            first = np.where(cell >= 0, cell, first)
        if first.min() < 0:
            raise ValueError("has windows that lie outside the image")
        return [np.where(cell >= 0, cell, first) for cell in self.cells]


def windows(
    form: Form,
    size: PerAxis,
    stride: PerAxis | None,
    padding: Padding,
    dilation: PerAxis,
    channel_axis: int,
    ceil: bool = False,
) -> Windows:
    """Return the windows of an image with channels; `stride` None is the window's size.

    Rounding up (`ceil`) adds windows that begin in the image or in the padding before it, and end behind the padding.
    """
    axes = len(form.shape) - 1
    if axes < 1 or channel_axis not in (0, -1):
        raise ValueError(f"moves a window over a tensor of shape {form.shape}, which has channels alone")
    sizes, dilations = _each(size, axes, "size"), _each(dilation, axes, "dilation")
    strides = sizes if stride is None else _each(stride, axes, "stride")
    pads = _pairs(padding, axes)
    image = form.shape[1:] if channel_axis == 0 else form.shape[:-1]
    counts = [_count(*each, ceil) for each in zip(image, sizes, strides, dilations, pads)]
    account = form.account
    entries = math.prod(counts) * form.shape[channel_axis]
    account.steps(math.prod(sizes))
    account.array(entries, copies=2 * math.prod(sizes))
    positions = np.moveaxis(form.positions(), channel_axis, 0)
    cells, counted = [], np.zeros((len(positions), *counts), dtype=np.int32)
    for cell in np.ndindex(*sizes):
        places = [
            np.arange(n) * step + at * reach - before
            for at, n, step, reach, (before, _) in zip(cell, counts, strides, dilations, pads)
        ]
        inside = [(place >= 0) & (place < extent) for place, extent in zip(places, image)]
        padded = [place < extent + after for place, extent, (_, after) in zip(places, image, pads)]
        at = np.ix_(*(np.clip(place, 0, extent - 1) for place, extent in zip(places, image)))
        found = np.where(_all(inside), positions[(slice(None), *at)], -1)
        cells.append(np.moveaxis(found, 0, channel_axis))
        counted += _all(padded)
    return Windows(cells, np.moveaxis(counted, 0, channel_axis))


def along(form: Form, axes: int | Iterable[int]) -> tuple[list[Index], tuple[int, ...]]:
    """Return the flat positions of each of the entries that a reduction over axes joins, and its shape, axes kept."""
    over = sorted({axis % len(form.shape) for axis in ([axes] if isinstance(axes, int) else axes)})
    positions = np.moveaxis(form.positions(), over, range(len(over)))
    cells = positions.reshape(-1, *positions.shape[len(over) :])
    form.account.steps(len(cells))
    form.account.array(form.size, copies=2)
    return list(cells), tuple(1 if axis in over else size for axis, size in enumerate(form.shape))


def sum_of(form: Form, cells: list[Index]) -> Form:
    """Return the sum of the entries at `cells`."""
    parts = [form.take(cell) for cell in cells]
    shifts = [part.shift for part in parts if part.shift is not None]
    terms = tuple(term for part in parts for term in part.terms)  # no two cells of a window are one entry
    return replace(parts[0], terms=terms, shift=sum(shifts[1:], start=shifts[0]) if shifts else None)


def _all(along: list[Any]) -> Any:
    """Return where a condition holds on every axis, from where it holds on each."""
    result = along[0]
    for other in along[1:]:
        result = result[..., None] & other
    return result


def _count(size: int, window: int, stride: int, dilation: int, pads: tuple[int, int], ceil: bool) -> int:
    reach = (window - 1) * dilation + 1
    room = size + pads[0] + pads[1] - reach
    if room < 0:
        raise ValueError(f"has a window that reaches over {reach} of {size + pads[0] + pads[1]} entries")
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + pads[0]:
        count -= 1
    return count


def _each(value: Any, axes: int, name: str) -> tuple[int, ...]:
    each = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * axes
    if len(each) != axes or min(each) < 1:
        raise ValueError(f"has the window's {name} {value} on {axes} axes")
    return tuple(int(entry) for entry in each)


def _pairs(value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    each = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * axes
    pairs = tuple(tuple(e) if isinstance(e, Sequence | np.ndarray) else (e, e) for e in each)
    if len(pairs) != axes or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ValueError(f"has the window's padding {value} on {axes} axes")
    return tuple((int(before), int(after)) for before, after in pairs)
