# SPDX-License-Identifier: MIT
"""Reliability: the probability that independent failures do harm, always as an interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice

import numpy as np
import numpy.typing as npt

from withstand import _masked
from withstand._types import FloatArray
from withstand.bounds import bound
from withstand.convolution import last_layer
from withstand.enumeration import _epsilon, _rows, run
from withstand.failures import Crash, Failures
from withstand.moments import expected_error
from withstand.network import Network
from withstand.probability import Probabilities, clopper_pearson, counts_table, draw, per_neuron
from withstand.spec import Argmax, asks_decisions

#: Evaluations that setting up one enumeration is worth.
_SETUP = 3000
#: Relative widening of sums of nonnegative floats: far more than their rounding.
_OUTWARD = 1e-12
#: Added to an upper end above 0: more than all products of probabilities that may have underflowed.
_TINY = 1e-290
#: Widest layer for which second moments are worth their time.
_MOMENTS_WIDTH = 1024
#: Sizes of failure sets beyond the mean that are told apart; larger ones share one column.
_SPREAD = 12.0


@dataclass(frozen=True, eq=False, repr=False)
class Reliability:
    """P(error > epsilon), or P(class flips): lower <= truth <= upper.

    Attributes
    ----------
    lower, upper : float
        The interval; it holds with probability `confidence` over the samples drawn.
    method : str
        What narrowed it, joined by " + ": "enumeration", "certificate", "convolution", "moments", "sampling".
    confidence : float
        1.0 where the interval is proved.
    proved : tuple of float
        The interval without sampling, always true.
    parts : dict of str to float
        What the width consists of: "tail" (sets too large to enumerate, not sampled), "sampling", "grid" (of the
        convolution), "rounding".
    enumerated, certified : int
        All sets of at most this many failures were enumerated (-1: none); proved harmless.
    samples, exceeding : int
        Larger sets that were drawn, and how many of them do harm.
    counts : tuple of int
        Harmful sets of 0, 1, ..., `enumerated` failures: sufficient for every common p (`curve`).
    """

    lower: float
    upper: float
    method: str
    confidence: float
    proved: tuple[float, float]
    parts: dict[str, float]
    enumerated: int
    certified: int
    samples: int
    exceeding: int
    counts: tuple[int, ...]
    _size: int | None = field(default=None)

    def curve(self, p: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return proved lower and upper ends at every common probability in `p`, from the enumeration already done.

        Raises
        ------
        ValueError
            If the neurons had different probabilities, or one of `p` lies outside [0, 1].
        """
        if self._size is None:
            raise ValueError("a curve over p needs one p common to all neurons")
        grid = np.asarray(p, dtype=np.float64)
        if not ((grid >= 0) & (grid <= 1)).all():
            raise ValueError(f"p must lie in [0, 1], got {p!r}")
        ends = np.array([self._at(float(q)) for q in grid.ravel()]).reshape(*grid.shape, 2)
        return ends[..., 0], ends[..., 1]

    def _at(self, p: float) -> tuple[float, float]:
        assert self._size is not None
        n, known = self._size, max(self.enumerated, self.certified)
        table = counts_table(np.full(n, p), max(known, 0))[0]
        harm = sum(c * p**j * (1 - p) ** (n - j) for j, c in enumerate(self.counts))
        tail = float(table[-1]) if known >= 0 else 1.0
        tiny = _TINY if 0 < p < 1 and (any(self.counts) or known < n) else 0.0
        return harm * (1 - _OUTWARD), min(1.0, (harm + tail) * (1 + _OUTWARD) + tiny)

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {value:.2g}" for name, value in self.parts.items())
        sampled = f"\n  samples     {self.samples:,}, {self.exceeding:,} do harm" if self.samples else ""
        return (
            f"Reliability: {self.lower:.6g} <= P <= {self.upper:.6g}\n"
            f"  method      {self.method}, confidence {self.confidence:g}\n"
            f"  proved      {self.proved[0]:.6g} to {self.proved[1]:.6g}, sets of up to {self.enumerated} enumerated\n"
            f"  width       {self.upper - self.lower:.3g} = {parts}{sampled}"
        )


