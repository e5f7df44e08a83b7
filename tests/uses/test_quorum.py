# SPDX-License-Identifier: MIT
"""Boosting: waiting times, the frontier, bounds that hold for every receiver's own missing set, and the simulation."""

from __future__ import annotations

import math
from fractions import Fraction as Q
from itertools import product

import bridge
import numpy as np
import oracle
import pytest
import strategies as s
import withstand as ws
from withstand._progress import Line
from withstand.questions.clock import Clock
from withstand.uses.frontier import Layers, at_most, frontier
from withstand.uses.latency import Latency
from withstand.uses.quorum import PER_RECEIVER, fastest
from withstand.uses.quorum_simulation import Simulation

LATENCIES = [Latency("exponential"), Latency("uniform"), Latency("pareto", 3.5), Latency("lognormal", 0.5)]


# waiting ----------------------------------------------------------------------------------------------------
def test_golden_waiting_times():
    waits = [Latency("exponential").expected(10, 10 - f) for f in range(4)]
    assert [round(t, 5) for t in waits] == [2.92897, 1.92897, 1.42897, 1.09563]
    assert [round(waits[0] / t, 3) for t in waits] == [1, 1.518, 2.050, 2.673]
    assert Latency("uniform").expected(10, 7) == 7 / 11


@pytest.mark.parametrize("latency", LATENCIES, ids=lambda latency: latency.name)
@pytest.mark.parametrize(("n", "quorum"), [(1, 1), (10, 7), (30, 29), (5, 0)])
def test_expected_wait_is_the_integral_of_the_binomial_tail(latency, n, quorum):
    cdf = {
        "exponential": lambda t: 1 - math.exp(-t),
        "uniform": lambda t: min(t, 1.0),
        "pareto": lambda t: 1 - t**-3.5 if t > 1 else 0.0,
        "lognormal": lambda t: 0.5 * math.erfc(-math.log(t) / (0.5 * math.sqrt(2))),
    }[latency.name]
    end = {"exponential": 40.0, "uniform": 1.0, "pareto": 400.0, "lognormal": 30.0}[latency.name]
    expected = 0.0 if quorum == 0 else oracle.expected_wait(n, n - quorum, cdf, end, 4000)
    assert latency.expected(n, quorum) == pytest.approx(expected, rel=5e-3, abs=1e-12)


@pytest.mark.parametrize("latency", LATENCIES, ids=lambda latency: latency.name)
def test_drawn_delays_have_the_expected_order_statistics(latency):
    drawn = np.sort(latency.draw(np.random.default_rng(4), (20_000, 8)), axis=1)
    for quorum in (1, 4, 7):
        seen = drawn[:, quorum - 1]
        assert abs(seen.mean() - latency.expected(8, quorum)) <= 4 * seen.std() / math.sqrt(len(seen))


# the frontier -----------------------------------------------------------------------------------------------
def test_golden_frontier_and_the_fastest_point():
    layers = Layers((10, 10), (Q(1, 20), Q(1, 20)), (1, 1), (1, 1), (None, None))
    exponential = Latency("exponential")
    time_of = lambda f: sum(exponential.expected(10, 10 - k) for k in f)  # noqa: E731
    listed, best = fastest((10, 10), lambda f: at_most(layers, f) <= Q(1, 5), time_of)
    assert listed == frontier(layers, Q(1, 5)) == ((0, 4), (2, 3), (5, 2), (6, 1), (8, 0))
    assert best == (5, 2)
    assert round(time_of(best), 4) == 2.0746
    assert round(time_of((0, 0)), 4) == 5.8579


def test_walk_finds_the_maximal_tuples_of_every_down_set():
    rng = np.random.default_rng(1)
    for _ in range(60):
        widths = tuple(int(n) for n in rng.integers(1, 6, int(rng.integers(1, 4))))
        tops = [tuple(int(rng.integers(0, n + 1)) for n in widths) for _ in range(3)]
        inside = {f for f in product(*(range(n + 1) for n in widths)) if any(np.less_equal(f, t).all() for t in tops)}
        listed, best = fastest(widths, inside.__contains__, lambda f: -sum(f))
        maximal = {f for f in inside if not any(g != f and np.less_equal(f, g).all() for g in inside)}
        assert set(listed) == maximal
        assert sum(best) == max(map(sum, maximal))


def test_many_layers_get_one_maximal_tuple():
    widths = (9,) * 6
    harmless = lambda f: sum((n + 1) * k for n, k in enumerate(f)) <= 40  # noqa: E731
    listed, best = fastest(widths, harmless, lambda f: -sum(f))
    assert listed is None
    assert harmless(best)
    assert not any(harmless(tuple(k + (n == l) for n, k in enumerate(best))) for l in range(6) if best[l] < 9)


