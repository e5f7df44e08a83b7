# SPDX-License-Identifier: MIT
"""Counts with their nouns."""

from __future__ import annotations


def counted(count: int, noun: str, several: str = "") -> str:
    """Return a count and what is counted.

    Examples
    --------
    >>> from withstand._plural import counted
    >>> counted(1, "search", "searches"), counted(1200, "input")
    ('1 search', '1,200 inputs')
    """
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"
