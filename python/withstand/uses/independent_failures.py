# SPDX-License-Identifier: MIT
"""Independent failures of any finite kind: of components, or of words bit by bit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from withstand._coerce import real, shown
from withstand._types import FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.spec import Argmax, output_harms
from withstand.questions.bounds import bound_within
from withstand.questions.clock import Clock
from withstand.questions.enumeration import run
from withstand.uses.independent_crashes import TINY
from withstand.uses.probability import clopper_pearson
from withstand.uses.random_failures import RandomFailures

#: Failures beyond this many deviations above the mean are not drawn.
_SPREAD = 12.0
#: Relative widening of probabilities: more than the roundings of logarithms.
_OUTWARD = 1e-11


class Independent:
    """Every way of every component happens on its own with one probability: a crash, or the flip of one bit of a word.

    A configuration of the model is a set of components that fail in one way each. What happens otherwise, two flips in
    one word, belongs to the tail.

    Parameters
    ----------
    net : Network
    failures : Failures
        At most one failure of one kind, with the words that it has at the inputs.
    p, epsilon : float
    X : ndarray
    spec : Argmax, optional
    threads : int, optional
    clock : Clock

    Raises
    ------
    ValueError
        For sums, failures of exactly so many, and ranges of values.
    """

    def __init__(self, net: Network, failures: Failures, p: object, epsilon: float, X: FloatArray, spec: Argmax | None,
                 threads: int | None, clock: Clock) -> None:  # fmt: skip
        if len(failures._terms) != 1:
            terms = len(failures._terms)
            raise ValueError(f"{failures!r}: a probability is of one kind of failure, got a sum of {terms}")
        (self._term,) = failures._terms
        space = failures._space(net)
        if not space.finite or self._term.effect == "noise" or not self._term.total or self._term.exactly:
            raise ValueError(f"{failures!r}: a probability is of components that fail in given ways, at most so many")
        self.net, self.epsilon, self.X, self.spec, self.threads, self.clock = net, epsilon, X, spec, threads, clock
        self.p = self._probability(p)
        # Several cells of a signal's word that are stuck: which of them change depends on the signal.
        self._drawable = self._term.effect != "bit_flip" or self._term.flips is None or self._term.flips.to is None
        self._drawer = RandomFailures(net, failures, self.p if self._drawable else None)
        (pool,) = self._drawer.pools
        self.candidates, self.size, self._pool = len(pool.candidates.sites), pool.size, pool
        self.certified = self.enumerated = -1
        self.counts: list[int] = []
        self.cut = False  # sets that there was work for, but no time

    def _probability(self, p: object) -> float:
        what = "one number for all bits" if self._term.flips is not None else "one number for all that may fail"
        if isinstance(p, (list, tuple, np.ndarray)) and np.ndim(p):
            raise ValueError(f"{Failures([self._term])!r}: p is {what}, got {shown(p)}")
        found = real(p, "p")
        if not 0 <= found <= 1:
            raise ValueError(f"p must lie in [0, 1], got {found}")
        return found

    def failures(self, count: int, *, exactly: bool = False) -> Failures:
        """Return so many components, each of which fails in one way."""
        return Failures([self._term._replace(counts=(count,), exactly=exactly)])

    @property
    def words(self) -> str:
        """What fails."""
        return f"{Failures([self._term])!r}".replace("(1", "(k", 1)

    @property
    def each(self) -> str:
        """What has the probability p: of words, not a word but every bit that may flip."""
        return "each fails" if self._term.flips is None else "each bit of each word flips"

    @property
    def known(self) -> int:
        """Sets of at most so many components are certified or enumerated."""
        return max(self.certified, self.enumerated)

    @property
    def together(self) -> tuple[int, ...]:
        """How many sets of 0, 1, ..., `known` ways are of fewer components: two bits of one word."""
        apart = self._pool.configurations(max(self.known, 0))
        return tuple(math.comb(self.size, n) - apart[n] for n in range(self.known + 1))

    @property
    def harm(self) -> float:
        """Probability of the sets that are known to do harm."""
        return sum(weight(found, self.size, n, self.p) for n, found in enumerate(self.counts))

    @property
    def rest(self) -> float:
        """Probability of the sets that are not known: large ones, and words that fail in two ways."""
        return left(self.size, self.known, self.p, self.together)

    def certify(self) -> None:
        """Find a large count whose at-most bound is harmless: upward by doubling, then by bisection."""
        low, high, count = -1, self.candidates + 1, 0
        while high - low > 1 and not self.clock.over():
            harmless = self._harmless(count)
            low, high = (count, high) if harmless else (low, count)
            count = max(1, 2 * count) if harmless and 2 * max(1, count) < high else (low + high) // 2
        self.certified, self.counts = low, [0] * (low + 1)

    def _harmless(self, count: int) -> bool:
        seconds, model = self.clock.left() / 4, self.failures(count)
        found = bound_within(self.net, model, self.X, seconds, spec=self.spec, threads=self.threads)
        return not bool(self._harmful(np.array(found.value + found.slack)))

    def enumerate(self, evaluations: int) -> None:
        """Evaluate every set, size after size, while the work lasts and the tail matters."""
        self.enumerated, pace = self.certified, 0.0
        for size in range(self.certified + 1, self.candidates + 1):
            work = self._pool.configurations(size)[size] * len(self.X)
            if work > evaluations or self.rest <= 1e-17 * self.harm:
                return
            if self.clock.over() or self.clock.left() < work * pace:
                self.cut = True
                return
            low, high = self._plain()
            self.clock.say(f"reliability: {low:.3g} <= P <= {high:.3g} so far, sets of {size}")
            evaluations, started = evaluations - work, self.clock.left()
            found = run(self.net, self.failures(size, exactly=True), self.X, spec=self.spec, threads=self.threads,
                        epsilon=None if self.spec is not None else self.epsilon)  # fmt: skip
            self.counts.append(int(found.exceeding))
            self.enumerated = size
            if math.isfinite(started):
                pace = (started - self.clock.left()) / max(work, 1)

    def proved(self) -> tuple[float, float, list[str]]:
        """Return the interval without sampling, and what it comes from."""
        methods = ["enumeration"] if self.enumerated > self.certified else []
        methods += ["certificate"] if self.certified > 0 or not methods else []
        return *self._plain(), methods

    def _plain(self) -> tuple[float, float]:
        return widened(self.harm, self.rest, 0 < self.p < 1 and (any(self.counts) or self.known < self.size))

    def sampled(self, samples: int, confidence: float, seed: int) -> tuple[float, float, int, int]:
        """Draw large sets; return the interval, how many of them do harm, and how many there were."""
        rng, mean = np.random.default_rng(seed), self.size * self.p
        most = min(self.size, int(mean + _SPREAD * math.sqrt(mean) + 60))
        sizes = np.arange(self.known + 1, most + 1)
        large, intact = left(self.size, self.known, self.p, ()), self.net.forward(self.X)
        share = np.array([weight(math.comb(self.size, n), self.size, n, self.p) for n in sizes.tolist()])
        if not self._drawable or not share.sum() > 0:
            return *self._plain(), 0, 0
        exceeding = drawn = 0
        while drawn < samples and not (drawn and self.clock.over()):  # as many as the time allows: still independent
            self.clock.say(f"reliability: {drawn:,} of {samples:,} sets drawn, {exceeding:,} do harm")
            failed = self._pool.struck(int(rng.choice(sizes, p=share / share.sum())), rng)
            faulty = self._drawer.outputs(self.X, failed)
            worst = output_harms(intact, faulty, self.spec is not None).max() if np.isfinite(faulty).all() else math.inf
            exceeding, drawn = exceeding + bool(self._harmful(worst)), drawn + 1
        low, high = clopper_pearson(exceeding, drawn, confidence)
        lower, upper = self.harm + large * low, self.harm + large * high + (self.rest - large)
        return lower * (1 - _OUTWARD), min(1.0, upper * (1 + _OUTWARD) + TINY), exceeding, drawn

    def _harmful(self, value: npt.ArrayLike) -> np.bool_:
        return np.bool_(np.asarray(value) > self.epsilon if self.spec is None else np.asarray(value) >= 0)

    def parts(self, lower: float, upper: float, sampled: bool, methods: list[str]) -> dict[str, float]:
        """Say what the width consists of."""
        rounding = min(2 * _OUTWARD * (self.harm + self.rest), upper - lower)
        return {"sampling" if sampled else "tail": upper - lower - rounding, "rounding": rounding}


def weight(count: int, n: int, j: int, p: float) -> float:
    """Return the probability that one of so many sets of j of n fails, and nothing else; relative error below 1e-12."""
    if count == 0 or p in (0.0, 1.0):
        return float(count) if count and j == (n if p else 0) else 0.0
    return math.exp(math.log(count) + j * math.log(p) + (n - j) * math.log1p(-p))


def left(n: int, known: int, p: float, together: tuple[int, ...]) -> float:
    """Return the probability that more than `known` of n fail; or fewer, in one of so many sets that fail together."""
    if known < 0:
        return 1.0
    others = sum(weight(count, n, j, p) for j, count in enumerate(together))
    if known >= n or p in (0.0, 1.0):
        return float(known < n and p == 1) + others
    if known + 1 < n * p:  # the larger part: what is left of 1
        few = sum(weight(math.comb(n, j), n, j, p) for j in range(known + 1))
        return min(1.0, 1 - few * (1 - _OUTWARD) + others)
    j, term = known + 1, weight(math.comb(n, known + 1), n, known + 1, p)
    total = term
    while term > 1e-20 * total and j < n:
        term *= (n - j) / (j + 1) * (p / (1 - p))
        total, j = total + term, j + 1
    return min(1.0, total + others)


def widened(harm: float, rest: float, possible: bool) -> tuple[float, float]:
    """Return the interval of a probability, rounded outward, also where it may have underflowed to 0."""
    tiny = TINY if possible else 0.0
    return harm * (1 - _OUTWARD), min(1.0, (harm + rest) * (1 + _OUTWARD) + tiny)
