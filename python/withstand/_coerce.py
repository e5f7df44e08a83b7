# SPDX-License-Identifier: MIT
"""What users pass, turned into what the package computes with, or one sentence that says why not.

There is one function for each kind of argument, and every public function takes its arguments through them.
"""

from __future__ import annotations

import math
import operator
import os
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from numbers import Rational

import numpy as np
import numpy.typing as npt

from withstand._plural import counted
from withstand._types import FloatArray

#: A budget: a number, or a decimal string.
Epsilon = int | float | str | Fraction | Decimal

#: Beyond it lies no double.
_LARGEST = Fraction(sys.float_info.max)
#: Decimals that are read: longer ones, or with larger exponents, would be numbers of millions of digits.
_DIGITS, _EXPONENT = 1000, 5000
#: More threads than any machine has processors.
_THREADS = 4096
#: Random draws that anybody waits for.
SAMPLES = 100_000_000
#: What the core counts with.
_UNLIMITED = 2**64 - 1


def shown(value: object) -> str:
    """Return what to say of a value that is refused, on one line, however long it is."""
    try:
        text = repr(value)
    except Exception as error:  # of a foreign object, or an integer of more digits than Python writes
        digits = f" of {value.bit_length():,} bits" if isinstance(value, int) else f" ({type(error).__name__})"
        return f"{type(value).__name__}{digits}"
    text = " ".join(text.split())
    return text if len(text) <= 120 else f"{text[:100]}... ({type(value).__name__})"


# arrays --------------------------------------------------------------------------------------------------------------
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
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        raise ValueError(f"{name} must be an array, got {shown(value)}, of which not all rows are alike") from None
    except RuntimeError:  # of a tensor that gradients flow through
        if not getattr(value, "requires_grad", False):
            raise
        raise TypeError(f"{name} must be an array, got a tensor with a gradient; give .detach() of it") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {counted(ndim, 'dimension')}, got shape {array.shape}")
    with np.errstate(over="ignore"):  # of longer floats; told below
        result = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    if not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        at = where[0] if len(where) == 1 else where
        raise ValueError(f"{name} must be finite, entry {at} is {result[where]}")
    return result


# numbers -------------------------------------------------------------------------------------------------------------
def whole(value: object, name: str, least: int = 0, most: int | None = None) -> int:
    """Return an integer within its limits; a bool is none."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {shown(value)}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {shown(number)}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be at most {most:,}, got {shown(number)}")
    return number


def real(value: object, name: str) -> float:
    """Return a number as a double, infinite ones included; bools, strings and what is not a number are refused."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (float, Rational, Decimal, np.floating)):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf  # type: ignore[operator]


def finite(value: object, name: str) -> float:
    """Return a number that is finite."""
    number = real(value, name)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {shown(value)}")
    return number


def at_least_zero(value: object, name: str) -> float:
    """Return a number of at least 0, infinity included: seconds, gaps."""
    number = real(value, name)
    if not number >= 0:
        raise ValueError(f"{name} must be at least 0, got {shown(value)}")
    return number


def share(value: object, name: str) -> float:
    """Return a number strictly between 0 and 1."""
    number = real(value, name)
    if not 0 < number < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {shown(value)}")
    return number


# limits --------------------------------------------------------------------------------------------------------------
def thread_count(threads: object) -> int:
    """Return the number of threads for the core, 0 meaning its default."""
    return 0 if threads is None else whole(threads, "threads", least=1, most=_THREADS)


def node_count(node_limit: object) -> int:
    """Return a number of nodes for the core; None, and what it cannot count to, mean no limit."""
    return _UNLIMITED if node_limit is None else min(whole(node_limit, "node_limit"), _UNLIMITED)


def as_seconds(time_limit: object, name: str = "time_limit") -> float:
    """Return a time limit; None means none."""
    return math.inf if time_limit is None else at_least_zero(time_limit, name)


# budgets -------------------------------------------------------------------------------------------------------------
def as_budget(epsilon: object) -> Fraction:
    """Return epsilon as the exact rational that it is: a string as a decimal, a float as the double.

    Raises
    ------
    TypeError
        If epsilon is neither a number nor a string.
    ValueError
        If it is negative, not finite, or no decimal.
    """
    number = epsilon.item() if isinstance(epsilon, np.ndarray) and epsilon.ndim == 0 else epsilon
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (float, str, Rational, Decimal, np.floating)):
        raise TypeError(f"epsilon must be a number or a decimal string, got {shown(epsilon)}")
    try:
        value = _exactly(number)
    except (ValueError, OverflowError, ArithmeticError):
        value = None
    if value is None or value > _LARGEST:
        raise ValueError(f"epsilon must be a finite number or a decimal string, got {shown(epsilon)}")
    if value < 0:
        raise ValueError(f"epsilon must be at least 0, got {shown(epsilon)}")
    return value


def _exactly(number: float | str | Rational | Decimal | np.floating) -> Fraction | None:
    """Return the rational; None for a decimal that nobody writes, and that would fill the memory."""
    if isinstance(number, (str, Decimal)):
        text = str(number)
        exponent = re.search(r"[eE]([-+]?[\d_]+)", text)
        if len(text) > _DIGITS or (exponent is not None and abs(int(exponent[1])) > _EXPONENT):
            return None
        return Fraction(text)
    if isinstance(number, Rational):  # NumPy's integers are some, and would overflow inside the fraction
        return Fraction(int(number.numerator), int(number.denominator))
    return Fraction(float(number))


def as_limit(epsilon: object) -> float:
    """Return the largest double that is not above epsilon: doubles lie on the same side of it as of epsilon itself."""
    budget = as_budget(epsilon)
    limit = float(budget)
    return limit if Fraction(limit) <= budget else math.nextafter(limit, 0.0)


def needed(epsilon: object) -> object:
    """Refuse None with a sentence: where errors are asked for, epsilon says what harm is."""
    if epsilon is None:
        raise TypeError("epsilon must be a number unless spec asks for decisions, got None")
    return epsilon


# the rest ------------------------------------------------------------------------------------------------------------
def flag(value: object, name: str) -> bool:
    """Return a bool; nothing else is one."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a bool, got {shown(value)}")
    return bool(value)


def choice(value: object, name: str, known: Sequence[str]) -> str:
    """Return one of the known names."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {shown(value)}")
    if value not in known:
        *others, last = map(repr, known)
        few = f"{', '.join(others)} or {last}" if len(known) <= 3 else f"one of {', '.join(known)}"
        raise ValueError(f"{name} must be {few}, got {shown(value)}{did_you_mean(value, known)}")
    return value


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a message about a word that is not known: which of the known ones are like it, if any are."""
    like = [repr(name) for name in get_close_matches(word, list(known), cutoff=0.7)]
    return f"; did you mean {' or '.join(like)}?" if like else ""


def as_path(value: object, name: str) -> str:
    """Return a path; a number would be an open file, and an empty one names none."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, got {shown(value)}")
    path = os.fspath(value)
    if not isinstance(path, str):
        path = os.fsdecode(path)
    if not path or "\0" in path:
        raise ValueError(f"{name} must be a path, got {shown(value)}")
    return path
