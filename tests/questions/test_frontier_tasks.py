# SPDX-License-Identifier: MIT
"""Searches that leave off, for others to go on from there, and such as look only for what is worse than a floor."""

from __future__ import annotations

import math
import os
import pickle
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import withstand as ws
from withstand import _core
from withstand.questions import agenda, spread_search


def drawn(seed: int) -> tuple[ws.Network, np.ndarray]:
    """Return a network and a few inputs."""
    rng = np.random.default_rng(seed)
    shape = (3, *rng.integers(3, 9, size=rng.integers(1, 4)), int(rng.integers(1, 4)))
    weights = [rng.normal(size=(b, a)) for a, b in zip(shape, shape[1:])]
    biases = [rng.normal(size=b) * 0.3 for b in shape[1:]]
    net = ws.Network(weights, biases, activation=("relu", "clip", "tanh", "logistic")[seed % 4])
    return net, rng.normal(size=(int(rng.choice([1, 1, 3])), 3))


def models(net: ws.Network) -> tuple[ws.Failures, ...]:
    few = min(net.n_neurons, 5)
    return (
        ws.Crash(few),
        ws.Crash(tuple(min(2, n) for n in net.widths[1:-1])),
        ws.StuckAt(few - 1, value=1.0),
        ws.Crash(few - 2) + ws.StuckAt(1, value=-1.0),  # components that may fail in two ways
        ws.SynapseCrash(3),
        ws.Crash(2, exactly=True),
    )


def search(net: ws.Network, failures: ws.Failures, rows: np.ndarray, **options: Any) -> _core.SearchResult:
    space = failures._space(net, rows)
    asked = {"goal": _core.Goal.error, "gap": 0.0, "time_limit": math.inf, "node_limit": 2**64 - 1, "threads": 1}
    return _core.worst_case(net._core, space, rows, rows, **{**asked, "watch": lambda steps: True, **options})


@pytest.mark.parametrize("grain", [0.0, 2e3, 2e4])
@pytest.mark.parametrize("seed", range(24))
def test_what_is_left_and_what_is_closed_are_everything(seed: int, grain: float) -> None:
    """Each part is searched as if it were alone: no part says what another one knows."""
    net, x = drawn(seed)
    failures = models(net)[seed % 6]
    truth = ws.enumerate_failures(net, failures, x, threads=1).worst
    todo: list[list[_core.OpenPart]] = [[]]
    lowers, uppers = [], []
    while todo:
        start = pickle.loads(pickle.dumps(todo.pop()))
        frontier = _core.Frontier(grain, start)
        found = search(net, failures, x, frontier=frontier)
        lowers.append(found.lower)
        uppers.append(frontier.closed if frontier.open else found.upper)
        todo += [[part] for part in frontier.open]
    assert max(lowers) == truth
    assert truth <= max(uppers) <= truth + 1e-12 * max(1, truth)


@pytest.mark.parametrize("seed", range(24))
def test_a_floor_hides_nothing_that_is_worse(seed: int) -> None:
    net, x = drawn(seed)
    failures = models(net)[seed % 6]
    alone = search(net, failures, x)
    below, at, above = (search(net, failures, x, floor=alone.lower * share) for share in (0.9, 1.0, 1.1))
    assert (below.lower, below.witness.failed) == (alone.lower, alone.witness.failed)
    assert at.lower == alone.lower <= at.upper <= alone.upper + alone.rounding
    if not failures._terms[0].exactly:
        assert above.witness is None and above.lower == 1.1 * alone.lower
        assert above.lower <= above.upper <= above.lower + above.rounding


def test_parts_of_inputs_that_are_not_there_are_refused() -> None:
    net, x = ws.embedded("digits")[:2]
    frontier = _core.Frontier(0.0, [])
    search(net, ws.Crash(6), x[:2], frontier=frontier)
    (*_, last) = sorted(frontier.open, key=lambda part: part.input_index)
    assert last.input_index == 1
    with pytest.raises(ValueError, match="an open part is of an input that the domain does not have"):
        search(net, ws.Crash(6), x[:1], frontier=_core.Frontier(0.0, [last]))


def test_objectives_that_are_not_there_are_refused() -> None:
    net, x = ws.embedded("digits")[:2]
    frontier = _core.Frontier(0.0, [])
    search(net, ws.Crash(6), x[:1], frontier=frontier)
    part = _core.OpenPart.__new__(_core.OpenPart)
    part.__setstate__((*frontier.open[0].__getstate__()[:-1], [20]))  # 10 outputs, above and below
    with pytest.raises(ValueError, match="an open part is of an objective that the harm does not have"):
        search(net, ws.Crash(6), x[:1], frontier=_core.Frontier(0.0, [part]))


@pytest.mark.parametrize("seed", range(6))
def test_parts_look_at_what_may_still_do_better(seed: int) -> None:
    """Objectives that a task has closed are not looked at again, and nothing is lost by that."""
    net, x, _ = ws.embedded("digits")
    alone = search(net, ws.Crash(6), x[seed : seed + 1])
    frontier = _core.Frontier(1e7, [])
    begun = search(net, ws.Crash(6), x[seed : seed + 1], frontier=frontier)
    objectives = [part.__getstate__()[-1] for part in frontier.open]
    assert any(0 < len(some) < 20 for some in objectives)
    rest = search(net, ws.Crash(6), x[seed : seed + 1], frontier=_core.Frontier(math.inf, frontier.open))
    assert max(begun.lower, rest.lower) == alone.lower <= max(frontier.closed, rest.upper)


