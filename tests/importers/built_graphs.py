# SPDX-License-Identifier: MIT
"""What tests of imported graphs share."""

from __future__ import annotations

from typing import Any

import numpy as np
from withstand.importers.graph import Graph
from withstand.model.activations import Activation
from withstand.model.graph import Layer


def row(size: int, rows: int = 1) -> np.ndarray:
    return np.cos(np.arange(1.0, rows * size + 1)).reshape(rows, size)


def as_graph(net: Any) -> tuple[Any, Any]:
    """Return the layers and the input shape of a `Graph`, or of `Layers` as one."""
    if isinstance(net, Graph):
        return net.layers, net.shape
    phis = [*net.activations, net.output_activation]
    layers = [
        Layer([(n, weights)], biases, Activation(*phi))
        for n, (weights, biases, phi) in enumerate(zip(net.weights, net.biases, phis))
    ]
    return layers, (net.weights[0].shape[1],)
