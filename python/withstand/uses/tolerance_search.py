# SPDX-License-Identifier: MIT
"""How many failures do no harm, of one model after another: bounds first, then searches."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy.typing as npt

from withstand import _core
from withstand._answer import Told
from withstand._result import Result
from withstand._types import AnyComponent, FloatArray
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures
from withstand.model.forcing import Forcing
from withstand.model.network import Network
from withstand.model.spec import Spec
from withstand.model.witness import Witness
from withstand.questions.bounds import bound_within
from withstand.questions.clock import Clock
from withstand.questions.enumeration import enumerate_failures
from withstand.questions.search import worst_case
from withstand.questions.sharding import require_executor
from withstand.statement import TOLERATED, UNKNOWN, VIOLATED, Inputs
from withstand.uses.rational_bounds import Model

#: Evaluations up to which every set is tried where epsilon lies within the rounding of an exact search.
_TIE = 10_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Limit(Result):
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

    @property
    def _stated(self) -> tuple[int, str]:
        """How many failures a statement is about, and its verdict: that none of none does harm says nothing."""
        nothing_fails = self.exact and self.breaking is None
        if self.guaranteed > 0 or nothing_fails:
            return self.guaranteed, TOLERATED
        return 1, UNKNOWN if self.breaking is None or self.breaking > 1 else VIOLATED

    def _draw(self, axes: Any = None) -> Any:
        """Draw the curve, where there is one, or else what is harmless and what is not; needs matplotlib."""
        from withstand._pictures import draw_limits

        curve = getattr(self, "curve", None)
        return draw_limits((self, *getattr(self, "per_layer", ())), axes) if curve is None else curve._draw(axes)

    def _sentence(self) -> str:
        known = self.guaranteed
        proved = f"{'any single one is' if known == 1 else f'any {known:,} are'} harmless ({self.method})"
        if known <= 0:
            proved = "nothing is proved harmless" if known else "not even one is proved harmless"
        if self.breaking is None:
            nothing = "nothing can fail" if known == 0 else f"{proved}, that is all"
            return nothing if self.exact else f"{proved}, of more it is not known"
        if (known, self.breaking) == (0, 1):
            return "a single one can do harm"
        first, last = known + 1, self.breaking - 1
        between = f"{first:,}" if first == last else f"{first:,} to {last:,}"
        return f"{proved}, {self.breaking:,} can do harm{f', of {between} it is not known' * (first <= last)}"

    def __repr__(self) -> str:
        return f"Limit: {self._sentence()}"


def broken(limit: Limit, witness: Witness) -> Limit:
    """Return a limit that knows a witness; what is proved in real arithmetic may still round to harm."""
    breaking = _count(witness)
    guaranteed = min(limit.guaranteed, breaking - 1)
    return replace(limit, guaranteed=guaranteed, breaking=breaking, exact=guaranteed + 1 == breaking, witness=witness)


def least(total: Limit, layers: Iterable[Limit]) -> Limit:
    """Return the limit of everything, which what does harm in one layer alone may break earlier."""
    for limit in layers:
        if limit.witness is not None and (total.breaking is None or _count(limit.witness) < total.breaking):
            total = broken(total, limit.witness)
    return total


def lies_in(witness: Witness | None, layer: int) -> bool:
    """Return whether all that failed in a witness is of one layer."""
    return witness is not None and all(component[0] == layer for component in witness.failed)


def told_of(found: Limit, net: Network, spec: Spec, inputs: Inputs, model: Model, epsilon: object,
            seed: int | None) -> Told:  # fmt: skip
    """Return what a tolerance states: that so many failures are harmless, or that one is not."""
    proved = "no failure is proved harmless"
    if found.guaranteed > 0:
        proved = f"what is harmless is proved by {found.method!r}, in real arithmetic, rounded outward"
    rigor = f"{proved}; what does harm is witnessed and replayed"
    count, verdict = found._stated
    return Told(net, inputs, model(count), rigor, spec=spec, epsilon=epsilon, verdict=verdict, seed=seed)


@dataclass
class _Found:
    """What is known so far: counts proved harmless by bounds, and by whatever, and a witness of more that do harm."""

    bounded: int
    harmless: int
    witness: Witness | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of every count."""

    net: Network
    budget: Fraction
    domain: npt.ArrayLike | Box | None
    spec: Spec
    node_limit: int | None
    clock: Clock
    threads: int | None
    executor: Executor | None

    def __post_init__(self) -> None:
        if self.executor is not None:
            require_executor(self.executor)

    def harmless(self, value: float) -> bool:
        """Return whether an error (decisions: harm) is within the budget."""
        if self.spec is not None:
            return value < 0
        return math.isfinite(value) and Fraction(value) <= self.budget

    def limit(self, model: Model, most: int, known: tuple[int, str], where: str, seen: Witness | None = None) -> Limit:
        """Join bounds and searches, above the count that is known to be harmless, and by which method.

        Below that of a witness seen already, if any. When the time is up, or at Ctrl-C, what is known by then is the
        answer.
        """
        start = min(known[0], most)
        found = _Found(start, start, seen)
        open_to = most if seen is None else _count(seen) - 1
        try:
            self._bound(found, model, open_to, where)
            self._search(found, model, open_to, where)
        except KeyboardInterrupt:
            self.clock.interrupt()
        limit = Limit(found.harmless, None, found.harmless == most, known[1], None)
        if found.witness is not None:
            limit = broken(limit, found.witness)
        how = "search" if limit.guaranteed > found.bounded else "tightest" if found.bounded > start else known[1]
        return replace(limit, method=how)

    def _stages(self, whole: bool) -> tuple[int | None, ...]:
        """Return the nodes of one search after another; where a smaller count was left open, only the first."""
        most = self.node_limit
        stages = (500, 5000, most) if most is None else (most // 100, most // 10, most)
        return stages if whole else stages[:1]

    def _bound(self, found: _Found, model: Model, most: int, where: str) -> None:
        """Find the largest count that the tightest bound proves harmless: by strides that double, then by bisection."""
        high, stride = most + 1, 1
        while high - found.bounded > 1 and not self.clock.over():
            count = min(found.bounded + stride, (found.bounded + high) // 2)
            self.clock.say(f"tolerance {where}: {max(0, found.bounded)} proved harmless, bounding {count}")
            left = self.clock.left() / 4
            proved = bound_within(self.net, model(count), self.domain, left, spec=self.spec, threads=self.threads)
            if self.harmless(proved.value):
                found.bounded = found.harmless = count
            else:
                high = count
            stride *= 2

    def _search(self, found: _Found, model: Model, most: int, where: str) -> None:
        """Raise what is harmless by one search after another, until a witness does harm."""
        (term,) = model(0)._terms
        if self.domain is None or term.equivocal:
            return
        tried, stride = found.harmless, 1
        while tried < most and not self.clock.over():
            tried = min(tried + stride, most)
            doing = f"tolerance {where}: {max(0, found.harmless)} proved harmless, searching {tried}"
            lower, upper, witness = self._worst(model(tried), stride == 1, doing)
            if witness is not None and not self.harmless(lower):
                found.witness = witness
                found.witness = self._fewest(witness)
                return
            if self.harmless(upper):
                found.harmless = tried
            else:  # larger counts are seldom closed: look for a witness
                stride *= 2

    def _fewest(self, witness: Witness) -> Witness:
        """Take out failures, one after the other, that are not needed to do harm.

        What a flip makes of a signal depends on the failures before it, and an infinite word is not replayed: those
        stay.
        """
        if any(not isinstance(c[1], str) for c in witness.ways) or not math.isfinite(witness.error):
            return witness
        for together in witness.groups or [(component,) for component in witness.failed]:
            values = {c: v for c, v in witness.values.items() if c not in together}
            error, output = self._replayed(witness.input, values)
            if not self.harmless(error):
                witness = replace(witness, failed=tuple(values), values=values, error=error, output=output,
                                  ways={c: way for c, way in witness.ways.items() if c in values},
                                  groups=tuple(group for group in witness.groups if group != together))  # fmt: skip
        return witness

    def _replayed(self, x: FloatArray, values: dict[AnyComponent, float]) -> tuple[float, int]:
        """Return error (decisions: harm) and output of one execution."""
        goal = _core.Goal.error if self.spec is None else _core.Goal.argmax
        return _core.replay(self.net._core, x, Forcing(self.net, values).at(x), goal)

    def _worst(self, failures: Failures, whole: bool, doing: str) -> tuple[float, float, Witness | None]:
        """Return the interval of the worst error and its witness; the canonical evaluation decides within rounding.

        Which side of epsilon it is on is mostly clear long before the search ends, so it starts with few nodes.
        """
        assert self.domain is not None
        for nodes in self._stages(whole):
            found = worst_case(self.net, failures, self.domain, spec=self.spec, node_limit=nodes, threads=self.threads,
                               time_limit=self.clock.limit(), executor=self.executor,
                               progress=lambda steps: self.clock.say(f"{doing} ({steps:,} steps)"))  # fmt: skip
            if found.status == "interrupted":
                self.clock.interrupt()
            clear = self.harmless(found.lower) == self.harmless(found.upper)
            if clear or found.status != "budget" or self.clock.over():
                break
        tie = found.exact and self.harmless(found.lower) and not self.harmless(found.upper)
        if tie and not isinstance(self.domain, Box) and found.configurations is not None:
            rows, _ = bounds_of(self.net, self.domain)
            if found.configurations * len(rows) <= _TIE:
                every = enumerate_failures(self.net, failures, rows, spec=self.spec, threads=self.threads)
                if every.status == "complete":
                    return every.worst, every.worst, every.witness
                self.clock.interrupt()
        return found.lower, found.upper, found.witness


def _count(witness: Witness) -> int:
    """Return how many components failed; the neurons of a group are one."""
    members = {neuron for group in witness.groups for neuron in group}
    return len(witness.groups) + sum(component not in members for component in witness.failed)
