# SPDX-License-Identifier: MIT
"""How many failures each input's class withstands: bounds for many inputs at once, then a search for each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from withstand._progress import Line
from withstand._types import FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.spec import Argmax
from withstand.model.witness import Witness
from withstand.questions.bounds import bound, methods_within
from withstand.questions.clock import Clock
from withstand.questions.enumeration import enumerate_failures
from withstand.questions.search import worst_case

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Evaluations up to which every set is tried where an exact search ends within rounding of a tie.
_TIE = 10_000_000
#: Nodes of one round of searches after another, where time is limited: all inputs get the easy part of it first.
_STAGES = (500, 10_000, None)
#: A method that proves less than this share of what is left is not asked again for larger counts.
_WORTH = 0.02


@dataclass(frozen=True)
class Images:
    """Inputs whose class is right, and failure models of growing counts; complete and picklable."""

    net: Network
    models: tuple[Failures, ...]
    rows: FloatArray = field(hash=False, compare=False)
    numbers: tuple[int, ...]  # of the rows

    def part(self, first: int, last: int) -> Images:
        """Return some of the inputs."""
        return Images(self.net, self.models, self.rows[first:last], self.numbers[first:last])


@dataclass(eq=False)
class Decided:
    """What is known of each input.

    Attributes
    ----------
    proved : ndarray of int
        The last model that is proved to leave the class alone; -1 for none.
    refuted : ndarray of int
        The first model with a witness against it; the number of models where there is none.
    witnesses : dict of int to Witness
        By the number of the input.
    status : {"complete", "budget", "interrupted"}
    """

    proved: Ints
    refuted: Ints
    witnesses: dict[int, Witness]
    status: str = "complete"


def decide(images: Images, seconds: float, shown: bool = False) -> Decided:
    """Decide as many inputs as the time allows; equal calls without a limit have equal results."""
    clock = Clock(seconds, Line(shown))
    size = len(images.rows)
    found = Decided(np.full(size, -1, dtype=np.int64), np.full(size, len(images.models), dtype=np.int64), {})
    try:
        _bounds(images, found, clock)
        if not any(term.equivocal for term in images.models[-1]._terms):  # no search knows those
            _Searches(images, found, clock).run()
    except KeyboardInterrupt:
        clock.interrupt()
    finally:
        clock.say.close()
    found.status = clock.status
    return found


def _bounds(images: Images, found: Decided, clock: Clock) -> None:
    """Prove what bounds can: count after count, for all inputs that the count before was proved for."""
    useless: set[str] = set()
    for count, model in enumerate(images.models):
        alive = np.flatnonzero(found.proved == count - 1)
        if len(alive) == 0 or clock.over():
            return
        for name in methods_within(images.net, model, len(alive), clock.left() / 2, useless):
            if len(alive) == 0 or clock.over():
                break
            clock.say(f"certified accuracy: {len(alive):,} inputs, bounding model {count + 1} of {len(images.models)}")
            known = bound(images.net, model, images.rows[alive], method=name, spec=Argmax(), threads=1)
            kept = known.per_input + known.slack < 0
            found.proved[alive[kept]] = count
            if kept.mean() < _WORTH:
                useless.add(name)
            alive = alive[~kept]


class _Searches:
    """One search for each input and count that bounds left open, from small counts to large ones."""

    def __init__(self, images: Images, found: Decided, clock: Clock) -> None:
        self.images, self.found, self.clock = images, found, clock
        self.closed: set[tuple[int, int]] = set()  # nothing more can be known of these

    def run(self) -> None:
        """Search all inputs that are open, with more and more nodes where time is limited."""
        for nodes in _STAGES if math.isfinite(self.clock.left()) else _STAGES[-1:]:
            rows = self.open()
            for place, row in enumerate(rows):
                share = 1 / (len(rows) - place) if nodes is None else 1.0
                self.search(row, nodes, share)

    def open(self) -> list[int]:
        """Return the inputs of which something can still be found out, the least proved first: they break soonest."""
        rows = np.flatnonzero(self.found.refuted - self.found.proved > 1).tolist()
        rows = [row for row in rows if any((row, count) not in self.closed for count in self._counts(row))]
        return sorted(rows, key=lambda row: (int(self.found.proved[row]), row))

    def _counts(self, row: int) -> Iterable[int]:
        return range(int(self.found.proved[row]) + 1, int(self.found.refuted[row]))

    def search(self, row: int, nodes: int | None, share: float) -> None:
        """Raise the count that is proved, until one is refuted; what stays open in between may be decided by either."""
        found = self.found
        for count in self._counts(row):
            if self.clock.over():
                return
            if (row, count) in self.closed:
                continue
            self.clock.say(f"certified accuracy: input {self.images.numbers[row]:,}, model {count + 1}")
            lower, upper, witness = self.worst(row, count, nodes, share)
            if lower >= 0 and witness is not None:
                number = self.images.numbers[row]
                found.refuted[row], found.witnesses[number] = count, replace(witness, input_index=number)
                return
            if upper < 0:
                found.proved[row] = count

    def worst(self, row: int, count: int, nodes: int | None, share: float) -> tuple[float, float, Witness | None]:
        """Return the interval of the worst harm, as far as its sign asks for, and the witness."""
        images, model = self.images, self.images.models[count]
        x = images.rows[row : row + 1]
        ask = partial(worst_case, images.net, model, x, spec=Argmax(), threads=1, node_limit=nodes)
        worst = ask(time_limit=self.clock.part(share), gap=1.0)  # an end of the interval is 0 or beyond, then
        if worst.status == "interrupted":
            raise KeyboardInterrupt
        if worst.status in ("exact", "gap"):
            self.closed.add((row, count))
        elif nodes is None:
            self.clock.late = True
        if worst.exact and worst.lower < 0 <= worst.upper and (worst.configurations or math.inf) <= _TIE:
            every = enumerate_failures(images.net, model, x, spec=Argmax(), threads=1)
            if every.status != "complete":
                raise KeyboardInterrupt
            return every.worst, every.worst, every.witness
        return worst.lower, worst.upper, worst.witness
