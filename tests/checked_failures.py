# SPDX-License-Identifier: MIT
"""Every answer about failures of words, groups, synapses and parameters, held against all configurations."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import withstand as ws
from against import INF, Against, nearest
from oracle import failing_words
from random_failures import Problem
from tally import Tally
from word_nouns import wide

METHODS = ("fep", "at-most", "capped", "matrix", "signed", "adjoint", "linear", "split", "tightest")


def check(problem: Problem, name: str, tally: Tally, rng: np.random.Generator) -> None:
    """Compare everything that is asked of one problem."""
    with np.errstate(all="ignore"):
        found = failing_words.truth(problem.net, problem.terms, problem.X, problem.argmax, problem.lowest)
        harms = np.abs(found.harms[np.isfinite(found.harms)])
        wide = harms.max(initial=0.0) > 1e4 or (harms * 2.0**20 % 1).any()
        flips = [term for term in problem.terms if term.effect == "flip"]
        wide = wide or any(term.kind == "neuron" or term.format == "float64" for term in flips)
        if problem.exact and wide and failing_words.rounds(problem.net, problem.terms, problem.X):
            problem = replace(problem, exact=False)  # dyadic numbers too wide for 53 bits
    if (
        problem.argmax
        and not problem.exact
        and nearest(problem, found.intact) < 1e-9 * (1 + np.abs(found.intact).max())
    ):
        return  # which class it is, rounding decides
    with np.errstate(all="ignore"):
        room = 1e-9 * (1 + np.abs(found.intact).max())
        if not problem.exact and failing_words.rounding_decides(problem.net, problem.terms, problem.X, room):
            return tally.seen.update(["rounding decides"])
    name = f"{name} {problem.failures!r}{' argmax' * problem.argmax}{' lowest' * problem.lowest}"
    Checks(problem, found, name, tally, rng).run()


class Checks(Against):
    """The questions of one problem."""

    def run(self) -> None:
        p, tally = self.p, self.tally
        again = pickle.loads(pickle.dumps(p.failures))
        tally.check(
            "pickles",
            again == p.failures and hash(again) == hash(p.failures) and repr(again) == repr(p.failures),
            self.name,
        )
        count = tally.ask("configurations", self.name, lambda: p.failures.configurations(p.network))
        if count is not None:
            self.same("configurations", count, len(self.t.all_of))
        self.enumeration()
        self.bounds()
        self.search()
        self.wider()

    # -- every configuration -----------------------------------------------------------------------------------

    def enumeration(self) -> None:
        p = self.p
        epsilon = self.epsilon()
        found = self.tally.ask("enumerate", self.name, lambda: ws.enumerate_failures(
            p.network, p.failures, p.X, epsilon=epsilon, spec=self.spec, threads=1, components=True))  # fmt: skip
        if found is None:
            return
        self.tally.seen["vague rounding"] += found.rounding > 1e-6 * self.size
        loose = self.room + found.rounding
        self.same("status", (found.status, found.configurations, found.evaluations),
                  ("complete", len(self.errors), len(self.errors) * len(p.X)))  # fmt: skip
        self.near("worst", found.worst, float(self.errors.max()))
        infinite = int(np.isinf(self.errors).sum())
        self.tally.seen["infinite"] += infinite > 0
        self.same("infinite", found.infinite, infinite)
        with np.errstate(all="ignore"):
            self.near("mean", found.mean, float(self.errors.mean()), loose)
            scaled = self.errors / (self.size or 1.0)  # squares stay among the doubles
            expected = INF if infinite else float(scaled.std() * (self.size or 1.0))
            if found.std < INF or self.size < 1e150:  # squares beyond the doubles count as infinite
                self.near("std", found.std, expected, 2 * loose)
        self.same("histogram", int(found.histogram.counts.sum()) + found.infinite, len(self.errors))
        for got, expected in () if self.alone else zip(found.per_output, self.t.harms.max(axis=(0, 1))):
            self.near("per_output", float(got), float(expected))
        self.exceeding(found, epsilon)
        self.quantiles(found, loose)
        self.top(found)
        self.components(found, loose)

    def epsilon(self) -> float | None:
        """A budget that rounding cannot decide."""
        values = np.unique(self.errors[np.isfinite(self.errors)])
        if self.p.argmax or not len(values) or values.max() > 1e300:
            return None
        if self.p.exact and self.rng.random() < 0.5:
            return float(self.rng.choice(values))
        gaps = np.flatnonzero(np.diff(values) > 1e-6 * self.size)
        if not len(gaps):
            return float(2 * values[-1] + 1)
        at = int(self.rng.choice(gaps))
        return float((values[at] + values[at + 1]) / 2)

    def exceeding(self, found: ws.Enumeration, epsilon: float | None) -> None:
        if self.p.argmax:
            if self.p.exact or not (np.abs(self.errors) <= self.room).any():
                self.near("exceeding", found.exceeding, float((self.errors >= 0).mean()), 1e-12)
        elif epsilon is not None and (self.p.exact or not (np.abs(self.errors - epsilon) <= self.room).any()):
            self.near("exceeding", found.exceeding, float((self.errors > epsilon).mean()), 1e-12)

    def quantiles(self, found: ws.Enumeration, loose: float) -> None:
        ordered = np.sort(self.errors)
        for q in (0.0, 0.3, 0.5, 0.9, 1.0):
            expected = float(ordered[max(1, math.ceil(q * len(ordered))) - 1])
            room = loose + 2.0**-63 + found.resolution * (abs(expected) if math.isfinite(expected) else 0)
            self.near("quantile", found.quantile(q), expected, room)

    def top(self, found: ws.Enumeration) -> None:
        ordered = np.sort(self.errors)[::-1]
        self.same("top", len(found.top), min(10, len(ordered)))
        self.same("top", found.top[0].error, found.worst)
        seen = set()
        for worst, expected in zip(found.top, ordered):
            self.near("top", worst.error, float(expected))
            seen.add(self.witness(worst))
        if all(len(same) == 1 for same in self.by_key.values()):  # two models may do the same to a component
            self.same("top", len(seen), len(found.top))

    def components(self, found: ws.Enumeration, loose: float) -> None:
        having: dict[Any, list[int]] = {}
        for i, configuration in enumerate(self.t.all_of):
            for failure in configuration:
                having.setdefault(failure.candidate.name, []).append(i)
        assert found.components is not None
        self.same("components", set(found.components), set(having))
        for component, errors in found.components.items():
            own = self.errors[having.get(component, [0])]
            self.near("components", errors.worst, float(own.max()))
            with np.errstate(all="ignore"):
                self.near("components", errors.mean, float(own.mean()), loose)
            self.same("components", errors.configurations, len(own))

    # -- bounds and search -------------------------------------------------------------------------------------

    def bounds(self) -> None:
        p = self.p
        for method in METHODS:
            refusals = () if method == "tightest" else ("",)
            for domain, what in ((p.X, "at inputs"), (self.box(), "over a box"), (None, "without a domain")):
                if domain is None or isinstance(domain, ws.Box):
                    if self.rng.random() < 0.6:
                        continue
                    refusals = ("",)
                found = self.tally.ask("bound", self.name, lambda d=domain, m=method: ws.bound(
                    p.network, p.failures, d, method=m, spec=self.spec), refusals)  # fmt: skip
                if found is None:
                    continue
                self.tally.seen[f"{method} {what}"] += 1
                self.above(f"bound {method}", found.value, float(self.errors.max()), f"{method} {what}")
                if domain is p.X:
                    self.parts(found, method)

    def parts(self, found: ws.Bound, method: str) -> None:
        for got, truth in () if self.alone else zip(found.per_output, self.t.harms.max(axis=(0, 1))):
            self.above("bound per output", float(got), float(truth), f"{method} of an output")
        for got, truth in zip(found.per_input, self.t.harms.max(axis=(0, 2))):
            self.above("bound per input", float(got), float(truth), f"{method} of an input")

    def box(self) -> ws.Box:
        return ws.Box(self.p.X.min(axis=0), self.p.X.max(axis=0) + 0.01)

    def search(self) -> None:
        p, truth = self.p, float(self.errors.max())
        limits = {"node_limit": int(self.rng.integers(0, 20))} if self.rng.random() < 0.2 else {}
        found = self.tally.ask("worst_case", self.name, lambda: ws.worst_case(
            p.network, p.failures, p.X, spec=self.spec, threads=1, **limits))  # fmt: skip
        if found is not None:
            self.interval(found, truth)
            if not limits:
                self.tally.seen["exact" if found.exact else f"not exact: {found.status}"] += 1
        if self.rng.random() < 0.1:
            over = self.tally.ask("box", self.name, lambda: ws.worst_case(
                p.network, p.failures, self.box(), spec=self.spec, threads=1, node_limit=50))  # fmt: skip
            if over is not None:
                self.tally.seen["boxes"] += 1
                self.above("box", over.upper, truth, "upper over a box")
                self.tally.check("box", over.lower <= over.upper + self.room, lambda: f"{self.name}: {over}")
                if over.witness is not None and math.isfinite(over.lower) and not p.argmax:
                    self.replay(over.witness)

    def wider(self) -> None:
        """Models that hold these: values out of an interval instead of a constant, and noise beside."""
        p = self.p
        if self.rng.random() > 0.15:
            return
        failures = reduce(
            add,
            [wide(term) for term in p.terms]
            + [ws.Noise(0.01)] * bool(self.rng.random() < 0.5 and not getattr(p, "no_noise", False)),
        )
        truth = float(self.errors.max())
        found = self.tally.ask(
            "bound", f"{self.name} in {failures!r}", lambda: ws.bound(p.network, failures, p.X, spec=self.spec)
        )
        if found is not None:
            self.above("wider", found.value, truth, f"tightest of {failures!r}")
        over = self.tally.ask("box", f"{self.name} in {failures!r}", lambda: ws.worst_case(
            p.network, failures, p.X, spec=self.spec, threads=1, node_limit=30))  # fmt: skip
        if over is not None:
            self.above("wider", over.upper, truth, f"upper of {failures!r}")
            self.tally.check("wider", over.lower <= over.upper + self.room, lambda: f"{self.name}: {over}")

    def interval(self, found: ws.WorstCase, truth: float) -> None:
        room = self.room + (found.rounding * (1 + 1e-9) if math.isfinite(found.rounding) else 0.0)
        self.tally.check(
            "lower", found.lower <= truth + self.room, lambda: f"{self.name}: lower {found.lower!r} > {truth!r}"
        )
        self.above("upper", found.upper, truth, "upper")
        self.tally.check(
            "interval",
            found.lower <= found.upper or abs(found.upper - found.lower) <= room,
            lambda: f"{self.name}: {found}",
        )
        if found.exact:
            self.near("exact", found.lower, truth, room)
            self.near("exact", found.upper, truth, room)
            self.narrow(found)
        if found.witness is not None:
            self.same("lower", found.witness.error, found.lower)
            self.witness(found.witness)

    def narrow(self, found: ws.WorstCase) -> None:
        """What is called exact is known to a millionth: of the harm, or of what the outputs are without failures."""
        outputs = float(np.abs(self.t.intact).max())
        if self.p.net.layers[-1].activation.name == "identity" and outputs > 0 and math.isfinite(found.upper):
            allowed = 1.01e-6 * max(outputs, abs(found.lower))
            self.tally.check(
                "narrow", found.upper - found.lower <= allowed, lambda: f"{self.name}: {found!r} of {outputs}"
            )
