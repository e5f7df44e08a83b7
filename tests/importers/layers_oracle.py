# SPDX-License-Identifier: MIT
"""A plain evaluation of imported layers and graphs, with failed neurons; it imports nothing from the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
from oracle.graph import evaluate_graph


def phi(triple: Any, s: np.ndarray) -> np.ndarray:
    """phi(gain * s), written as the definitions are."""
    return np.asarray(oracle.Activation(*triple)(s))


def evaluate(layers: Any, x: np.ndarray, failed: dict[tuple[int, int], float] | None = None) -> np.ndarray:
    """Outputs for inputs of shape (n, d) of `Layers` or a `Graph`, failed neurons transmitting the given values."""
    if hasattr(layers, "layers"):
        return evaluate_graph(layers.layers, layers.shape, x, failed)
    y = np.asarray(x, dtype=np.float64)
    phis = [*layers.activations, layers.output_activation]
    for layer, (weights, biases, triple) in enumerate(zip(layers.weights, layers.biases, phis, strict=True), start=1):
        y = phi(triple, y @ weights.T + biases)
        for (at, neuron), value in (failed or {}).items():
            if at == layer:
                y[:, neuron] = value
    return y
