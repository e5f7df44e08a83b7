# SPDX-License-Identifier: MIT
"""Checkpoints: runs that are interrupted, killed or doubled end with the same bits; other files are refused."""

from __future__ import annotations

import pickle
import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import withstand as ws
from runs import LONG, LONG_NET, LONG_X, NET, X, numbers
from withstand.questions.sharding import Problem, shards

FAILURES = ws.Crash(3)
SHARDS = len(shards(Problem.of(LONG_NET, LONG, LONG_X, 6.0, False, 10).engine().batches))
WHOLE = ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5)


def enumerate_to(path, **options):
    return ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5, checkpoint=path, **options)


def kept(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM shards").fetchone()[0]


def test_goes_on_where_a_run_ended(tmp_path):
    path = tmp_path / "run.db"

    def stop(done, total):
        if done > total / 3:
            raise KeyboardInterrupt

    first = enumerate_to(path, progress=stop, threads=1)
    assert first.status == "interrupted"
    assert kept(path) > 0
    seen = []
    second = enumerate_to(str(path), progress=lambda done, total: seen.append(done))
    assert numbers(second) == numbers(WHOLE)
    assert seen[0] > WHOLE.configurations / 4  # it did not begin again
    assert numbers(enumerate_to(path)) == numbers(WHOLE)  # nothing left to do


def test_with_an_executor(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        assert numbers(enumerate_to(tmp_path / "run.db", executor=pool)) == numbers(WHOLE)
    assert numbers(enumerate_to(tmp_path / "run.db")) == numbers(WHOLE)


def test_of_another_problem_is_refused(tmp_path):
    path = tmp_path / "run.db"
    enumerate_to(path)
    with pytest.raises(ValueError, match=r"another problem: failures(, grid)? differ"):
        ws.enumerate_failures(NET, ws.Crash(3, exactly=True), X, epsilon=0.5, checkpoint=path)
    with pytest.raises(ValueError, match=r"another problem: epsilon differ .*0\.5 in the file, 0\.25 now"):
        ws.enumerate_failures(NET, FAILURES, X, epsilon=0.25, checkpoint=path)
    with pytest.raises(ValueError, match="another problem: inputs differ"):
        ws.enumerate_failures(NET, FAILURES, X + 1, epsilon=0.5, checkpoint=path)
    with pytest.raises(ValueError, match=r"another problem: spec differ .*error in the file, argmax now"):
        ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5, spec=ws.Argmax(), checkpoint=path)
    other = ws.Network([weight * 2 for weight in NET.weights], activation="logistic")
    with pytest.raises(ValueError, match="another problem: network differ"):
        ws.enumerate_failures(other, FAILURES, X, epsilon=0.5, checkpoint=path)
    assert numbers(enumerate_to(path)) == numbers(WHOLE)  # no refusal has touched it


def test_of_another_version_is_refused(tmp_path):
    path = tmp_path / "run.db"
    enumerate_to(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE problem SET value = '0.0.1' WHERE name = 'version'")
    with pytest.raises(ValueError, match=rf"another problem: version differ \(version: 0.0.1 .*, {ws.__version__} now"):
        enumerate_to(path)


def test_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "noise.db"
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ValueError, match="is no checkpoint of an enumeration"):
        enumerate_to(path)
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        enumerate_to(tmp_path / "nowhere" / "run.db")


def test_database_of_another_application_is_left_alone(tmp_path):
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE problem (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="a database of another application"):
        enumerate_to(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["state = '[]'", "state = replace(state, '1', '2')", "last = last + 1"])
def test_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "run.db"
    enumerate_to(path)
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE shards SET {damage} WHERE first = 0")
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(path)


RUN = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
from runs import *
found = ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=1, checkpoint=sys.argv[2])
sys.stdout.buffer.write(pickle.dumps(numbers(found)))
"""


def start(path):
    command = [sys.executable, "-c", RUN, str(Path(__file__).parents[1]), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def finished(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return pickle.loads(output)


def wait_for_shards(path, process, number):
    """Wait until the file holds so many shards; the file may not be there yet, or not have its tables."""
    while process.poll() is None:
        try:
            if kept(path) >= number:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.002)


@pytest.mark.slow
def test_twenty_random_kills_lose_only_what_was_in_flight(tmp_path):
    """Every fourth kill comes at any moment of the start, the others at any moment of the work."""
    path = tmp_path / "run.db"
    rng = random.Random(20)
    have = 0
    for kill in range(20):
        process = start(path)
        if kill % 4:
            wait_for_shards(path, process, have + rng.randrange(1, 4))
            time.sleep(rng.uniform(0.0, 0.01))
        else:
            time.sleep(rng.uniform(0.0, 0.3))
        process.kill()
        process.communicate()
        assert process.returncode == -9  # in the middle, not after the end
        before, have = have, kept(path) if kill else 0  # the first one may have been killed before it made the file
        assert have >= before
    assert 15 <= have < SHARDS  # so every kill came in the middle
    whole = ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=2)
    assert finished(start(path)) == numbers(whole)
    assert kept(path) == SHARDS


@pytest.mark.slow
def test_two_runs_of_one_file_at_once(tmp_path):
    path = tmp_path / "run.db"
    first, second = start(path), start(path)
    assert finished(first) == finished(second)
    assert kept(path) == SHARDS


def test_a_graph_goes_on_from_its_checkpoint(tmp_path):
    ends = [ws.Layer([(1, np.eye(2, 5, k))], activation="identity") for k in (0, 1)]
    layers = [ws.Layer([(0, ws.Conv([[[1.0, -1.0]]], padding=1))]), ends[0]]
    net, path = ws.Network(layers=layers, shape=(1, 4)), tmp_path / "graph.db"
    first = ws.enumerate_failures(net, ws.Crash(1), np.arange(4.0), checkpoint=path)
    again = ws.enumerate_failures(net, ws.Crash(1), np.arange(4.0), checkpoint=path)
    assert (first.status, first.worst, first.mean) == (again.status, again.worst, again.mean)
    other = ws.Network(layers=[layers[0], ends[1]], shape=(1, 4))
    with pytest.raises(ValueError, match="checkpoint of another problem: network differ"):
        ws.enumerate_failures(other, ws.Crash(1), np.arange(4.0), checkpoint=path)
