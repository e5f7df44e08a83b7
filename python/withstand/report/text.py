# SPDX-License-Identifier: MIT
"""The sections of a report, and how they read as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What a table holds; None where there is nothing.
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, a table, perhaps a picture, and how to compute its numbers again.

    Attributes
    ----------
    key : str
        Name in JSON.
    title, text : str
    header : tuple of str
    rows : tuple of tuples
        Plain values; None where there is none.
    figure : str
        SVG, or empty.
    data : dict
        What stands beside the table: the numbers of the figure, witnesses whole.
    code : str
        Python that prints the numbers again, and what it prints; it goes on from the code of `Origin`.
    """

    key: str
    title: str
    text: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figure: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""


def shown(value: Cell) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def is_words(section: Section, column: int) -> bool:
    """Whether a column holds words, which are read from the left."""
    return any(isinstance(row[column], str) for row in section.rows)


def as_text(section: Section) -> str:
    """Return a section with its table in columns."""
    cells = [section.header, *(tuple(map(shown, row)) for row in section.rows)]
    columns = range(len(section.header))
    widths = [max(len(row[n]) for row in cells) for n in columns]
    words = [is_words(section, n) for n in columns]

    def line(row: Sequence[str]) -> str:
        return "  ".join(f"{row[n]:{'<' if words[n] else '>'}{widths[n]}}" for n in columns).rstrip()

    return "\n".join([section.title, section.text, *(map(line, cells) if section.rows else [])])
