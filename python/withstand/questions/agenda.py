# SPDX-License-Identifier: MIT
"""What is left of a search that is spread over workers, and what is known of the rest of it."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._types import FloatArray
from withstand.model.domain import Box
from withstand.model.witness import Witness
from withstand.questions.sharding import Shard

__all__ = ["GRAIN", "Agenda", "Portion", "Proved", "Task", "together"]

#: Work after which a task leaves the rest to others, in multiply-adds, the order: some tenths of a second, a hundred
#: times what it costs to give out a task.
GRAIN: Final = 1e9
#: Tasks into which one divides what it leaves to be bounded, and parts of each where there are more: the fewer parts
#: a task has, the sooner it takes to enumerating them. What is to be enumerated is divided by its cost.
SPLIT: Final = 16
#: But not into more tasks than these: the last one to end should be short beside the whole.
MOST: Final = 64


@dataclass(frozen=True)
class Proved:
    """What a search says: the interval of its domain, and why it ended."""

    status: str
    lower: float
    upper: float
    rounding: float
    witness: Witness | None
    nodes: int
    evaluations: int
    #: What it leaves to others, and what no set outside that exceeds.
    open: tuple[_core.OpenPart, ...] = ()
    closed: float = np.inf


@dataclass(frozen=True)
class Portion:
    """What a task is about: a domain, of it these parts (none: all), and how far it is to go."""

    domain: FloatArray | Box
    parts: tuple[_core.OpenPart, ...] = ()
    gap: float = 0.0
    grain: float = np.inf
    #: A harm that is witnessed elsewhere.
    floor: float = -np.inf


@dataclass(frozen=True)
class Task:
    """A portion, the numbers of its inputs, and a bound of it."""

    portion: Portion
    rows: npt.NDArray[np.intp]
    upper: float = np.inf


@dataclass
class Agenda:
    """The tasks that are left, highest bounds first, and what is known of the others."""

    first: Sequence[Task]
    gap: float
    alone: bool
    end: float | None
    left: dict[Shard, None] = field(default_factory=dict)
    evaluations: int = 0

    def __post_init__(self) -> None:
        self._tasks: list[Task] = []
        self._queue: list[tuple[float, int]] = []
        self._known: list[Proved] = []
        self._worst = -np.inf
        for task in self.first:
            self._add(task)

    def _add(self, task: Task) -> None:
        number = len(self._tasks)
        self._tasks.append(task)
        self.left[number, number + 1] = None
        heapq.heappush(self._queue, (-task.upper, number))

    def __len__(self) -> int:
        """Return how many tasks wait: none where what is left does no more than the worst witness, or time is up."""
        if self._queue and self._is_near(-self._queue[0][0]):
            self._let_be("gap")
        elif self.seconds() == 0:
            self._let_be("budget")
        return len(self._queue)

    def _is_near(self, upper: float) -> bool:
        """Return whether a bound is as near to the worst witness as was asked for."""
        return math.isfinite(upper) and upper - self._worst <= self.gap * abs(upper)

    def _let_be(self, status: str) -> None:
        """Leave open what waits; its bounds are what is known of it."""
        for _, number in self._queue:
            del self.left[number, number + 1]
            self._known.append(_open(self._tasks[number], status))
        self._queue.clear()

    def popleft(self) -> Shard:
        """Take out the task of the highest bound, of equals the first."""
        number = heapq.heappop(self._queue)[1]
        return number, number + 1

    def append(self, shard: Shard, /) -> None:
        """Let a task wait that was lost."""
        heapq.heappush(self._queue, (-self._tasks[shard[0]].upper, shard[0]))

    def clear(self) -> None:
        """Let nothing wait, though it is left."""
        self._queue.clear()

    def resume(self) -> None:
        """Let everything that is left wait again."""
        self._queue = [(-self._tasks[first].upper, first) for first, _ in self.left]
        heapq.heapify(self._queue)

    def seconds(self) -> float | None:
        """Return the time that is left."""
        return None if self.end is None else max(0.0, self.end - time.monotonic())

    def witnessed(self, known: Proved) -> None:
        """Take in a witness that no task has found. Nobody has to exceed it: of equals, each finds its first."""
        self.evaluations += known.evaluations
        self._known.append(replace(known, status="exact", upper=known.lower))

    def portion(self, shard: Shard) -> Portion:
        """Return what is to be searched, with what is to be exceeded by now."""
        portion = self._tasks[shard[0]].portion
        return portion if self.alone else replace(portion, floor=self._worst)

    def enter(self, shard: Shard, found: Proved) -> None:
        """Take in what a task found, and add what it left as tasks."""
        task = self._tasks[shard[0]]
        self.evaluations += found.evaluations
        if found.witness is not None:
            row = int(task.rows[found.witness.input_index])
            found = replace(found, witness=replace(found.witness, input_index=row))
            self._worst = max(self._worst, found.lower)
        found = replace(found, upper=min(found.upper, task.upper))
        rest = list(self._rest(task, found)) if found.status == "gap" and not self._is_near(found.upper) else []
        for one in rest:
            self._add(one)
        if rest:
            closed = min(found.upper, found.closed) if found.open else found.lower  # a box is searched once more
            found = replace(found, upper=closed, status="exact" if closed <= found.lower + found.rounding else "gap")
        self._known.append(found)

    def _rest(self, task: Task, found: Proved) -> Iterator[Task]:
        """Yield what is still to be done."""
        if not found.open and task.portion.gap > self.gap:
            yield replace(task, portion=replace(task.portion, gap=self.gap), upper=found.upper)
        for parts in _groups(found.open):
            used, places = np.unique([part.input_index for part in parts], return_inverse=True)
            for part, place in zip(parts, places.tolist()):
                part.input_index = place
            domain = task.portion.domain
            assert not isinstance(domain, Box)
            portion = replace(task.portion, domain=domain[used], parts=tuple(parts), grain=GRAIN)
            yield Task(portion, task.rows[used], min(found.upper, max(part.bound for part in parts)))

    def together(self, unfinished: str) -> Proved:
        """Return what is known of all parts. What is open in one is no matter where it does less than another."""
        return together([*self._known, *(_open(self._tasks[first], unfinished) for first, _ in self.left)])


def _open(task: Task, status: str) -> Proved:
    return Proved(status, -np.inf, task.upper, 0.0, None, 0, 0)


def _groups(parts: Sequence[_core.OpenPart]) -> Iterator[list[_core.OpenPart]]:
    """Yield open parts task by task: walks by their cost, and of the others to each some of the high and of the low."""
    walks = [part for part in parts if part.walks]
    nodes = [part for part in parts if not part.walks]
    count = min(len(nodes), max(SPLIT, min(MOST, len(nodes) // SPLIT)))
    yield from (nodes[n::count] for n in range(count))
    group: list[_core.OpenPart] = []
    for part in walks:
        if group and sum(one.cost for one in group) + part.cost > GRAIN:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def together(all_parts: Sequence[Proved]) -> Proved:
    """Return what is known of all parts."""
    witness = min((part.witness for part in all_parts if part.witness is not None), key=_order, default=None)
    lower = max(part.lower for part in all_parts)
    upper = max(part.upper for part in all_parts)
    reasons = [part.status for part in all_parts if part.upper > lower]
    return Proved(
        next((reason for reason in ("interrupted", "budget", "gap") if reason in reasons), "exact"),
        lower,
        max(lower, upper),
        max(part.rounding for part in all_parts),
        witness,
        sum(part.nodes for part in all_parts),
        sum(part.evaluations for part in all_parts),
    )


def _order(witness: Witness) -> tuple[object, ...]:
    """The worst first; of equals the fewest failures, the first components and the first input."""
    return -witness.error, len(witness.failed), witness.failed, witness.input_index
