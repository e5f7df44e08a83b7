# SPDX-License-Identifier: MIT
"""Sets of independent crashes: certified, enumerated size after size, and drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, islice

import numpy as np
import numpy.typing as npt

from withstand._progress import Line
from withstand._types import FloatArray
from withstand.model.failures import Crash, Failures
from withstand.model.network import Network
from withstand.model.spec import Argmax
from withstand.questions.bounds import bound_within
from withstand.questions.clock import Clock
from withstand.questions.enumeration import run
from withstand.uses import crash_sets
from withstand.uses.error_moments import expected_error
from withstand.uses.loss_distribution import last_layer
from withstand.uses.probability import clopper_pearson, counts_table, draw

#: Evaluations that setting up one enumeration is worth.
_SETUP = 3000
#: Relative widening of sums of nonnegative floats: far more than their rounding.
OUTWARD = 1e-12
#: Added to an upper end above 0: more than all products of probabilities that may have underflowed.
TINY = 1e-290
#: Sets that are evaluated before the clock is looked at.
_DRAWN = 512
#: Products of one look at the clock, about half a second of them.
_PRODUCTS = 1e9
#: Bits of sets that are held at once.
_HELD = 1 << 27
#: Widest layer for which second moments are worth their time.
_MOMENTS_WIDTH = 1024
#: Sizes of failure sets beyond the mean that are told apart; larger ones share one column.
_SPREAD = 12.0


class Task:
    """Independent crashes of the neurons with 0 < p < 1; those with p = 1 always fail."""

    def __init__(
        self, net: Network, p: FloatArray, epsilon: float, X: FloatArray, spec: Argmax | None, threads: int | None,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.clock = Clock(math.inf, Line(False)) if clock is None else clock
        self.net, self.p, self.epsilon, self.X, self.spec, self.threads = net, p, epsilon, X, spec, threads
        self.sites = crash_sets.components(net)
        self.sure = [c for c, q in zip(self.sites, p) if q == 1]
        self.free = np.flatnonzero((p > 0) & (p < 1))
        self.groups = [
            (float(q), [self.sites[i] for i in self.free if p[i] == q]) for q in np.unique(p[self.free]).tolist()
        ]
        mean = float(p[self.free].sum())
        most = min(len(self.free), int(mean + _SPREAD * math.sqrt(mean) + 60))
        self.table = counts_table(p[self.free], most)
        self.common = len(self.free) if len(self.groups) <= 1 and len(self.free) == net.n_neurons else None
        self.certified = self.enumerated = -1
        self.counts: list[int] = []
        self.harm = 0.0
        self.cut = False  # sets that there was work for, but no time

    @property
    def rest(self) -> float:
        """Probability of the sets that are neither certified nor enumerated."""
        return float(self.table[0, max(self.certified, self.enumerated) + 1 :].sum())

    def failures(self, counts: int, *, exactly: bool = False) -> Failures:
        """Return crashes of so many free neurons, and of those that always fail."""
        free = [self.sites[i] for i in self.free]
        model: Failures = Crash(counts, exactly=exactly, among=free)
        return model + Crash(len(self.sure), exactly=True, among=self.sure) if self.sure else model

    def certify(self) -> None:
        """Find a large count whose at-most bound is harmless: upward by doubling, then by bisection."""
        low, high = -1, len(self.free) + 1
        count = 0
        while high - low > 1 and not self.clock.over():
            harmless = self._harmless(count)
            low, high = (count, high) if harmless else (low, count)
            count = max(1, 2 * count) if harmless and 2 * max(1, count) < high else (low + high) // 2
        self.certified = low

    def _harmless(self, count: int) -> bool:
        try:
            left = self.clock.left() / 4
            found = bound_within(self.net, self.failures(count), self.X, left, spec=self.spec, threads=self.threads)
        except ValueError:  # no method applies
            return False
        worst = found.value + found.slack
        return worst < 0 if self.spec is not None else worst <= self.epsilon

    def enumerate(self, evaluations: int) -> None:
        """Evaluate every set, size after size, while the work lasts and the tail matters."""
        self.counts = [0] * (self.certified + 1)
        self.enumerated, pace = self.certified, 0.0
        for size in range(self.certified + 1, len(self.free) + 1):
            work = math.comb(len(self.free), size) * len(self.X)
            if work > evaluations or size >= self.table.shape[1] - 1 or self.rest <= 1e-17 * self.harm:
                return
            if self.clock.over() or self.clock.left() < work * pace:
                self.cut = True
                return
            evaluations -= work
            started = self.clock.left()
            low, high = self.harm, min(1.0, self.harm + self.rest)
            self.clock.say(f"reliability: {low:.3g} <= P <= {high:.3g} so far, sets of {size}")
            harmful, weight = self.level(size)
            if math.isfinite(started):
                pace = (started - self.clock.left()) / work
            self.counts.append(harmful)
            self.harm += weight
            self.enumerated = size

    def level(self, size: int) -> tuple[int, float]:
        """Return the number of harmful sets of this size, and their probability."""
        strata = math.comb(size + len(self.groups) - 1, size) if self.groups else 1
        if strata * _SETUP > max(math.comb(len(self.free), size) * len(self.X), 10 * _SETUP):
            return self._by_masks(size)
        harmful, weight = 0, 0.0
        for counts in _splits(size, [len(members) for _, members in self.groups]):
            found = self._stratum(counts)
            each = math.prod(
                q**f * (1 - q) ** (len(members) - f) for f, (q, members) in zip(counts, self.groups)
            )
            harmful += found
            weight += found * each
        return harmful, weight

    def _stratum(self, counts: tuple[int, ...]) -> int:
        """Count the harmful sets with so many failures of each group."""
        models: list[Failures] = [
            Crash(f, exactly=True, among=members) for f, (_, members) in zip(counts, self.groups) if f
        ]
        if self.sure or not models:
            models.append(Crash(len(self.sure), exactly=True, among=self.sure or None))
        total = models[0]
        for model in models[1:]:
            total = total + model
        epsilon = None if self.spec is not None else self.epsilon
        found = run(self.net, total, self.X, epsilon=epsilon, spec=self.spec, threads=self.threads)
        return int(found.exceeding)

    def _by_masks(self, size: int) -> tuple[int, float]:
        """The same where nearly every neuron has a probability of its own."""
        p = self.p[self.free]
        sets = combinations(range(len(p)), size)
        harmful, weight = 0, 0.0
        while chunk := list(islice(sets, 4096)):
            failed = np.zeros((len(chunk), len(p)), dtype=bool)
            failed[np.arange(len(chunk))[:, None], np.array(chunk, dtype=np.intp).reshape(len(chunk), size)] = True
            bad = self.exceeds(failed)
            harmful += int(bad.sum())
            weight += float(np.where(failed[bad], p, 1 - p).prod(axis=1).sum())
        return harmful, weight

    def exceeds(self, free: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which sets of free neurons do harm."""
        failed = np.zeros((len(free), len(self.p)), dtype=bool)
        failed[:, self.free] = free
        failed[:, self.p == 1] = True
        return crash_sets.exceeds(self.net, self.X, failed, self.epsilon, self.spec is not None)

    def sampled(self, samples: int, confidence: float, seed: int) -> tuple[float, float, int, int]:
        """Draw sets from those left over; return the interval, how many of them do harm, and how many there were."""
        rng = np.random.default_rng(seed)
        first = max(self.certified, self.enumerated) + 1
        share = self.table[0, first:-1]
        exceeding = drawn = 0
        step = _DRAWN
        if self.net.is_graph:  # whose evaluations may take milliseconds each: the clock is to be looked at
            step = max(1, min(_DRAWN, int(_PRODUCTS / (float(self.net._core.cost) * len(self.X)))))
        held = max(step, _HELD // len(self.p))
        while drawn < samples and not (drawn and self.clock.over()):  # as many as the time allows: still independent
            count = min(held, samples - drawn)
            self.clock.say(f"reliability: {drawn:,} of {samples:,} sets drawn, {exceeding:,} do harm")
            sizes = rng.choice(np.arange(first, first + len(share)), size=count, p=share / share.sum())
            failed = draw(self.p[self.free], self.table, sizes, rng)
            for start in range(0, count, step):
                if start and self.clock.over():
                    break
                part = failed[start : start + step]
                exceeding, drawn = exceeding + int(self.exceeds(part).sum()), drawn + len(part)
        low, high = clopper_pearson(exceeding, drawn, confidence)
        lower, upper = self.harm + self.rest * low, self.harm + self.rest * high
        return lower * (1 - OUTWARD), upper * (1 + OUTWARD), exceeding, drawn

    def proved(self) -> tuple[float, float, list[str]]:
        """Return the interval without sampling, and what it comes from."""
        methods = ["enumeration"] if self.enumerated > self.certified else []
        methods += ["certificate"] if self.certified > 0 or not methods else []
        open_ended = any(self.counts) or max(self.certified, self.enumerated) < len(self.free)
        tiny = TINY if open_ended else 0.0
        self.plain = (self.harm * (1 - OUTWARD), min(1.0, (self.harm + self.rest) * (1 + OUTWARD) + tiny))
        lower, upper = self.plain
        for name, other in (("convolution", self._convolution()), ("moments", self._moments())):
            if other is not None and (other[0] > lower or other[1] < upper):
                lower, upper = max(lower, other[0]), min(upper, other[1])
                methods.append(name)
        return lower, upper, methods

    def _convolution(self) -> tuple[float, float] | None:
        """Only where just the last layer can fail, and the sets are not all known."""
        last = self.net.widths[-2]
        if self.net.is_graph or self.spec is not None or self.p[:-last].any() or self.rest <= 1e-9 * self.harm:
            return None
        if self.clock.over():
            return None
        return last_layer(self.net, self.p[-last:], self.epsilon, self.X)

    def _moments(self) -> tuple[float, float] | None:
        """Markov and Chebyshev, over all inputs and outputs."""
        squared = self.epsilon * self.epsilon  # infinite for the largest ones, where a power would raise
        if self.spec is not None or squared < TINY or self.rest <= 0.01 * self.harm:
            return None
        if self.net.is_graph or max(self.net.widths) > _MOMENTS_WIDTH:  # their cost grows with the cube of the width
            return None
        if self.clock.over():
            return None
        mean, square = expected_error(self.net, self.p, self.X)
        return 0.0, float(np.minimum(mean / self.epsilon, square / squared).sum()) * (1 + OUTWARD) + TINY

    def parts(self, lower: float, upper: float, sampled: bool, methods: list[str]) -> dict[str, float]:
        """Say what the width consists of."""
        rounding = min(2 * OUTWARD * (self.harm + self.rest), upper - lower)
        left = upper - lower - rounding
        name = "sampling" if sampled else "grid" if "convolution" in methods else "tail"
        return {name: left, "rounding": rounding}


def _splits(total: int, sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield all counts with this sum, each at most its size."""
    if not sizes:
        if total == 0:
            yield ()
        return
    for first in range(max(0, total - sum(sizes[1:])), min(total, sizes[0]) + 1):
        for others in _splits(total - first, sizes[1:]):
            yield (first, *others)
