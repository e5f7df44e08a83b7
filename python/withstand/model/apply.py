# SPDX-License-Identifier: MIT
"""What maps make of signals, by NumPy, in whatever precision the signals have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from withstand.model.maps import Conv, Map, Select

Floats = NDArray[np.floating[Any]]


def applied(kind: Map, y: Floats) -> Floats:
    """Return what a map makes of signals of shape (n, ...)."""
    if kind is None:
        return y
    if isinstance(kind, Conv):
        return _convolved(kind, y)
    flat = y.reshape(len(y), -1)
    if isinstance(kind, Select):
        chosen = np.where(kind.index < 0, y.dtype.type(0), flat[:, kind.index])
        return chosen if kind.weight is None else chosen * kind.weight.astype(y.dtype)
    product: Floats = flat @ kind.T.astype(y.dtype)
    return product


def magnitude(kind: Map) -> Map:
    """Return the map with the sizes of its weights."""
    if isinstance(kind, Conv):
        kernel = np.abs(kind.kernel)
        return Conv(kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    if isinstance(kind, Select):
        return Select(kind.index, None if kind.weight is None else np.abs(kind.weight))
    return None if kind is None else np.abs(kind)


def _convolved(conv: Conv, y: Floats) -> Floats:
    """Return a convolution: for each place of the kernel, the image that it meets times its weights."""
    image = y if conv.channel_axis == 0 else np.moveaxis(y, -1, 1)
    image = np.pad(image, ((0, 0), (0, 0), *conv.padding))
    out, each, *size = conv.kernel.shape
    own = conv.shape(y.shape[1:])
    counts = own[1:] if conv.channel_axis == 0 else own[:-1]
    kernel = conv.kernel.astype(y.dtype).reshape(conv.groups, out // conv.groups, each, *size)
    result = np.zeros((len(y), conv.groups, out // conv.groups, math.prod(counts)), dtype=y.dtype)
    for place in np.ndindex(*size):
        window = tuple(
            slice(at * reach, at * reach + (count - 1) * step + 1, step)
            for at, reach, count, step in zip(place, conv.dilation, counts, conv.stride, strict=True)
        )
        met = image[(slice(None), slice(None), *window)].reshape(len(y), conv.groups, each, -1)
        result += np.matmul(kernel[(slice(None), slice(None), slice(None), *place)], met)
    shaped = result.reshape(len(y), out, *counts)
    return shaped if conv.channel_axis == 0 else np.moveaxis(shaped, 1, -1)
