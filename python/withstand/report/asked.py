# SPDX-License-Identifier: MIT
"""What a report asks, one question after the other."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from withstand._coerce import Epsilon
from withstand._progress import say
from withstand._types import FloatArray
from withstand.model.failures import Crash
from withstand.model.network import Network
from withstand.model.spec import Spec
from withstand.questions.clock import Clock
from withstand.questions.enumeration import enumerate_failures
from withstand.report import proof, sections
from withstand.report.origin import Origin
from withstand.report.text import Section
from withstand.uses.accuracy import certified_accuracy
from withstand.uses.campaign import campaign
from withstand.uses.criticality import criticality
from withstand.uses.curve import Curve, measure_curve
from withstand.uses.precision import precision
from withstand.uses.reliability import reliability
from withstand.uses.tolerance import Tolerance, tolerance

#: Evaluations times parameters up to which every configuration is tried for the histogram.
_ALL = 1e11

Step = tuple[str, Callable[[], "Section | None"]]


@dataclass(eq=False)
class Asked:
    """The questions: each gets a share of the time that is left, and answers with what it knows by then."""

    net: Network
    rows: FloatArray
    budget: Fraction | None
    epsilon: Epsilon | None
    spec: Spec
    targets: FloatArray | None
    samples: int
    seed: int
    node_limit: int | None
    threads: int | None
    certificate: str | os.PathLike[str] | None
    origin: Origin
    seconds: float
    curve: Curve | None = field(default=None, init=False)
    tolerance: Tolerance | None = field(default=None, init=False)
    ended: str = field(default="complete", init=False)
    open: bool = field(default=False, init=False)
    unwritten: str | None = field(default=None, init=False)
    undecided: str | None = field(default=None, init=False)
    cut: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if self.certificate is not None:
            self.unwritten = "no certificate is written: interrupted before it was begun"

    @property
    def timed(self) -> bool:
        """Whether there is a limit of time."""
        return math.isfinite(self.seconds)

    @property
    def decisions(self) -> bool:
        """Whether harm is a change of class."""
        return self.spec is not None

    @property
    def harm_is_known(self) -> bool:
        """Whether anybody said what harm is."""
        return self.decisions or self.budget is not None

    def sections(self, clock: Clock, most: int, p: Sequence[float], progress: bool) -> Iterator[Section]:
        """Yield one section after the other, and say before each what it is about."""
        most = min(most, self.net.n_neurons)
        steps: list[Step] = [("the network", self._network), ("the curve", lambda: self._curve(clock, most))]
        if self.harm_is_known:
            steps.append(("what it tolerates", lambda: self._tolerance(clock, progress)))
        steps.append(("every configuration", lambda: self._histogram(clock, most)))
        steps.append(("the neurons", lambda: self._criticality(clock)))
        if self.decisions and self.targets is not None:
            steps.append(("the accuracy", lambda: self._accuracy(clock, most)))
        if self.harm_is_known:
            steps.append(("the reliability", lambda: self._reliability(clock, p)))
        if self.budget is not None:
            steps.append(("the precision", self._precision))
        if self.certificate is not None:
            steps.append(("the certificate", lambda: self._certificate(clock)))
        for n, (name, ask) in enumerate(steps, start=1):
            if progress:
                say(f"report, {n} of {len(steps)}: {name}\n")
            self.ended, self.open = "complete", False
            section = ask()
            if self.open or self.ended != "complete":
                self.cut.append(name)
            if section is not None:
                yield section  # first of all: what is known is told, even where Ctrl-C ended the question
            clock.end_as(self.ended)

    def status(self, clock: Clock) -> str:
        """How it ended: as the clock says, and never complete where a limit left a part open."""
        return "budget" if self.cut and clock.status == "complete" else clock.status

    def _network(self) -> Section:
        return sections.network(self)

    def _curve(self, clock: Clock, most: int) -> Section:
        self.curve = measure_curve(
            self.net, self.rows, range(1, most + 1), spec=self.spec, samples=self.samples, seed=self.seed,
            node_limit=self.node_limit, threads=self.threads, time_limit=clock.part(0.3)
        )  # fmt: skip
        drawn = self.curve.random.shape[1]
        self.open = drawn < self.samples or any(search.status == "budget" for search in self.curve.searches)
        return sections.curve(self, self.curve)

    def _tolerance(self, clock: Clock, progress: bool) -> Section:
        self.tolerance = tolerance(self.net, self.budget, self.rows, spec=self.spec, node_limit=self.node_limit,
                                   time_limit=clock.part(0.6), threads=self.threads, progress=progress)  # fmt: skip
        self.ended = self.tolerance.status
        self.open = not all(limit.exact for limit in (self.tolerance, *self.tolerance.per_layer))
        return sections.tolerated(self, self.tolerance)

    def _histogram(self, clock: Clock, most: int) -> Section | None:
        """Return the section of every configuration of as many failures as can be tried; None where not even of one."""
        work = len(self.rows) * self.net.n_parameters
        sizes = {k: Crash(k).configurations(self.net) for k in range(1, min(most, 4) + 1)}
        few = [k for k, size in sizes.items() if size * work <= (_ALL / 100 if self.net.is_graph else _ALL)]
        if not few or clock.over():
            return None
        found = enumerate_failures(self.net, Crash(few[-1]), self.rows, spec=self.spec, threads=self.threads,
                                   epsilon=None if self.decisions else self.budget)  # fmt: skip
        self.ended = found.status
        return sections.histogram(self, found, few[-1])

    def _criticality(self, clock: Clock) -> Section:
        found = criticality(self.net, self.rows, spec=self.spec, time_limit=clock.part(0.4), threads=self.threads)
        self.open = not found.exact
        return sections.critical(self, found)

    def _accuracy(self, clock: Clock, most: int) -> Section:
        assert self.spec is not None and self.targets is not None
        classes = self.targets.reshape(-1)
        found = certified_accuracy(self.net, self.rows, classes, Crash(most), spec=self.spec,
                                   time_limit=clock.part(0.5))  # fmt: skip
        self.ended = found.status
        random = {
            k: campaign(self.net, self.rows, classes, Crash(k, exactly=True), spec=self.spec,
                        trials=self.samples, seed=self.seed)
            for k in found.curve.counts[1:]
            if not clock.over()
        }  # fmt: skip
        return sections.accuracy(self, found, random)

    def _reliability(self, clock: Clock, p: Sequence[float]) -> Section:
        share = 0.8 if self.certificate is None else 0.3
        parts = [share / n for n in range(len(p), 0, -1)]
        drawn: dict[str, Any] = {"spec": self.spec, "samples": self.samples, "seed": self.seed}
        found = [
            reliability(self.net, q, self.budget, self.rows, time_limit=clock.part(part), threads=self.threads, **drawn)
            for q, part in zip(p, parts)
        ]
        self.open = any(0 < each.samples < self.samples for each in found)
        return sections.reliable(self, p, found)

    def _precision(self) -> Section:
        assert self.budget is not None
        try:
            return sections.precise(self, precision(self.net, self.budget, self.rows))
        except ValueError as error:  # no number of bits is enough
            return Section("precision", "How few bits do", str(error), (), ())

    def _certificate(self, clock: Clock) -> Section:
        assert self.certificate is not None and self.curve is not None
        count = 1 if self.tolerance is None else max(1, self.tolerance._stated[0])
        return proof.certificate(self, self.certificate, count, clock)
