# SPDX-License-Identifier: MIT
"""Trying every failure configuration."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._answer import Told
from withstand._coerce import Epsilon, as_limit, flag, shown, thread_count
from withstand._inputs import either_word
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.deciding import decided
from withstand.model.domain import rows_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.settled import worded
from withstand.model.spec import Argmax, Spec, asks_decisions
from withstand.questions.checkpoint import Checkpoint
from withstand.questions.progress import Bar, announcement
from withstand.questions.results import Enumeration, component_errors, histogram, moments
from withstand.questions.sharding import (
    Problem,
    Report,
    Shard,
    everywhere,
    is_whole,
    require_executor,
    run_here,
    run_shard,
    shards,
)
from withstand.questions.witnesses import Witnesses
from withstand.statement import Inputs, judged

Progress = Callable[[int, int], object]

#: Worst configurations that a result keeps.
TOP = 10


@either_word
def enumerate_failures(
    net: Network,
    failures: Failures,
    X: npt.ArrayLike,
    *,
    epsilon: Epsilon | None = None,
    spec: Argmax | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: bool | Progress = False,
    checkpoint: str | os.PathLike[str] | None = None,
    components: bool = False,
) -> Enumeration:
    """Evaluate every failure configuration at every input.

    Parameters
    ----------
    net : Network
    failures : Failures
        What may fail; finite models only: `Crash`, `StuckAt`, `SynapseCrash`, `BitFlip`, `WeightFlip`, `WeightCrash`
        and their sums.
    X : array_like, shape (n, d) or (d,)
        Inputs.
    epsilon : int, float, str, Fraction or Decimal, optional
        Budget, a string is read as a decimal: the result's `exceeding` is the share of configurations with a larger
        error.
    spec : Argmax, optional
        Ask for decisions instead of errors: `worst` is a harm, `exceeding` the share of configurations that flip a
        class.
    threads : int, optional
        Threads; by default WITHSTAND_NUM_THREADS, OMP_NUM_THREADS or the processors this process may use. With an
        executor, threads of each of its workers, by default 1.
    executor : concurrent.futures.Executor, optional
        Where to run shards of the space: the standard library's pools, loky, ``dask.distributed`` (its
        ``Client.get_executor()``), ``mpi4py.futures``. Shards that are lost with a worker are redone; an executor that
        is dead leaves the rest to this process, which a RuntimeWarning tells.
    progress : bool or callable, default False
        True says on standard error how much there is to do and about how long it takes, then shows a bar; a callable
        receives (done, total) configurations.
    checkpoint : path, optional
        SQLite file that keeps the finished shards: run again with the same arguments to go on where a run ended,
        however it ended. A file that can no longer be written in mid-run (the disk is full) or is gone costs a
        RuntimeWarning, not the result. Copy it together with the `-wal` file that a killed run leaves beside it: that
        holds the latest shards, and a copy without it may lack them.
    components : bool, default False
        Ask for every component (neuron or synapse) what the configurations do that have it among the failed: the
        result's `components`. Costs little more, except that every component's worst is evaluated canonically.

    Returns
    -------
    Enumeration

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If the failures do not fit the network, may take a whole interval of values (use `worst_case`), make 2^63
        configurations or more, or `X` does not fit the network; if `checkpoint` belongs to another problem, is damaged,
        is no regular file, or cannot be opened and written; if `executor` is shut down.
    OverflowError
        If values of the network, intact or failed, or squares of errors might leave the range of doubles; the message
        names the layer.

    Notes
    -----
    Cost: configurations x inputs x (the part of the network behind the first failing layer), in constant memory. Every
    statistic is the same for any number of threads and shards, bit by bit; the worst value, the witness, the top list,
    the worst of each output and of each component and `exceeding` come from the canonical evaluation `net.forward`.
    Ctrl-C returns what is known so far, with status "interrupted".

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0], [-1.0]], [[1.0, 1.0, 1.0]]])
    >>> found = ws.enumerate_failures(net, ws.Crash(2), [[1.0]])
    >>> found.configurations, found.worst, found.witness.failed
    (7, 3.0, ((1, 0), (1, 1)))

    The second neuron does most, and the third one transmits nothing anyway:

    >>> found = ws.enumerate_failures(net, ws.Crash(1), [[1.0]], components=True)
    >>> {component: errors.worst for component, errors in found.components.items()}
    {(1, 0): 1.0, (1, 1): 2.0, (1, 2): 0.0}
    """
    asked = as_network(net), spec
    net, spec = decided(*asked)
    failures = worded(as_failures(failures), net)
    flag(components, "components")
    limit = None if epsilon is None else as_limit(epsilon)
    if executor is not None:
        require_executor(executor)
    make = Problem if executor is None and checkpoint is None else Problem.of  # only shards need the inputs' digest
    problem = make(net, failures, rows_of(net, X), limit, asks_decisions(spec), TOP, bool(components))
    count = thread_count(threads)
    engine = problem.engine()
    arguments_fit()
    started = time.perf_counter()
    report = _progress(progress, int(engine.configurations))
    try:
        statistics = _run(problem, engine, count, executor, checkpoint, report)
        if report is not None and int(statistics.count) == int(engine.configurations):
            with suppress(KeyboardInterrupt):  # it comes too late to change anything
                report(int(statistics.count))
    finally:
        if isinstance(report, Bar):
            report.close()
    seconds = time.perf_counter() - started
    found = _result(problem, engine, statistics, seconds)
    return replace(found, _told=_told(found, *asked, failures, problem.rows, epsilon, limit))


def _run(
    problem: Problem,
    engine: _core.Enumerator,
    threads: int,
    executor: Executor | None,
    checkpoint: str | os.PathLike[str] | None,
    report: Report | None,
) -> _core.Statistics:
    """Announce the work to people, and do it."""
    if isinstance(report, Bar):
        try:
            report.announce(announcement(engine, len(problem.rows), threads or int(_core.default_threads())))
        except KeyboardInterrupt:
            return problem.empty()
    if executor is None and checkpoint is None:
        return engine.run(0, engine.batches, threads, report)
    return _sharded(problem, engine, threads, executor, checkpoint, report)


def _sharded(
    problem: Problem,
    engine: _core.Enumerator,
    threads: int,
    executor: Executor | None,
    checkpoint: str | os.PathLike[str] | None,
    report: Report | None,
) -> _core.Statistics:
    """Fold the shards: those of the checkpoint, those of the executor, and here what is left."""
    total = problem.empty()
    left = dict.fromkeys(shards(engine.batches))

    def parts() -> Iterator[tuple[Shard, _core.Statistics]]:
        return everywhere(
            executor,
            left,
            lambda executor, shard: executor.submit(run_shard, problem, shard, threads or 1),
            lambda shard, statistics: is_whole(engine, shard, statistics),
            lambda: run_here(engine, list(left), threads, total, report),
        )

    try:
        with nullcontext() if checkpoint is None else Checkpoint(checkpoint, problem, engine) as file:
            for shard, statistics in () if file is None else file.load():
                total.merge(statistics)
                del left[shard]
            if isinstance(report, Bar):
                report.resume(int(total.count))
            elif report is not None:
                report(int(total.count))
            for shard, statistics in parts():
                total.merge(statistics)
                if file is not None and is_whole(engine, shard, statistics):
                    file.add(shard, statistics)
                if report is not None:
                    report(int(total.count))
    except KeyboardInterrupt:  # what is known so far is the answer
        pass
    return total


def run(
    net: Network,
    failures: Failures,
    rows: FloatArray,
    *,
    epsilon: float | None = None,
    spec: Spec = None,
    threads: int | None = None,
    components: bool = False,
) -> _core.Statistics:
    """Return the bare statistics of every configuration, for callers that ask often; Ctrl-C is passed on."""
    net, spec = decided(net, spec)
    space = failures._space(net, rows)
    enumerator = _core.Enumerator(net._core, space, rows, asks_decisions(spec), epsilon, 1, components)
    statistics = enumerator.run(0, enumerator.batches, thread_count(threads), None)
    if int(statistics.count) != int(enumerator.configurations):
        raise KeyboardInterrupt
    return statistics


def _result(problem: Problem, engine: _core.Enumerator, statistics: _core.Statistics, seconds: float) -> Enumeration:
    done, total = int(statistics.count), int(engine.configurations)
    counted = problem.decisions or problem.epsilon is not None
    ways = [()] * len(statistics.top) if problem.is_plain else engine.failed(statistics)
    witnesses = Witnesses(problem.net, problem.failures, problem.decisions)
    top = tuple(
        witnesses.witness(found, how, problem.rows[index].copy(), index, output, error)
        for (error, _, _, index, output), found, how in zip(statistics.top, engine.witnesses(statistics), ways)
    )
    sites = [problem.net._component(*site) for site in engine.components] if problem.components else []
    mean, std = moments(statistics)
    return Enumeration(
        status="complete" if done == total else "interrupted",
        done=done,
        configurations=total,
        evaluations=done * len(problem.rows),
        worst=top[0].error if top else float("nan"),
        witness=top[0] if top else None,
        mean=mean,
        std=std,
        infinite=int(statistics.infinite),
        rounding=float(engine.rounding),
        per_output=problem.net._judged_outputs(np.array(statistics.per_output)),
        top=top,
        histogram=histogram(statistics),
        resolution=2.0**-_core.histogram_bits,
        exceeding=int(statistics.exceeding) / done if counted and done else None,
        seconds=seconds,
        components=dict(component_errors(sites, statistics)) if problem.components else None,
        _least=float(statistics.least),
    )


def _told(found: Enumeration, net: Network, spec: Spec, failures: Failures, rows: FloatArray, epsilon: object,
          limit: float | None) -> Told:  # fmt: skip
    whole = found.status == "complete"
    tried = "every configuration" if whole else f"{found.done:,} of {found.configurations:,} configurations"
    rigor = f"{tried} evaluated in double precision; the worst is the canonical evaluation"
    verdict = judged(found.worst, found.worst if whole else math.inf, limit, spec is not None)
    return Told(net, Inputs.of(rows), failures, rigor, spec=spec, epsilon=epsilon, verdict=verdict)


def _progress(progress: bool | Progress, total: int) -> Report | None:
    if isinstance(progress, (bool, np.bool_)):
        return Bar(total) if progress else None
    if not callable(progress):
        raise TypeError(f"progress must be a bool or a callable(done, total), got {shown(progress)}")
    callback = progress
    return lambda done: callback(done, total)
