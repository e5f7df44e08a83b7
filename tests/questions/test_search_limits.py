# SPDX-License-Identifier: MIT
"""Searches that end early: whatever the limit, the interval is right, attained, and no worse than any bound."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
import withstand as ws
from hypothesis import given
from hypothesis import strategies as st

METHODS = ("at-most", "capped", "matrix", "signed", "adjoint", "linear", "tightest")
KINDS = {
    "crash": lambda: ws.Crash(2),
    "per layer": lambda: ws.Crash((1, 2)),
    "exactly": lambda: ws.Crash(3, exactly=True),
    "stuck": lambda: ws.StuckAt(2, value=0.5),
    "synapses": lambda: ws.SynapseCrash(2),
    "byzantine": lambda: ws.Byzantine(1, capacity=0.5),
    "noise": lambda: ws.Crash(1) + ws.Noise(0.01),
    "prescribed sum": lambda: ws.Crash(2, exactly=True) + ws.StuckAt(1, value=1.0, exactly=True),
}


def network(seed, widths=(3, 7, 6, 2), activation="relu"):
    rng = np.random.default_rng(seed)
    shapes = list(zip(widths[1:], widths))
    return ws.Network([rng.normal(size=s) for s in shapes], [rng.normal(size=n) / 4 for n, _ in shapes],
                      activation=activation)  # fmt: skip


def replayed(net, witness, spec):
    intact = net.forward(witness.input)
    failed = net.forward(witness.input, failed=witness.values)
    if spec is None:
        return np.abs(failed - intact).max()
    chosen = intact.argmax()
    return np.delete(failed, chosen).max() - failed[chosen]


def check(net, failures, domain, spec, found, truth):
    assert found.lower <= found.upper
    assert found.lower == replayed(net, found.witness, spec)
    assert found.lower <= truth.upper
    assert truth.lower <= found.upper


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("limit", [{"time_limit": 0}, {"node_limit": 0}, {"node_limit": 1}, {"node_limit": 3}])
def test_whatever_the_limit(kind, spec, boxed, limit):
    net, failures = network(5), KINDS[kind]()
    X = np.random.default_rng(6).uniform(size=(3, 3))
    domain = ws.Box(X[0] - 0.1, X[0] + 0.1) if boxed else X
    found = ws.worst_case(net, failures, domain, spec=spec, **limit)
    truth = ws.worst_case(net, failures, domain, spec=spec, gap=1e-3, node_limit=300)
    check(net, failures, domain, spec, found, truth)
    assert found.witness is not None
    if "node_limit" in limit:
        assert found.nodes <= limit["node_limit"] + 64 or found.status != "budget"  # walks count by 64
        bounds = [ws.bound(net, failures, domain, method=m, spec=spec).value for m in METHODS]
        assert found.upper <= max(min(bounds), found.lower) + (found.rounding if found.exact else 0)
        again = ws.worst_case(net, failures, domain, spec=spec, **limit)
        assert (again.lower, again.upper, again.nodes) == (found.lower, found.upper, found.nodes)


@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from(sorted(KINDS)), st.booleans())
def test_node_limits_of_random_networks(seed, nodes, kind, decisions):
    rng = np.random.default_rng(seed)
    widths = (int(rng.integers(1, 4)), *rng.integers(3, 9, size=2), int(rng.integers(2, 4)))
    net, failures = network(seed, widths, str(rng.choice(["relu", "tanh", "clip"]))), KINDS[kind]()
    X = rng.uniform(size=(int(rng.integers(1, 5)), widths[0]))
    spec = ws.Argmax() if decisions else None
    found = ws.worst_case(net, failures, X, spec=spec, node_limit=nodes)
    bounds = [ws.bound(net, failures, X, method=m, spec=spec).value for m in METHODS]
    assert found.lower == replayed(net, found.witness, spec)
    tie = found.rounding if found.exact else 0  # the upper end of an exact interval is that of a tie
    assert found.lower <= found.upper <= max(min(bounds), found.lower) + tie
    if failures._space(net).finite:
        truth = ws.enumerate_failures(net, failures, X, spec=spec).worst
        assert found.lower <= truth <= found.upper + 1e-12


def test_evaluations_that_know_nothing_do_not_loosen_a_bound():
    """What thirty layers of tanh may round away a priori is 1e10; no output is off by more than the bound."""
    rng = np.random.default_rng(1)
    shapes = [(30, 30)] * 30 + [(1, 30)]
    net = ws.Network([rng.normal(size=s) / 2 for s in shapes], activation="tanh")
    X = rng.uniform(size=(4, 30))
    found = ws.worst_case(net, ws.Crash(2), X, node_limit=4)
    assert found.upper <= ws.bound(net, ws.Crash(2), X, method="capped").value


def test_inputs_that_were_not_taken_up_are_enumerated_too():
    """With many inputs of which few matter, the rest is only bounded until everything is walked through."""
    net = network(9, (2, 12, 12, 1))
    X = np.random.default_rng(3).normal(size=(60, 2)) * np.geomspace(1e-3, 3, 60)[:, None]
    failures = ws.Crash(3, exactly=True)
    found = ws.worst_case(net, failures, X, time_limit=1e6)
    assert found.status == "exact"
    assert found.lower == ws.enumerate_failures(net, failures, X).worst


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("domain", ["inputs", "box"])
def test_an_interruption_at_any_look(threads, calls, domain):
    """Raised where the search looks up; bounds, walks and climbs are left in the middle."""
    net = network(2, (20, 120, 120, 3))
    X = np.random.default_rng(4).uniform(size=(3, 20))
    seen = []

    def watch(steps):
        seen.append(steps)
        if len(seen) == calls:
            raise KeyboardInterrupt

    where = X if domain == "inputs" else ws.Box(X[0] - 0.5, X[0] + 0.5)
    found = ws.worst_case(net, ws.SynapseCrash(6), where, threads=threads, progress=watch)
    assert found.status == "interrupted"
    assert len(seen) == calls
    assert found.lower == replayed(net, found.witness, None)
    assert found.upper <= ws.bound(net, ws.SynapseCrash(6), where, method="capped").value


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_a_bound(sigint, threads):
    net = network(2, (64, 700, 700, 10))
    X = np.random.default_rng(4).uniform(size=(2000, 64))
    threading.Timer(0.1, os.kill, [os.getpid(), sigint]).start()
    with pytest.raises(KeyboardInterrupt):
        ws.bound(net, ws.Crash(3), X, threads=threads)


def test_another_exception_of_the_watch_ends_the_search():
    net = network(2, (20, 120, 120, 3))

    def watch(steps):
        raise RuntimeError("enough")

    X = np.random.default_rng(4).uniform(size=(3, 20))
    with pytest.raises(RuntimeError, match="enough"):
        ws.worst_case(net, ws.SynapseCrash(6), X, threads=2, progress=watch)


def test_cheaper_to_enumerate_is_enumerated():
    """4,095 configurations: no bound of this network is worth its time."""
    net = network(7, (2, 2048, 2046, 1))
    found = ws.worst_case(net, ws.Crash(1), [[0.3, 0.7]], node_limit=3)
    assert found.status == "exact"
    assert found.configurations == 4095


def test_what_stays_open_has_used_its_time():
    """A share that is kept for bounds is no longer than they take: here these are milliseconds."""
    net, X, _ = ws.embedded("digits")
    found = ws.worst_case(net.rounded("int8"), ws.BitFlip(4, format="int8"), X[:4], time_limit=4)
    assert found.status == "budget"
    assert found.seconds > 0.9 * 4  # no less, however fast the machine is
