# SPDX-License-Identifier: MIT
"""Whether the first row of a network's outputs depends on the first row of its inputs alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from withstand.model.graph import shapes_of
from withstand.model.maps import Conv, Map, Shape

from .graph import Graph
from .layers import Layers

__all__ = ["rows_are_apart"]


def rows_are_apart(network: Layers | Graph, rows: int) -> bool:
    """Whether inputs and outputs are both `rows` rows, and no connection leads from other rows to the first output row.

    Then the file treats its rows as a batch, although not alike, or in a way that depends on how many there are.
    """
    if isinstance(network, Layers):
        reads: list[list[tuple[int, Map]]] = [[(source, kind)] for source, kind in enumerate(network.weights)]
        shapes: list[Shape] = [network.weights[0].shape[1:], *((len(weights),) for weights in network.weights)]
    else:
        reads = [list(layer.reads) for layer in network.layers]
        shapes = shapes_of(network.layers, network.shape)
    inputs, outputs = math.prod(shapes[0]), math.prod(shapes[-1])
    if outputs % rows:
        return False
    reached = [np.arange(inputs) >= inputs // rows]  # what depends on other rows of the inputs
    for maps, shape in zip(reads, shapes[1:]):
        parts = [_reached(kind, reached[source], shapes[source]) for source, kind in maps]
        reached.append(np.any(parts, axis=0).reshape(math.prod(shape)))
    return not np.any(reached[-1][: outputs // rows])


def _reached(kind: Map, reached: NDArray[np.bool_], shape: Shape) -> NDArray[np.bool_]:
    """Return what a map makes of signals that are reached, flat."""
    if kind is None:
        return reached
    if isinstance(kind, Conv):
        return _windows(kind, reached.reshape(shape))
    if isinstance(kind, np.ndarray):
        return np.asarray(np.any(kind[:, reached] != 0, axis=1))
    found = np.where(kind.index < 0, False, reached[kind.index])
    return (found if kind.weight is None else found & (kind.weight != 0)).reshape(-1)


def _windows(conv: Conv, image: NDArray[np.bool_]) -> NDArray[np.bool_]:
    image = np.moveaxis(image, conv.channel_axis, 0)
    padded = np.pad(image, ((0, 0), *conv.padding)).reshape(conv.groups, -1, *_padded(conv, image.shape[1:]))
    counts = np.moveaxis(np.empty(conv.shape(np.moveaxis(image, 0, conv.channel_axis).shape)), conv.channel_axis, 0)
    result = np.zeros((conv.groups, len(conv.kernel) // conv.groups, *counts.shape[1:]), dtype=bool)
    for cell in np.ndindex(*conv.kernel.shape[2:]):
        window = tuple(
            slice(at * reach, at * reach + (count - 1) * step + 1, step)
            for at, reach, count, step in zip(cell, conv.dilation, counts.shape[1:], conv.stride)
        )
        weights = conv.kernel[(slice(None), slice(None), *cell)].reshape(*result.shape[:2], -1) != 0
        seen = padded[(slice(None), slice(None), *window)]
        result |= np.einsum("goc,gc...->go...", weights.astype(int), seen.astype(int)) > 0
    return np.moveaxis(result.reshape(counts.shape), 0, conv.channel_axis).reshape(-1)


def _padded(conv: Conv, image: Shape) -> Shape:
    return tuple(size + before + after for size, (before, after) in zip(image, conv.padding))
