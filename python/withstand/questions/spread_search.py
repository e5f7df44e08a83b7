# SPDX-License-Identifier: MIT
"""A search spread over an executor: given inputs some at a time, what is left of them in parts, a box as parts of it.

Before any task comes what can be said of everything at once, in no time: it stands for what the tasks do not get to. A
task starts with the worst harm that is witnessed when it is given out, and works on one portion for some tenths of a
second. What it leaves open by then, disjoint parts of the failure space, are tasks again: the highest bounds first, as
in one process, until none is above the worst witness.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from withstand._coerce import as_seconds
from withstand._types import FloatArray
from withstand.model.domain import Box
from withstand.questions.agenda import GRAIN, Agenda, Portion, Proved, Task
from withstand.questions.sharding import Shard, everywhere, require_executor

__all__ = ["first_tasks", "searched", "spread_over"]

#: Tasks of one search at first: how many workers there are decides nothing.
TASKS = 64
#: Where there are few tasks at first they leave sooner: nobody else has anything to do in the meantime.
FIRST_GRAIN = 1e8
#: How narrow the intervals of the parts of a box are to be first, of their upper ends: what is below the worst witness
#: by then is left alone, as it is in one process. More rounds cost more than they spare.
COARSE = 0.3

#: Told of evaluations.
Watch: TypeAlias = Callable[[int], object]
#: What workers unpickle and call: `search(portion, seconds)`.
Search: TypeAlias = Callable[[Portion, "float | None"], Proved]


def spread_over(
    executor: Executor,
    lower: FloatArray,
    upper: FloatArray,
    search: Search,
    gap: float,
    time_limit: float | None,
    watch: Watch,
    alone: bool,
) -> Proved:
    """Search given inputs (`lower` equals `upper`) or a box; Ctrl-C ends it with what is known.

    `alone`: each task is to do what it would do without the others.
    """
    require_executor(executor)
    end = None if time_limit is None else time.monotonic() + as_seconds(time_limit)
    is_points = np.array_equal(lower, upper)
    known = search(Portion(lower if is_points else Box(lower[0], upper[0])), 0.0)
    if known.status == "interrupted":
        return known
    return searched(executor, first_tasks(lower, upper, gap, alone, known.upper), search, gap, end, watch, alone, known)


def first_tasks(lower: FloatArray, upper: FloatArray, gap: float, alone: bool, known: float = np.inf) -> list[Task]:
    """Return the tasks to begin with: rows, or halves of a box along its widest sides.

    `alone`: they are to leave nothing to others. `known`: a bound of all of them.
    """
    if np.array_equal(lower, upper):
        groups = np.array_split(np.arange(len(lower)), min(len(lower), TASKS))
        grain = np.inf if alone else GRAIN if len(groups) == TASKS else FIRST_GRAIN
        return [Task(Portion(lower[rows], gap=gap, grain=grain), rows, known) for rows in groups]
    boxes = [Box(low, high) for low, high in zip(lower, upper)]
    while len(boxes) < TASKS:
        boxes = [half for box in boxes for half in _halves(box)]
    return [Task(Portion(box, gap=max(gap, COARSE)), np.zeros(1, dtype=np.intp), known) for box in boxes]


def _halves(box: Box) -> tuple[Box, Box]:
    widest = int(np.argmax(box.upper - box.lower))
    low, high = box.lower.copy(), box.upper.copy()
    low[widest] = high[widest] = 0.5 * box.lower[widest] + 0.5 * box.upper[widest]
    return Box(box.lower, high), Box(low, box.upper)


def searched(
    executor: Executor,
    tasks: Sequence[Task],
    search: Search,
    gap: float,
    end: float | None,
    watch: Watch,
    alone: bool = False,
    known: Proved | None = None,
) -> Proved:
    """Search every part until `end` on the monotonic clock, and say what is known of all of them together."""
    agenda = Agenda(tasks, gap, alone, end)
    if known is not None and known.witness is not None:
        agenda.witnessed(known)
    try:
        for shard, found in everywhere(
            executor,
            agenda.left,
            lambda executor, shard: _submitted(executor, search, agenda, shard),
            lambda _, found: found.status != "interrupted",
            lambda: _here(search, agenda),
            agenda,
        ):
            agenda.enter(shard, found)
            watch(agenda.evaluations)
    except KeyboardInterrupt:
        result = agenda.together("interrupted")
        return result if result.status == "exact" else replace(result, status="interrupted")
    return agenda.together("budget")


def _submitted(executor: Executor, search: Search, agenda: Agenda, shard: Shard) -> Future[Proved]:
    left = agenda.seconds()
    return executor.submit(_in_time, search, agenda.portion(shard), left, None if left is None else time.time() + left)


def _in_time(search: Search, portion: Portion, seconds: float | None, end: float | None) -> Proved:
    """Search for so many seconds, but not beyond a time of day: a task may have waited for its worker."""
    if seconds is None or end is None:
        return search(portion, None)
    left = min(seconds, end - time.time())
    return search(portion, left) if left > 0 else Proved("budget", -np.inf, np.inf, 0.0, None, 0, 0)


def _here(search: Search, agenda: Agenda) -> Iterator[tuple[Shard, Proved]]:
    agenda.resume()
    while agenda:
        shard = agenda.popleft()
        found = search(agenda.portion(shard), agenda.seconds())
        yield shard, found
        if found.status == "interrupted":
            return


