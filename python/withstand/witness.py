# SPDX-License-Identifier: MIT
"""A concrete execution that does harm."""

from __future__ import annotations

from dataclasses import dataclass

from withstand._types import Component, FloatArray


@dataclass(frozen=True, eq=False)
class Witness:
    """What failed, at which input, and how much harm it did; `net.forward(input, failed=values)` reproduces it.

    Attributes
    ----------
    failed : tuple of (layer, neuron) or (layer, to, from)
        The failed components, sorted.
    values : dict
        What each of them transmits; for a synapse, what replaces weight * signal.
    input : ndarray, shape (d,)
    input_index : int
        Row of the given inputs; 0 for a box.
    output : int
        Output at which the harm is attained.
    error : float
        The harm: |faulty - nominal| at that output, or the lead over the intact class for `Argmax`.
    """

    failed: tuple[Component, ...]
    values: dict[Component, float]
    input: FloatArray
    input_index: int
    output: int
    error: float
