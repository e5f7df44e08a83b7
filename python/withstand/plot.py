# SPDX-License-Identifier: MIT
"""Pictures: what is proved, what is true and what random trials show, over the number of failures.

Needs matplotlib, `pip install "withstand[plot]"`; it is imported when something is drawn. No figure needs a display.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand._plural import counted
from withstand._result import plain
from withstand._types import FloatArray
from withstand.model.network import Network
from withstand.uses.accuracy import Accuracy
from withstand.uses.campaign import Campaign
from withstand.uses.curve import Curve, measure_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Distinguishable without colour vision, and by marker.
_STYLES: dict[str, dict[str, Any]] = {
    "paper": {"color": "#999999", "marker": "v", "label": "the paper's bound, at most k"},
    "proved": {"color": "#0072b2", "marker": "s", "label": "proved without search"},
    "exact": {"color": "#000000", "marker": "o", "label": "exact worst case"},
    "random": {"color": "#d55e00", "marker": "x", "label": "worst of {:,} random sets"},
    "typical": {"color": "#d55e00", "marker": "", "ls": ":", "label": "a typical random set"},
}


def tolerance_curve(
    net: Network,
    X: npt.ArrayLike,
    counts: Sequence[int] = range(1, 7),
    *,
    epsilon: float | None = None,
    samples: int = 1000,
    seed: int = 0,
    time_limit: float = 10.0,
) -> Figure:
    """Draw the worst output error over the number of crashes anywhere: proved, exact, and found by chance.

    Parameters
    ----------
    net : Network
    X : array_like of shape (n, d) or (d,)
        Inputs; the error is the largest over all of them.
    counts : sequence of int, default 1, ..., 6
        Numbers of crashes.
    epsilon : float, optional
        A budget to draw as a line.
    samples, seed : int
        How many random sets of exactly k neurons to try for each k, and the seed they come from.
    time_limit : float, default 10.0
        Seconds for each search. One that does not close is drawn as its interval.

    Returns
    -------
    matplotlib.figure.Figure
        On a log scale. `save` writes it.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        For counts that do not fit the network, or no samples.

    Notes
    -----
    The lowest line is what random fault injection would report; only the interval between witness and proof is a
    statement about all sets. The bound is that of *When Neurons Fail* (El Mhamdi and Guerraoui, IPDPS 2017).

    Examples
    --------
    >>> import withstand as ws
    >>> from withstand.plot import tolerance_curve
    >>> net, X, _ = ws.embedded("digits_small")
    >>> tolerance_curve(net, X[:2], counts=(1, 2), samples=10).axes[0].get_yscale()
    'log'
    """
    figure = _figure((7.0, 4.2))  # before the work: it may not be there
    curve = measure_curve(net, X, counts, samples=samples, seed=seed, time_limit=time_limit)
    return draw_curve(curve, epsilon=epsilon, figure=figure)


def draw_curve(curve: Curve, *, epsilon: float | None = None, figure: Figure | None = None, axes: Any = None) -> Figure:
    """Draw numbers that are there already: `tolerance(..., samples=1000).curve`, or those of `measure_curve`.

    Parameters
    ----------
    curve : Curve
    epsilon : float, optional
        A budget to draw as a line; for decisions a line stands at 0, where the class changes.
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new one by default.
    axes : matplotlib.axes.Axes, optional
        The same.

    Returns
    -------
    matplotlib.figure.Figure
        On a log scale; for decisions on a linear one.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    if axes is None:
        axes = (figure or _figure((7.0, 4.2))).subplots()
    lower, upper, samples = curve.lower, curve.upper, curve.random.shape[1]
    lines = {
        "paper": curve.paper, "proved": curve.proved, "exact": lower,
        "random": curve.random.max(axis=1), "typical": np.median(curve.random, axis=1),
    }  # fmt: skip
    for name, values in lines.items():
        style = _STYLES[name]
        axes.plot(curve.counts, values, **{"lw": 1.4, "ms": 5, **style, "label": style["label"].format(samples)})
    still = [not search.exact for search in curve.searches]
    if any(still):
        axes.vlines(np.array(curve.counts)[still], lower[still], upper[still], color="#000000", label="not closed")
    if curve.decisions:
        axes.axhline(0.0, color="#009e73", ls="--", lw=1.2, label="the class changes")
    elif epsilon is not None:
        axes.axhline(epsilon, color="#009e73", ls="--", lw=1.2, label=f"budget {epsilon:g}")
    axes.set_yscale("linear" if curve.decisions else "log")
    axes.set_xticks(curve.counts)
    axes.set_xlabel(curve.kind)
    axes.set_ylabel("largest lead of another class" if curve.decisions else "largest output error")
    axes.grid(True, which="major", color="#e6e6e6", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    drawn: Figure = axes.figure
    return drawn


def save(figure: Figure, path: str | os.PathLike[str], numbers: Mapping[str, Any] | None = None) -> None:
    """Write a figure as the suffix of `path` says; an SVG gets the same bytes every time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
    numbers : mapping, optional
        What is drawn, as plain data: kept in the file, so that `numbers_in` an SVG tells whether it is stale.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    from matplotlib import rc_context

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "withstand", "svg.fonttype": "none"}):
        figure.savefig(path, metadata=_metadata(path.suffix, numbers), dpi=110)


def _metadata(suffix: str, numbers: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a file says of itself: no date, and the numbers, in the entry that its format has for a text."""
    date, text = {".svg": ("Date", "Description"), ".pdf": ("CreationDate", "Subject")}.get(suffix, (None, None))
    if date is None or text is None:
        return None
    return {date: None, **({} if numbers is None else {text: json.dumps(plain(numbers))})}


def numbers_in(path: str | os.PathLike[str]) -> Any:
    """Return the numbers that `save` kept in an SVG; None where it was given none."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", Path(path).read_text(encoding="utf-8"), re.DOTALL)
    return None if found is None else json.loads(unescape(found[1]))


def _figure(size: tuple[float, float]) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('drawing needs matplotlib: pip install "withstand[plot]"') from error
    return Figure(figsize=size, layout="constrained")


def draw_accuracy(found: Accuracy, axes: Any = None, campaigns: Mapping[int, Campaign] | None = None) -> Any:
    """Draw certified accuracy as steps over the number of failures, and random campaigns above it.

    Parameters
    ----------
    found : Accuracy
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    campaigns : mapping of int to Campaign, optional
        Random failures by their number: mean accuracies with their intervals.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    axes, curve = _axes(axes), found.curve
    edges = np.append(np.array(curve.counts) - 0.5, curve.counts[-1] + 0.5)
    proved, open_ = 100 * curve.lower, 100 * curve.upper
    axes.stairs(proved, edges, fill=True, color="#0072b2", alpha=0.25)
    axes.stairs(proved, edges, color="#0072b2", lw=1.8, baseline=None, label="proved: whatever fails")
    if (open_ > proved).any():
        axes.stairs(open_, edges, baseline=proved, fill=True, color="#999999", alpha=0.4, label="undecided")
    axes.plot(curve.counts, open_, color="#000000", marker="o", ms=4, ls="", label="not refuted by a witness")
    if campaigns:
        counts, known = sorted(campaigns), [campaigns[k] for k in sorted(campaigns)]
        means, ends = np.array([c.accuracy for c in known]), np.array([c.accuracy_interval for c in known])
        about = 100 * np.abs(ends.T - means)
        axes.errorbar(counts, 100 * means, about, color="#d55e00", marker="x", ms=6, capsize=3, lw=1.2, ls=":",
                      label=f"random failures: mean of {counted(known[0].done, 'trial')}")  # fmt: skip
    axes.set_xticks(curve.counts)
    axes.set_ylim(0, 103)
    axes.set_xlabel(f"failures; the last step is {found.failures}")
    axes.set_ylabel(f"% of {counted(len(found.per_input), 'input')} with the right class")
    return _tidy(axes, legend="upper right", top=0.92)


def draw_campaign(found: Campaign, axes: Any = None) -> Any:
    """Draw how the accuracies of a campaign's trials are distributed, with the interval of their mean.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = _axes(axes)
    axes.hist(100 * found.accuracies, bins="auto" if len(set(found.accuracies.tolist())) > 1 else 1, color="#d55e00")
    low, high = found.accuracy_interval
    axes.axvspan(100 * low, 100 * high, color="#999999", alpha=0.4, label="interval of the mean")
    axes.axvline(100 * found.intact, color="#009e73", ls="--", lw=1.2, label="without failures")
    axes.set_xlabel(f"accuracy in %, {found.failures}")
    axes.set_ylabel(f"trials of {found.done:,}")
    return _tidy(axes, legend="best")


def draw_heat(layers: Sequence[FloatArray], label: str, axes: Any = None) -> Any:
    """Draw numbers of neurons as a heat map, one row per layer, and return the axes."""
    axes = _axes(axes)
    grid = np.full((len(layers), max(map(len, layers))), np.nan)
    for row, values in zip(grid, layers):
        row[: len(values)] = values
    image = axes.imshow(grid, aspect="auto", interpolation="nearest", vmin=min(0.0, float(np.nanmin(grid))))
    axes.set_yticks(range(len(grid)), [str(n) for n in range(1, len(grid) + 1)])
    axes.set(xlabel="neuron", ylabel="layer")
    axes.figure.colorbar(image, ax=axes, label=label)
    return axes


def draw_rows(rows: Sequence[Mapping[str, Any]], title: str, axes: Any = None) -> Any:
    """Draw the numbers of a table and return the axes: of several rows a line per column, of one row bars."""
    axes = _axes(axes)
    names = [name for name, value in rows[0].items() if _is_number(value)] if rows else []
    if len(rows) == 1:
        axes.barh(names, [float(rows[0][name]) for name in names], color="#0072b2")
    elif names:
        across, *others = names
        for name in others or [across]:
            values = [float(row[name]) if _is_number(row[name]) else math.nan for row in rows]
            axes.plot([row[across] for row in rows] if others else range(len(rows)), values, marker=".", label=name)
        axes.set_xlabel(across if others else "row")
    axes.set_title(title)
    return _tidy(axes, legend="best" if len(rows) > 1 and names else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)


def _axes(axes: Any) -> Any:
    return _figure((7.0, 4.2)).subplots() if axes is None else axes


def _tidy(axes: Any, *, legend: str | None, top: float = 1.0) -> Any:
    axes.grid(True, which="major", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if legend is not None:
        axes.legend(frameon=False, loc=legend, bbox_to_anchor=(0.0, 0.0, 1.0, top))
    return axes
