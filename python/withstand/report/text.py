# SPDX-License-Identifier: MIT
"""The sections of a report, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

#: What a table holds; None where there is nothing.
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, a table and perhaps a picture.

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
    """

    key: str
    title: str
    text: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figure: str = ""


def shown(value: Cell) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def plain(value: Cell) -> Cell:
    """Return a value as JSON takes it: NaN as null, infinities as "inf" and "-inf"."""
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else str(value)
    return value


def as_text(section: Section) -> str:
    """Return a section with its table in columns."""
    cells = [section.header, *(tuple(map(shown, row)) for row in section.rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(section.header))]
    table = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths)) for row in cells]
    return "\n".join([section.title, section.text, *(table if section.rows else [])])


def as_html(section: Section) -> str:
    """Return a section as a part of a page."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row([shown(cell) for cell in cells], "td") for cells in section.rows)
    table = f"<table>{row(section.header, 'th')}{body}</table>" if section.rows else ""
    return f"<section><h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>{section.figure}{table}</section>"


STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}"
    "svg{max-width:100%;height:auto}footer{color:#666;margin-top:3rem}"
)
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    "<body><h1>{title}</h1>{body}<footer>withstand {version}</footer></body></html>"
)
