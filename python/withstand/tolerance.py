# SPDX-License-Identifier: MIT
"""How many failures a network withstands: proved by bounds, then by exact search, and refuted by a witness."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy.typing as npt

from withstand._coerce import Epsilon, as_budget
from withstand._types import Component, FloatArray
from withstand.bounds import bound
from withstand.curve import Curve, measure_curve
from withstand.domain import Box, bounds_of
from withstand.enumeration import enumerate_failures
from withstand.failures import Crash, Failures
from withstand.frontier import Recursion, at_most, frontier, guaranteed_total, max_total, maximal
from withstand.network import Network
from withstand.scalars import Model, counts_of_none, margin, read, room
from withstand.search import worst_case
from withstand.spec import Spec, asks_decisions, output_harms
from withstand.witness import Witness

#: Evaluations up to which every set is tried where epsilon lies within the rounding of an exact search.
_TIE = 10_000_000
#: Most counts of a curve.
_CURVE = 24


@dataclass(frozen=True, eq=False)
class Limit:
    """How many failures do no harm, anywhere or in one layer.

    Attributes
    ----------
    guaranteed : int
        Every pattern of at most this many failures is proved harmless; -1 where the intact network already is not
        (with `Argmax`: a tie).
    breaking : int or None
        Smallest count for which a replayed witness does harm; None where nothing was searched or found.
    exact : bool
        Whether this is the whole truth: `breaking` is `guaranteed` + 1, or everything may fail.
    method : str
        What proved `guaranteed`: "capped" (the scalar bound, in exact arithmetic), "tightest" (the least of all bounds)
        or "search".
    witness : Witness or None
        Failures of `breaking` components that do harm: ``net.forward(witness.input, failed=witness.values)``.
    """

    guaranteed: int
    breaking: int | None
    exact: bool
    method: str
    witness: Witness | None


@dataclass(frozen=True, eq=False, repr=False)
class Tolerance(Limit):
    """How many failures anywhere a network withstands; what `Limit` says, and more.

    Attributes
    ----------
    per_layer : tuple of Limit
        The same for failures of one layer alone: hidden layers 1..L, or for synapses into layers 1..L+1. Empty if not
        asked for.
    frontier : tuple of tuples or None
        Maximal per-layer counts proved harmless by the scalar bound; None where they are too many to list.
    frontier_size : int
        Tuples that a listing may have to visit: (n_2 + 1) (n_3 + 1) ..., n_l what can fail in layer l.
    most : int
        Number of failures of which some distribution over the layers is proved harmless.
    curve : Curve or None
        Count of failures against the paper's bound, the proved, the exact and the sampled error.
    """

    per_layer: tuple[Limit, ...]
    frontier: tuple[tuple[int, ...], ...] | None
    frontier_size: int
    most: int
    curve: Curve | None

    def __repr__(self) -> str:
        listed = "too many tuples to list" if self.frontier is None else f"{len(self.frontier)} maximal tuples"
        lines = [f"Tolerance: {_sentence(self)}"]
        lines += [f"  layer {n}    {_sentence(limit)}" for n, limit in enumerate(self.per_layer, start=1)]
        return "\n".join([*lines, f"  frontier   {listed} by the scalar bound", f"  witness    {self.witness}"])


def _sentence(limit: Limit) -> str:
    end = "more were not refuted" if limit.breaking is None else f"{limit.breaking} can do harm"
    if limit.exact and limit.breaking is None:
        end = "that is all"
    return f"any {limit.guaranteed} are harmless ({limit.method}), {end}"


def tolerance(
    net: Network,
    epsilon: Epsilon,
    domain: npt.ArrayLike | Box | None,
    *,
    model: Callable[..., Failures] = Crash,
    spec: Spec = None,
    per_layer: bool = True,
    samples: int = 0,
    seed: int = 0,
    node_limit: int | None = 50_000,
    time_limit: float | None = None,
    threads: int | None = None,
) -> Tolerance:
    """Find how many failures keep the error within `epsilon`, and the fewest that do not.

    Parameters
    ----------
    net : Network
    epsilon : int, float, str or Fraction
        The budget: how far the failed network may be from the intact one. A string is read as a decimal, exactly; a
        float is the double it is. Unused with `spec`.
    domain : array_like of shape (n, d), Box or None
        For which inputs; as for `bound`. Without it nothing is searched, and `breaking` is None.
    model : callable, default Crash
        Makes a failure model from a count, and from one count per layer: `Crash`, `SynapseCrash`, ``lambda counts:
        StuckAt(counts, value=1.0)``, ``lambda counts: Byzantine(counts, capacity=1.0)``.
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
    time_limit : float, optional
        Seconds of each search.
    threads : int, optional
        Of the bounds, and of searches without a limit. The result does not depend on it.

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
    decisions = asks_decisions(spec)
    budget = Fraction(0) if decisions else as_budget(epsilon)
    none = counts_of_none(net, model)
    layers = [_alone(model, len(none), place) for place in range(len(none))]
    sizes = tuple(_size(net, layer) for layer in layers)
    question = _Question(net, budget, domain, spec, node_limit, time_limit, threads)
    scalar = read(net, model, domain, spec)
    allowed = margin(net, domain) if decisions else room(net, budget)
    if allowed is None:  # the outputs' own range
        everything = Limit(sum(sizes), None, True, "capped", None)
        each = tuple(Limit(n, None, True, "capped", None) for n in sizes)
        return _result(everything, each if per_layer else (), (sizes,), sizes, sum(sizes), None)
    total = question.limit(model, sum(sizes), (guaranteed_total(scalar, allowed), "capped"))
    each = ()
    if per_layer:
        anywhere = (total.guaranteed, total.method)
        known = [max(anywhere, (_alone_by_bound(scalar, allowed, n), "capped")) for n in range(len(sizes))]
        shorter = replace(question, node_limit=None if node_limit is None else node_limit // 10)
        each = tuple(shorter.limit(layer, n, k) for layer, n, k in zip(layers, sizes, known))
    drawn = None
    if samples and domain is not None:
        counts = _counts(total, sum(sizes))
        drawn = measure_curve(net, domain, counts, model=model, spec=spec, samples=samples, seed=seed,
                              node_limit=node_limit, time_limit=time_limit, threads=threads)  # fmt: skip
    return _result(total, each, frontier(scalar, allowed), sizes, max_total(scalar, allowed), drawn)


def _result(
    total: Limit,
    each: tuple[Limit, ...],
    listed: tuple[tuple[int, ...], ...] | None,
    sizes: tuple[int, ...],
    most: int,
    curve: Curve | None,
) -> Tolerance:
    within = None if listed is None else tuple(sorted(maximal(tuple(map(min, f, sizes)) for f in listed)))
    visits = math.prod(n + 1 for n in sizes[1:])
    most = min(max(most, total.guaranteed), sum(sizes))
    return Tolerance(total.guaranteed, total.breaking, total.exact, total.method, total.witness, each, within, visits,
                     most, curve)  # fmt: skip


def _alone(model: Model, places: int, place: int) -> Model:
    """Return the model that fails in one place only."""
    return lambda count: model(tuple(count if n == place else 0 for n in range(places)))


def _alone_by_bound(scalar: Recursion, allowed: Fraction, place: int) -> int:
    """Most failures in one place that the scalar bound proves harmless; -1 if none."""
    low, high = -1, scalar.sizes[place] + 1
    while high - low > 1:
        middle = (low + high) // 2
        counts = [middle if n == place else 0 for n in range(len(scalar.sizes))]
        low, high = (middle, high) if at_most(scalar, counts) <= allowed else (low, middle)
    return low


def _size(net: Network, model: Model) -> int:
    """Largest count that the model allows in this network."""
    low, high = 0, max(net.n_neurons, *(weight.size for weight in net.weights)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        try:
            model(middle)._space(net)
            low = middle
        except ValueError:
            high = middle
    return low


def _counts(total: Limit, most: int) -> list[int]:
    """Return the counts of a curve: up to what breaks, or one more than is proved."""
    last = min(most, max(1, total.guaranteed + 1 if total.breaking is None else total.breaking))
    steps = min(last, _CURVE)
    return sorted({1 + round(n * (last - 1) / max(1, steps - 1)) for n in range(steps)})


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of every count."""

    net: Network
    budget: Fraction
    domain: npt.ArrayLike | Box | None
    spec: Spec
    node_limit: int | None
    time_limit: float | None
    threads: int | None

    def harmless(self, value: float) -> bool:
        if self.spec is not None:
            return value < 0
        return math.isfinite(value) and Fraction(value) <= self.budget

    def limit(self, model: Model, most: int, known: tuple[int, str]) -> Limit:
        """Join bounds and searches, above the count that is known to be harmless, and by which method."""
        start = min(known[0], most)
        bounded = self._bounded(model, most, start)
        guaranteed, breaking, witness = self._searched(model, most, bounded)
        if breaking is not None:  # what is proved in real arithmetic may still round to harm
            guaranteed = min(guaranteed, breaking - 1)
        method = "search" if guaranteed > bounded else "tightest" if bounded > start else known[1]
        exact = guaranteed == most if breaking is None else guaranteed + 1 == breaking
        return Limit(guaranteed, breaking, exact, method, witness)

    def _stages(self, whole: bool) -> tuple[int | None, ...]:
        """Return the nodes of one search after another; where a smaller count was left open, only the first."""
        most = self.node_limit
        stages = (500, 5000, most) if most is None else (most // 100, most // 10, most)
        return stages if whole else stages[:1]

    def _bounded(self, model: Model, most: int, low: int) -> int:
        """Largest count that the tightest bound proves harmless: by strides that double, then by bisection."""
        high, stride = most + 1, 1
        while high - low > 1:
            count = min(low + stride, (low + high) // 2)
            value = bound(self.net, model(count), self.domain, spec=self.spec, threads=self.threads).value
            low, high = (count, high) if self.harmless(value) else (low, count)
            stride *= 2
        return low

    def _searched(self, model: Model, most: int, low: int) -> tuple[int, int | None, Witness | None]:
        """Raise `low` by one search after another; return it with the fewest failures known to do harm."""
        ((*_, equivocal, _),) = model(0)._terms
        if self.domain is None or equivocal:
            return low, None, None
        tried, stride = low, 1
        while tried < most:
            tried = min(tried + stride, most)
            lower, upper, witness = self._worst(model(tried), stride == 1)
            if witness is not None and not self.harmless(lower):
                witness = self._fewest(witness)
                return low, len(witness.failed), witness
            if self.harmless(upper):
                low = tried
            else:  # larger counts are seldom closed: look for a witness
                stride *= 2
        return low, None, None

    def _fewest(self, witness: Witness) -> Witness:
        """Take out failures, one after the other, that are not needed to do harm."""
        for component in witness.failed:
            values = {c: v for c, v in witness.values.items() if c != component}
            error, output = self._replayed(witness.input, values)
            if not self.harmless(error):
                witness = replace(witness, failed=tuple(values), values=values, error=error, output=output)
        return witness

    def _replayed(self, x: FloatArray, values: dict[Component, float]) -> tuple[float, int]:
        """Return error (decisions: harm) and output of one execution."""
        intact, faulty = self.net.forward(x), self.net.forward(x, failed=values)
        off = output_harms(intact, faulty, self.spec is not None)
        return float(off.max()), int(off.argmax())

    def _worst(self, failures: Failures, whole: bool) -> tuple[float, float, Witness | None]:
        """Return the interval of the worst error and its witness; the canonical evaluation decides within rounding.

        Which side of epsilon it is on is mostly clear long before the search ends, so it starts with few nodes.
        """
        assert self.domain is not None
        for nodes in self._stages(whole):
            found = worst_case(self.net, failures, self.domain, spec=self.spec, node_limit=nodes,
                               time_limit=self.time_limit, threads=self.threads)  # fmt: skip
            if found.status == "interrupted":
                raise KeyboardInterrupt
            if found.status != "budget" or self.harmless(found.lower) == self.harmless(found.upper):
                break
        tie = found.exact and self.harmless(found.lower) and not self.harmless(found.upper)
        if tie and not isinstance(self.domain, Box) and found.configurations is not None:
            rows, _ = bounds_of(self.net, self.domain)
            if found.configurations * len(rows) <= _TIE:
                every = enumerate_failures(self.net, failures, rows, spec=self.spec, threads=self.threads)
                return every.worst, every.worst, every.witness
        return found.lower, found.upper, found.witness