def set_grains(monkeypatch: pytest.MonkeyPatch, grain: float, first: float) -> None:
    for module in (agenda, spread_search):
        monkeypatch.setattr(module, "GRAIN", grain)
    monkeypatch.setattr(spread_search, "FIRST_GRAIN", first)


@pytest.fixture
def fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks of small networks leave work to others."""
    set_grains(monkeypatch, 2e4, 2e3)


def assert_same(spread: ws.WorstCase, alone: ws.WorstCase) -> None:
    assert (spread.status, spread.lower) == (alone.status, alone.lower)
    assert abs(spread.upper - alone.upper) <= max(spread.rounding, alone.rounding)
    assert spread.witness is not None and alone.witness is not None
    assert (spread.witness.input_index, spread.witness.failed) == (alone.witness.input_index, alone.witness.failed)


class Counting(ThreadPoolExecutor):
    """Counts tasks, remembers their floors, and may lose some as a cluster does whose workers die."""

    def __init__(self, every: int = 0) -> None:
        super().__init__(2)
        self.floors: list[float] = []
        self._every = every

    def submit(self, fn, /, *args, **kwargs):
        self.floors.append(args[1].floor)
        if not self._every or len(self.floors) % self._every:
            return super().submit(fn, *args, **kwargs)
        lost: Future = Future()
        lost.set_exception(ConnectionResetError("a worker died"))
        return lost


@pytest.mark.parametrize("seed", range(24))
def test_one_input_is_shared_by_all(fine: None, seed: int) -> None:
    net, x = drawn(seed)
    failures, spec = models(net)[seed % 6], ws.Argmax() if net.widths[-1] > 1 and seed % 5 == 0 else None
    alone = ws.worst_case(net, failures, x[:1], spec=spec, threads=1)
    with Counting() as executor:
        assert_same(ws.worst_case(net, failures, x[:1], spec=spec, executor=executor), alone)


@pytest.mark.parametrize("every", [0, 3])
def test_tasks_start_with_the_worst_that_is_known(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    set_grains(monkeypatch, 3e4, 3e4)
    net, x = ws.embedded("digits")[:2]
    alone = ws.worst_case(net, ws.Crash(6), x[:3], threads=1)
    with Counting(every) as executor:
        assert_same(ws.worst_case(net, ws.Crash(6), x[:3], executor=executor), alone)
    assert len(executor.floors) > 20
    assert executor.floors[0] == -np.inf and executor.floors[-1] == alone.lower
    if not every:
        assert executor.floors == sorted(executor.floors)
    with Counting() as executor:  # what is counted must not depend on who is first
        ws.worst_case(net, ws.Crash(6), x[:3], executor=executor, node_limit=50)
    assert executor.floors == [-np.inf] * 3


@pytest.mark.parametrize("limits", [{"time_limit": 0.3}, {"gap": 0.2}, {"gap": 0.2, "time_limit": 0.3}])
def test_limits_leave_a_true_interval(limits: dict[str, float]) -> None:
    net, x = ws.embedded("digits")[:2]
    truth = ws.worst_case(net, ws.Crash(6), x[:1], time_limit=2.0)
    with ThreadPoolExecutor(2) as executor:
        found = ws.worst_case(net, ws.Crash(6), x[:1], executor=executor, **limits)
    assert found.lower <= truth.upper and truth.lower <= found.upper
    assert found.witness is not None and found.witness.error == found.lower
    if found.status == "gap":
        assert found.upper - found.lower <= 0.2 * found.upper


@contextmanager
def started(kind: str) -> Iterator[tuple[Executor, list[int]]]:
    """Give an executor with two workers, and their processes."""
    if kind == "dask":
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor(), list(client.run(os.getpid).values())
    elif kind == "loky":
        with pytest.importorskip("loky").get_reusable_executor(2) as pool:
            pool.submit(os.getpid).result()
            yield pool, list(pool._processes)
    else:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            pool.submit(os.getpid).result()
            yield pool, list(pool._processes)


KINDS = ["processes", pytest.param("loky", marks=pytest.mark.slow), pytest.param("dask", marks=pytest.mark.slow)]


@pytest.mark.filterwarnings("ignore")  # whether tasks are lost depends on the pool; Dask leaves sockets open
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_on_processes_of_which_one_is_killed(monkeypatch: pytest.MonkeyPatch, kind: str, killed: bool) -> None:
    set_grains(monkeypatch, 3e5, 3e4)
    net, x = ws.embedded("digits")[:2]
    alone = ws.worst_case(net, ws.Crash(4), x[:2], threads=1)
    calls = []
    with started(kind) as (executor, pids):

        def watch(steps: int) -> None:
            if killed and not calls:
                os.kill(pids[0], signal.SIGKILL)
            calls.append(steps)

        spread = ws.worst_case(net, ws.Crash(4), x[:2], executor=executor, progress=watch)
    assert len(calls) > 10
    assert_same(spread, alone)
