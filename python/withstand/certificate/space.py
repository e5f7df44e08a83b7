# SPDX-License-Identifier: MIT
"""What a certificate speaks of: components that may fail, what they then do, how many of them, decided or not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from withstand.certificate.budget import Budget, Rejected
from withstand.certificate.formats import Flip

Neuron = tuple[int, int]
#: What a component is called: a neuron (layer, neuron), or as `components` names it.
Name = tuple[Any, ...]
Failed = tuple[tuple[Name, "Way"], ...]
#: For each neuron in turn, how many completions there are from it on, by what is left of the counts.
_Table = list[dict[tuple[int, ...], int]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way for a component to fail, by term `term`, which counts for quota `quota`.

    It transmits `value`, or is stored as it; where `flip` is given, neurons transmit what becomes of their signal.
    `bits` are those that flip, of a word of this scale and zero point.
    """

    term: int
    quota: int
    value: float
    bits: tuple[int, ...] = ()
    flip: Flip | None = None
    scale: float = 1.0
    zero: int = 0

    @property
    def mask(self) -> int:
        """The bits that flip, as a word."""
        return sum(1 << bit for bit in self.bits)


@dataclass(frozen=True)
class Quota:
    """How many may fail, or exactly do."""

    count: int
    exactly: bool


@dataclass(frozen=True)
class State:
    """Decisions: these components have failed in these ways, these are decided (failed or alive), so much is left."""

    failed: Failed
    decided: frozenset[Name]
    left: tuple[int, ...]


class Sets:
    """The sets of failed components that counts allow: each fails once, in one of its ways."""

    def __init__(self, budget: Budget | None = None) -> None:
        self.quotas: list[Quota] = []
        self.ways: dict[Name, list[Way]] = {}
        self._budget = Budget() if budget is None else budget
        self._parts: list[frozenset[int]] = []

    def _settle(self) -> None:
        """See which counts hang together, once all ways are there."""
        self._parts = self._independent()

    def root(self) -> State:
        """Return the state in which nothing is decided."""
        return State((), frozenset(), tuple(q.count for q in self.quotas))

    def fail(self, state: State, neuron: Name, way: Way) -> State | None:
        """Decide that a neuron fails; None where the count is used up."""
        left = list(state.left)
        left[way.quota] -= 1
        if left[way.quota] < 0:
            return None
        return State((*state.failed, (neuron, way)), state.decided | {neuron}, tuple(left))

    def live(self, state: State, neuron: Name) -> State:
        """Decide that a neuron does not fail."""
        return State(state.failed, state.decided | {neuron}, state.left)

    def children(self, state: State, neuron: Name) -> dict[int | None, State]:
        """Return everything that can become of an undecided neuron: failed by a term (the key), or alive (None)."""
        found: dict[int | None, State] = {None: self.live(state, neuron)}
        for way in self.ways[neuron]:
            child = self.fail(state, neuron, way)
            if child is not None:
                found[way.term] = child
        return found

    def free(self, state: State) -> list[Name]:
        """Return the neurons that may still fail, in order."""
        if not any(state.left):
            return []
        return [n for n, ways in self.ways.items()
                if n not in state.decided and any(state.left[w.quota] for w in ways)]  # fmt: skip

    def size(self, state: State) -> int:
        """Return the number of configurations that complete a state."""
        return math.prod(self._table(state, *part)[1][0].get(state.left, 0) for part in self._split(state))

    def completions(self, state: State) -> Iterator[Failed]:
        """Yield every set of failures that completes a state, those decided included."""
        parts = self._split(state)
        tables = [self._table(state, *part) for part in parts]
        if not all(table[0].get(state.left) for _, table in tables):
            return
        each = [list(self._completed(state, *part, *table)) for part, table in zip(parts, tables)]
        for chosen in itertools.product(*each):
            yield sum(chosen, state.failed)

    def _independent(self) -> list[frozenset[int]]:
        """Return the quotas in parts that no neuron links: what fails of one leaves the others as they are."""
        parts = [frozenset((q,)) for q in range(len(self.quotas))]
        for links in {frozenset(w.quota for w in ways) for ways in self.ways.values()}:
            apart = [part for part in parts if not part & links]
            parts = [*apart, frozenset().union(*(part for part in parts if part & links))]
        return parts

    def _split(self, state: State) -> list[tuple[frozenset[int], list[Name]]]:
        free = self.free(state)
        return [(part, [n for n in free if self.ways[n][0].quota in part]) for part in self._parts]

    def _table(self, state: State, part: frozenset[int], free: list[Name]) -> tuple[list[Name], _Table]:
        """Count the completions of a part from every neuron on; the counts of other parts stay as they are."""
        room = dict.fromkeys(part, 0)
        for neuron in free:
            for quota in {w.quota for w in self.ways[neuron]}:
                room[quota] += 1
        states = math.prod(min(state.left[q], room[q]) + 1 for q in part)
        self._budget.spend("steps of counting configurations",
                           states * (1 + sum(1 + len(self.ways[n]) for n in free)))  # fmt: skip
        reached: list[set[tuple[int, ...]]] = [{state.left}]
        for neuron in free:
            reached.append({rest for left in reached[-1] for rest in (left, *self._rests(left, neuron))})
        table: _Table = [{left: int(self._finished(left, part)) for left in reached[-1]}]
        for neuron, lefts in zip(reversed(free), reversed(reached[:-1])):
            after = table[-1]
            table.append({left: after[left] + sum(after[r] for r in self._rests(left, neuron)) for left in lefts})
        return free, table[::-1]

    def _rests(self, left: tuple[int, ...], neuron: Name) -> list[tuple[int, ...]]:
        """Return what is left once a neuron has failed, in each way that the counts allow."""
        quotas = [w.quota for w in self.ways[neuron] if left[w.quota] > 0]
        return [(*left[:q], left[q] - 1, *left[q + 1 :]) for q in quotas]

    def _completed(self, state: State, part: frozenset[int], _: list[Name], free: list[Name],
                   table: _Table) -> Iterator[Failed]:  # fmt: skip
        """Yield the failures of a part, following only what can be completed."""
        stack: list[tuple[Failed, tuple[int, ...], int]] = [((), state.left, 0)]
        while stack:
            failed, left, first = stack.pop()
            if self._finished(left, part):
                yield failed
            if not any(left[q] for q in part):
                continue
            for n in range(first, len(free)):
                for way in self.ways[free[n]]:
                    if left[way.quota] > 0:
                        rest = (*left[: way.quota], left[way.quota] - 1, *left[way.quota + 1 :])
                        if table[n + 1].get(rest, 0):
                            stack.append(((*failed, (free[n], way)), rest, n + 1))

    def _finished(self, left: tuple[int, ...], part: frozenset[int]) -> bool:
        return not any(left[q] and self.quotas[q].exactly for q in part)


