# SPDX-License-Identifier: MIT
"""Shared type aliases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
#: A failed component: a neuron (layer, neuron) or a synapse (layer of the receiver, to, from).
Component = tuple[int, int] | tuple[int, int, int]
