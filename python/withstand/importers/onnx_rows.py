# SPDX-License-Identifier: MIT
"""Whether the first row of a network's outputs depends on the first row of its inputs alone."""

from __future__ import annotations

import numpy as np

from .layers import Layers

__all__ = ["rows_are_apart"]


def rows_are_apart(layers: Layers, rows: int) -> bool:
    """Whether inputs and outputs are both `rows` rows, and no connection leads from other rows to the first output row.

    Then the file treats its rows as a batch, although not alike, or in a way that depends on how many there are.
    """
    inputs, outputs = layers.weights[0].shape[1], len(layers.weights[-1])
    if outputs % rows:
        return False
    reached = np.zeros(outputs, dtype=bool)
    reached[: outputs // rows] = True
    for weights in reversed(layers.weights):
        reached = np.any(weights[reached] != 0, axis=0)
    return not np.any(reached[inputs // rows :])
