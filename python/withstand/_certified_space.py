# SPDX-License-Identifier: MIT
"""What a certificate speaks of: neurons that may fail, what they then transmit, how many of them, decided or not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Neuron = tuple[int, int]


class Rejected(ValueError):
    """The certificate does not prove its claim: where, and why."""


@dataclass(frozen=True)
class Way:
    """One way for a neuron to fail: it transmits `value`, by term `term`, and counts for quota `quota`."""

    term: int
    quota: int
    value: float


@dataclass(frozen=True)
class Quota:
    """How many may fail, or exactly do."""

    count: int
    exactly: bool


@dataclass(frozen=True)
class State:
    """Decisions: these neurons have failed in these ways, these are decided (failed or alive), so much is left."""

    failed: tuple[tuple[Neuron, Way], ...]
    decided: frozenset[Neuron]
    left: tuple[int, ...]


class Space:
    """The sets of failed neurons that a sum of crash and stuck-at models allows."""

    def __init__(self, failures: list[dict[str, Any]], widths: tuple[int, ...]) -> None:
        self.quotas: list[Quota] = []
        self.ways: dict[Neuron, list[Way]] = {}
        for term, failure in enumerate(failures):
            self._add(term, failure, widths)

    def _add(self, term: int, failure: dict[str, Any], widths: tuple[int, ...]) -> None:
        effect, counts, total = failure["effect"], failure["counts"], failure["total"]
        if effect not in ("crash", "stuck"):
            raise Rejected(f"failures of kind {effect!r} are not covered, only crash and stuck")
        hidden = [(l, i) for l in range(1, len(widths) - 1) for i in range(widths[l])]
        among = failure["among"]
        places = hidden if among is None else sorted({(int(l), int(i)) for l, i in among})
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

    def root(self) -> State:
        """Return the state in which nothing is decided."""
        return State((), frozenset(), tuple(q.count for q in self.quotas))

    def fail(self, state: State, neuron: Neuron, way: Way) -> State | None:
        """Decide that a neuron fails; None where the count is used up."""
        left = list(state.left)
        left[way.quota] -= 1
        if left[way.quota] < 0:
            return None
        return State((*state.failed, (neuron, way)), state.decided | {neuron}, tuple(left))

    def live(self, state: State, neuron: Neuron) -> State:
        """Decide that a neuron does not fail."""
        return State(state.failed, state.decided | {neuron}, state.left)

    def children(self, state: State, neuron: Neuron) -> dict[int | None, State]:
        """Return everything that can become of an undecided neuron: failed by a term (the key), or alive (None)."""
        found: dict[int | None, State] = {None: self.live(state, neuron)}
        for way in self.ways[neuron]:
            child = self.fail(state, neuron, way)
            if child is not None:
                found[way.term] = child
        return found

    def free(self, state: State) -> list[Neuron]:
        """Return the neurons that may still fail, in order."""
        if not any(state.left):
            return []
        return sorted(n for n, ways in self.ways.items()
                      if n not in state.decided and any(state.left[w.quota] for w in ways))  # fmt: skip

    def size(self, state: State) -> int:
        """Return the number of configurations that complete a state."""
        counted = {state.left: 1}
        for neuron in self.free(state):
            more = dict(counted)
            for left, number in counted.items():
                for way in self.ways[neuron]:
                    if left[way.quota] > 0:
                        rest = (*left[: way.quota], left[way.quota] - 1, *left[way.quota + 1 :])
                        more[rest] = more.get(rest, 0) + number
            counted = more
        return sum(number for left, number in counted.items() if self._finished(left))

    def completions(self, state: State) -> Iterator[tuple[tuple[Neuron, Way], ...]]:
        """Yield every set of failures that completes a state, those decided included."""
        free, stack = self.free(state), [(state.failed, state.left, 0)]
        while stack:
            failed, left, first = stack.pop()
            if self._finished(left):
                yield failed
            if not any(left):
                continue
            for n in range(first, len(free)):
                for way in self.ways[free[n]]:
                    if left[way.quota] > 0:
                        rest = (*left[: way.quota], left[way.quota] - 1, *left[way.quota + 1 :])
                        stack.append(((*failed, (free[n], way)), rest, n + 1))

    def _finished(self, left: tuple[int, ...]) -> bool:
        return not any(n and q.exactly for n, q in zip(left, self.quotas))
