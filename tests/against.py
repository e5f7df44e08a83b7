# SPDX-License-Identifier: MIT
"""One problem and the truth about it: numbers, bounds and witnesses are compared with the oracle's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import withstand as ws
from oracle import failing_words
from oracle.failing_words import Configuration, Truth
from random_failures import Problem
from tally import Tally

INF = math.inf


class Against:
    """A problem, every configuration of it, and how near answers have to be."""

    def __init__(self, problem: Problem, truth: Truth, name: str, tally: Tally, rng: np.random.Generator) -> None:
        self.p, self.t, self.name, self.tally, self.rng = problem, truth, name, tally, rng
        self.errors = truth.errors
        finite = np.abs(truth.harms[np.isfinite(truth.harms)])
        self.size = max(float(finite.max(initial=0.0)), float(np.abs(truth.intact).max()))
        self.room = 1e-9 * self.size + 1e-300
        self.spec = ws.Argmax(lowest=problem.lowest) if problem.argmax else None
        self.alone = problem.argmax and truth.intact.shape[1] == 1
        self.by_key: dict[Any, list[int]] = {}
        for i, configuration in enumerate(truth.all_of):
            self.by_key.setdefault(key(configuration), []).append(i)

    def same(self, kind: str, got: Any, expected: Any) -> None:
        self.tally.check(kind, got == expected, lambda: f"{self.name}: got {got!r}, expected {expected!r}")

    def near(self, kind: str, got: float, expected: float, room: float | None = None) -> None:
        room = self.room if room is None else room
        holds = got == expected or abs(got - expected) <= room
        self.tally.check(kind, holds, lambda: f"{self.name}: got {got!r}, expected {expected!r}")

    def above(self, kind: str, bound: float, truth: float, what: str) -> None:
        room = self.room if math.isfinite(truth) else 0.0
        self.tally.check(kind, bound >= truth - room, lambda: f"{self.name}: {what} {bound!r} < {truth!r}")

    def witness(self, worst: ws.Witness) -> int:
        """Compare a witness with the configurations that it may be; return which one it is."""
        p = self.p
        given = frozenset(
            (c, worst.ways.get(c), None if c in worst.ways else value) for c, value in worst.values.items()
        )
        self.same("witness", tuple(worst.values), worst.failed)
        known = [i for i in self.by_key.get(given, ())]
        self.tally.check("witness", known, lambda: f"{self.name}: {worst!r} {worst.ways} is no configuration")
        if not known:
            return -1
        output = 0 if self.alone else worst.output
        here = self.t.harms[known, worst.input_index, output]  # two models may flip the same bits of other words
        with np.errstate(invalid="ignore"):
            at = int(np.argmin(np.where(here == worst.error, 0.0, np.abs(here - worst.error))))
        self.near("witness", worst.error, float(here[at]))
        self.same("witness", np.array_equal(worst.input, p.X[worst.input_index]), True)
        groups = tuple(
            sorted(f.candidate.parts for f in self.t.all_of[known[0]] if f.term.groups is not None or f.term.channel)
        )
        self.same("witness", worst.groups, groups)
        if math.isfinite(worst.error):
            self.replay(worst)
        return known[at]

    def replay(self, worst: ws.Witness) -> None:
        """The witness' error is that of the canonical evaluation, to the last bit."""
        intact = self.p.network.forward(worst.input)
        for failed in (worst, worst.values):
            faulty = self.p.network.forward(worst.input, failed=failed)
            lead = np.abs(faulty - intact)
            if self.p.argmax:
                lead = failing_words.lead(self.p.net, faulty[None], intact[None], self.p.lowest)[0]
                lead[[] if self.alone else int((-intact if self.p.lowest else intact).argmax())] = -INF
            at = 0 if self.alone else worst.output
            if self.alone or self.p.lowest:  # an output beside, or negated ones: another order of operations
                self.near("replay", float(lead[at]), worst.error)
            else:
                self.same("replay", (float(lead[at]), float(lead.max())), (worst.error, worst.error))


def nearest(problem: Problem, intact: np.ndarray) -> float:
    """How near to another class the intact network is at one of the inputs."""
    if intact.shape[1] == 1:
        return float(np.abs(intact - problem.net.layers[-1].activation(np.zeros(1))).min())
    ordered = np.sort(-intact if problem.lowest else intact, axis=1)
    return float((ordered[:, -1] - ordered[:, -2]).min())


def key(configuration: Configuration) -> frozenset[Any]:
    """Which parts fail, and how, as a witness tells it."""
    parts = []
    for failure in configuration:
        bits = failure.bits if failure.bits is None or len(failure.bits) > 1 else failure.bits[0]
        value = None if bits is not None else failure.way
        parts += [(part, bits, value) for part in failure.candidate.parts]
    return frozenset(parts)
