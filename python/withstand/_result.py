# SPDX-License-Identifier: MIT
"""What every result of a question can be turned into: plain data, a table, a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from html import escape
from typing import Any

import numpy as np

#: Entries of an array or a sequence that a page shows.
_SHOWN = 8


class Plain:
    """What has one form as plain data, wherever it is a part of something."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, which JSON can hold."""
        raise NotImplementedError


class Result(Plain):
    """A result: `to_dict`, `to_frame`, `plot`, and a table where a notebook shows it."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, which JSON can hold: lists for arrays, None for NaN, "inf" and "-inf".

        Failed components are lists of numbers; a mapping whose keys are components is a list of [component, value].
        """
        return {"result": type(self).__name__, **parts(self)}

    def to_frame(self) -> Any:
        """Return a pandas DataFrame: the result's table where it has one, else its numbers in one row.

        Raises
        ------
        ImportError
            Without pandas: ``pip install "withstand[frame]"``.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError('to_frame needs pandas: pip install "withstand[frame]"') from error
        return pandas.DataFrame(self._rows())

    def plot(self, axes: Any = None) -> Any:
        """Draw the result, or the numbers of its table, and return the axes; needs matplotlib.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Raises
        ------
        ImportError
            Without matplotlib: ``pip install "withstand[plot]"``.
        """
        return self._signed(self._draw(axes))

    def _signed(self, axes: Any) -> Any:
        """Return a picture of the result, signed by those that state something."""
        return axes

    def _draw(self, axes: Any = None) -> Any:
        """Draw the numbers of the table; results that have a picture of their own draw that."""
        from withstand.plot import draw_rows

        return draw_rows(self._pictured(), type(self).__name__, axes)

    def _pictured(self) -> list[dict[str, Any]]:
        """Return what is drawn: here the table."""
        return self._rows()

    def _rows(self) -> list[dict[str, Any]]:
        """Return the table: here one row of all single numbers and words."""
        parts = {name: getattr(self, name) for name in _names(self)}
        single = (bool, int, float, str, np.generic)
        return [{name: value for name, value in parts.items() if isinstance(value, single)}]

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(_short(getattr(self, name)))}</td></tr>"
            for name in _names(self)
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{cells}</table>"


def plain(value: Any) -> Any:
    """Return `value` as what JSON can hold."""
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: plain(entry) for key, entry in value.items()}
        return [[plain(key), plain(entry)] for key, entry in value.items()]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Plain):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return parts(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(entry) for name, entry in zip(value._fields, value)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry) for entry in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _names(value: Any) -> list[str]:
    return [entry.name for entry in fields(value) if not entry.name.startswith("_")]


def parts(value: Any) -> dict[str, Any]:
    """Return the public fields of a dataclass as plain data.

    A mapping whose keys are components is a list, also where it is empty: what keys it has, its declaration says.
    """
    told = {}
    for entry in fields(value):
        if not entry.name.startswith("_"):
            held = getattr(value, entry.name)
            empty = isinstance(held, Mapping) and not held and "[str," not in str(entry.type)
            told[entry.name] = [] if empty else plain(held)
    return told


def _short(value: Any) -> str:
    """Return what a table shows of a value."""
    if isinstance(value, np.ndarray) and value.size > _SHOWN:
        return f"{np.array2string(value.reshape(-1)[:_SHOWN], precision=6)[:-1]} ...], shape {value.shape}"
    if isinstance(value, (tuple, list, dict)) and len(value) > _SHOWN:
        return f"{len(value):,} entries"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
