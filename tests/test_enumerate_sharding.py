# SPDX-License-Identifier: MIT
"""Executors and checkpoints: the same bits wherever the shards run, and whatever is lost on the way."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import withstand as ws
from withstand.sharding import SHARDS, shards

NET = ws.Network(
    [
        np.sin(np.arange(120.0)).reshape(24, 5),
        np.cos(np.arange(144.0)).reshape(6, 24),
        np.sin(np.arange(18.0)).reshape(3, 6),
    ],
    activation="logistic",
)
X = np.cos(np.arange(200.0)).reshape(40, 5)
FAILURES = ws.Crash(3)
WHOLE = ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5)


def numbers(found):
    same = ("status", "done", "worst", "witness", "mean", "std", "top", "exceeding", "_least")
    arrays = (found.per_output.tobytes(), found.histogram.edges.tobytes(), found.histogram.counts.tobytes())
    return [getattr(found, name) for name in same], arrays


def enumerate_on(executor=None, **options):
    return ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5, executor=executor, **options)


@pytest.mark.parametrize("batches", [0, 1, 5, SHARDS, SHARDS + 1, 10 * SHARDS + 3])
def test_shards_cover_the_grid_once(batches):
    ranges = shards(batches)
    assert [i for first, last in ranges for i in range(first, last)] == list(range(batches))
    assert len(ranges) <= SHARDS


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


@pytest.mark.parametrize("life", [0, 4, 1000])
def test_lost_shards_are_redone(life):
    assert numbers(enumerate_on(Losing(life))) == numbers(WHOLE)


def test_errors_of_a_shard_are_raised():
    class Failing(Executor):
        def submit(self, call, /, *args, **kwargs):
            future = Future()
            future.set_exception(ZeroDivisionError("a bug"))
            return future

    with pytest.raises(ZeroDivisionError):
        enumerate_on(Failing())


def test_progress_counts_what_the_shards_have_done():
    seen = []
    enumerate_on(ThreadPoolExecutor(1), progress=lambda *step: seen.append(step))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (WHOLE.configurations,) * 2


def test_checkpoint_goes_on_where_a_run_ended(tmp_path):
    path = tmp_path / "run.db"

    def stop(done, total):
        if done > total / 3:
            raise KeyboardInterrupt

    first = enumerate_on(checkpoint=path, progress=stop, threads=1)
    assert first.status == "interrupted"
    with sqlite3.connect(path) as db:
        kept = db.execute("SELECT count(*) FROM shards").fetchone()[0]
    assert kept > 0
    seen = []
    second = enumerate_on(checkpoint=str(path), progress=lambda done, total: seen.append(done))
    assert numbers(second) == numbers(WHOLE)
    assert seen[0] > WHOLE.configurations / 4  # it did not begin again
    assert numbers(enumerate_on(checkpoint=path)) == numbers(WHOLE)  # nothing left to do


def test_checkpoint_and_executor(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        assert numbers(enumerate_on(pool, checkpoint=tmp_path / "run.db")) == numbers(WHOLE)
    assert numbers(enumerate_on(checkpoint=tmp_path / "run.db")) == numbers(WHOLE)


def test_checkpoint_of_another_problem_is_refused(tmp_path):
    path = tmp_path / "run.db"
    enumerate_on(checkpoint=path)
    with pytest.raises(ValueError, match=r"another problem: failures(, grid)? differ"):
        ws.enumerate_failures(NET, ws.Crash(3, exactly=True), X, epsilon=0.5, checkpoint=path)
    with pytest.raises(ValueError, match=r"another problem: epsilon differ .*0\.5 in the file, 0\.25 now"):
        ws.enumerate_failures(NET, FAILURES, X, epsilon=0.25, checkpoint=path)
    with pytest.raises(ValueError, match="another problem: inputs differ"):
        ws.enumerate_failures(NET, FAILURES, X + 1, epsilon=0.5, checkpoint=path)


def test_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "noise.db"
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ValueError, match="is no checkpoint of an enumeration"):
        enumerate_on(checkpoint=path)


RUN = """
import sys, numpy as np, withstand as ws
net = ws.Network([np.sin(np.arange(120.0)).reshape(24, 5), np.cos(np.arange(144.0)).reshape(6, 24)], activation="tanh")
X = np.cos(np.arange(100.0)).reshape(20, 5)
found = ws.enumerate_failures(net, ws.Crash(5), X, threads=1, checkpoint=sys.argv[1] if len(sys.argv) > 1 else None)
print(found.status, found.worst.hex(), found.mean.hex(), found.std.hex(), found.done, found.witness.failed)
"""


@pytest.mark.slow
def test_killed_runs_lose_only_what_was_in_flight(tmp_path):
    def run(*arguments):
        return subprocess.Popen([sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True)

    whole, _ = run().communicate(timeout=600)
    path = str(tmp_path / "run.db")
    for pause in np.linspace(0.4, 1.2, 4):
        process = run(path)
        time.sleep(pause)
        process.kill()
        process.communicate()
    resumed, _ = run(path).communicate(timeout=600)
    assert resumed == whole
    assert resumed.startswith("complete")


@pytest.mark.slow
def test_loky():
    loky = pytest.importorskip("loky")
    with loky.ProcessPoolExecutor(2) as pool:
        assert numbers(enumerate_on(pool)) == numbers(WHOLE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_with_a_worker_killed_in_the_middle():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = client.run(lambda: __import__("os").getpid())

        def kill_one(done, total):
            if pids and done > total / 8:
                __import__("os").kill(pids.popitem()[1], 9)
                pids.clear()

        assert numbers(enumerate_on(client.get_executor(), progress=kill_one)) == numbers(WHOLE)
