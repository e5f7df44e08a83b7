# SPDX-License-Identifier: MIT
"""Boosting: how many signals a layer need not wait for, what that saves, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import SAMPLES, Epsilon, as_limit, as_seconds, choice, flag, whole
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures, StuckAt
from withstand.model.network import Network, as_network
from withstand.questions.bounds import Bound, bound
from withstand.questions.clock import Clock
from withstand.statement import Inputs, judged
from withstand.uses.latency import Latency, LatencyLike, as_latency
from withstand.uses.quorum_simulation import Simulation

#: Bounds that hold when every receiver misses signals of its own: they choose the worst missing set per receiver.
#: "adjoint" and "linear" choose one set for all and are not valid here.
PER_RECEIVER = ("capped", "matrix", "signed")
#: Bounds evaluated before a frontier is given up for one good point of it.
_FRONTIER_LIMIT = 4000

Counts = tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Quorum(Answer):
    """How many signals to wait for, and what came of it.

    Attributes
    ----------
    wait_for : tuple of int
        Each receiver goes on after so many signals from layer l = 1..L.
    missing : tuple of int
        N_l - wait_for.
    frontier : tuple of tuples, or None
        All maximal tuples of missing signals proved harmless; None where they are too many, or the time was up, and
        `missing` is one of those that are proved harmless.
    bound : float
        No output is further off, whichever signals come last at each receiver.
    slack : float
        How much more two evaluations in double precision may differ by, from their own rounding.
    observed : float
        Largest error in the simulation.
    expected, expected_all : float
        Mean time with the quorum and with all signals, by formula; with a delay per link only where one exists, NaN
        elsewhere.
    simulated, simulated_all : float
        Means of the simulation.
    standard_error : float
        Of `simulated`.
    runs : int
    latency : Latency
    links : bool
    """

    wait_for: Counts
    missing: Counts
    frontier: tuple[Counts, ...] | None
    bound: float
    slack: float
    observed: float
    expected: float
    expected_all: float
    simulated: float
    simulated_all: float
    standard_error: float
    runs: int
    latency: Latency
    links: bool

    @property
    def speedup(self) -> float:
        """Measured: simulated time for all signals over that for the quorum; infinite where nothing is waited for."""
        return self.simulated_all / self.simulated if self.simulated else float("inf")

    @property
    def expected_speedup(self) -> float:
        """The same by formula."""
        return self.expected_all / self.expected if self.expected else float("inf")

    def _rows(self) -> list[dict[str, Any]]:
        counts = zip(self.wait_for, self.missing)
        return [{"layer": n, "wait_for": w, "missing": m} for n, (w, m) in enumerate(counts, start=1)]

    def _said(self) -> str:
        known = not np.isnan(self.expected)
        time = f", {self.expected:.4f} expected" if known else ""
        speedup = f", {self.expected_speedup:.3f} expected" if known else ""
        harmless = f"{self.missing} may be missing" if any(self.missing) else "none may be missing"
        return (
            f"Quorum: wait for {self.wait_for}, {harmless}\n"
            f"  error     <= {self.bound:.6g} proved, {self.observed:.6g} observed in {self.runs:,} runs\n"
            f"  time      {self.simulated:.4f} +- {self.standard_error:.4f} simulated{time} ({self.latency.name})\n"
            f"  speed-up  {self.speedup:.3f} measured{speedup}"
        )


@either_word
def quorum(
    net: Network, epsilon: Epsilon, domain: npt.ArrayLike | Box, *, latency: LatencyLike = "exponential",
    links: bool = False, substitute: str = "zero", runs: int = 1000, seed: int = 0, time_limit: float | None = 60.0,
    progress: bool = False,
) -> Quorum:  # fmt: skip
    """Find for how few signals each layer may wait with a proved error within `epsilon`, and simulate it.

    Parameters
    ----------
    net : Network
    epsilon : int, float, str, Fraction or Decimal
        Largest tolerated output error; a string is read as a decimal.
    domain : array_like of shape (n, d) or (d,), or Box
        For which inputs; the simulation draws from them.
    latency : str, (str, float) or Latency, default "exponential"
        Distribution of the delays: "exponential", "uniform", ("pareto", shape) or ("lognormal", shape).
    links : bool, default False
        False: every neuron's signal has one delay, and layers start together. True: every link has its own, so that
        receivers miss different signals and fire at different times.
    substitute : {"zero", "midpoint"}, default "zero"
        What stands for a missing signal: 0, or the middle of the activation's range, which halves the scalar bound.
    runs : int, default 1000
        Runs of the simulation, each at an input drawn from the domain.
    seed : int, default 0
    time_limit : float or None, default 60.0
        Seconds in all. When they are up, the frontier is not known (None), `missing` is the best that was proved
        harmless, and fewer runs are simulated. None: no limit; the result is then the same on every machine.
    progress : bool, default False
        Say on standard error what is being bounded, and how many runs are simulated.

    Returns
    -------
    Quorum
        The point of the frontier with the least expected time (of one delay per neuron).

    Raises
    ------
    TypeError, ValueError
        For an unknown latency or substitute, a midpoint of an unbounded range, or a domain that does not fit.

    Notes
    -----
    A missing signal does at most what a crash (or a neuron stuck at the midpoint) does, also when receivers miss
    different ones, for every bound that chooses the worst missing set per receiver (Theorem G); the least of those is
    used. Times shrink with every missing signal, so the best point lies on the frontier.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[0.0]] * 4, [[0.125] * 4]], [[0.5] * 4, None], activation="clip")
    >>> result = ws.quorum(net, 0.25, [[0.0]])
    >>> result.wait_for, result.bound, round(result.expected_speedup, 3)
    ((2,), 0.25, 3.571)
    """
    as_network(net), flag(links, "links")
    limit, delays, (lower, upper) = as_limit(epsilon), as_latency(latency), bounds_of(net, domain, "domain")
    runs, seed = whole(runs, "runs", least=1, most=SAMPLES), whole(seed, "seed")
    stand_ins = _stand_ins(net, substitute)
    line = Line(flag(progress, "progress"))
    clock = Clock(as_seconds(time_limit), line)
    arguments_fit()

    def prove(missing: Counts) -> Bound:
        clock.say(f"quorum: bounding {missing} missing")
        model = _failures(missing, stand_ins)
        return min((bound(net, model, domain, method=m) for m in PER_RECEIVER), key=float)

    widths = net.widths[1:-1]
    waits = [[delays.expected(n, n - f) for f in range(n + 1)] for n in widths]

    def time_of(missing: Counts) -> float:
        return sum(wait[f] for wait, f in zip(waits, missing))

    with closing(line):
        frontier, missing = fastest(widths, lambda f: not clock.over() and prove(f).value <= limit, time_of)
        if clock.late:
            frontier = None
        proved = prove(missing)
        simulation = Simulation(net, delays, links, stand_ins, np.random.default_rng(seed), clock)
        times, observed = simulation.run(lower, upper, missing, runs)
        times_all = times  # of the same runs, where all signals are waited for
        if any(missing):
            times_all, _ = simulation.run(lower, upper, (0,) * net.depth, len(times))
    runs = len(times)
    known = not links or (net.depth == 1 and net.widths[-1] == 1)
    told = Told(net, Inputs.of(lower, upper), f"{missing} signals missing, {substitute} in their place",
                "the bound holds in real arithmetic, rounded outward; times and observed errors are of a simulation",
                epsilon=epsilon, verdict=judged(0.0, proved.value, limit, False), seed=seed)  # fmt: skip
    return Quorum(
        tuple(n - f for n, f in zip(widths, missing)), missing, frontier, proved.value, proved.slack, observed,
        time_of(missing) if known else float("nan"), time_of((0,) * net.depth) if known else float("nan"),
        float(times.mean()), float(times_all.mean()),
        float(times.std(ddof=1) / np.sqrt(runs)) if runs > 1 else float("inf"), runs, delays, links,
        _told=told,
    )  # fmt: skip


def fastest(
    widths: Counts, harmless: Callable[[Counts], bool], time_of: Callable[[Counts], float]
) -> tuple[tuple[Counts, ...] | None, Counts]:
    """Return the maximal harmless tuples and the fastest of them.

    The harmless tuples are a down-set. All but the last two layers are gone through, the last two by walking along the
    staircase that separates harmless from not. Where that takes too long (None), signals are dropped one by one
    where that saves most time, until none can be.
    """
    heads = int(np.prod([n + 1 for n in widths[:-2]]))
    if heads * sum(widths[-2:]) > _FRONTIER_LIMIT:
        return None, _greedy(widths, harmless, time_of)
    corners = sorted(f for head in np.ndindex(*(n + 1 for n in widths[:-2])) for f in _corners(head, widths, harmless))
    if not corners:
        return (), (0,) * len(widths)
    maximal = tuple(f for f in corners if not any(g != f and all(a <= b for a, b in zip(f, g)) for g in corners))
    return maximal, min(maximal, key=time_of)


def _corners(head: Counts, widths: Counts, harmless: Callable[[Counts], bool]) -> Iterator[Counts]:
    """Yield the maximal harmless continuations of `head` by one or two counts."""
    head = tuple(int(h) for h in head)
    if len(widths) == 1:
        low, high = -1, widths[0] + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if harmless((middle,)) else (low, middle)
        if low >= 0:
            yield (low,)
        return
    second = widths[-1]
    for first in range(widths[-2] + 1):
        while second >= 0 and not harmless((*head, first, second)):
            second -= 1
        if second < 0:
            return
        yield (*head, first, second)


def _greedy(widths: Counts, harmless: Callable[[Counts], bool], time_of: Callable[[Counts], float]) -> Counts:
    """Drop the signal that saves most time, as long as one can be dropped."""
    missing, open_layers = [0] * len(widths), set(range(len(widths)))
    while open_layers:
        longer = {l: tuple(f + (n == l) for n, f in enumerate(missing)) for l in open_layers if missing[l] < widths[l]}
        if not longer:
            break
        layer = min(longer, key=lambda l: time_of(longer[l]))
        if harmless(longer[layer]):
            missing[layer] += 1
            open_layers &= set(longer)
        else:
            open_layers.discard(layer)
    return tuple(missing)


def _stand_ins(net: Network, substitute: str) -> tuple[float, ...]:
    """Return what a missing signal of each hidden layer becomes."""
    if choice(substitute, "substitute", ("zero", "midpoint")) == "zero":
        return (0.0,) * net.depth
    ranges = [a.range for a in net.activations]
    for layer, ends in enumerate(ranges, start=1):
        if not np.isfinite(ends).all():
            raise ValueError(f"layer {layer} has range {ends}, without a midpoint: use substitute='zero'")
    return tuple((low + high) / 2 for low, high in ranges)


def _failures(missing: Counts, stand_ins: tuple[float, ...]) -> Failures:
    """Return the failures that do at least what missing signals do."""
    if not any(stand_ins):
        return Crash(missing)
    only = [tuple(f * (n == l) for n, f in enumerate(missing)) for l in range(len(missing))]
    models: list[Failures] = [StuckAt(counts, value=value) for counts, value in zip(only, stand_ins)]
    total = models[0]
    for model in models[1:]:
        total = total + model
    return total
