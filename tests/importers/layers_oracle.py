# SPDX-License-Identifier: MIT
"""A plain evaluation of imported layers and graphs, with failed neurons; it imports nothing from the package."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
from oracle.graph import evaluate_graph, signals


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


def sizes(layers: Any) -> tuple[int, ...]:
    """Numbers of inputs, of the neurons of every layer that may fail, and of outputs."""
    if not hasattr(layers, "layers"):
        return (layers.weights[0].shape[1], *(len(weights) for weights in layers.weights))
    hidden = (math.prod(layer.shape) for layer in layers.layers[:-1] if layer.may_fail)
    return (math.prod(layers.shape), *hidden, math.prod(layers.layers[-1].shape))


def hidden(layers: Any, x: np.ndarray) -> list[np.ndarray]:
    """What the layers that may fail transmit for inputs of shape (n, d), each of shape (n, neurons)."""
    if hasattr(layers, "layers"):
        sent = signals(layers.layers, layers.shape, x)
        return [y.reshape(len(x), -1) for layer, y in zip(layers.layers[:-1], sent[1:]) if layer.may_fail]
    found = [np.asarray(x, dtype=np.float64)]
    for weights, biases, triple in zip(layers.weights, layers.biases, layers.activations):
        found.append(phi(triple, found[-1] @ weights.T + biases))
    return found[1:]