class Space(Sets):
    """The sets of failed neurons that a sum of crash and stuck-at models allows."""

    def __init__(self, failures: list[dict[str, Any]], widths: tuple[int, ...], budget: Budget | None = None) -> None:
        super().__init__(budget)
        for term, failure in enumerate(failures):
            self._add(term, failure, widths)
        self.ways = dict(sorted(self.ways.items()))
        self._settle()

    def _add(self, term: int, failure: dict[str, Any], widths: tuple[int, ...]) -> None:
        effect, counts, total = failure["effect"], failure["counts"], failure["total"]
        if effect not in ("crash", "stuck"):
            raise Rejected(f"failures of kind {effect!r} are not covered, only crash and stuck")
        hidden = [(l, i) for l in range(1, len(widths) - 1) for i in range(widths[l])]
        among = failure["among"]
        places = hidden if among is None else sorted({(int(l), int(i)) for l, i in among})
        self._budget.spend("ways to fail", len(places) + len(counts))
        outside = [p for p in places if not (0 <= p[0] < len(widths) - 1 and 0 <= p[1] < widths[p[0]])]
        groups = 1 if total else len(widths) - 2
        if outside or len(counts) != groups or any(type(n) is not int or n < 0 for n in counts):
            raise Rejected(f"failures: counts {counts} or neurons {outside} do not fit the network {widths}")
        if not total and any(l == 0 for l, _ in places):
            raise Rejected("failures: counts per layer do not cover inputs")
        first = len(self.quotas)
        self.quotas += [Quota(n, bool(failure["exactly"])) for n in counts]
        value = 0.0 if effect == "crash" else float(failure["value"])
        if not math.isfinite(value):
            raise Rejected(f"failures: neurons cannot be stuck at {value}")
        for place in places:
            quota = first if total else first + place[0] - 1
            self.ways.setdefault(place, []).append(Way(term, quota, value))
