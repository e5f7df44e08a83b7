# SPDX-License-Identifier: MIT
"""Turning what users pass into arrays of doubles, or saying precisely why not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray


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
