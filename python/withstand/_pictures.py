# SPDX-License-Identifier: MIT
"""What `plot` of the results draws, besides what `withstand.plot` does; needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand.plot import _axes, _tidy

if TYPE_CHECKING:
    from withstand.questions.results import Histogram
    from withstand.statement import Statement
    from withstand.uses.tolerance_search import Limit

#: Proved or harmless; witnessed or harmful.
_SAFE, _HARM = "#0072b2", "#d55e00"
#: Most bars of a histogram.
BARS = 40


def sign(axes: Any, said: Statement) -> None:
    """Write below a picture what it is a statement about, once."""
    words = ", ".join(filter(None, (said.network, said.brief)))
    text = f"{words}\nfingerprint {said.fingerprint}, withstand {said.version}"
    figure = axes.figure
    engine = figure.get_layout_engine()
    if hasattr(engine, "set") and "rect" in engine.get():  # leave room for it
        engine.set(rect=(0, 0.05, 1, 0.95))
    if all(known.get_text() != text for known in figure.texts):
        figure.text(0.005, 0.005, text, fontsize=5, color="#555555", ha="left", va="bottom")


def coarse(fine: Histogram) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return at most so many bars: their ends are ends of the histogram's bins, so that their counts are exact."""
    if len(fine.counts) == 0:
        return fine.edges, fine.counts
    wanted = np.linspace(fine.edges[0], fine.edges[-1], BARS + 1)
    near = np.unique(np.abs(fine.edges[:, None] - wanted).argmin(axis=0))
    return fine.edges[near], np.add.reduceat(fine.counts, near[:-1])


def draw_histogram(fine: Histogram, axes: Any = None) -> Any:
    """Draw how many configurations have which error, and return the axes."""
    axes = _axes(axes)
    edges, counts = coarse(fine)
    if len(counts):
        axes.stairs(counts, edges, fill=True, color=_SAFE)
    axes.set_xlabel("error")
    axes.set_ylabel("configurations")
    return _tidy(axes, legend=None)


def draw_limits(limits: Sequence[Limit], axes: Any = None) -> Any:
    """Draw a bar of what is proved harmless anywhere and in each layer, and a cross where a witness does harm."""
    axes = _axes(axes)
    rows = range(len(limits))
    names = ["anywhere", *(f"layer {n}" for n in rows[1:])]
    axes.barh(list(rows), [limit.guaranteed for limit in limits], color=_SAFE, label="proved harmless")
    known = [(count, row) for count, row in zip([limit.breaking for limit in limits], rows) if count is not None]
    axes.scatter([k for k, _ in known], [row for _, row in known], color=_HARM, marker="x", label="a witness does harm")
    axes.set_yticks(list(rows), names)
    axes.invert_yaxis()
    axes.locator_params(axis="x", integer=True)
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
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel(f"{kind} to protect")
    return _tidy(axes, legend=None)
