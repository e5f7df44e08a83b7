# SPDX-License-Identifier: MIT
"""Shared type aliases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
#: A stored parameter: layer, name of the array, index.
Weight = tuple[int, str, tuple[int, ...]]
#: A failed component: a neuron (layer, neuron), a synapse (layer of the receiver, to, from), or a stored parameter.
Component = tuple[int, int] | tuple[int, int, int] | Weight