# bounds -----------------------------------------------------------------------------------------------------
def test_golden_common_set_bounds_do_not_hold_for_quorums():
    net = oracle.network([np.ones((2, 1)), np.eye(2), np.ones((1, 2))], [np.zeros(2), np.full(2, -0.5), np.zeros(1)],
                         [oracle.Activation("clip")] * 2)  # fmt: skip
    assert oracle.quorum_worst(net, np.array([0.5]), (1, 0)) == 2
    ours = bridge.network(net)
    model = ws.Crash((1, 0))
    assert ws.bound(ours, model, [[0.5]], method="adjoint").value < 2
    assert all(ws.bound(ours, model, [[0.5]], method=m).value >= 2 for m in PER_RECEIVER)


def test_proved_error_covers_every_choice_of_missing_signals():
    rng = np.random.default_rng(2)
    for _ in range(60):
        net = s.random_network(rng, depth=(1, 2), width=(1, 3), outputs=(1, 2))
        x = s.random_inputs(rng, net, 1)[0]
        f = tuple(int(rng.integers(0, n)) for n in net.hidden)
        worst = float(oracle.quorum_worst(net, x, f))
        for method in PER_RECEIVER:
            found = ws.bound(bridge.network(net), ws.Crash(f), x[None], method=method)
            assert worst <= found.value + found.slack


# the whole answer -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("latency", LATENCIES, ids=lambda latency: latency.name)
@pytest.mark.parametrize("name", ["digits_small", "diabetes"])
def test_simulation_agrees_with_formula_and_bound(name, latency):
    net, X, _ = ws.embedded(name)
    X = X[:4]
    epsilon = 1.2 * ws.bound(net, ws.Crash((1, 1)), X, method="signed").value
    found = ws.quorum(net, epsilon, X, latency=latency, runs=10_000, seed=3)
    assert sum(found.missing) >= 2
    assert found.wait_for == tuple(n - f for n, f in zip(net.widths[1:-1], found.missing, strict=True))
    assert found.missing in found.frontier
    assert 1e-3 < found.observed <= found.bound + found.slack
    assert found.bound <= epsilon
    assert abs(found.simulated - found.expected) <= 3 * found.standard_error
    assert found.speedup == pytest.approx(found.expected_speedup, rel=0.1)
    assert found.expected_speedup > 1


def test_links_lose_signals_per_receiver():
    net, X, _ = ws.embedded("diabetes")
    found = ws.quorum(net, 1.0, X[:8], links=True, runs=400)
    assert sum(found.missing) > 0
    assert 1e-3 < found.observed <= found.bound + found.slack
    assert math.isnan(found.expected)
    assert found.simulated < found.simulated_all
    assert found.simulated > ws.quorum(net, 1.0, X[:8], runs=400).simulated  # every receiver has its own slowest


def test_one_receiver_has_a_formula():
    net = ws.Network([np.zeros((10, 1)), np.full((1, 10), 0.05)], [np.full(10, 0.5), None], activation="clip")
    found = ws.quorum(net, 0.1501, [[0.0]], links=True, runs=4000)
    assert found.missing == (3,)
    assert round(found.expected, 5) == 1.09563
    assert abs(found.simulated - found.expected) <= 3 * found.standard_error
    assert found.observed == pytest.approx(0.15)


def test_midpoint_halves_the_bound():
    net = ws.Network([np.zeros((10, 1)), np.full((1, 10), 0.0625)], [np.full(10, 0.5), None], activation="clip")
    assert ws.quorum(net, 0.25, [[0.0]]).missing == (4,)
    halved = ws.quorum(net, 0.25, [[0.0]], substitute="midpoint")
    assert halved.missing == (8,)
    assert halved.observed == halved.bound == 0.25
    with pytest.raises(ValueError, match="without a midpoint"):
        ws.quorum(ws.Network([[[1.0]], [[1.0]]]), 0.1, [[1.0]], substitute="midpoint")


def test_waiting_for_all_is_the_network_itself():
    net, X, _ = ws.embedded("digits_small")
    for links in (False, True):
        simulation = Simulation(
            net, Latency("uniform"), links, (0.0, 0.0), np.random.default_rng(0), Clock(np.inf, Line(False))
        )
        times, error = simulation.run(X, X, (0, 0), 50)
        assert error < 1e-12
        assert len(times) == 50


def test_box_domain():
    net, X, _ = ws.embedded("diabetes")
    box = ws.Box(X[0] - 0.01, X[0] + 0.01)
    found = ws.quorum(net, 2.0, box, runs=300)
    assert sum(found.missing) > 0
    assert 1e-3 < found.observed <= found.bound + found.slack
    assert found.bound <= 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latency": "gamma"}, "latency must be one of"),
        ({"latency": ("pareto", 1.0)}, "shape of pareto latency must be more than 1"),
        ({"latency": ("uniform", 2.0)}, "uniform latency has no shape"),
        ({"substitute": "mean"}, "substitute must be"),
        ({"runs": 0}, "runs must be at least 1"),
    ],
)
def test_refusals(change, message):
    net = ws.Network([[[1.0]] * 2, [[1.0] * 2]])
    with pytest.raises(ValueError, match=message):
        ws.quorum(net, 0.1, [[1.0]], **change)
