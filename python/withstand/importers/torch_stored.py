# SPDX-License-Identifier: MIT
"""ATen operators on stored tensors alone: a file's program computes its constants, as masked weights or positions.

A module's own constants never come here: torch computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .budget import extent
from .torch_values import Tracer, is_constant
from .torch_views import convert

__all__ = ["STORED"]


def ones(t: Tracer, size: Any, dtype: Any = None, **others: Any) -> Any:
    """Return ones."""
    return full(t, size, 1.0, dtype)


def zeros(t: Tracer, size: Any, dtype: Any = None, **others: Any) -> Any:
    """Return zeros."""
    return full(t, size, 0.0, dtype)


def full(t: Tracer, size: Any, fill_value: float, dtype: Any = None, **others: Any) -> Any:
    """Return one number in every entry."""
    t.builder.account.array(extent(size))
    return _typed(t, np.full(size, fill_value), dtype)


def arange(t: Tracer, end: Any, start: Any = 0, step: Any = 1, dtype: Any = None, **others: Any) -> Any:
    """Return equally spaced numbers."""
    if step == 0 or not all(np.isfinite(number) for number in (start, end, step)):
        raise ValueError(f"counts from {start} to {end} in steps of {step}")
    t.builder.account.array(max(0, int((end - start) / step) + 1))
    return _typed(t, np.arange(start, end, step), dtype)


def _typed(t: Tracer, values: NDArray[Any], dtype: Any) -> Any:
    return values if dtype is None else convert(t, values, dtype)


def _only(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Return an operator that is read on stored tensors alone."""

    def handler(t: Tracer, self: Any, **others: Any) -> Any:
        given = [self, *others.values()]
        if not all(map(is_constant, given)):
            raise ValueError(f"computes {what} of a computed tensor, which is no supported activation")
        t.room(*map(np.shape, given))
        return function(*given)

    return handler


STORED: Final[dict[str, Callable[..., Any]]] = {
    "arange": arange,
    "eq": _only(np.equal, "a comparison"),
    "fmod": _only(np.fmod, "a remainder"),
    "full": full,
    "ge": _only(np.greater_equal, "a comparison"),
    "logical_and": _only(np.logical_and, "a comparison"),
    "lt": _only(np.less, "a comparison"),
    "ne": _only(np.not_equal, "a comparison"),
    "ones": ones,
    "pow": _only(np.power, "a power"),
    "remainder": _only(np.mod, "a remainder"),
    "rsqrt": _only(lambda values: 1 / np.sqrt(values), "a square root"),
    "scalar_tensor": lambda t, s, dtype=None, **others: _typed(t, np.asarray(s), dtype),
    "sqrt": _only(np.sqrt, "a square root"),
    "zeros": zeros,
}
