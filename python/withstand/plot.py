# SPDX-License-Identifier: MIT
"""Pictures: what is proved, what is true and what random trials show, over the number of failures.

Needs matplotlib, `pip install "withstand[plot]"`; it is imported when something is drawn. No figure needs a display.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand.model.network import Network
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


def draw_curve(curve: Curve, *, epsilon: float | None = None, figure: Figure | None = None) -> Figure:
    """Draw numbers that are there already: `tolerance(..., samples=1000).curve`, or those of `measure_curve`.

    Parameters
    ----------
    curve : Curve
    epsilon : float, optional
        A budget to draw as a line; for decisions a line stands at 0, where the class changes.
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new one by default.

    Returns
    -------
    matplotlib.figure.Figure
        On a log scale; for decisions on a linear one.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    figure = figure or _figure((7.0, 4.2))
    axes = figure.subplots()
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
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as the suffix of `path` says; an SVG gets the same bytes every time.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    from matplotlib import rc_context

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "withstand", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)


def _figure(size: tuple[float, float]) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('drawing needs matplotlib: pip install "withstand[plot]"') from error
    return Figure(figsize=size, layout="constrained")
