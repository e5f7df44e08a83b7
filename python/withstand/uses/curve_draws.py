# SPDX-License-Identifier: MIT
"""The random sets of a curve: what they do, and the worst of them as witnesses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from withstand import _core
from withstand._types import FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.spec import output_harms
from withstand.model.term import Term
from withstand.model.witness import Witness
from withstand.questions.clock import Clock
from withstand.questions.witnesses import Witnesses
from withstand.uses.random_failures import RandomFailures
from withstand.uses.random_sets import Drawn

#: Effects that can be drawn, and their names on an axis.
_KINDS = {
    "crash": "crashes",
    "stuck": "stuck neurons",
    "byzantine": "Byzantine neurons",
    "synapse_crash": "crashed synapses",
    "bit_flip": "flipped signals",
    "weight_flip": "flipped parameters",
    "weight_crash": "crashed weights",
}


class _Worst(NamedTuple):
    """What a set does, at which row, and which it is."""

    harm: float
    row: int
    drawn: list[Drawn]


class Draws:
    """Random sets of failed components, and what they do."""

    def __init__(
        self, net: Network, failures: Failures, X: FloatArray, decisions: bool, rng: np.random.Generator
    ) -> None:
        self.net, self.X, self.decisions, self.rng = net, X, decisions, rng
        self.intact = net.forward(X)
        self._worst: dict[int, _Worst] = {}
        terms = failures._terms
        if len(terms) != 1:
            raise ValueError(f"{failures!r}: a curve is of one kind of failure, got a sum of {len(terms)}")
        (self.term,) = terms
        if self.term.effect not in _KINDS:
            raise ValueError(f"{failures!r}: random sets are drawn of {', '.join(_KINDS)} only")
        self.kind = f"{_KINDS[self.term.effect]} anywhere among {self.term.candidates(net):,} {_what(self.term)}"

    def harms(self, counts: Sequence[int], samples: int, clock: Clock) -> FloatArray:
        """Return errors of random sets, shape (len(counts), samples), or fewer samples when the time is up."""
        drawn: list[list[float]] = []
        for count in counts:
            drawer = RandomFailures(self.net, Failures([self.term_of(count)]))
            row: list[float] = []
            while len(row) < samples and not (row and clock.left() <= 0):
                found = self._one(drawer)
                row.append(found.harm)
                if count not in self._worst or found.harm > self._worst[count].harm:
                    self._worst[count] = found
            drawn.append(row)
        fewest = min(map(len, drawn))
        return np.array([row[:fewest] for row in drawn])

    def term_of(self, count: int) -> Term:
        """Return the model of the sets of a count."""
        return self.term._replace(counts=(count,), exactly=True)

    def worst(self, count: int) -> float:
        """Return what the worst of the sets of a count does."""
        return self._worst[count].harm

    def witness(self, count: int) -> Witness:
        """Return the worst of the sets of a count; what replays it does what it did."""
        worst, failures = self._worst[count], Failures([self.term_of(count)])
        drawer, row = RandomFailures(self.net, failures), self.X[worst.row].copy()
        goal = _core.Goal.argmax if self.decisions else _core.Goal.error
        error, output = (worst.harm, 0) if math.isinf(worst.harm) else drawer.replayed(row, worst.drawn, goal)
        ways = [_core.FailedWay(_core.Site(*one.component), one.term, one.way) for one in worst.drawn]
        found = Witnesses(self.net, failures, self.decisions)
        return found.witness(drawer.held(row, worst.drawn), ways, row, worst.row, output, error)

    def _one(self, drawer: RandomFailures) -> _Worst:
        """Error, or harm, of one random set, and where."""
        drawn = drawer.draw(self.rng)
        faulty = drawer.outputs(self.X, drawn)
        finite = np.isfinite(faulty).all(axis=1)
        if not finite.all():
            return _Worst(math.inf, int(finite.argmin()), drawn)
        harms = output_harms(self.intact, faulty, self.decisions).max(axis=1)
        return _Worst(float(harms.max()), int(harms.argmax()), drawn)


def _what(term: Term) -> str:
    if term.together:
        return "groups" if term.unit is None else f"{term.unit}s"
    if term.on_weights:
        return "parameters" if term.flips is not None and term.flips.biases else "weights"
    return "synapses" if term.on_synapses else "hidden neurons"
