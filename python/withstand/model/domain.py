# SPDX-License-Identifier: MIT
"""Where a statement holds: given inputs, or every input of a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from withstand._coerce import real_array
from withstand._types import FloatArray
from withstand.model.network import Network


@dataclass(frozen=True, eq=False)
class Box:
    """All inputs x with lower <= x <= upper, elementwise.

    Parameters
    ----------
    lower, upper : array_like, shape (d,)
        Ends of the box, finite and in order.

    Raises
    ------
    TypeError
        If an end does not hold real numbers.
    ValueError
        If the ends differ in shape, are not finite, or are out of order.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Box([0.0, 0.0], [1.0, 0.5])
    Box(lower=array([0., 0.]), upper=array([1. , 0.5]))
    """

    lower: FloatArray
    upper: FloatArray

    def __init__(self, lower: npt.ArrayLike, upper: npt.ArrayLike) -> None:
        low, high = _end(lower, "lower"), _end(upper, "upper")
        if low.shape != high.shape:
            raise ValueError(f"lower has {len(low)} entries, upper has {len(high)}")
        if (low > high).any():
            i = int(np.argmax(low > high))
            raise ValueError(f"entry {i}: lower is {low[i]}, above upper {high[i]}")
        for name, end in (("lower", low.copy()), ("upper", high.copy())):
            end.flags.writeable = False
            object.__setattr__(self, name, end)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Box):
            return NotImplemented
        return np.array_equal(self.lower, other.lower) and np.array_equal(self.upper, other.upper)

    def __hash__(self) -> int:
        return hash((self.lower.tobytes(), self.upper.tobytes()))


def _end(value: npt.ArrayLike, name: str) -> FloatArray:
    """Return an end of a box."""
    end = real_array(value, name)
    if end.ndim != 1:
        advice = f"; flatten: {name}.reshape(-1)" if end.ndim > 1 else ""
        raise ValueError(f"{name} must have 1 dimension, got shape {end.shape}{advice}")
    return end


def bounds_of(net: Network, domain: npt.ArrayLike | Box, name: str = "X") -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper ends of `domain`, each of shape (n, d); equal for given inputs.

    Raises
    ------
    ValueError
        If the domain is empty, has the wrong width, or lies outside the network's `input_box`.
    """
    if isinstance(domain, Box):
        lower, _ = net._inputs(domain.lower)
        upper, _ = net._inputs(domain.upper)
        return lower, upper
    rows, _ = net._inputs(domain, name)
    if len(rows) == 0:
        raise ValueError(f"{name} has no rows, a domain needs at least one input")
    return rows, rows


def rows_of(net: Network, X: npt.ArrayLike) -> FloatArray:
    """Return given inputs as rows; a box is none, and no input at all neither."""
    if isinstance(X, Box):
        raise TypeError("X must be an array of inputs; for all inputs of a Box use tolerance, worst_case or bound")
    rows, _ = net._inputs(X)
    if len(rows) == 0:
        raise ValueError("X has no rows, at least one input is needed")
    return rows
