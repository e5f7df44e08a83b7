# SPDX-License-Identifier: MIT
"""Networks whose weights into a layer are all equal: there the formulas are exact."""

from __future__ import annotations

import numpy as np
import withstand as ws


def network(widths, weights, activation="clip", gain=1.0, inputs=1, sign=1.0):
    """Network with all weights into layer l >= 2 equal to weights[l-2], the first layer's equal to 1."""
    shapes = [inputs, *widths, 1]
    values = [1.0, *weights]
    matrices = [np.full((shapes[n + 1], shapes[n]), sign * float(v)) for n, v in enumerate(values)]
    return ws.Network(matrices, activation=ws.Activation(activation, gain=gain))
