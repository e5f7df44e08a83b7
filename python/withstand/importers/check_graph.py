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
from numpy.typing import DTypeLike

from withstand.model.activations import Activation
from withstand.model.apply import Floats, applied
from withstand.model.graph import Layer, bias_of, shapes_of

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
            s += applied(kind, sent[source]).reshape(s.shape)
        sent[n] = _activated(layer, s)
        for source in [source for source in sent if last.get(source, n) <= n and source < n]:
            del sent[source]
    return sent[len(graph.layers)].reshape(len(x), -1).astype(np.float64)


def _activated(layer: Layer, s: Floats) -> Floats:
    phi: Activation = layer.activation
    return s if phi.name == "identity" else phi(s.astype(np.float64)).astype(s.dtype)
