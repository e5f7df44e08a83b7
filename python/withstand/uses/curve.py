# SPDX-License-Identifier: MIT
"""The worst error over the number of failures: bounded, exact, and found by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import SAMPLES, as_seconds, node_count, shown, thread_count, whole
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._types import FloatArray
from withstand.model.deciding import decided
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures, modelled
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Spec, asks_decisions, output_harms
from withstand.model.term import Term
from withstand.questions.bounds import bound, bound_within
from withstand.questions.clock import Clock
from withstand.questions.interval import RIGOR, WorstCase
from withstand.questions.search import worst_case
from withstand.statement import Inputs
from withstand.uses.random_failures import RandomFailures

#: Inputs at which random sets are tried when the domain is a box.
_POINTS = 16


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Answer):
    """Largest output error (decisions: harm) for each number of failures.

    Attributes
    ----------
    counts : tuple of int
        Numbers of failures.
    paper, proved : ndarray, shape (len(counts),)
        `bound` by "at-most" and "tightest", for at most so many.
    searches : tuple of WorstCase
        The interval of each count.
    random : ndarray, shape (len(counts), samples)
        Error of random sets of exactly so many components.
    decisions : bool
        Whether the numbers are harm: it changes the class where it is at least 0.
    kind : str
        What fails, in words.
    """

    counts: tuple[int, ...]
    paper: FloatArray
    proved: FloatArray
    searches: tuple[WorstCase, ...]
    random: FloatArray
    decisions: bool = False
    kind: str = "failures"

    def _draw(self, axes: Any = None) -> Any:
        """Draw bounds, interval and random sets over the number of failures, and return the axes; needs matplotlib."""
        from withstand.plot import draw_curve

        if axes is not None:
            draw_curve(self, axes=axes)
            return axes
        return draw_curve(self).axes[0]

    def _said(self) -> str:
        rows = zip(self.counts, self.lower, self.upper, self.proved)
        lines = [f"  {k:<5}  {low:.6g} <= {self._word} <= {high:.6g}, bound {most:.6g}" for k, low, high, most in rows]
        return "\n".join([f"Curve: {self.kind}, {self.random.shape[1]:,} random sets of each number", *lines])

    def _rows(self) -> list[dict[str, Any]]:
        columns = zip(self.counts, self.paper.tolist(), self.proved.tolist(), self.searches, self.random)
        return [
            {"count": k, "paper": paper, "proved": proved, "lower": search.lower, "upper": search.upper,
             "random": float(sample.max())}
            for k, paper, proved, search, sample in columns
        ]  # fmt: skip

    @property
    def lower(self) -> FloatArray:
        """What the witnesses do, shape (len(counts),): the exact worst case where `upper` is the same to rounding."""
        return np.array([search.lower for search in self.searches])

    @property
    def upper(self) -> FloatArray:
        """What is proved, shape (len(counts),): the upper ends of the searches."""
        return np.array([search.upper for search in self.searches])


@either_word
def measure_curve(
    net: Network,
    X: npt.ArrayLike | Box,
    counts: Sequence[int] = range(1, 7),
    *,
    model: Callable[..., Failures] = Crash,
    spec: Spec = None,
    samples: int = 1000,
    seed: int = 0,
    time_limit: float | None = None,
    node_limit: int | None = None,
    threads: int | None = None,
) -> Curve:
    """Compute the numbers of a `Curve`.

    Parameters
    ----------
    net : Network
    X : array_like of shape (n, d) or (d,), or Box
        The error is the largest over these inputs; random sets are tried at 16 random inputs of a box.
    counts : sequence of int, default 1, ..., 6
        Numbers of failures.
    model, spec : as for `tolerance`
    samples, seed : int
        How many random sets of exactly k components to try for each k, and the seed they come from. A Byzantine neuron
        transmits one end of its range, by chance; bits flip by chance, and groups fail as wholes.
    time_limit : float, optional
        Seconds in all. When they are up, searches end with what they have, and fewer random sets are drawn.
    node_limit, threads
        For each search, as for `worst_case`.

    Returns
    -------
    Curve

    Raises
    ------
    ValueError
        For counts below 1, no samples, or what `bound` and `worst_case` refuse.

    Examples
    --------
    >>> import withstand as ws
    >>> from withstand.curve import measure_curve
    >>> net, X, _ = ws.embedded("digits_small")
    >>> curve = measure_curve(net, X[:2], counts=(1, 2), samples=10)
    >>> [search.status for search in curve.searches]
    ['exact', 'exact']
    """
    asked = as_network(net), spec
    net, spec = decided(*asked)
    inputs = Inputs.of(*bounds_of(net, X))
    thread_count(threads), node_count(node_limit)
    counts = _counts(counts)
    samples, seed = whole(samples, "samples", least=1, most=SAMPLES), whole(seed, "seed")
    models = [settled(modelled(model, k), net, X) for k in counts]
    one, rng = settled(modelled(model, 1), net, X), np.random.default_rng(seed)
    draws = _Draws(net, one, _points(net, X, seed), asks_decisions(spec), rng)
    clock = Clock(as_seconds(time_limit), Line(False))
    search: dict[str, Any] = {"spec": spec, "node_limit": node_limit, "threads": threads}
    proved = [bound_within(net, m, X, clock.left() / 10, spec=spec, threads=threads) for m in models]
    return Curve(
        counts,
        np.array([bound(net, m, X, method="at-most", spec=spec, threads=threads).value for m in models]),
        np.array([found.value for found in proved]),
        tuple(_searched(worst_case(net, m, X, time_limit=clock.limit(), **search)) for m in models),
        draws.harms(counts, samples, clock),
        draws.decisions,
        draws.kind,
        _told=Told(asked[0], inputs, models[-1], RIGOR, spec=asked[1], seed=seed),
    )


def _searched(found: WorstCase) -> WorstCase:
    """Pass Ctrl-C on: a curve of which the rest was not tried is none."""
    if found.status == "interrupted":
        raise KeyboardInterrupt
    return found


def _counts(counts: Any) -> tuple[int, ...]:
    if isinstance(counts, str) or not isinstance(counts, Iterable):
        raise TypeError(f"counts must be a sequence of numbers of failures, got {shown(counts)}")
    known = tuple(whole(k, "counts") for k in counts)
    if min(known, default=0) < 1:
        raise ValueError(f"counts must hold numbers of failures of at least 1, got {shown([*known])}")
    return known


def _points(net: Network, X: npt.ArrayLike | Box, seed: int) -> FloatArray:
    lower, upper = bounds_of(net, X)
    if not isinstance(X, Box):
        return lower
    return np.random.default_rng(seed).uniform(lower, upper, (_POINTS, lower.shape[1]))


class _Draws:
    """Random sets of failed components, and what they do."""

    def __init__(
        self, net: Network, failures: Failures, X: FloatArray, decisions: bool, rng: np.random.Generator
    ) -> None:
        self.net, self.X, self.decisions, self.rng = net, X, decisions, rng
        self.intact = net.forward(X)
        terms = failures._terms
        if len(terms) != 1:
            raise ValueError(f"{failures!r}: a curve is of one kind of failure, got a sum of {len(terms)}")
        (self.term,) = terms
        if self.term.effect not in _KINDS:
            raise ValueError(f"{failures!r}: random sets are drawn of {', '.join(_KINDS)} only")
        self.kind = f"{_KINDS[self.term.effect]} anywhere among {self.term.candidates(net):,} {_what(self.term)}"

    def harms(self, counts: Sequence[int], samples: int, clock: Clock) -> FloatArray:
        """Return errors of random sets, shape (len(counts), samples), or fewer samples when the time is up."""
        drawn: list[list[float]] = []
        for count in counts:
            drawer = RandomFailures(self.net, Failures([self.term._replace(counts=(count,), exactly=True)]))
            row: list[float] = []
            while len(row) < samples and not (row and clock.left() <= 0):
                row.append(self.harm(drawer))
            drawn.append(row)
        fewest = min(map(len, drawn))
        return np.array([row[:fewest] for row in drawn])

    def harm(self, drawer: RandomFailures) -> float:
        """Error, or harm, of one random set."""
        faulty = drawer.outputs(self.X, drawer.draw(self.rng))
        if not np.isfinite(faulty).all():
            return math.inf
        return float(output_harms(self.intact, faulty, self.decisions).max())


#: Effects that can be drawn, and their names on an axis.
_KINDS = {
    "crash": "crashes",
    "stuck": "stuck neurons",
    "byzantine": "Byzantine neurons",
    "synapse_crash": "crashed synapses",
    "bit_flip": "flipped signals",
    "weight_flip": "flipped parameters",
    "weight_crash": "crashed weights",
}


def _what(term: Term) -> str:
    if term.together:
        return "groups" if term.unit is None else f"{term.unit}s"
    if term.on_weights:
        return "parameters" if term.flips is not None and term.flips.biases else "weights"
    return "synapses" if term.on_synapses else "hidden neurons"
