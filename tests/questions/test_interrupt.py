# SPDX-License-Identifier: MIT
"""Ctrl-C in the middle of an enumeration, and enumerations from many Python threads at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import withstand as ws
from runs import ENDLESS, ENDLESS_NET, LONG, LONG_NET, LONG_X, NET, X, numbers
from withstand import _core
from withstand.questions.sharding import Problem


class CtrlC:
    """Sends SIGINT to this process, as a terminal does, a moment after the work has begun."""

    def __init__(self, number):
        self.sent, self._timer = False, threading.Timer(0.1, self._send, [number])

    def _send(self, number):
        self.sent = True
        os.kill(os.getpid(), number)

    def __call__(self, done, total):
        if done > 0 and self._timer.ident is None:
            self._timer.start()


@pytest.fixture
def ctrl_c(sigint):
    return CtrlC(sigint)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("with_file", [False, True])
def test_ctrl_c_returns_what_is_known(ctrl_c, threads, with_file, tmp_path):
    path = tmp_path / "run.db" if with_file else None
    found = ws.enumerate_failures(
        ENDLESS_NET, ENDLESS, np.ones(10), epsilon=1.0, threads=threads, checkpoint=path, progress=ctrl_c
    )
    assert ctrl_c.sent
    assert found.status == "interrupted"
    assert 0 < found.done < found.configurations
    assert found.histogram.counts.sum() == found.evaluations == found.done
    assert found.worst == abs(
        ENDLESS_NET.forward(np.ones(10), failed=found.witness.values) - ENDLESS_NET.forward(np.ones(10))
    ).max()


def test_ctrl_c_while_an_executor_works(ctrl_c):
    def hold(*step):
        ctrl_c(*step)
        time.sleep(0.02)  # slow enough for the signal to come in the middle

    with ThreadPoolExecutor(2) as pool:
        found = ws.enumerate_failures(LONG_NET, LONG, LONG_X, executor=pool, progress=hold)
    assert ctrl_c.sent
    assert found.status == "interrupted"
    assert 0 < found.done < found.configurations


def test_ctrl_c_at_the_very_end_changes_nothing(tmp_path):
    def too_late(done, total):
        if done == total:
            raise KeyboardInterrupt

    whole = ws.enumerate_failures(NET, ws.Crash(2), X, threads=1)
    for path in (None, tmp_path / "run.db"):
        found = ws.enumerate_failures(NET, ws.Crash(2), X, threads=1, progress=too_late, checkpoint=path)
        assert numbers(found) == numbers(whole)


def test_ctrl_c_during_the_estimate(sigint, monkeypatch, capsys):
    monkeypatch.setattr("withstand.questions.progress.TRIAL", 1e9)
    monkeypatch.setattr("withstand.questions.progress.PARTS", 10**5)
    threading.Timer(1.0, os.kill, [os.getpid(), sigint]).start()
    found = ws.enumerate_failures(ENDLESS_NET, ENDLESS, np.ones(10), progress=True)
    assert (found.status, found.done, found.witness) == ("interrupted", 0, None)
    assert np.isnan([found.worst, found.mean, found.std]).all()
    with pytest.raises(ValueError, match="no configuration was evaluated"):
        found.quantile(0.5)


def test_many_python_threads_at_once():
    """Eight callers: their own problems, and one engine that they share."""
    models = [ws.Crash(3), ws.Crash((2, 1)), ws.StuckAt(2, value=0.5), ws.SynapseCrash(1)]
    alone = [numbers(ws.enumerate_failures(NET, model, X, epsilon=0.5, threads=1)) for model in models]
    engine = Problem.of(LONG_NET, LONG, LONG_X, 6.0, False, 10).engine()
    shared = engine.run(0, 20, 1).__getstate__()

    def own(n):
        return numbers(ws.enumerate_failures(NET, models[n % 4], X, epsilon=0.5, threads=1 + n % 3)) == alone[n % 4]

    def common(n):
        return engine.run(0, 20, 1 + n % 3).__getstate__() == shared

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(own, range(24)))
        assert all(pool.map(common, range(8)))


def test_ctrl_c_is_heard_while_many_inputs_are_evaluated(sigint, monkeypatch):
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(400, 4)), rng.normal(size=(400, 400)), rng.normal(size=(1, 400))])
    rows = np.ones((20_000_000 // sum(w.size for w in net.weights) * 3 + 1, 4)) * rng.normal(size=(1, 4))
    calls, core = [], _core.forward_batch

    def ended(*args):
        calls.append(len(args[1]))
        if len(calls) == 2:
            signal.raise_signal(sigint)
        return core(*args)

    assert np.array_equal(net.forward(rows), np.repeat(net.forward(rows[:1]), len(rows), axis=0))
    monkeypatch.setattr(_core, "forward_batch", ended)
    with pytest.raises(KeyboardInterrupt):
        net.forward(rows)
    assert len(calls) == 2
