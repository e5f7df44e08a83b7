# SPDX-License-Identifier: MIT
"""Pictures: what is proved, what is true and what random trials show, over the number of failures.

Needs matplotlib, `pip install "withstand[plot]"`; it is imported when something is drawn. No figure needs a display.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand.bounds import bound
from withstand.failures import Crash
from withstand.network import Network
from withstand.search import WorstCase, worst_case

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


@dataclass(frozen=True, eq=False)
class Curve:
    """The numbers of a tolerance curve: largest output error over the inputs, for each number of crashes.

    Attributes
    ----------
    counts : tuple of int
        Numbers of crashes.
    paper, proved : ndarray, shape (len(counts),)
        `bound` by "at-most" and "tightest".
    searches : tuple of WorstCase
        The interval of each count.
    random : ndarray, shape (len(counts), samples)
        Error of random sets of exactly so many neurons.
    """

    counts: tuple[int, ...]
    paper: FloatArray
    proved: FloatArray
    searches: tuple[WorstCase, ...]
    random: FloatArray


def measure_curve(
    net: Network,
    X: npt.ArrayLike,
    counts: Sequence[int] = range(1, 7),
    *,
    samples: int = 1000,
    seed: int = 0,
    time_limit: float = 10.0,
) -> Curve:
    """Compute the numbers that `tolerance_curve` draws; parameters and errors as there.

    Examples
    --------
    >>> import withstand as ws
    >>> from withstand.plot import measure_curve
    >>> net, X, _ = ws.embedded("digits_small")
    >>> curve = measure_curve(net, X[:2], counts=(1, 2), samples=10)
    >>> [search.status for search in curve.searches]
    ['exact', 'exact']
    """
    if not counts or min(counts) < 1:
        raise ValueError(f"counts must hold numbers of crashes of at least 1, got {list(counts)!r}")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples!r}")
    models = [Crash(k) for k in counts]
    rng = np.random.default_rng(seed)
    return Curve(
        tuple(counts),
        np.array([bound(net, model, X, method="at-most").value for model in models]),
        np.array([bound(net, model, X).value for model in models]),
        tuple(worst_case(net, model, X, time_limit=time_limit) for model in models),
        np.array([_random_errors(net, X, k, samples, rng) for k in counts]),
    )


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
    figure = _figure((7.0, 4.2))
    curve = measure_curve(net, X, counts, samples=samples, seed=seed, time_limit=time_limit)
    axes = figure.subplots()
    lower = np.array([search.lower for search in curve.searches])
    upper = np.array([search.upper for search in curve.searches])
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
    if epsilon is not None:
        axes.axhline(epsilon, color="#009e73", ls="--", lw=1.2, label=f"budget {epsilon:g}")
    axes.set_yscale("log")
    axes.set_xticks(curve.counts)
    axes.set_xlabel(f"crashes anywhere among {net.n_neurons:,} hidden neurons")
    axes.set_ylabel("largest output error")
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


def _random_errors(net: Network, X: npt.ArrayLike, k: int, samples: int, rng: np.random.Generator) -> FloatArray:
    """Error of random sets of exactly k hidden neurons, (samples,)."""
    sites = [(layer, i) for layer, width in enumerate(net.widths[1:-1], start=1) for i in range(width)]
    intact = net.forward(X)
    errors = np.empty(samples)
    for n in range(samples):
        chosen = rng.choice(len(sites), size=k, replace=False)
        errors[n] = np.abs(net.forward(X, failed={sites[i]: 0.0 for i in chosen}) - intact).max()
    return errors
