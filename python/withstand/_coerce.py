# SPDX-License-Identifier: MIT
"""Turning what users pass into arrays of doubles, or saying precisely why not."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray

#: A budget: a number, or a decimal string.
Epsilon = int | float | str | Fraction
#: Beyond this no double is, and the power of ten itself could take all memory.
LARGEST_EXPONENT = 400


def real_array(value: npt.ArrayLike, name: str, ndim: int | None = None) -> FloatArray:
    """Return `value` as a C-contiguous array of finite doubles.

    Integers, booleans and narrower floats are converted; objects, strings and complex numbers are refused.

    Raises
    ------
    TypeError
        If the array does not hold real numbers.
    ValueError
        If the number of dimensions is not `ndim`, or an entry is not finite.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension{'s' * (ndim != 1)}, got shape {array.shape}")
    result = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    if not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        at = where[0] if len(where) == 1 else where
        raise ValueError(f"{name} must be finite, entry {at} is {result[where]}")
    return result


def thread_count(threads: int | None) -> int:
    """Return the number of threads for the core, 0 meaning its default; refuse what is no positive integer."""
    if threads is None:
        return 0
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)):
        raise TypeError(f"threads must be an integer, got {threads!r}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    return int(threads)


def as_budget(epsilon: Epsilon) -> Fraction:
    """Return epsilon as the exact rational that it is: a string as a decimal, a float as the double.

    Raises
    ------
    TypeError
        If epsilon is neither a number nor a string.
    ValueError
        If it is negative, not finite, or no decimal.
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float, str, Fraction, np.integer, np.floating)):
        raise TypeError(f"epsilon must be a number or a decimal string, got {epsilon!r}")
    try:
        exponent = re.search(r"[eE]([-+]?[\d_]+)\s*$", epsilon) if isinstance(epsilon, str) else None
        if exponent is not None and abs(int(exponent[1])) > LARGEST_EXPONENT:
            raise OverflowError
        value = Fraction(epsilon if isinstance(epsilon, (str, Fraction)) else float(epsilon))
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"epsilon must be a finite number or a decimal string, got {epsilon!r}") from None
    if value < 0:
        raise ValueError(f"epsilon must be at least 0, got {epsilon!r}")
    return value
