# SPDX-License-Identifier: MIT
"""Certified accuracy: the share of inputs that keep their right class whatever fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import as_seconds, flag, real_array
from withstand._inputs import either_word
from withstand._plural import counted
from withstand._rehearsal import arguments_fit
from withstand._result import Result
from withstand._types import FloatArray
from withstand.model.deciding import class_of, decided
from withstand.model.domain import rows_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.settled import settled
from withstand.model.spec import Argmax, asks_decisions
from withstand.model.witness import Witness
from withstand.questions.sharding import Shard, everywhere, require_executor
from withstand.statement import Inputs
from withstand.uses.accuracy_search import Decided, Images, decide

#: Inputs of one task of an executor.
_TASK = 32

Ints = npt.NDArray[np.int64]


class Kept(IntEnum):
    """What is known of an input: whether its class is right, and stays so under every configuration."""

    REFUTED = -1  #: it is wrong already, or a witness changes it
    UNDECIDED = 0
    PROVED = 1


@dataclass(frozen=True, eq=False, repr=False)
class AccuracyCurve(Result):
    """Certified accuracy for several numbers of failures.

    Attributes
    ----------
    counts : tuple of int
        Numbers of failures.
    lower, upper : ndarray, shape (len(counts),)
        Shares of inputs proved, and not refuted.
    """

    counts: tuple[int, ...]
    lower: FloatArray
    upper: FloatArray

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"count": k, "lower": low, "upper": high}
            for k, low, high in zip(self.counts, self.lower.tolist(), self.upper.tolist())
        ]

    def __repr__(self) -> str:
        return "\n".join(["AccuracyCurve:", *self._lines()])

    def _lines(self) -> list[str]:
        return [f"  {row['count']:<9}  {row['lower']:.4%} to {row['upper']:.4%}" for row in self._rows()]


@dataclass(frozen=True, eq=False, repr=False)
class Accuracy(Answer):
    """Shares of inputs whose class is right and stays right under every configuration: lower <= truth <= upper.

    Attributes
    ----------
    intact : float
        Share whose class is right without failures.
    lower, upper : float
        Shares that are proved, and not refuted.
    per_input : ndarray of int8, shape (n,)
        `Kept.PROVED` (1), `Kept.UNDECIDED` (0) or `Kept.REFUTED` (-1: a witness changes the class, or it is wrong
        without failures).
    curve : AccuracyCurve
        The same shares for every number of failures up to the one asked for. Where failures are counted exactly, per
        layer, or in several models, fewer of them say nothing of more: a curve of one point.
    tolerated, breaking : ndarray of int, shape (n,)
        For each input the largest number of the curve that is proved, and the smallest that is refuted; -1 for none.
        An input whose class is wrong tolerates none and breaks at the first number of the curve.
    witnesses : tuple of Witness or None, one per input
        Failures of `breaking` components that change the class.
    failures : str
    status : {"complete", "budget", "interrupted"}
        Whether everything was tried, the time was up, or Ctrl-C came; the shares are true in any case.
    seconds : float
    """

    intact: float
    lower: float
    upper: float
    per_input: npt.NDArray[np.int8]
    curve: AccuracyCurve
    tolerated: Ints
    breaking: Ints
    witnesses: tuple[Witness | None, ...]
    failures: str
    status: str
    seconds: float

    def _draw(self, axes: Any = None) -> Any:
        """Draw the curve as steps, with what is undecided between them, and return the axes; needs matplotlib."""
        from withstand.plot import draw_accuracy

        return draw_accuracy(self, axes)

    def _rows(self) -> list[dict[str, Any]]:
        return self.curve._rows()

    def _said(self) -> str:
        inputs = counted(len(self.per_input), "input")
        why = {"complete": "", "budget": "the time was up", "interrupted": "interrupted"}
        said = f"Accuracy: {self.lower:.4%} to {self.upper:.4%} of {inputs} kept in class under {self.failures}"
        lines = [said, f"  intact     {self.intact:.4%}", *self.curve._lines()]
        return "\n".join([*lines, f"  {why[self.status]}: more time may decide more"] if why[self.status] else lines)


@either_word
def certified_accuracy(
    net: Network,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    failures: Failures,
    *,
    spec: Argmax | None = None,
    time_limit: float | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Accuracy:
    """Prove how many inputs keep their right class under every configuration of failures.

    Parameters
    ----------
    net : Network
    X : array_like, shape (n, d) or (d,)
        Inputs.
    y : array_like of int, shape (n,)
        Their right classes: numbers of outputs; 0 or 1 where there is one output.
    failures : Failures
        What may fail. At most `k` components anywhere, `Crash(6)`: the result holds the curve over 0, ..., `k`.
    spec : Argmax, optional
        What a class is; by default `Argmax()`, the largest output.
    time_limit : float, optional
        Seconds after which the result holds what is known by then.
    executor : concurrent.futures.Executor, optional
        Where to decide inputs, some at a time.
    progress : bool, default False
        Say on standard error what is being tried.

    Returns
    -------
    Accuracy

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit the network or each other.

    Notes
    -----
    The bounds of `bound` come first, for all inputs at once and count after count; an input for which a count is proved
    needs no proof for fewer. What they leave open is searched as by `worst_case`, upward from the largest count proved,
    until a witness changes the class: more failures do so, too. A class changes where another output is at least as
    large (harm >= 0, as everywhere): an input whose classes tie without failures is refuted for 0 failures. Where a
    search ends within rounding of a tie every configuration is evaluated, if these are at most 10,000,000.

    Examples
    --------
    >>> import withstand as ws
    >>> net, X, y = ws.embedded("digits")
    >>> found = ws.certified_accuracy(net, X, y, ws.Crash(2))
    >>> found.intact, found.lower, found.upper
    (0.99, 0.76, 0.76)
    >>> found.curve.lower
    array([0.99, 0.96, 0.76])
    """
    started = time.perf_counter()
    as_network(net), as_failures(failures), flag(progress, "progress")
    spec = Argmax() if spec is None else spec
    asks_decisions(spec)
    seconds, rows = as_seconds(time_limit), rows_of(net, X)
    if executor is not None:
        require_executor(executor)
    judged, _ = decided(net, spec)
    failures = settled(failures, net, rows)
    failures._space(judged)  # refuses what does not fit
    right = class_of(net, net.forward(rows), spec.lowest) == classes_of(net, y, len(rows))
    counts, models = numbered(failures)
    arguments_fit()
    chosen = np.flatnonzero(right)
    images = Images(judged, models, rows[chosen], tuple(chosen.tolist()))
    found = _decided(images, seconds, executor, progress)
    rigor = "lower: proved for every configuration, in real arithmetic; upper: not refuted by a replayed witness"
    told = Told(net, Inputs.of(rows), failures, rigor, spec=spec)
    return replace(_result(right, counts, images, found, repr(failures), time.perf_counter() - started), _told=told)


def classes_of(net: Network, y: npt.ArrayLike, rows: int) -> Ints:
    """Return right classes, one per input, that the network can choose."""
    given, known = np.atleast_1d(real_array(y, "y")), max(2, net.widths[-1])
    if given.shape != (rows,):
        raise ValueError(f"y has shape {given.shape}, there are {rows} inputs")
    wrong = (given != np.floor(given)) | (given < 0) | (given >= known)
    if wrong.any():
        raise ValueError(f"y must hold classes 0 to {known - 1}, entry {int(wrong.argmax())} is {given[wrong][0]:g}")
    return given.astype(np.int64)


def numbered(failures: Failures) -> tuple[tuple[int, ...], tuple[Failures, ...]]:
    """Return the numbers of failures of a curve, and the model of each.

    The one number that is a total of at most so many is varied; noise, which has none, stays.
    """
    terms = failures._terms
    several = [n for n, term in enumerate(terms) if term.effect != "noise"]
    if len(several) == 1 and terms[several[0]].total and not terms[several[0]].exactly:
        (n,) = several
        counts = tuple(range(terms[n].counts[0] + 1))
        return counts, tuple(Failures((*terms[:n], terms[n]._replace(counts=(k,)), *terms[n + 1 :])) for k in counts)
    return (sum(sum(term.counts) for term in terms),), (failures,)


def _decided(images: Images, seconds: float, executor: Executor | None, progress: bool) -> Decided:
    """Decide all inputs, here or by an executor."""
    size = len(images.rows)
    if executor is None or size == 0:
        return decide(images, seconds, progress)
    tasks = [(first, min(first + _TASK, size)) for first in range(0, size, _TASK)]
    total = Decided(np.full(size, -1, dtype=np.int64), np.full(size, len(images.models), dtype=np.int64), {})
    left, end = dict.fromkeys(tasks), time.monotonic() + seconds
    try:
        for (first, last), part in _parts(images, executor, left, end):
            total.proved[first:last], total.refuted[first:last] = part.proved, part.refuted
            total.witnesses |= part.witnesses
            if part.status != "complete":
                total.status = part.status
    except KeyboardInterrupt:  # what is known so far is the answer
        total.status = "interrupted"
    return total


def _parts(images: Images, executor: Executor, left: dict[Shard, None], end: float) -> Iterator[tuple[Shard, Decided]]:
    """Yield what is found of some inputs after others."""

    def asked(task: Shard) -> tuple[Images, float]:
        return images.part(*task), max(0.0, end - time.monotonic())

    def here() -> Iterator[tuple[Shard, Decided]]:
        for task in list(left):
            part = decide(*asked(task))
            yield task, part
            if part.status == "interrupted":
                return

    return everywhere(executor, left, lambda executor, task: executor.submit(decide, *asked(task)),
                      lambda _, part: part.status != "interrupted", here)  # fmt: skip


def _result(
    right: npt.NDArray[np.bool_], counts: tuple[int, ...], images: Images, found: Decided, failures: str, seconds: float
) -> Accuracy:
    """Put what was found of the inputs whose class is right beside those whose class is wrong."""
    proved, refuted = np.full(len(right), -1), np.zeros(len(right), dtype=np.int64)
    proved[right], refuted[right] = found.proved, found.refuted
    places = np.arange(len(counts))[:, None]
    lower, upper = (proved >= places).mean(axis=1), (refuted > places).mean(axis=1)
    asked, named = len(counts) - 1, np.array([-1, *counts, -1])
    states = np.where(proved >= asked, Kept.PROVED, np.where(refuted <= asked, Kept.REFUTED, Kept.UNDECIDED))
    return Accuracy(
        intact=float(right.mean()),
        lower=float(lower[-1]),
        upper=float(upper[-1]),
        per_input=states.astype(np.int8),
        curve=AccuracyCurve(counts, lower, upper),
        tolerated=named[proved + 1],
        breaking=named[refuted + 1],
        witnesses=tuple(found.witnesses.get(n) for n in range(len(right))),
        failures=failures,
        status=found.status,
        seconds=seconds,
    )
