# SPDX-License-Identifier: MIT
"""A graph of layers, evaluated as its description says; imports nothing from the package.

Maps are told apart by what they have: a convolution a `kernel`, a selection an `index`, a matrix a `shape`; None is the
source itself. Neurons are numbered as users see them: layer 1 is the first one that may fail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .activations import Activation


def evaluate_graph(
    layers: Sequence[Any], shape: Sequence[int], x: Any, failed: dict[tuple[int, int], float] | None = None
) -> np.ndarray:
    """Return the outputs, flat, for inputs of shape (n, ...); failed neurons transmit the given values."""
    return signals(layers, shape, x, failed)[-1].reshape(len(x), -1)


def signals(
    layers: Sequence[Any], shape: Sequence[int], x: Any, failed: dict[tuple[int, int], float] | None = None
) -> list[np.ndarray]:
    """Return what the inputs and every layer transmit, each of shape (n, *shape of the layer)."""
    sent = [np.asarray(x, dtype=np.float64).reshape(len(x), *shape)]
    counted = 0
    for layer in layers:
        parts = [read(kind, sent[source]) for source, kind in layer.reads]
        own = tuple(layer.shape) if layer.shape else parts[0].shape[1:]
        s = sum(part.reshape(len(x), *own) for part in parts) + biases(layer, own)
        phi = layer.activation
        y = np.asarray(Activation(phi.name, phi.gain, phi.slope)(s))
        counted += layer.may_fail
        for (at, neuron), value in (failed or {}).items():
            if layer.may_fail and at == counted:
                y.reshape(len(x), -1)[:, neuron] = value
        sent.append(y)
    return sent


def read(kind: Any, y: np.ndarray) -> np.ndarray:
    """Return what a map makes of signals of shape (n, ...)."""
    if kind is None:
        return y
    if hasattr(kind, "kernel"):
        return convolution(kind, y)
    flat = y.reshape(len(y), -1)
    if hasattr(kind, "index"):
        chosen = np.where(kind.index < 0, 0.0, flat[:, kind.index])
        return chosen if kind.weight is None else chosen * kind.weight
    return flat @ kind.T


def convolution(conv: Any, y: np.ndarray) -> np.ndarray:
    """Return a convolution, one position of the result after the other."""
    image = y if conv.channel_axis == 0 else np.moveaxis(y, -1, 1)
    image = np.pad(image, ((0, 0), (0, 0), *conv.padding))
    out, each = conv.kernel.shape[:2]
    sizes = conv.kernel.shape[2:]
    counts = [
        (extent - (size - 1) * reach - 1) // step + 1
        for extent, size, reach, step in zip(image.shape[2:], sizes, conv.dilation, conv.stride)
    ]
    result = np.zeros((len(y), out, *counts))
    for place in np.ndindex(*counts):
        window = image[
            (slice(None), slice(None))
            + tuple(
                slice(at * step, at * step + (size - 1) * reach + 1, reach)
                for at, step, size, reach in zip(place, conv.stride, sizes, conv.dilation)
            )
        ]
        for o in range(out):
            first = o // (out // conv.groups) * each
            part = window[:, first : first + each].reshape(len(y), -1)
            result[(slice(None), o, *place)] = part @ conv.kernel[o].reshape(-1)
    return result if conv.channel_axis == 0 else np.moveaxis(result, 1, -1)


def biases(layer: Any, shape: Sequence[int]) -> np.ndarray:
    """Return the biases in the layer's shape."""
    if layer.bias is None:
        return np.zeros(shape)
    if layer.bias.size == math.prod(shape):
        return layer.bias.reshape(shape)
    axis = next(kind.channel_axis for _, kind in layer.reads if hasattr(kind, "kernel"))
    ends = [1] * len(shape)
    ends[axis] = -1
    return np.broadcast_to(layer.bias.reshape(ends), shape)
