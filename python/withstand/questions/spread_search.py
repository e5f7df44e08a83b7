# SPDX-License-Identifier: MIT
"""A search spread over an executor: given inputs some at a time, a box as parts of it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np

from withstand._coerce import as_seconds
from withstand._types import FloatArray
from withstand.model.domain import Box
from withstand.model.witness import Witness
from withstand.questions.sharding import Shard, require_executor, spread

#: The part of a domain that a task is about, and the first of its rows.
Part: TypeAlias = tuple[int, "FloatArray | Box"]

#: Tasks of one search: enough for many workers; how many there are decides nothing, so that answers stay the same.
TASKS = 64
#: How narrow the intervals of all tasks are to be first, of their upper ends: what is below the worst witness by then
#: is left alone, as it is in one process. More rounds cost more than they spare.
COARSE = (0.3,)


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


class Watch(Protocol):
    """Who is told of evaluations, and of the end."""

    def __call__(self, finished: int) -> bool:
        """Take note."""

    def end(self) -> None:
        """Take note that nothing more comes."""


#: What workers unpickle and call: `search(domain, gap, seconds)`.
Search: TypeAlias = "Callable[[FloatArray | Box, float, float | None], Proved]"


def parts_of(lower: FloatArray, upper: FloatArray) -> list[Part]:
    """Return the domains of the tasks: rows, or halves of a box along its widest sides."""
    if np.array_equal(lower, upper):
        size = -(-len(lower) // TASKS)
        return [(first, lower[first : first + size]) for first in range(0, len(lower), size)]
    boxes = [Box(low, high) for low, high in zip(lower, upper)]
    while len(boxes) < TASKS:
        boxes = [half for box in boxes for half in _halves(box)]
    return [(0, box) for box in boxes]


def _halves(box: Box) -> tuple[Box, Box]:
    widest = int(np.argmax(box.upper - box.lower))
    low, high = box.lower.copy(), box.upper.copy()
    low[widest] = high[widest] = 0.5 * box.lower[widest] + 0.5 * box.upper[widest]
    return Box(box.lower, high), Box(low, box.upper)


def searched(
    executor: Executor,
    parts: Sequence[Part],
    search: Search,
    gap: float,
    time_limit: float | None,
    watch: Watch,
) -> Proved:
    """Search every part, coarsely first, and say what is known of all of them together; Ctrl-C ends it with that."""
    require_executor(executor)
    end = None if time_limit is None else time.monotonic() + as_seconds(time_limit)
    known: dict[int, Proved] = {}
    interrupted = False
    try:
        for narrow in (*(coarse for coarse in COARSE if coarse > gap), gap):
            for task, found in _done(executor, parts, _open(parts, known), search, narrow, end):
                if found.witness is not None:
                    row = parts[task][0] + found.witness.input_index
                    found = replace(found, witness=replace(found.witness, input_index=row))
                known[task] = found if task not in known else _sharper(known[task], found)
                watch(sum(one.evaluations for one in known.values()))
    except KeyboardInterrupt:
        interrupted = True
    watch.end()
    unknown = Proved("interrupted", -np.inf, np.inf, 0.0, None, 0, 0)
    result = _together([known.get(task, unknown) for task in range(len(parts))])
    return replace(result, status="interrupted") if interrupted and result.status != "exact" else result


def _open(parts: Sequence[Part], known: Mapping[int, Proved]) -> list[int]:
    """Return the tasks that may still do more than the worst witness."""
    worst = max((found.lower for found in known.values()), default=-np.inf)
    return [
        task
        for task in range(len(parts))
        if task not in known or (known[task].status == "gap" and known[task].upper > worst)
    ]


def _done(
    executor: Executor, parts: Sequence[Part], tasks: list[int], search: Search, gap: float, end: float | None
) -> Iterator[tuple[int, Proved]]:
    """Yield what the executor's workers find, and at last what it lost, searched here."""

    def left_of_time() -> float | None:
        return None if end is None else max(0.0, end - time.monotonic())

    left: dict[Shard, None] = dict.fromkeys((task, task + 1) for task in tasks)
    for shard, found in spread(
        executor,
        lambda shard: executor.submit(search, parts[shard[0]][1], gap, left_of_time()),
        lambda _, found: found.status != "interrupted",
        list(left),
    ):
        del left[shard]
        yield shard[0], found
    if left:
        lost = f"the executor lost {len(left)} of its searches, they are done in this process"
        warnings.warn(lost, RuntimeWarning, stacklevel=5)
    for task, _ in left:
        yield task, search(parts[task][1], gap, left_of_time())


def _sharper(before: Proved, now: Proved) -> Proved:
    """Return what two searches of one part say together."""
    return replace(
        now if now.lower >= before.lower else replace(now, lower=before.lower, witness=before.witness),
        upper=min(before.upper, now.upper),
        nodes=before.nodes + now.nodes,
        evaluations=before.evaluations + now.evaluations,
    )


def _together(all_parts: list[Proved]) -> Proved:
    """Return what is known of all parts. What is open in one is no matter where it does less than another."""
    witness = min((part.witness for part in all_parts if part.witness is not None), key=_order, default=None)
    lower = max(part.lower for part in all_parts)
    rounding = max(part.rounding for part in all_parts)
    upper = max(part.upper for part in all_parts)
    reasons = [part.status for part in all_parts if part.upper > lower]
    return Proved(
        next((reason for reason in ("interrupted", "budget", "gap") if reason in reasons), "exact"),
        lower,
        upper,
        rounding,
        witness,
        sum(part.nodes for part in all_parts),
        sum(part.evaluations for part in all_parts),
    )


def _order(witness: Witness) -> tuple[object, ...]:
    """The worst first; of equals the fewest failures, the first components and the first input."""
    return -witness.error, len(witness.failed), witness.failed, witness.input_index
