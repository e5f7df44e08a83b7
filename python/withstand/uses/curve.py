# SPDX-License-Identifier: MIT
"""The worst error over the number of failures: bounded, exact, and found by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import le
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
from withstand.model.spec import Spec, asks_decisions
from withstand.model.term import Term
from withstand.questions.bounds import bound, bound_within
from withstand.questions.clock import Clock
from withstand.questions.interval import RIGOR, WorstCase
from withstand.questions.search import worst_case
from withstand.statement import Inputs, judged
from withstand.uses.curve_draws import Draws

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
        The interval of each count: where a limit ended its search, no worse than what the other counts and the random
        sets show.
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
    draws = Draws(net, one, _points(net, X, seed), asks_decisions(spec), rng)
    clock = Clock(as_seconds(time_limit), Line(False))
    search: dict[str, Any] = {"spec": spec, "node_limit": node_limit, "threads": threads}
    proved = [bound_within(net, m, X, clock.left() / 10, spec=spec, threads=threads) for m in models]
    paper = [bound(net, m, X, method="at-most", spec=spec, threads=threads).value for m in models]
    searches = [_searched(worst_case(net, m, X, time_limit=clock.limit(), **search)) for m in models]
    random = draws.harms(counts, samples, clock)

    def told(found: WorstCase, failures: Failures) -> WorstCase:
        verdict = judged(found.lower, found.upper, None, draws.decisions)
        return replace(found, _told=Told(asked[0], inputs, failures, RIGOR, spec=asked[1], verdict=verdict))

    return Curve(
        counts,
        np.array(paper),
        np.array([found.value for found in proved]),
        tuple(map(told, _joined(models, searches, draws, counts), models)),
        random,
        draws.decisions,
        draws.kind,
        _told=Told(asked[0], inputs, models[-1], RIGOR, spec=asked[1], seed=seed),
    )


def _joined(
    models: Sequence[Failures], searches: Sequence[WorstCase], draws: Draws, counts: Sequence[int]
) -> Iterator[WorstCase]:
    """Yield the searches, each as good as what is known of the others and of the random sets makes it.

    A witness is one of every model that holds its configuration, and what is proved of a model is proved of all those
    that it holds: where a limit ended a search, another count may know more. Exact ones stay as they are.
    """
    terms = [model._terms[0] for model in models]
    for own, found in zip(terms, searches):
        if found.exact:
            yield found
            continue
        for term, other in zip(terms, searches):
            if other.lower > found.lower and _within(term, own):
                found = replace(found, lower=other.lower, witness=other.witness)
            if other.upper < found.upper and _within(own, term):
                found = replace(found, upper=other.upper)
        for count in counts:
            if draws.worst(count) > found.lower and _within(draws.term_of(count), own):
                seen = draws.witness(count)
                found = replace(found, lower=seen.error, witness=seen)
        yield replace(found, upper=max(found.lower, found.upper))


def _within(inner: Term, outer: Term) -> bool:
    """Return whether every configuration of one model is one of another."""
    if inner._replace(counts=(), exactly=False) != outer._replace(counts=(), exactly=False):
        return False
    if len(inner.counts) != len(outer.counts) or (outer.exactly and not inner.exactly):
        return False
    return inner.counts == outer.counts if outer.exactly else all(map(le, inner.counts, outer.counts))


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
