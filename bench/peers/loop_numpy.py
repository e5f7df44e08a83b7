# SPDX-License-Identifier: MIT
"""The obvious loop: one forward pass per configuration, from the first failing layer on."""

from __future__ import annotations

import numpy as np

from .common import NOTHING, Array, Net, Worst, by_layer, chunks, first_failing, named


def worst(net: Net, x: Array, counts: tuple[int, ...]) -> Worst:
    """Try every configuration with exactly `counts` crashes on the inputs `x` (n, d)."""
    first, values, best = first_failing(counts), net.trace(x), NOTHING
    for (row,) in chunks(net, counts, 1):
        failed = by_layer(counts, row[None])
        y = values[first].copy()
        for layer in range(first, len(net.weights)):
            if layer in failed:
                y[:, failed[layer][0]] = 0.0
            s = y @ net.weights[layer].T + net.biases[layer]
            y = s if layer == len(net.weights) - 1 else net.activate(s)
        best |= Worst(float(np.abs(y - values[-1]).max()), named(counts, row), 1)
    return best
