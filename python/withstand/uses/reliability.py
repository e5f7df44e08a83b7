# SPDX-License-Identifier: MIT
"""Reliability: the probability that independent failures do harm, always as an interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import (
    SAMPLES,
    Epsilon,
    as_limit,
    as_seconds,
    flag,
    needed,
    real_array,
    share,
    shown,
    thread_count,
    whole,
)
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.deciding import decided
from withstand.model.domain import rows_of
from withstand.model.failures import Crash, Failures, modelled
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Argmax, asks_decisions
from withstand.questions.clock import Clock
from withstand.statement import Inputs, digest
from withstand.uses.independent_crashes import Task
from withstand.uses.independent_failures import Independent, left, weight, widened
from withstand.uses.probability import Probabilities, per_neuron


@dataclass(frozen=True, eq=False, repr=False)
class Reliability(Answer):
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
    failures : str
        What fails.
    status : {"complete", "budget"}
        Whether everything was tried, or the time was up: then the interval is as true, and more time may narrow it.
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
    failures: str = "crashes"
    status: str = field(default="complete", kw_only=True)
    _size: int | None = field(default=None)
    _together: tuple[int, ...] = field(default=())

    def curve(self, p: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return proved lower and upper ends at every common probability in `p`, from the enumeration already done.

        Raises
        ------
        ValueError
            If the neurons had different probabilities, or one of `p` lies outside [0, 1].
        """
        if self._size is None:
            raise ValueError("a curve over p needs one p common to all neurons")
        grid = real_array(p, "p")
        if not ((grid >= 0) & (grid <= 1)).all():
            raise ValueError(f"p must lie in [0, 1], got {shown(p)}")
        ends = np.array([self._at(float(q)) for q in grid.ravel()]).reshape(*grid.shape, 2)
        return ends[..., 0], ends[..., 1]

    def _draw(self, axes: Any = None) -> Any:
        """Draw the proved interval over the probability of a failure, and return the axes; needs matplotlib.

        Where the failures have probabilities of their own there is no such curve, and the ends are drawn as bars.
        """
        from withstand._pictures import draw_reliability

        return super()._draw(axes) if self._size is None else draw_reliability(self.curve, axes)

    def _at(self, p: float) -> tuple[float, float]:
        assert self._size is not None
        n, known = self._size, max(self.enumerated, self.certified)
        harm = sum(weight(count, n, j, p) for j, count in enumerate(self.counts))
        return widened(harm, left(n, known, p, self._together), 0 < p < 1 and (any(self.counts) or known < n))

    def _said(self) -> str:
        parts = ", ".join(f"{name} {value:.2g}" for name, value in self.parts.items())
        sampled = f"\n  samples     {self.samples:,}, {self.exceeding:,} do harm" if self.samples else ""
        late = "\n  the time was up: more may narrow the interval" if self.status == "budget" else ""
        return (
            f"Reliability: {self.lower:.6g} <= P <= {self.upper:.6g}, {self.failures}\n"
            f"  method      {self.method}, confidence {self.confidence:g}\n"
            f"  proved      {self.proved[0]:.6g} to {self.proved[1]:.6g}, sets of up to {self.enumerated} enumerated\n"
            f"  width       {self.upper - self.lower:.3g} = {parts}{sampled}{late}"
        )


