# SPDX-License-Identifier: MIT
"""What the layers of Keras share: numbers per axis of an image, the place of the channels, windows at the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .keras_parts import Part
from .layers import Array

__all__ = ["agree", "axis_of", "channel_axis", "image", "number_array", "pairs", "per_axis", "same"]


def channel_axis(part: Part) -> int:
    """Return where an image has its channels, the batch axis left out."""
    given = part.config.get("data_format") or "channels_last"
    if given not in ("channels_first", "channels_last"):
        raise ValueError(f"has data_format {given!r}, supported are channels_first and channels_last")
    return 0 if given == "channels_first" else -1


def image(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Return the axes of a shape that are not the channels'."""
    return shape[1:] if axis == 0 else shape[:-1]


def per_axis(part: Part, key: str, axes: int, default: Any = 1) -> tuple[int, ...]:
    """Return one whole number for each axis of an image."""
    given = part.config.get(key, default)
    each = given if isinstance(given, list | tuple) else [given] * axes
    if len(each) != axes or not all(isinstance(n, int) and n > 0 for n in each):
        raise ValueError(f"has {key} {given!r}, supported are {axes} whole numbers")
    return tuple(each)


def pairs(part: Part, key: str, axes: int) -> list[tuple[int, int]]:
    """Return two whole numbers for each axis of an image, those of its ends."""
    given = part.config[key]
    each = given if isinstance(given, list | tuple) else [given] * axes
    if axes == 1 and len(each) == 2 and all(isinstance(n, int) for n in each):
        each = [each]
    ends = [tuple(end) if isinstance(end, list | tuple) else (end, end) for end in each]
    if len(ends) != axes or not all(len(end) == 2 and all(isinstance(n, int) and n >= 0 for n in end) for end in ends):
        raise ValueError(f"has {key} {given!r}, supported are {axes} pairs of whole numbers")
    return [(end[0], end[1]) for end in ends]


def same(size: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...], dilation: Any = 1) -> list[Any]:
    """Return the padding with which a window that moves by `stride` gives ceil(size / stride) results.

    Where it is odd, the end has one more than the beginning.
    """
    found = []
    for n, k, step, spread in zip(size, window, stride, np.broadcast_to(dilation, len(size)).tolist(), strict=True):
        total = max((math.ceil(n / step) - 1) * step + (k - 1) * spread + 1 - n, 0)
        found.append((total // 2, total - total // 2))
    return found


def axis_of(axis: Any, rank: int) -> int:
    """Return an axis of a tensor with a batch axis as one of the tensor without it."""
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not isinstance(axis, int) or not -rank <= axis <= rank or axis == 0:
        raise ValueError(f"runs over axis {axis!r} of a tensor of {rank + 1} axes, supported are all but the first")
    return axis - 1 if axis > 0 else rank + axis


def agree(part: Part, bias: Array | None, outputs: int, **sizes: Any) -> None:
    """Refuse a layer whose configuration gives other sizes than its arrays have."""
    for key, found in sizes.items():
        given = part.config.get(key, found)
        each = [given] * len(found) if isinstance(found, list) and not isinstance(given, list | tuple) else given
        if (list(each) if isinstance(each, tuple) else each) != found:
            raise ValueError(f"has {key} {given!r}, but arrays for {found}")
    if bias is not None and bias.shape != (outputs,):
        raise ValueError(f"has a bias of shape {bias.shape} for {outputs} outputs")


def number_array(what: str, given: Any) -> Array:
    """Return a number, or nested lists of them, as an array."""
    if isinstance(given, dict) and isinstance(given.get("config"), dict):  # an array, as Keras 3 writes it
        given = given["config"].get("value")
    try:
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"has {what} {given!r}, which is no array of numbers") from error
    if given is None or isinstance(given, str) or not np.all(np.isfinite(array)):
        raise ValueError(f"has {what} {given!r}, which is no array of finite numbers")
    return array
