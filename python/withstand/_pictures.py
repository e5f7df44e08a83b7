# SPDX-License-Identifier: MIT
"""What `plot` of the results draws, besides what `withstand.plot` does; needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from withstand._types import FloatArray
from withstand.plot import _axes, _tidy

#: Proved or harmless; witnessed or harmful.
_SAFE, _HARM = "#0072b2", "#d55e00"


def draw_histogram(edges: FloatArray, counts: Any, axes: Any = None) -> Any:
    """Draw how many configurations have which error, in the bins as they are, and return the axes."""
    axes = _axes(axes)
    if len(counts):
        axes.stairs(counts, edges, fill=True, color=_SAFE)
    axes.set_xlabel("error")
    axes.set_ylabel("configurations")
    return _tidy(axes, legend=None)


def draw_limits(names: Sequence[str], harmless: Sequence[int], harmful: Sequence[int | None], axes: Any = None) -> Any:
    """Draw a bar of what is proved harmless for each place, and a cross where a witness does harm."""
    axes = _axes(axes)
    rows = range(len(names))
    axes.barh(list(rows), list(harmless), color=_SAFE, label="proved harmless")
    known = [(count, row) for count, row in zip(harmful, rows) if count is not None]
    axes.scatter([k for k, _ in known], [row for _, row in known], color=_HARM, marker="x", label="a witness does harm")
    axes.set_yticks(list(rows), list(names))
    axes.invert_yaxis()
    axes.set_xlabel("failures")
    return _tidy(axes, legend="best")


def draw_reliability(ends: Callable[[FloatArray], tuple[FloatArray, FloatArray]], axes: Any = None) -> Any:
    """Draw the proved interval of the probability of harm over that of a failure, and return the axes."""
    axes = _axes(axes)
    grid = np.logspace(-5, -0.5, 46)
    lower, upper = ends(grid)
    axes.plot(grid, upper, color=_SAFE, label="at most, proved")
    axes.plot(grid, lower, color="#000000", ls="--", label="at least, proved")
    axes.fill_between(grid, lower, upper, color=_SAFE, alpha=0.2)
    axes.set_xscale("log")
    axes.set_yscale("log" if (lower > 0).any() or (upper > 0).any() else "linear")
    axes.set_xlabel("probability of each failure")
    axes.set_ylabel("probability of harm")
    return _tidy(axes, legend="best")


def draw_needed(least: int, found: int, kind: str, axes: Any = None) -> Any:
    """Draw how many components must be protected, and how many are, and return the axes."""
    axes = _axes(axes)
    axes.barh(["at least needed, proved", "protected: enough, proved"], [least, found], color=["#999999", _SAFE])
    axes.invert_yaxis()
    axes.set_xlabel(f"{kind} to protect")
    return _tidy(axes, legend=None)