def reliability(
    net: Network,
    p: Probabilities,
    epsilon: float | None,
    X: npt.ArrayLike,
    *,
    spec: Argmax | None = None,
    evaluations: int = 20_000_000,
    samples: int = 10_000,
    confidence: float = 0.99,
    seed: int = 0,
    threads: int | None = None,
) -> Reliability:
    """Enclose the probability that independent crashes push the error above `epsilon`.

    Parameters
    ----------
    net : Network
    p : float, one per hidden layer, or one per hidden neuron
        Probability that a neuron crashes, independently of the others; in [0, 1].
    epsilon : float
        Budget. Unused with `spec`, None then.
    X : array_like, shape (n, d) or (d,)
        Inputs; the error of a set of crashes is its worst over these and all outputs.
    spec : Argmax, optional
        Ask for the probability that a class flips instead.
    evaluations : int, default 20,000,000
        Work spent on enumerating small sets: sets x inputs.
    samples : int, default 10,000
        Larger sets drawn at random where the proved interval is wider than 1 % of its lower end; 0 for none.
    confidence : float, default 0.99
        Of the Clopper-Pearson interval of the samples.
    seed : int, default 0
    threads : int, optional
        For the enumeration.

    Returns
    -------
    Reliability

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit the network or has the wrong type or range.

    Notes
    -----
    Sets of few failures are certified harmless by a bound or enumerated; what is left are the larger ones, whose total
    probability is the binomial tail. They are sampled as one stratum: one interval per size was tried and is wider,
    because widths of strata add up where errors of one sample average out. If only the last hidden layer can fail, its
    distribution is also convolved. See `docs/reliability.md`.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[1.0, 1.0, 1.0]]])
    >>> result = ws.reliability(net, 0.5, 1.5, [[1.0]])  # harm: 2 or 3 of 3 crashes
    >>> round(result.lower, 9), round(result.upper, 9), result.confidence
    (0.5, 0.5, 1.0)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, got {type(net).__name__}")
    decisions = asks_decisions(spec)
    if epsilon is None and not decisions:
        raise TypeError("epsilon must be a number unless spec asks for decisions, got None")
    limit = 0.0 if epsilon is None else _epsilon(epsilon)
    if samples < 0 or evaluations < 0:
        raise ValueError(f"samples and evaluations must be at least 0, got {samples} and {evaluations}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, got {confidence}")
    task = _Task(net, per_neuron(net, p), limit, _rows(net, X), spec, threads)
    task.certify()
    task.enumerate(evaluations)
    lower, upper, methods = task.proved()
    drawn = exceeding = 0
    low, high = lower, upper
    if samples and task.rest > 0 and upper - lower > max(0.01 * lower, 1e-12):
        drawn, (low, high, exceeding) = samples, task.sampled(samples, confidence, seed)
        low, high = max(lower, low), min(upper, high)
        methods.append("sampling")
        if low > high:  # the samples contradict what is proved: they missed, as they may
            low, high = lower, upper
    return Reliability(
        low, high, " + ".join(methods), confidence if drawn else 1.0, (lower, upper),
        task.parts(low, high, drawn > 0, methods), task.enumerated, task.certified, drawn, exceeding,
        tuple(task.counts), task.common,
    )  # fmt: skip


class _Task:
    """Independent crashes of the neurons with 0 < p < 1; those with p = 1 always fail."""

    def __init__(
        self, net: Network, p: FloatArray, epsilon: float, X: FloatArray, spec: Argmax | None, threads: int | None
    ) -> None:
        self.net, self.p, self.epsilon, self.X, self.spec, self.threads = net, p, epsilon, X, spec, threads
        self.sites = _masked.components(net)
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
        while high - low > 1:
            harmless = self._harmless(count)
            low, high = (count, high) if harmless else (low, count)
            count = max(1, 2 * count) if harmless and 2 * max(1, count) < high else (low + high) // 2
        self.certified = low

    def _harmless(self, count: int) -> bool:
        try:
            found = bound(self.net, self.failures(count), self.X, spec=self.spec, threads=self.threads)
        except ValueError:  # no method applies
            return False
        worst = found.value + found.slack
        return worst < 0 if self.spec is not None else worst <= self.epsilon

    def enumerate(self, evaluations: int) -> None:
        """Evaluate every set, size after size, while the work lasts and the tail matters."""
        self.counts = [0] * (self.certified + 1)
        self.enumerated = self.certified
        for size in range(self.certified + 1, len(self.free) + 1):
            work = math.comb(len(self.free), size) * len(self.X)
            if work > evaluations or size >= self.table.shape[1] - 1 or self.rest <= 1e-17 * self.harm:
                return
            evaluations -= work
            harmful, weight = self.level(size)
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
        return _masked.exceeds(self.net, self.X, failed, self.epsilon, self.spec is not None)

    def sampled(self, samples: int, confidence: float, seed: int) -> tuple[float, float, int]:
        """Draw sets from those left over; return the interval and how many of them do harm."""
        rng = np.random.default_rng(seed)
        first = max(self.certified, self.enumerated) + 1
        share = self.table[0, first:-1]
        sizes = rng.choice(np.arange(first, first + len(share)), size=samples, p=share / share.sum())
        exceeding = int(self.exceeds(draw(self.p[self.free], self.table, sizes, rng)).sum())
        low, high = clopper_pearson(exceeding, samples, confidence)
        lower, upper = self.harm + self.rest * low, self.harm + self.rest * high
        return lower * (1 - _OUTWARD), upper * (1 + _OUTWARD), exceeding

    def proved(self) -> tuple[float, float, list[str]]:
        """Return the interval without sampling, and what it comes from."""
        methods = ["enumeration"] if self.enumerated > self.certified else []
        methods += ["certificate"] if self.certified > 0 or not methods else []
        open_ended = any(self.counts) or max(self.certified, self.enumerated) < len(self.free)
        tiny = _TINY if open_ended else 0.0
        self.plain = (self.harm * (1 - _OUTWARD), min(1.0, (self.harm + self.rest) * (1 + _OUTWARD) + tiny))
        lower, upper = self.plain
        for name, other in (("convolution", self._convolution()), ("moments", self._moments())):
            if other is not None and (other[0] > lower or other[1] < upper):
                lower, upper = max(lower, other[0]), min(upper, other[1])
                methods.append(name)
        return lower, upper, methods

    def _convolution(self) -> tuple[float, float] | None:
        """Only where just the last layer can fail, and the sets are not all known."""
        last = self.net.widths[-2]
        if self.spec is not None or self.p[:-last].any() or self.rest <= 1e-9 * self.harm:
            return None
        return last_layer(self.net, self.p[-last:], self.epsilon, self.X)

    def _moments(self) -> tuple[float, float] | None:
        """Markov and Chebyshev, over all inputs and outputs."""
        if self.spec is not None or self.epsilon**2 < _TINY or self.rest <= 0.01 * self.harm:
            return None
        if max(self.net.widths) > _MOMENTS_WIDTH:  # their cost grows with the cube of the width
            return None
        mean, square = expected_error(self.net, self.p, self.X)
        return 0.0, float(np.minimum(mean / self.epsilon, square / self.epsilon**2).sum()) * (1 + _OUTWARD) + _TINY

    def parts(self, lower: float, upper: float, sampled: bool, methods: list[str]) -> dict[str, float]:
        """Say what the width consists of."""
        rounding = min(2 * _OUTWARD * (self.harm + self.rest), upper - lower)
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
