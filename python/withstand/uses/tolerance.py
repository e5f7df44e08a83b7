# SPDX-License-Identifier: MIT
"""How many failures a network withstands: proved by bounds, then by exact search, and refuted by a witness."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy.typing as npt

from withstand._answer import Answer
from withstand._coerce import SAMPLES, Epsilon, as_budget, as_seconds, flag, needed, node_count, thread_count, whole
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand.model.deciding import decided
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures, modelled
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Spec, asks_decisions
from withstand.questions.clock import Clock
from withstand.statement import Inputs
from withstand.uses.curve import Curve, measure_curve
from withstand.uses.frontier import Recursion, frontier, guaranteed_total, listing, max_total, maximal
from withstand.uses.rational_bounds import Model, counts_of_none, is_read, margin, read, room
from withstand.uses.tolerance_layers import alone, alone_by_bound, sizes_of
from withstand.uses.tolerance_search import Limit, Question, least, lies_in, told_of

#: Most counts of a curve.
_CURVE = 24


@dataclass(frozen=True, eq=False, repr=False)
class Tolerance(Answer, Limit):
    """How many failures anywhere a network withstands; what `Limit` says, and more.

    Attributes
    ----------
    per_layer : tuple of Limit
        The same for failures of one layer alone: hidden layers 1..L, or for synapses and weights into layers 1..L+1.
        Empty if not asked for, and for groups, which may span layers.
    frontier : tuple of tuples or None
        Maximal per-layer counts proved harmless by the scalar bound; None where they are too many to list, or a tenth
        of the time was not enough; and for graphs, groups, channels, parameters and flipped bits, which only the other
        bounds are asked about.
    frontier_size : int
        Tuples that a listing may have to visit: (n_2 + 1) (n_3 + 1) ..., n_l what can fail in layer l.
    most : int
        Number of failures of which some distribution over the layers is proved harmless.
    curve : Curve or None
        Count of failures against the paper's bound, the proved, the exact and the sampled error. None where it was not
        asked for, there are no inputs, nothing can fail, or the time was up.
    status : {"complete", "budget", "interrupted"}
        Whether everything was tried, or the time was up, or Ctrl-C came: then the numbers are what was known by then,
        proved and witnessed like any others.
    """

    per_layer: tuple[Limit, ...]
    frontier: tuple[tuple[int, ...], ...] | None
    frontier_size: int
    most: int
    curve: Curve | None
    status: str = "complete"
    _bounded: bool = field(default=True, kw_only=True)
    _samples: int = field(default=0, kw_only=True)

    def _rows(self) -> list[dict[str, Any]]:
        limits = {"anywhere": self, **{f"layer {n}": limit for n, limit in enumerate(self.per_layer, start=1)}}
        names = ("guaranteed", "breaking", "exact", "method")
        return [{"where": where, **{name: getattr(limit, name) for name in names}} for where, limit in limits.items()]

    def _said(self) -> str:
        lines = [f"Tolerance: {self._sentence()}"]
        lines += [f"  layer {n}    {limit._sentence()}" for n, limit in enumerate(self.per_layer, start=1)]
        lines.append(f"  frontier   {listing(self.frontier, self.frontier_size, self._bounded)}")
        lines.append(f"  witness    {self.witness}")
        why = {"budget": "the time was up", "interrupted": "interrupted"}.get(self.status)
        return "\n".join(lines if why is None else [*lines, f"  {why}: {self._cut_short()}"])

    def _cut_short(self) -> str:
        """Return what the end of the time, or Ctrl-C, left open."""
        limits = all(limit.exact for limit in (self, *self.per_layer))
        curve = self._curve_cut_short() if self._samples else ""
        if limits:
            return f"only {curve}; which counts do harm is known" if curve else "everything was tried by then"
        return f"more may be harmless than are proved to be{f', and {curve}' if curve else ''}"

    def _curve_cut_short(self) -> str:
        if self.curve is None:
            return "the curve was not begun"
        cut = self.curve.random.shape[1] < self._samples or any(s.status == "budget" for s in self.curve.searches)
        return "the curve was cut short" if cut else ""


@either_word
def tolerance(
    net: Network,
    epsilon: Epsilon | None = None,
    domain: npt.ArrayLike | Box | None = None,
    *,
    model: Callable[..., Failures] = Crash,
    spec: Spec = None,
    per_layer: bool = True,
    samples: int = 0,
    seed: int = 0,
    node_limit: int | None = 50_000,
    time_limit: float | None = 60.0,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Tolerance:
    """Find how many failures keep the error within `epsilon`, and the fewest that do not.

    Parameters
    ----------
    net : Network
    epsilon : int, float, str, Fraction or Decimal
        The budget: how far the failed network may be from the intact one. A string is read as a decimal, exactly; a
        float is the double it is. Unused with `spec`, and may be left out then.
    domain : array_like of shape (n, d), Box or None
        For which inputs; as for `bound`. Without it nothing is searched, and `breaking` is None.
    model : callable, default Crash
        Makes a failure model from a count, and from one count per layer: `Crash`, `SynapseCrash`, ``lambda counts:
        StuckAt(counts, value=1.0)``, ``lambda counts: WeightFlip(counts, format="int8")``. Of groups from a count only:
        ``lambda count: Crash(count, groups=cores)``.
    spec : Argmax, optional
        Keep the decision instead: harm is a change of class.
    per_layer : bool, default True
        Ask for every layer alone, too.
    samples : int, default 0
        Random sets of failures drawn for each count of the curve; 0 leaves the curve out.
    seed : int, default 0
        Of the random sets.
    node_limit : int or None, default 50,000
        Nodes of each search, the same result every time, computed on one thread; a tenth of it for each layer alone,
        and a hundredth once a search was left open. None: until it is clear.
    time_limit : float or None, default 60.0
        Seconds in all, of bounds, searches and the curve. When they are up the result says so, and holds what is known
        by then. None: no limit; the result is then the same on every machine.
    threads : int, optional
        Of the bounds, and of searches without a node limit. The result does not depend on it.
    executor : concurrent.futures.Executor, optional
        What makes the searches, as for `worst_case`; `node_limit` is that of each of its tasks.
    progress : bool, default False
        Say on standard error what is being tried.

    Returns
    -------
    Tolerance

    Raises
    ------
    TypeError, ValueError
        For an epsilon that is no nonnegative number, a model that is a sum or takes exactly so many, or what `bound`
        and `worst_case` refuse.

    Notes
    -----
    First the scalar bound (Theorems B and F, with ranges), in exact arithmetic: its frontier costs at most
    (n_2 + 1) (n_3 + 1) ... operations and is left out beyond 100,000. Then the method "tightest", one bound per count
    tried, by galloping. Then one search per count, upward, until a witness does harm or the limit leaves a search open;
    from there on only witnesses are looked for. Where epsilon lies within the rounding of an exact search every
    set is tried, if they are not too many. Bounds and searches speak of real arithmetic and are rounded outward,
    witnesses are evaluated by `Network.forward`.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 4, [[0.5] * 4] * 3, [[0.25] * 3]], activation="clip")
    >>> result = ws.tolerance(net, "0.5", None)
    >>> result.guaranteed, result.most, result.frontier
    (1, 2, ((0, 2), (1, 1)))
    >>> result = ws.tolerance(net, "0.5", [[0.5]])
    >>> result.guaranteed, result.breaking, result.exact, result.witness.failed
    (2, 3, True, ((2, 0), (2, 1), (2, 2)))
    """
    asked = as_network(net), spec
    net, spec = decided(*asked)
    node_count(node_limit), thread_count(threads)
    decisions, per_layer = asks_decisions(spec), flag(per_layer, "per_layer")
    samples, seed = whole(samples, "samples", most=SAMPLES), whole(seed, "seed")
    samples = 0 if domain is None else samples  # a curve needs inputs
    budget = Fraction(0) if decisions and epsilon is None else as_budget(needed(epsilon))
    inputs = Inputs.of(None) if domain is None else Inputs.of(*bounds_of(net, domain, "domain"))
    clock = Clock(as_seconds(time_limit), line := Line(flag(progress, "progress")))
    model = _settled(net, model, domain)
    layers = alone(net, model, len(counts_of_none(net, model)))
    sizes, size = sizes_of(net, model, layers)
    question = Question(net, budget, domain, spec, node_limit, clock, threads, executor)
    arguments_fit()
    scalar = read(net, model, domain, spec) if is_read(net, model) else None
    allowed = margin(net, domain) if decisions else room(net, budget)
    known = None  # by the outputs' own range; words may be infinite
    if allowed is None and model(0)._terms[0].flips is None:
        capped = tuple(Limit(n, None, True, "capped", None) for n in sizes)
        known = Limit(size, None, True, "capped", None), capped if per_layer else (), (sizes,), size
    with closing(line):
        places = len(sizes) if per_layer else 0
        total, each, listed, most = known or _limits(question, model, layers, sizes, size, places, scalar, allowed)
        drawn = _drawn(question, model, _counts(total, size), samples, seed) if samples else None
    found = _result(total, each, listed, sizes, most, drawn, clock.status, None if known else size,
                    known is not None or scalar is not None)  # fmt: skip
    told = told_of(found, *asked, inputs, model, epsilon, seed if samples else None)
    return replace(found, _samples=samples, _told=told)


def _limits(
    question: Question, model: Model, layers: list[Model], sizes: tuple[int, ...], size: int, places: int,
    scalar: Recursion | None, allowed: Fraction | None,
) -> tuple[Limit, tuple[Limit, ...], tuple[tuple[int, ...], ...] | None, int]:  # fmt: skip
    """Return the limits anywhere and in so many places alone, the frontier and the most: the scalar bound is first."""
    clock = question.clock
    clock.say("tolerance: the scalar bound")
    proved, listed, most = 0 if allowed is None or allowed >= 0 else -1, None, 0
    if scalar is not None and allowed is not None:
        proved = guaranteed_total(scalar, allowed, clock.lasts(0.1))
        listed = frontier(scalar, allowed, go_on=clock.lasts(0.1))
        most = max_total(scalar, allowed, clock.lasts(0.1))
    total = question.limit(model, size, (proved, "capped"), "anywhere")
    capped = [alone_by_bound(scalar, allowed, n) if scalar and allowed is not None else proved for n in range(places)]
    each = _limits_alone(question, layers, sizes, total, capped)
    return least(total, each), each, listed, most


def _settled(net: Network, model: Model, domain: npt.ArrayLike | Box | None) -> Model:
    """Return the model with the words that it has at all inputs of the domain."""
    return lambda counts: settled(modelled(model, counts), net, domain)


def _limits_alone(
    question: Question, layers: list[Model], sizes: tuple[int, ...], total: Limit, capped: list[int]
) -> tuple[Limit, ...]:
    """Return the limits of layers alone, above what is proved of all together and, by the scalar bound, of each.

    Their searches are ten times as short, and end below what of all together lies in the layer.
    """
    nodes = question.node_limit
    shorter = replace(question, node_limit=None if nodes is None else nodes // 10)
    known = [max((total.guaranteed, total.method), (count, "capped")) for count in capped]
    each = enumerate(zip(layers, sizes, known), start=1)
    return tuple(
        shorter.limit(layer, n, k, f"in layer {place}", total.witness if lies_in(total.witness, place) else None)
        for place, (layer, n, k) in each
    )


def _drawn(question: Question, model: Model, counts: list[int], samples: int, seed: int) -> Curve | None:
    """Return the curve, where something can fail and there is time."""
    q, clock = question, question.clock
    if q.domain is None or not counts or clock.over():
        return None
    try:
        curve = measure_curve(q.net, q.domain, counts, model=model, spec=q.spec, samples=samples, seed=seed,
                              node_limit=q.node_limit, time_limit=clock.limit(), threads=q.threads)  # fmt: skip
        clock.over()
        return curve
    except KeyboardInterrupt:  # what was found before is the answer
        clock.interrupt()
        return None


def _result(
    total: Limit,
    each: tuple[Limit, ...],
    listed: tuple[tuple[int, ...], ...] | None,
    sizes: tuple[int, ...],
    most: int,
    curve: Curve | None,
    status: str,
    size: int | None = None,
    bounded: bool = True,
) -> Tolerance:
    within = None if listed is None else tuple(sorted(maximal(tuple(map(min, f, sizes)) for f in listed)))
    visits = math.prod(n + 1 for n in sizes[1:])
    most = min(max(most, total.guaranteed), sum(sizes) if size is None else size)
    return Tolerance(total.guaranteed, total.breaking, total.exact, total.method, total.witness, each, within, visits,
                     most, curve, status, _bounded=bounded)  # fmt: skip


def _counts(total: Limit, most: int) -> list[int]:
    """Return the counts of a curve: up to what breaks, or one more than is proved."""
    last = min(most, max(1, total.guaranteed + 1 if total.breaking is None else total.breaking))
    steps = min(last, _CURVE)
    return sorted({1 + round(n * (last - 1) / max(1, steps - 1)) for n in range(steps)})
