# SPDX-License-Identifier: MIT
"""Threads, shards and executors: the same bits wherever the work is done, and whatever is lost on the way."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import withstand as ws
from runs import LONG, LONG_NET, LONG_X, NET, X, numbers
from withstand.questions.sharding import SHARDS, Problem, run_shard, shards

FAILURES = ws.Crash(3)
WHOLE = ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5)


def enumerate_on(executor=None, **options):
    return ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5, executor=executor, **options)


@pytest.fixture(scope="module")
def long_run():
    return ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=2)


def enumerate_long(executor=None, **options):
    return ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, executor=executor, **options)


@pytest.mark.parametrize("batches", [0, 1, 5, SHARDS, SHARDS + 1, 10 * SHARDS + 3, SHARDS**2, SHARDS**2 + 1])
def test_shards_cover_the_grid_once(batches):
    ranges = shards(batches)
    assert [i for first, last in ranges for i in range(first, last)] == list(range(batches))
    assert len(ranges) <= SHARDS + 1


def test_shards_stay_short_in_large_spaces():
    ranges = shards(10**8)
    assert len(ranges) == max(last - first for first, last in ranges) == math.isqrt(10**8)


@pytest.mark.parametrize("threads", [1, 7])
def test_threads(threads, long_run):
    assert numbers(enumerate_long(threads=threads)) == numbers(long_run)


@pytest.mark.parametrize("pieces", [1, 3, 64])
def test_shards_merge_to_the_same_bits_in_any_order(pieces, long_run):
    problem = Problem.of(LONG_NET, LONG, LONG_X, 6.0, False, len(long_run.top))
    engine = problem.engine()
    assert engine.batches > 64  # no piece is empty
    whole = engine.run(0, engine.batches, 2)
    cuts = np.linspace(0, engine.batches, pieces + 1).astype(int)
    ranges = np.random.default_rng(pieces).permutation(list(zip(cuts[:-1], cuts[1:])))
    total = problem.empty()
    for first, last in ranges:
        total.merge(pickle.loads(pickle.dumps(engine.run(int(first), int(last), 1))))
    assert total.__getstate__() == whole.__getstate__()


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_criticality_does_not_depend_on_threads(threads):
    found, expected = (ws.criticality(NET, X[:2], k=2, threads=t) for t in (threads, 1))
    for mine, theirs in zip((*found.worst, *found.mean), (*expected.worst, *expected.mean)):
        assert mine.tobytes() == theirs.tobytes()


def test_threads_as_an_executor():
    with ThreadPoolExecutor(3) as pool:
        assert numbers(enumerate_on(pool)) == numbers(WHOLE)


def test_processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert numbers(enumerate_on(pool, threads=1)) == numbers(WHOLE)


class Losing(Executor):
    """Runs at once, loses every third shard, and dies for good after a while."""

    def __init__(self, life):
        self.life, self.calls = life, 0

    def submit(self, call, /, *args, **kwargs):
        self.calls += 1
        if self.calls > self.life:
            raise BrokenExecutor("dead")
        future = Future()
        if self.calls % 3 == 0:
            future.set_exception(BrokenExecutor("the worker was killed"))
        else:
            future.set_result(call(*args, **kwargs))
        return future


@pytest.mark.parametrize("life", [0, 4])
def test_shards_of_a_dead_executor_are_done_here(life):
    with pytest.warns(RuntimeWarning, match=r"the executor lost \d+ of its shards, they are done in this process"):
        assert numbers(enumerate_on(Losing(life))) == numbers(WHOLE)


def test_lost_shards_are_redone():
    assert numbers(enumerate_on(Losing(1000))) == numbers(WHOLE)


class Stopping(Executor):
    """A Ctrl-C reached its workers: they return part of a shard, some of them always."""

    def __init__(self, always):
        self.always, self.calls = always, 0

    def submit(self, call, /, *args, **kwargs):
        assert call is run_shard
        problem, (first, last), threads = args
        self.calls += 1
        future = Future()
        part = last - 1 if self.always or self.calls % 2 else last
        future.set_result(call(problem, (first, part), threads))
        return future


@pytest.mark.parametrize("always", [False, True])
def test_interrupted_shards_of_workers_are_redone_and_not_kept(always, tmp_path):
    path = tmp_path / "run.db"
    with pytest.warns(RuntimeWarning, match="the executor lost"):
        assert numbers(enumerate_on(Stopping(always), checkpoint=path)) == numbers(WHOLE)
    assert numbers(enumerate_on(checkpoint=path)) == numbers(WHOLE)


def test_errors_of_a_shard_are_raised():
    class Failing(Executor):
        def submit(self, call, /, *args, **kwargs):
            future = Future()
            future.set_exception(ZeroDivisionError("a bug"))
            return future

    with pytest.raises(ZeroDivisionError):
        enumerate_on(Failing())


@pytest.mark.parametrize("executor", ["x", 3, [], ThreadPoolExecutor, object()])
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(TypeError, match=r"must be a concurrent\.futures\.Executor \(ProcessPoolExecutor, .*, got "):
        enumerate_on(executor)


def test_a_multiprocessing_pool_is_refused():
    names = r"must be a concurrent\.futures\.Executor .*, got <multi"
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(TypeError, match=names):
        enumerate_on(pool)


def test_an_executor_that_is_shut_down_is_refused():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ValueError, match="takes no work: cannot schedule new futures after shutdown"):
        enumerate_on(pool)


def test_workers_that_die_at_once_leave_the_work_to_this_process():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context, initializer=os._exit, initargs=(3,)) as pool:
        with pytest.warns(RuntimeWarning, match="the executor lost"):
            assert numbers(enumerate_on(pool)) == numbers(WHOLE)
        with pytest.warns(RuntimeWarning, match="the executor lost"):  # now it is known to be broken
            assert numbers(enumerate_on(pool)) == numbers(WHOLE)


def test_progress_counts_what_the_shards_have_done():
    seen = []
    with ThreadPoolExecutor(1) as pool:
        enumerate_on(pool, progress=lambda *step: seen.append(step))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (WHOLE.configurations,) * 2


class Assassin:
    """A progress callback that signals one worker process in the middle of the run."""

    def __init__(self, pids, number):
        self.pids, self.number, self.when = pids, number, None

    def __call__(self, done, total):
        if self.when is None and done > total / 5:
            self.when = done
            os.kill(self.pids()[0], self.number)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the executor lost:RuntimeWarning")  # whether it does depends on pool and signal
@pytest.mark.parametrize(  # loky: an interrupt while a worker hands a result back leaves its queue locked for ever
    ("kind", "number"), [("processes", signal.SIGKILL), ("processes", signal.SIGINT), ("loky", signal.SIGKILL)]
)
def test_a_process_is_killed_in_the_middle(kind, number, long_run, tmp_path):
    """A pool that has lost a process is dead: what it had and what it would have had is done here."""
    if kind == "loky":
        pool = pytest.importorskip("loky").ProcessPoolExecutor(2)
    else:
        pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        kill = Assassin(lambda: list(pool._processes), number)
        found = enumerate_long(pool, progress=kill, checkpoint=tmp_path / "run.db")
    assert 0 < kill.when < found.done
    assert numbers(found) == numbers(long_run)
    assert numbers(enumerate_long(checkpoint=tmp_path / "run.db")) == numbers(long_run)


@pytest.mark.slow
def test_loky(long_run):
    loky = pytest.importorskip("loky")
    with loky.ProcessPoolExecutor(2) as pool:
        assert numbers(enumerate_long(pool)) == numbers(long_run)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_with_a_worker_killed_in_the_middle(long_run):
    """The cluster goes on with the other worker, and starts a new one."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        kill = Assassin(lambda: pids, signal.SIGKILL)
        found = enumerate_long(client.get_executor(), progress=kill)
    assert 0 < kill.when < found.done
    assert numbers(found) == numbers(long_run)
