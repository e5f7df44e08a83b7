# SPDX-License-Identifier: MIT
"""Shared type aliases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
#: A stored parameter: layer, name of the array, index.
Weight = tuple[int, str, tuple[int, ...]]
#: A neuron (layer, neuron) or a synapse (layer of the receiver, to, from).
Component = tuple[int, int] | tuple[int, int, int]
#: Whatever may fail.
AnyComponent = Component | Weight


def neuron(component: AnyComponent) -> tuple[int, int]:
    """Return a component that is known to be a neuron, as such."""
    layer, number = component[:2]
    assert isinstance(number, int)
    return layer, number
