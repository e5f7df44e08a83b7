# SPDX-License-Identifier: MIT
"""A plain evaluation of imported layers, with failed neurons; it imports nothing from the package."""

from __future__ import annotations

from typing import Any

import numpy as np


def phi(triple: Any, s: np.ndarray) -> np.ndarray:
    """phi(gain * s), written as the definitions are."""
    name, gain, slope = triple
    s = gain * s
    if name == "logistic":
        return 0.5 * (1 + np.tanh(s / 2))
    if name == "clip":
        return np.minimum(1, np.maximum(0, s + 0.5))
    if name == "hard_tanh":
        return np.minimum(1, np.maximum(-1, s))
    if name == "leaky_relu":
        return np.where(s > 0, s, slope * s)
    if name == "elu":
        return np.where(s > 0, s, slope * np.expm1(np.minimum(s, 0)))
    if name == "softplus":
        return np.logaddexp(0, s)
    return {"identity": lambda t: t, "relu": lambda t: np.maximum(t, 0), "tanh": np.tanh}[name](s)


def evaluate(layers: Any, x: np.ndarray, failed: dict[tuple[int, int], float] | None = None) -> np.ndarray:
    """Outputs for inputs of shape (n, d), failed neurons transmitting the given values."""
    y = np.asarray(x, dtype=np.float64)
    phis = [*layers.activations, layers.output_activation]
    for layer, (weights, biases, triple) in enumerate(zip(layers.weights, layers.biases, phis, strict=True), start=1):
        y = phi(triple, y @ weights.T + biases)
        for (at, neuron), value in (failed or {}).items():
            if at == layer:
                y[:, neuron] = value
    return y
