# SPDX-License-Identifier: MIT
"""The two usual guesses at which neurons matter, of graphs: by the weights that leave them, and by gradients."""

from __future__ import annotations

import numpy as np

from withstand._types import FloatArray
from withstand.model.network import Network

_STEP = 1e-6  # of the difference quotients


def squares(net: Network) -> list[FloatArray]:
    """Return for every hidden layer, neuron by neuron, the sum of the squares of the weights to all who read it."""
    core, places = net._core, net._places()
    found = {place: np.zeros(core.own(place)) for place in places[1:-1]}
    for layer in range(1, core.layers + 1):
        sent = core.sent_squares(layer)
        for place, total in found.items():
            at = core.offset(layer - 1, place) if place < layer else -1
            if at >= 0:
                total += sent[at : at + len(total)]
    return list(found.values())


def taylor(net: Network, rows: FloatArray) -> list[FloatArray]:
    """Return for every hidden layer the mean over inputs of |y_i dF/dy_i|, the worst over outputs."""
    core, places = net._core, net._places()
    scores = {place: np.zeros(core.own(place)) for place in places[1:-1]}
    for row in rows:
        signals, sums = [row], [row]
        for layer in range(1, core.layers + 1):
            s = core.sums(layer, signals[-1][None])[0]
            own = core.own(layer)
            sums.append(s[:own])
            signals.append(np.concatenate([net._activation(layer)(s[:own]), s[own:]]))
        gradient = np.eye(core.own(core.layers))
        for layer in range(core.layers, 0, -1):
            own = core.own(layer)
            if layer in scores:
                scores[layer] += np.abs(gradient[:, :own] * signals[layer][:own]).max(axis=0) / len(rows)
            if layer < core.layers:
                phi, s = net._activation(layer), sums[layer]
                slope = (phi(s + _STEP) - phi(s - _STEP)) / (2 * _STEP)
                gradient = np.concatenate([gradient[:, :own] * slope, gradient[:, own:]], axis=1)
            gradient = core.pull_back(layer, gradient)
    return list(scores.values())
