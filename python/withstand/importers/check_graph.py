# SPDX-License-Identifier: MIT
"""Compares a graph of layers with the object it was loaded from: what rounding explains is found by rounding.

The graph is evaluated twice here, in double precision and in single, with every constant that an object adds and the
graph does not show (the mean that a normalisation subtracts) as a further error of each sum. How far the two are apart,
at the worst of the outputs, is how far one evaluation in single precision is from the truth; another one, in another
order, is given a multiple of it. An object that computes in double precision is given so much less as its unit roundoff
is smaller.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from withstand.model.activations import Activation
from withstand.model.graph import Layer, bias_of, shapes_of
from withstand.model.maps import Conv, Map, Select

from .check import differing, run_object
from .layers import Array

if TYPE_CHECKING:
    from .. import Network
    from .graph import Graph

__all__ = ["compare_graph"]

#: How many times the difference that is found another evaluation may differ, and how many roundings of a result.
_TIMES: Final = 32.0
_FEW: Final = 16.0
_SINGLE: Final = float(np.finfo(np.float32).eps) / 2
#: Inputs are normal numbers of these sizes.
_SIZES: Final = (0.0, 0.1, 0.3, 1.0, 1.0, 1.0, 3.0, 10.0, 100.0)

Floats = NDArray[np.floating[Any]]


def compare_graph(net: Network, graph: Graph, source: Any, library: str) -> None:
    """Refuse a network that does not compute what the object does that it was loaded from; see `check.compare`."""
    rng = np.random.default_rng(0)
    x = np.array([size * rng.normal(size=math.prod(graph.shape)) for size in _SIZES]).astype(np.float32)
    inputs = x.astype(np.float64)
    values, roundoff, hidden = run_object(source, library, inputs)
    loaded = np.asarray(net.forward(inputs)).reshape(len(x), -1)
    double = _evaluate(graph, inputs, np.float64, 0.0)
    single = _evaluate(graph, inputs, np.float32, _FEW * _SINGLE * hidden)
    apart = np.abs(single - double).max(axis=1, keepdims=True)
    tolerance = roundoff * (_TIMES / _SINGLE * apart + _FEW * (1 + np.abs(double)))
    differing(net.outputs, inputs, loaded, tolerance, values, roundoff, library)


def _evaluate(graph: Graph, x: Array, dtype: DTypeLike, noise: float) -> Array:
    """Return the outputs for inputs (n, d), every sum with an error of about that size."""
    rng = np.random.default_rng(1)
    shapes = shapes_of(graph.layers, graph.shape)
    last = {source: n for n, layer in enumerate(graph.layers, 1) for source, _ in layer.reads}
    sent: dict[int, Floats] = {0: x.astype(dtype).reshape(len(x), *shapes[0])}
    for n, (layer, shape) in enumerate(zip(graph.layers, shapes[1:], strict=True), start=1):
        s = np.broadcast_to(bias_of(layer, shape).astype(dtype).reshape(shape), (len(x), *shape)).copy()
        if noise:
            s += (noise * rng.normal(size=s.shape)).astype(dtype)
        for source, kind in layer.reads:
            s += _read(kind, sent[source]).reshape(s.shape)
        sent[n] = _activated(layer, s)
        for source in [source for source in sent if last.get(source, n) <= n and source < n]:
            del sent[source]
    return sent[len(graph.layers)].reshape(len(x), -1).astype(np.float64)


def _activated(layer: Layer, s: Floats) -> Floats:
    phi: Activation = layer.activation
    return s if phi.name == "identity" else phi(s.astype(np.float64)).astype(s.dtype)


def _read(kind: Map, y: Floats) -> Floats:
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
