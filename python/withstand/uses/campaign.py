# SPDX-License-Identifier: MIT
"""What random failures do, with confidence intervals: the statistics beside the proof."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import SAMPLES, share, shown, whole
from withstand._inputs import either_word
from withstand._plural import counted
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.deciding import class_of
from withstand.model.domain import rows_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Argmax, asks_decisions
from withstand.questions.progress import Bar
from withstand.questions.sharding import require_executor
from withstand.statement import Inputs, covers_of
from withstand.uses.accuracy import classes_of
from withstand.uses.campaign_trials import Plan, Trials, plan_of, run_campaign
from withstand.uses.probability import bounded_mean, clopper_pearson, quantile_interval
from withstand.uses.random_failures import RandomFailures

Interval = tuple[float, float]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Campaign(Answer):
    """What random failures did to accuracy and outputs, and what that says of all of them.

    Every interval holds with probability `confidence` over the trials drawn, each on its own.

    Attributes
    ----------
    intact : float
        Share of inputs whose class is right without failures.
    accuracy : float
        Mean accuracy over the trials.
    accuracy_interval : (float, float)
        For the mean accuracy over all random failures. Exact for every number of trials: Clopper-Pearson where there is
        one input, else `bounded_mean`, which knows only that an accuracy lies in [0, 1].
    flips : float
        Share of trials in which some input loses its right class.
    flips_interval : (float, float)
        For the chance of that. Exact: Clopper-Pearson.
    error : float
        Mean error; the error of a trial is the largest |faulty - intact| over inputs and outputs.
    error_interval : (float, float)
        For the mean error. Approximate: by the normal distribution, for no bound on errors is known beforehand. See
        `error_quantile` for what is exact.
    accuracies, errors : ndarray, shape (done,)
        Of every trial, in the order of the trials.
    failed : ndarray of int, shape (done,)
        Components that failed.
    kept : ndarray of int, shape (n,)
        In how many trials each input has its right class; `input_interval` encloses the chance of that.
    trials, done : int
        Trials asked for, and finished.
    confidence : float
    failures : str
        What was drawn, in words.
    seed : int
        Trial t draws from this seed and t alone: `Campaign` does not depend on who runs which trials.
    status : {"complete", "interrupted"}
    seconds : float
    """

    intact: float
    accuracy: float
    accuracy_interval: Interval
    flips: float
    flips_interval: Interval
    error: float
    error_interval: Interval
    accuracies: FloatArray
    errors: FloatArray
    failed: Ints
    kept: Ints
    trials: int
    done: int
    confidence: float
    failures: str
    seed: int
    status: str
    seconds: float

    def error_quantile(self, q: float) -> Interval:
        """Return an interval for the error that a share `q` of all random failures does not exceed.

        Exact whatever the distribution (order statistics); an end is infinite where there are too few trials.
        """
        return quantile_interval(self.errors, q, self.confidence)

    def input_interval(self, index: int) -> Interval:
        """Return an interval for the chance that one input has its right class. Exact: Clopper-Pearson."""
        row = whole(index, "index", most=len(self.kept) - 1)
        return clopper_pearson(int(self.kept[row]), self.done, self.confidence)

    def _draw(self, axes: Any = None) -> Any:
        """Draw how the accuracies of the trials are distributed, and return the axes; needs matplotlib."""
        from withstand.plot import draw_campaign

        return draw_campaign(self, axes)

    def _rows(self) -> list[dict[str, Any]]:
        columns = zip(self.accuracies.tolist(), self.errors.tolist(), self.failed.tolist())
        return [{"trial": n, "accuracy": a, "error": e, "failed": k} for n, (a, e, k) in enumerate(columns)]

    def _said(self) -> str:
        sure = f"{self.confidence:.6g}"
        done = "" if self.status == "complete" else f" of {self.trials:,}, interrupted"
        return (
            f"Campaign: accuracy {self.accuracy:.4%} under {self.failures}\n"
            f"  trials      {self.done:,}{done}, {counted(len(self.kept), 'input')}, seed {self.seed}\n"
            f"  intact      {self.intact:.4%}\n"
            f"  accuracy    {_range(self.accuracy_interval, '.4%')}, confidence {sure} (exact)\n"
            f"  flips       {self.flips:.4%} of trials, {_range(self.flips_interval, '.4%')} (exact)\n"
            f"  error       {self.error:.6g}, {_range(self.error_interval, '.6g')} (normal approximation)"
        )


def _range(interval: Interval, form: str) -> str:
    return f"{interval[0]:{form}} to {interval[1]:{form}}"


@either_word
def campaign(
    net: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    failures: Failures,
    *,
    rates: float | Sequence[float] | None = None,
    trials: int,
    seed: int = 0,
    spec: Argmax | None = None,
    confidence: float = 0.95,
    executor: Executor | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[int, int], object] = False,
) -> Campaign:
    """Draw failures at random, and measure accuracy and error under them.

    Random trials say what is typical; only `certified_accuracy` and `worst_case` say what is possible.

    Parameters
    ----------
    net : Network
    X : array_like, shape (n, d) or (d,)
        Inputs; every trial evaluates all of them with the same failures.
    y : array_like of int, shape (n,)
        Their right classes, as for `certified_accuracy`.
    failures : Failures
        What may fail. A trial draws one of its configurations, each with the same chance: of `Crash(2)` mostly sets of
        two, and a component that can fail in several ways, such as a word by its bits, that many times as often. A
        Byzantine component transmits an end of its range, by chance. Noise and equivocal components are refused.
    rates : float or sequence of float, optional
        Every component that may fail does so on its own with this chance; one for each model of a sum. Groups and
        channels fail as wholes. Of words every bit (each entry of `bits`) flips on its own, several of a word together:
        the word of a parameter, or of the signal that arrives, then has all of them flipped. The counts of `failures`
        limit nothing. Refused for what could fail in two ways at once, and for `BitFlip` with `to`.
    trials : int
    seed : int, default 0
    spec : Argmax, optional
        What a class is; by default `Argmax()`, the largest output.
    confidence : float, default 0.95
        Of every interval.
    executor : concurrent.futures.Executor, optional
        Where to run trials, some at a time.
    checkpoint : path, optional
        A file that keeps finished trials; the same call goes on from there.
    progress : bool or callable, default False
        True draws a bar on standard error; a callable is given (done, total).

    Returns
    -------
    Campaign

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit the network or each other, and a checkpoint of another campaign.

    Examples
    --------
    >>> import withstand as ws
    >>> net, X, y = ws.embedded("digits")
    >>> found = ws.campaign(net, X, y, ws.Crash(2), trials=100)
    >>> found.accuracy > ws.certified_accuracy(net, X, y, ws.Crash(2)).upper  # what is typical is not what is possible
    True
    """
    started = time.perf_counter()
    as_network(net), as_failures(failures)
    spec = Argmax() if spec is None else spec
    asks_decisions(spec)
    rows, confidence = rows_of(net, X), share(confidence, "confidence")
    trials, seed = whole(trials, "trials", least=1, most=SAMPLES), whole(seed, "seed")
    if executor is not None:
        require_executor(executor)
    classes = classes_of(net, y, len(rows))
    failures = settled(failures, net, rows)
    drawer = RandomFailures(net, failures, rates)
    plan = plan_of(net, failures, rows, classes, drawer.rates, spec.lowest, trials, seed)
    report = _report(progress, trials)
    arguments_fit()
    try:
        found = run_campaign(plan, executor, checkpoint, report)
    finally:
        if isinstance(report, Bar):
            report.close()
    words, parts = drawer.words(), joined(found, len(rows))
    rigor = f"seen in {len(parts.errors):,} random trials; intervals hold with probability {confidence:g} over these"
    told = Told(net, Inputs.of(rows), words, rigor, spec=spec, seed=seed, covers=covers_of(failures))
    return replace(_result(plan, parts, words, confidence, time.perf_counter() - started), _told=told)


def joined(found: dict[tuple[int, int], Trials], rows: int) -> Trials:
    """Return finished shards as one, in the order of the trials."""
    parts = [found[shard] for shard in sorted(found)]
    nothing = np.zeros(0, dtype=np.int64)
    return Trials(
        correct=np.concatenate([nothing, *(part.correct for part in parts)]),
        flipped=np.concatenate([nothing, *(part.flipped for part in parts)]),
        errors=np.concatenate([np.zeros(0), *(part.errors for part in parts)]),
        failed=np.concatenate([nothing, *(part.failed for part in parts)]),
        kept=np.sum([np.zeros(rows, dtype=np.int64), *(part.kept for part in parts)], axis=0),
    )


def _result(plan: Plan, found: Trials, words: str, confidence: float, seconds: float) -> Campaign:
    n, done = len(plan.rows), len(found.errors)
    accuracies, flips = found.correct / n, int((found.flipped > 0).sum())
    mean, interval = _mean_error(found.errors, confidence)
    return Campaign(
        intact=float((class_of(plan.net, plan.net.forward(plan.rows), plan.lowest) == plan.classes).mean()),
        accuracy=float(accuracies.mean()) if done else math.nan,
        accuracy_interval=_mean_accuracy(found.correct, n, confidence),
        flips=flips / done if done else math.nan,
        flips_interval=clopper_pearson(flips, done, confidence) if done else (0.0, 1.0),
        error=mean,
        error_interval=interval,
        accuracies=accuracies,
        errors=found.errors,
        failed=found.failed,
        kept=found.kept,
        trials=plan.trials,
        done=done,
        confidence=confidence,
        failures=words,
        seed=plan.seed,
        status="complete" if done == plan.trials else "interrupted",
        seconds=seconds,
    )


def _mean_accuracy(correct: Ints, inputs: int, confidence: float) -> Interval:
    if len(correct) == 0:
        return 0.0, 1.0
    if inputs == 1:
        return clopper_pearson(int(correct.sum()), len(correct), confidence)
    return bounded_mean(correct / inputs, confidence)


def _mean_error(errors: FloatArray, confidence: float) -> tuple[float, Interval]:
    """Return the mean and its interval by the normal distribution; nothing is known of one trial alone."""
    if len(errors) == 0:
        return math.nan, (0.0, math.inf)
    mean = float(errors.mean())
    if len(errors) == 1 or not math.isfinite(mean):
        return mean, (0.0, math.inf)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * float(errors.std(ddof=1)) / math.sqrt(len(errors))
    return mean, (max(0.0, mean - half), mean + half)


def _report(progress: Any, total: int) -> Callable[[int], object] | None:
    if isinstance(progress, (bool, np.bool_)):
        return Bar(total) if progress else None
    if not callable(progress):
        raise TypeError(f"progress must be a bool or a callable(done, total), got {shown(progress)}")
    return lambda done: progress(done, total)
