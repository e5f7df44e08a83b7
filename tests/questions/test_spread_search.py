# SPDX-License-Identifier: MIT
"""Searches spread over an executor: the same answer wherever the work is done, and whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import withstand as ws
from withstand.questions.agenda import Portion, Proved, Task
from withstand.questions.spread_search import searched

MODELS = (
    ws.Crash(2),
    ws.Crash((1, 1), exactly=True),
    ws.StuckAt(2, value=0.5),
    ws.SynapseCrash(2),
    ws.WeightCrash(2),
    ws.Byzantine(1, capacity=0.5),
)


def drawn(seed: int) -> tuple[ws.Network, np.ndarray]:
    """Return a small network and more inputs than there are tasks."""
    rng = np.random.default_rng(seed)
    shape = (3, 5, 4, 2)
    weights = [rng.normal(size=(b, a)) for a, b in zip(shape, shape[1:])]
    net = ws.Network(weights, [rng.normal(size=b) * 0.3 for b in shape[1:]], activation="relu")
    return net, rng.normal(size=(int(rng.choice([1, 3, 70])), 3))


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield executor


@pytest.mark.parametrize("seed", range(12))
def test_processes_find_the_same(pool: Executor, seed: int) -> None:
    net, x = drawn(seed)
    failures, spec = MODELS[seed % 6], ws.Argmax() if seed % 4 == 0 else None
    alone = ws.worst_case(net, failures, x, spec=spec, threads=1)
    spread = ws.worst_case(net, failures, x, spec=spec, executor=pool)
    assert (spread.status, spread.lower, spread.configurations) == (alone.status, alone.lower, alone.configurations)
    assert abs(spread.upper - alone.upper) <= max(spread.rounding, alone.rounding) + 2e-6 * (alone.status == "gap")
    assert spread.witness is not None and alone.witness is not None
    assert (spread.witness.input_index, spread.witness.failed) == (alone.witness.input_index, alone.witness.failed)
    assert (spread.witness.input == x[spread.witness.input_index]).all()
    assert spread.witness.error == spread.lower


def test_a_box_is_searched_in_parts() -> None:
    net, _ = drawn(3)
    box = ws.Box([-0.5, 0.3, 0.29], [-0.1, 0.4, 0.3])
    alone = ws.worst_case(net, ws.Crash(1), box, threads=1, gap=0.01)
    with ThreadPoolExecutor(2) as threads:
        spread = ws.worst_case(net, ws.Crash(1), box, executor=threads, gap=0.01)
    assert spread.lower <= alone.upper and alone.lower <= spread.upper
    assert spread.upper - spread.lower <= 0.0101 * spread.upper
    assert spread.witness is not None
    assert (box.lower <= spread.witness.input).all() and (spread.witness.input <= box.upper).all()


class Losing(ThreadPoolExecutor):
    """Loses every other task, as a cluster does whose workers die."""

    count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count % 2:
            return super().submit(fn, *args, **kwargs)
        lost: Future = Future()
        lost.set_exception(ConnectionResetError("a worker died"))
        return lost


def test_what_is_lost_is_searched_again() -> None:
    net, x = drawn(2)
    with Losing(2) as executor:
        spread = ws.worst_case(net, ws.Crash(2), x, executor=executor)
    alone = ws.worst_case(net, ws.Crash(2), x, threads=1)
    assert (spread.status, spread.lower) == ("exact", alone.lower)


def test_a_killed_worker_costs_its_tasks_only() -> None:
    net, x = drawn(2)
    alone = ws.worst_case(net, ws.Crash(2), x, threads=1)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        worker = executor.submit(os.getpid).result()
        asleep = executor.submit(time.sleep, 60)
        os.kill(worker, signal.SIGKILL)
        assert isinstance(asleep.exception(), BrokenExecutor)
        with pytest.warns(RuntimeWarning, match="the executor lost"):
            spread = ws.worst_case(net, ws.Crash(2), x, executor=executor)
    assert (spread.status, spread.lower) == ("exact", alone.lower)


class Interrupted(ThreadPoolExecutor):
    """Ctrl-C comes when it has taken some tasks."""

    def submit(self, fn, /, *args, **kwargs):
        self.count = getattr(self, "count", 0) + 1
        if self.count > 4:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("inputs", [1, 70])
def test_ctrl_c_ends_it_with_what_is_known(inputs: int) -> None:
    net, _ = drawn(2)
    x = np.random.default_rng(7).normal(size=(inputs, 3))
    with Interrupted(2) as executor:
        found = ws.worst_case(net, ws.Crash(2), x, executor=executor)
    truth = ws.worst_case(net, ws.Crash(2), x, threads=1)
    assert found.status == ("exact" if inputs == 1 else "interrupted")
    assert found.lower <= truth.lower <= found.upper


class Late(ThreadPoolExecutor):
    """Every task waits in a queue until the limit of the whole has gone."""

    def submit(self, fn, /, *args, **kwargs):
        def later():
            time.sleep(0.3)
            return fn(*args, **kwargs)

        return super().submit(later)


def test_a_task_that_has_waited_does_not_begin_when_time_is_up() -> None:
    """Of what no task got to, what can be said in no time is known: an interval that has two ends."""
    net, x, _ = ws.embedded("digits")
    whole = ws.worst_case(net, ws.Crash(9), x[:6], time_limit=0)
    with Late(2) as executor:
        found = ws.worst_case(net, ws.Crash(9), x[:6], executor=executor, time_limit=0.2)
    assert found.status == "budget" and found.nodes == whole.nodes
    assert (found.lower, found.upper) == (whole.lower, whole.upper)


class Stopping(ThreadPoolExecutor):
    """Ctrl-C comes before the first task."""

    def submit(self, fn, /, *args, **kwargs):
        raise KeyboardInterrupt


def test_before_the_first_task_there_is_an_interval() -> None:
    net, x, _ = ws.embedded("digits")
    with Stopping(2) as executor:
        found = ws.worst_case(net, ws.Crash(9), x[:6], executor=executor)
    assert found.status == "interrupted" and found.witness is not None
    assert 0 <= found.lower < found.upper < np.inf


def test_limits_are_those_of_the_whole() -> None:
    net, x, _ = ws.embedded("digits")
    with ThreadPoolExecutor(2) as executor:
        spread = ws.worst_case(net, ws.Crash(9), x[:6], executor=executor, time_limit=0.5)
        some = ws.worst_case(net, ws.Crash(5), x[:6], executor=executor, node_limit=3)
    assert spread.status == "budget" and 0 < spread.lower < spread.upper
    assert some.nodes <= 3 * 18 and some.lower <= some.upper


@pytest.mark.parametrize(("statuses", "status"), [
    (("exact", "exact"), "exact"),
    (("exact", "gap"), "gap"),
    (("gap", "exact"), "exact"),  # what is open there does less
    (("budget", "budget"), "budget"),
])  # fmt: skip
def test_it_is_exact_only_where_its_parts_are(statuses: tuple[str, str], status: str) -> None:
    """A part that is open within rounding of the worst is open: its search knew why it did not call it exact."""
    known = {0: Proved(statuses[0], 1.0, 1.5, 1.0, None, 1, 1), 1: Proved(statuses[1], 2.0, 2.5, 1.0, None, 1, 1)}
    with ThreadPoolExecutor(2) as executor:
        tasks = [Task(Portion(np.array([[float(n)]])), np.array([n])) for n in known]
        found = searched(executor, tasks, lambda p, seconds: known[int(p.domain[0, 0])], 0.0, None, lambda steps: None)
    assert (found.status, found.lower, found.upper) == (status, 2.0, 2.5)


@pytest.mark.parametrize("seed", range(3))
def test_tolerance_makes_its_searches_there(pool: Executor, seed: int) -> None:
    net, x = drawn(seed)
    epsilon = 0.5 * ws.worst_case(net, ws.Crash(3), x, threads=1).lower
    alone, spread = (ws.tolerance(net, epsilon, x, node_limit=None, executor=e) for e in (None, pool))
    assert (spread.guaranteed, spread.breaking, spread.exact) == (alone.guaranteed, alone.breaking, alone.exact)
    assert spread.witness is not None and spread.witness.error > epsilon
    assert [layer.guaranteed for layer in spread.per_layer] == [layer.guaranteed for layer in alone.per_layer]


def test_what_does_not_fit_is_refused(tmp_path) -> None:
    net, x = drawn(0)
    with pytest.raises(TypeError, match=r"executor must be a concurrent\.futures\.Executor"):
        ws.worst_case(net, ws.Crash(1), x, executor=3)
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="certificate is the tree of one search"):
        ws.worst_case(net, ws.Crash(1), x, executor=executor, certificate=tmp_path / "proof.json")
    with pytest.raises(ValueError, match="takes no work"):
        ws.worst_case(net, ws.Crash(1), x, executor=executor)
