# SPDX-License-Identifier: MIT
"""Hardening: the smallest set of components to protect so that failures of the others do no harm."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import Epsilon, as_limit, as_seconds, flag, needed, thread_count
from withstand._inputs import either_word
from withstand._plural import counted
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Argmax, asks_decisions
from withstand.questions.clock import Clock
from withstand.questions.enumeration import enumerate_failures
from withstand.questions.interval import RIGOR, WorstCase
from withstand.questions.search import worst_case
from withstand.statement import TOLERATED, Inputs
from withstand.uses.protection import Components, Name

Harmful = frozenset[Name]

#: Branches after which a smallest hitting set is no longer looked for.
_BRANCHES = 20_000
#: Configurations of which every one is evaluated where rounding leaves a search undecided.
_FEW = 100_000
#: Evaluations up to which it is first seen what every component does alone.
_ALONE = 20_000_000
#: Components that are shown; `protect` has them all.
SHOWN = 12


class Undecided(ValueError):
    """A search leaves open on which side of the limit the worst error is."""


@dataclass(frozen=True, eq=False, repr=False)
class Hardening(Answer):
    """Components to protect, and the proof that the others may fail.

    Attributes
    ----------
    protect : tuple of components
        Sorted: neurons (layer, neuron), synapses (layer, to, from), parameters (layer, name, index), channels (layer,
        channel), or groups, which are tuples of their neurons.
    exact : bool
        Whether no smaller set does.
    at_least : int
        Every set that does has at least this many members.
    worst : WorstCase
        The search over what is left unprotected that confirms it: its `upper` is within epsilon, to rounding.
    searches : int
        Searches made.
    kind : str
        What is protected, in words.
    """

    protect: tuple[Name, ...]
    exact: bool
    at_least: int
    worst: WorstCase
    searches: int
    kind: str = "neurons"
    _table: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def _draw(self, axes: Any = None) -> Any:
        """Draw how many must be protected, and are, and return the axes; needs matplotlib."""
        from withstand._pictures import draw_needed

        return draw_needed(self.at_least, len(self.protect), self.kind, axes)

    def _rows(self) -> list[dict[str, Any]]:
        return list(self._table)

    def _said(self) -> str:
        least = f"at least {self.at_least} {'is' if self.at_least == 1 else 'are'} needed"
        how, searches = "no smaller set does" if self.exact else least, counted(self.searches, "search", "searches")
        return (
            f"Hardening: protect {counted(len(self.protect), self.kind[:-1])} ({how})\n"
            f"  protect  {', '.join(map(str, self.protect[:SHOWN])) or 'none'}{self._rest()}\n"
            f"  then     {self._word} <= {self.worst.upper:.6g}, proved by {searches}"
        )

    def _rest(self) -> str:
        more = len(self.protect) - SHOWN
        return f", and {more:,} more" if more > 0 else ""


@either_word
def harden(
    net: Network,
    failures: int | Failures,
    epsilon: Epsilon | None = None,
    X: npt.ArrayLike | Box | None = None,
    *,
    spec: Argmax | None = None,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Hardening:
    """Find the smallest set of components to protect so that failures of the others stay within `epsilon`.

    Parameters
    ----------
    net : Network
    failures : int or Failures
        At most so many of one kind, in all or per layer: neurons that crash (a number says so), parameters whose bits
        flip, `WeightFlip(2, format="int8")`, which an error-correcting code would protect, synapses, channels, groups.
    epsilon : int, float, str, Fraction or Decimal
        Largest tolerated error, a string is read as a decimal; unused with `spec`, and may be left out then.
    X : array_like of shape (n, d) or (d,), or Box
        For which inputs.
    spec : Argmax, optional
        Keep the decisions instead.
    time_limit : float, optional
        Seconds in all.
    threads : int, optional
    progress : bool, default False
        Say on standard error how many searches were made.

    Returns
    -------
    Hardening

    Raises
    ------
    TypeError, ValueError
        For failures of several kinds or of exactly so many, an `epsilon` out of range, or a domain that does not fit;
        and where a search leaves open on which side of `epsilon` the worst error is, at its time limit or by rounding.

    Notes
    -----
    Every harmful set needs a protected member: a hitting set. The smallest one that hits the harmful sets known so far
    is no larger than the answer; a search among the components it leaves either proves that nothing harmful is left,
    and then it *is* the answer, or yields another harmful set. What does harm alone is found by one enumeration. Where
    the smallest hitting set takes too long it is replaced by a greedy one, and `at_least` counts disjoint harmful sets.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 1.0]]])
    >>> ws.harden(net, 1, 1.5, [[1.0]]).protect  # the crashes of neurons 1 and 2 alone move the output by 2 and 3
    ((1, 1), (1, 2))
    >>> words = net.rounded("int8")
    >>> ws.harden(words, ws.WeightFlip(1, format="int8", bits=[7]), 2.5, [[1.0]]).protect  # words that need a code
    ((1, 'weight', (2, 0)), (2, 'weight', (0, 2)))
    """
    if X is None:
        raise TypeError("X must be an array of inputs or a Box, got None")
    as_network(net), thread_count(threads)
    inputs = Inputs.of(*bounds_of(net, X))
    clock = Clock(as_seconds(time_limit), line := Line(flag(progress, "progress")))
    limit = 0.0 if asks_decisions(spec) and epsilon is None else as_limit(needed(epsilon))
    model = failures if isinstance(failures, Failures) else Crash(failures)
    components = Components(net, settled(model, net, X))
    rest = _Rest(net, components, limit, X, spec, clock, threads)
    arguments_fit()
    found = rest.alone()
    with closing(line):
        while True:
            protected, exact = _hitting_set(found)
            result = rest.search(protected)
            if not rest.harmful(result.lower):
                break
            # Disjoint harmful sets: each is a lower bound's worth, and saves a round.
            avoided = set(protected)
            while rest.harmful(result.lower):
                assert result.witness is not None
                members = components.failed(result.witness)
                if not members:
                    raise ValueError("the intact network is harmful already: two classes tie at one of the inputs")
                found.append(members)
                avoided |= members
                result = rest.search(frozenset(avoided))
    at_least = len(protected) if exact else _packing(found)
    protect, exact = tuple(sorted(protected)), exact or at_least == len(protected)
    table = tuple(map(components.row, protect))
    words = f"{model!r} of all {components.kind} but the {len(protect)} protected"
    told = Told(net, inputs, words, RIGOR, spec=spec, epsilon=epsilon, verdict=TOLERATED)
    return Hardening(protect, exact, at_least, result, rest.searches, components.kind, table, _told=told)


@dataclass(eq=False)
class _Rest:
    """What the components do that are left unprotected."""

    net: Network
    components: Components
    limit: float
    X: npt.ArrayLike | Box
    spec: Argmax | None
    clock: Clock
    threads: int | None
    searches: int = 0
    each: dict[Name, float] = field(default_factory=dict)  # what components do alone, where that was seen

    def harmful(self, value: float) -> bool:
        """Return whether an error (decisions: harm) is one."""
        return value > self.limit if self.spec is None else value >= 0

    def alone(self) -> list[Harmful]:
        """Return the components that do harm alone, where that is soon seen."""
        model = self.components.alone()
        if model is None or isinstance(self.X, Box):
            return []
        space = model._space(self.net)
        rows, _ = bounds_of(self.net, self.X)
        if not space.finite or (space.configurations() or math.inf) * len(rows) > _ALONE or self.clock.over():
            return []
        every = enumerate_failures(self.net, model, rows, spec=self.spec, threads=self.threads, components=True)
        if every.status != "complete":
            raise KeyboardInterrupt
        self.each = {name: of.worst for name, of in (every.components or {}).items()}
        return [frozenset([name]) for name, worst in self.each.items() if self.harmful(worst)]

    def search(self, protected: Harmful) -> WorstCase:
        """Search what is unprotected until it is clear on which side of the limit it is."""
        self.searches += 1
        left = self.components.left(protected)
        result = worst_case(self.net, left, self.X, spec=self.spec, time_limit=self.clock.limit(), threads=self.threads,
                            progress=lambda steps: self.clock.say(f"harden: search {self.searches}, {steps:,} steps"))
        if result.status == "interrupted":
            raise KeyboardInterrupt
        if self.harmful(result.lower) or not self.harmful(result.upper):
            return result
        few = result.configurations is not None and result.configurations <= _FEW
        if isinstance(self.X, Box) or not result.exact or not few:
            raise Undecided(self._undecided(result, protected))
        every = enumerate_failures(self.net, left, self.X, spec=self.spec, threads=self.threads)
        if every.status != "complete":
            raise KeyboardInterrupt
        return replace(result, lower=every.worst, witness=every.witness)  # evaluations decide

    def _undecided(self, result: WorstCase, protected: Harmful) -> str:
        lower = max([result.lower, *(worst for name, worst in self.each.items() if name not in protected)])
        what = "error" if self.spec is None else "harm"
        why = "the search's limit" if result.status == "budget" else "what a search can tell apart"
        known = f"{lower!r} <= worst {what} <= {result.upper!r}"
        return (
            f"{known} with {len(protected)} {self.components.kind} protected: {why} "
            f"leaves open on which side of {self.limit!r} it is"
        )


def _hitting_set(sets: list[Harmful]) -> tuple[Harmful, bool]:
    """Return a smallest set that meets every given one, and True; or a greedy one and False."""
    greedy = _greedy(sets)
    best, left = greedy, _BRANCHES
    stack: list[tuple[Harmful, list[Harmful], Harmful]] = [(frozenset(), sets, frozenset())]
    while stack and left:
        left -= 1
        chosen, open_sets, excluded = stack.pop()
        open_sets = [s - excluded for s in open_sets]
        if not open_sets:
            if len(chosen) < len(best):
                best = chosen
            continue
        if not all(open_sets) or len(chosen) + _packing(open_sets) >= len(best):
            continue
        # One of the members of the smallest set must be chosen; those tried before are excluded.
        smallest = min((sorted(members) for members in open_sets), key=len)
        for n, member in enumerate(smallest):
            rest = [s for s in open_sets if member not in s]
            stack.append((chosen | {member}, rest, excluded | frozenset(smallest[:n])))
    return best, not stack


def _greedy(sets: list[Harmful]) -> Harmful:
    chosen: set[Name] = set()
    open_sets = sets
    while open_sets:
        hits: dict[Name, int] = {}
        for members in open_sets:
            for member in members:
                hits[member] = hits.get(member, 0) + 1
        best = min(hits, key=lambda c: (-hits[c], c))
        chosen.add(best)
        open_sets = [s for s in open_sets if best not in s]
    return frozenset(chosen)


def _packing(sets: list[Harmful]) -> int:
    """Return a number of disjoint sets among the given ones: so many members any hitting set has."""
    used: set[Name] = set()
    count = 0
    for members in sorted(sets, key=len):
        if not used & members:
            used |= members
            count += 1
    return count