@either_word
def reliability(
    net: Network,
    p: Probabilities,
    epsilon: Epsilon | None = None,
    X: npt.ArrayLike | None = None,
    *,
    model: Callable[..., Failures] = Crash,
    spec: Argmax | None = None,
    evaluations: int = 20_000_000,
    samples: int = 10_000,
    confidence: float = 0.99,
    seed: int = 0,
    time_limit: float | None = 60.0,
    threads: int | None = None,
    progress: bool = False,
) -> Reliability:
    """Enclose the probability that independent failures push the error above `epsilon`.

    Parameters
    ----------
    net : Network
    p : float, one per hidden layer, or one per hidden neuron
        Probability that a neuron crashes, independently of the others; in [0, 1]. Of other models one number: for each
        component, group or channel, and for flips of each bit of each word (each entry of `bits`).
    epsilon : int, float, str, Fraction or Decimal
        Budget; a string is read as a decimal. Unused with `spec`, and may be left out then.
    X : array_like, shape (n, d) or (d,)
        Inputs; the error of a set of crashes is its worst over these and all outputs.
    model : callable, default Crash
        Makes a failure model from a count, ``lambda k: WeightFlip(k, format="int8")``. Not of ranges of values.
    spec : Argmax, optional
        Ask for the probability that a class flips instead.
    evaluations : int, default 20,000,000
        Work spent on enumerating small sets: sets x inputs.
    samples : int, default 10,000
        Larger sets drawn at random where the proved interval is wider than 1 % of its lower end; 0 for none.
    confidence : float, default 0.99
        Of the Clopper-Pearson interval of the samples.
    seed : int, default 0
    time_limit : float or None, default 60.0
        Seconds after which no larger sets are certified or enumerated, and no more are drawn: the interval is as true,
        and wider. None: no limit; the result is then the same on every machine.
    threads : int, optional
        For the enumeration.
    progress : bool, default False
        Say on standard error what is being done, and the interval that is proved so far.

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
    distribution is also convolved. Two flips in one word are none of the sets that are enumerated: they belong to the
    tail. See `docs/reliability.md`.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[1.0, 1.0, 1.0]]])
    >>> result = ws.reliability(net, 0.5, 1.5, [[1.0]])  # harm: 2 or 3 of 3 crashes
    >>> round(result.lower, 9), round(result.upper, 9), result.confidence
    (0.5, 0.5, 1.0)
    """
    asked = as_network(net), spec
    net, spec = decided(*asked)
    thread_count(threads)
    limit = 0.0 if asks_decisions(spec) and epsilon is None else as_limit(needed(epsilon))
    samples, seed = whole(samples, "samples", most=SAMPLES), whole(seed, "seed")
    evaluations, confidence = whole(evaluations, "evaluations"), share(confidence, "confidence")
    if X is None:
        raise TypeError("X must be an array of inputs, got None")
    line = Line(flag(progress, "progress"))
    clock, rows = Clock(as_seconds(time_limit), line), rows_of(net, X)
    failures = settled(modelled(model, 1), net, rows)
    task: Task | Independent
    rest = limit, rows, spec, threads, clock
    task = Task(net, per_neuron(net, p), *rest) if failures == Crash(1) else Independent(net, failures, p, *rest)
    arguments_fit()
    with closing(line):
        task.certify()
        task.enumerate(evaluations)
        lower, upper, methods = task.proved()
        drawn = exceeding = 0
        low, high = lower, upper
        if samples and task.rest > 0 and upper - lower > max(0.01 * lower, 1e-12):
            low, high, exceeding, drawn = task.sampled(samples, confidence, seed)
            low, high = max(lower, low), min(upper, high)
            methods.append("sampling")
            if low > high:  # the samples contradict what is proved: they missed, as they may
                low, high = lower, upper
    return Reliability(
        low, high, " + ".join(methods), confidence if drawn else 1.0, (lower, upper),
        task.parts(low, high, drawn > 0, methods), task.enumerated, task.certified, drawn, exceeding,
        tuple(task.counts), *_known(task), status="budget" if task.cut else clock.status,
        _told=_told(task, *asked, rows, p, epsilon, confidence if drawn else 1.0, seed if drawn else None),
    )  # fmt: skip


def _told(task: Task | Independent, net: Network, spec: Argmax | None, rows: FloatArray, p: Probabilities,
          epsilon: Epsilon | None, confidence: float, seed: int | None) -> Told:  # fmt: skip
    several = isinstance(p, Iterable) and getattr(p, "ndim", 1) > 0
    values = np.concatenate([np.ravel(q) for q in p]) if isinstance(p, Iterable) and several else np.zeros(0)
    each = f"{values.size} values of p, SHA-256 {digest(values)}" if several else f"p = {p}"
    known = "both ends are proved, rounded outward"
    if confidence < 1:
        known = f"both ends hold with probability {confidence:g} over the sets drawn; what is proved stands beside them"
    chance = task.each if isinstance(task, Independent) else "each fails"
    words, rigor = _known(task)[0], f"{chance} independently, {each}; {known}"
    return Told(net, Inputs.of(rows), words, rigor, spec=spec, epsilon=epsilon, seed=seed)


def _known(task: Task | Independent) -> tuple[str, int | None, tuple[int, ...]]:
    """Return what fails, and what a curve needs: how many there are, and the sets that fail together."""
    if isinstance(task, Task):
        return "crashes", task.common, ()
    return task.words, task.size, task.together
