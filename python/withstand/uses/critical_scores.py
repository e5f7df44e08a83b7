# SPDX-License-Identifier: MIT
"""Scores of neurons that need no failure: the weights that leave them, and the gradient."""

from __future__ import annotations

import numpy as np

from withstand._types import FloatArray
from withstand.model.evaluation import received
from withstand.model.network import Network
from withstand.uses import graph_scores


def weight_norm(net: Network) -> FloatArray:
    """Length of the vector of weights that leave each hidden neuron."""
    if net.is_graph:
        return np.sqrt(np.concatenate(graph_scores.squares(net)))
    return np.concatenate([np.linalg.norm(weight, axis=0) for weight in net.weights[1:]])


def taylor(net: Network, rows: FloatArray) -> FloatArray:
    """Mean over inputs of |y_i dF/dy_i|, the worst over outputs."""
    if net.is_graph:
        return np.concatenate(graph_scores.taylor(net, rows))
    values = net.trace(rows)
    gradient = np.broadcast_to(net.weights[-1], (len(rows), *net.weights[-1].shape))
    scores: list[FloatArray] = []
    for layer in range(net.depth, 0, -1):
        scores.append(np.abs(gradient * values[layer][:, None, :]).max(axis=1).mean(axis=0))
        s = received(net, layer, values[layer - 1])
        phi, h = net.activations[layer - 1], 1e-6
        slope = (phi(s + h) - phi(s - h)) / (2 * h)
        gradient = (gradient * slope[:, None, :]) @ net.weights[layer - 1]
    return np.concatenate(scores[::-1])
