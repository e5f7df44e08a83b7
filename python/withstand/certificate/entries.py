# SPDX-License-Identifier: MIT
"""Entries of a file are of the type that they have to have, or the certificate is rejected where one is not."""

from __future__ import annotations

import math
from typing import Any

from withstand.certificate.budget import Rejected


def require(holds: bool, why: str) -> None:
    """Reject the certificate where something does not hold."""
    if not holds:
        raise Rejected(why)


def entries(value: Any, keys: set[str], where: str) -> dict[str, Any]:
    """Return an object that has exactly these entries."""
    require(isinstance(value, dict), f"{where} is {type(value).__name__}, not an object")
    require(value.keys() == keys, f"{where} has the entries {sorted(value)[:12]}, not {sorted(keys)}")
    return dict(value)


def items(value: Any, where: str) -> list[Any]:
    """Return a list."""
    require(isinstance(value, list), f"{where} is {type(value).__name__}, not a list")
    return list(value)


def integers(value: Any, where: str) -> list[int]:
    """Return a list of integers that count something."""
    for number in items(value, where):
        right = type(number) is int and 0 <= number < 2**53
        require(right, f"{where}: {str(number)[:40]} is not an integer from 0 to 2^53")
    return list(value)


def number(value: Any, where: str) -> float:
    """Return a finite number."""
    right = type(value) in (int, float) and abs(value) < 2**1023 and math.isfinite(value)
    require(right, f"{where}: {str(value)[:40]} is not a finite number")
    return float(value)
