# SPDX-License-Identifier: MIT
"""Layers of Keras that move data: each is an index into what it reads, or a reshaping."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .graph import Form, GraphBuilder
from .keras_parts import Part
from .keras_shapes import channel_axis, image, pairs, per_axis

__all__ = ["MOVES"]

Move = Callable[[GraphBuilder, list[Form], Part], Form]


def _same(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    """Nothing happens in inference."""
    return forms[0]


def _flatten(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    """Channels that come first are moved last before the axes are joined."""
    form = forms[0]
    if channel_axis(part) == 0 and len(form.shape) > 1:
        form = build.transpose(form, (*range(1, len(form.shape)), 0))
    return build.reshape(form, (math.prod(form.shape),))


def _reshape(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    return build.reshape(forms[0], _target(forms[0], part.config["target_shape"]))


def _target(form: Form, given: Any) -> tuple[int, ...]:
    """Return a shape in which -1 stands for what is left."""
    shape = [int(n) for n in given]
    if shape.count(-1) == 1:
        known = math.prod(n for n in shape if n != -1)
        shape[shape.index(-1)] = math.prod(form.shape) // known if known else -1
    if min(shape, default=1) < 1 or math.prod(shape) != math.prod(form.shape):
        raise ValueError(f"makes a shape of {tuple(given)} of {form.shape}")
    return tuple(shape)


def _permute(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    dims = [int(n) for n in part.config["dims"]]
    if sorted(dims) != list(range(1, len(forms[0].shape) + 1)):
        raise ValueError(f"has dims {tuple(dims)} for a tensor of shape {forms[0].shape}")
    return build.transpose(forms[0], tuple(n - 1 for n in dims))


def _zero_padding(axes: int) -> Move:
    def padded(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        ends, axis = pairs(part, "padding", axes), channel_axis(part)
        _check_rank(forms[0], axes)
        return build.pad(forms[0], [(0, 0), *ends] if axis == 0 else [*ends, (0, 0)])

    return padded


def _cropping(axes: int) -> Move:
    def cropped(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        ends, axis = pairs(part, "cropping", axes), channel_axis(part)
        _check_rank(forms[0], axes)
        lengths = image(forms[0].shape, axis)
        if any(before + after >= n for n, (before, after) in zip(lengths, ends, strict=True)):
            raise ValueError(f"cuts {ends} off an image of {lengths}")
        window = [slice(before, n - after) for n, (before, after) in zip(lengths, ends, strict=True)]
        every = [slice(None), *window] if axis == 0 else [*window, slice(None)]
        return build.take(forms[0], forms[0].positions()[tuple(every)])

    return cropped


def _up_sampling(axes: int) -> Move:
    def repeated(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
        how = part.config.get("interpolation", "nearest")
        if how != "nearest":
            raise ValueError(f"has interpolation {how!r}, supported is 'nearest'")
        _check_rank(forms[0], axes)
        first, axis = 1 if channel_axis(part) == 0 else 0, channel_axis(part)
        times = per_axis(part, "size", axes, 2)
        lengths = image(forms[0].shape, axis)
        build.account.array(math.prod(forms[0].shape) * math.prod(times))
        index = forms[0].positions()
        for n, (count, length) in enumerate(zip(times, lengths, strict=True)):
            index = np.take(index, np.repeat(np.arange(length), count), axis=first + n)
        return build.take(forms[0], index)

    return repeated


def _repeat_vector(build: GraphBuilder, forms: list[Form], part: Part) -> Form:
    count = part.config["n"]
    if len(forms[0].shape) != 1 or not isinstance(count, int) or count < 1:
        raise ValueError(f"repeats a tensor of shape {forms[0].shape} {count!r} times")
    build.account.array(count * math.prod(forms[0].shape))
    return build.take(forms[0], np.tile(forms[0].positions(), (count, 1)))


def _check_rank(form: Form, axes: int) -> None:
    if len(form.shape) != axes + 1:
        raise ValueError(f"reads images of {axes} axes and channels, not a tensor of shape {form.shape}")


#: What happens in training alone.
_TRAINING: Final = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    *(f"SpatialDropout{n}D" for n in (1, 2, 3)),
)

MOVES: Final[dict[str, Move]] = {
    **dict.fromkeys(_TRAINING, _same),
    "Flatten": _flatten,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    "Reshape": _reshape,
    **{f"ZeroPadding{n}D": _zero_padding(n) for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropping(n) for n in (1, 2, 3)},
    **{f"UpSampling{n}D": _up_sampling(n) for n in (1, 2, 3)},
}
