# SPDX-License-Identifier: MIT
"""Bounding and enumerating are two proofs of the same number."""

from __future__ import annotations

import math

import numpy as np
import pytest
import withstand as ws
from withstand import _core


def solve(net, failures, X, bounding, goal=None, **options):
    arguments = {"gap": 0.0, "time_limit": math.inf, "node_limit": 2**64 - 1, "threads": 1} | options
    return _core.worst_case(
        net._core,
        failures._space(net),
        X,
        X,
        goal=goal or _core.Goal.error,
        watch=lambda done: True,
        bounding=bounding,
        **arguments,
    )


def random_case(seed):
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 4))
    widths = [3, *(int(rng.integers(4, 9)) for _ in range(depth)), int(rng.integers(2, 4))]
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in zip(widths, widths[1:], strict=False)]
    biases = [0.3 * rng.normal(size=b) for b in widths[1:]]
    names = ("relu", "relu", "relu", "logistic", "tanh", "leaky_relu", "clip", "elu", "softplus", "hard_tanh")
    activation = [str(rng.choice(names)) for _ in range(depth)]
    output = str(rng.choice(["identity", "identity", "identity", "logistic"]))
    net = ws.Network(weights, biases, activation=activation, output_activation=output)
    layers = tuple(int(rng.integers(0, 3)) for _ in range(depth))
    choices = [
        ws.Crash(int(rng.integers(1, 5))),
        ws.Crash(layers),
        ws.StuckAt(int(rng.integers(1, 4)), value=float(rng.normal())),
        ws.Crash(1) + ws.StuckAt(2, value=1.0),
        ws.Crash(3, among=[(0, 0), (0, 2), (1, 0), (1, 1), (1, 3)]),
        ws.SynapseCrash(2),
        ws.SynapseCrash(1) + ws.Crash(1),
    ]
    failures = choices[int(rng.integers(len(choices)))]
    goal = _core.Goal.argmax if rng.integers(4) == 0 else _core.Goal.error
    return net, failures, rng.normal(size=(int(rng.integers(1, 4)), 3)), goal


@pytest.mark.parametrize("seed", range(250))
def test_bounding_equals_enumerating(seed):
    net, failures, X, goal = random_case(seed)
    enumerated = solve(net, failures, X, 0.0, goal)
    bounded = solve(net, failures, X, math.inf, goal)
    mixed = solve(net, failures, X, 0.3, goal)
    scale = max(1.0, abs(enumerated.lower))
    for found in (bounded, mixed):
        assert found.status == enumerated.status == _core.SearchStatus.exact
        assert abs(found.lower - enumerated.lower) <= 1e-12 * scale
        assert enumerated.lower <= found.upper <= found.lower + 1e-12 * scale


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_what_is_left_open_is_still_bounded(seed):
    net, failures, X, goal = random_case(seed)
    truth = solve(net, failures, X, 0.0, goal).lower
    slack = 1e-12 * max(1.0, abs(truth))
    for nodes in (0, 1, 2, 5):
        cut, again = (solve(net, failures, X, math.inf, goal, node_limit=nodes) for _ in range(2))
        assert cut.lower <= truth + slack
        assert truth <= cut.upper + slack
        assert (cut.lower, cut.upper, cut.nodes) == (again.lower, again.upper, again.nodes)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_find_the_same_interval(threads):
    rng = np.random.default_rng(3)
    net = ws.Network([rng.normal(size=(20, 4)), rng.normal(size=(20, 20)), rng.normal(size=(3, 20))])
    X = rng.normal(size=(2, 4))
    one = solve(net, ws.Crash(4), X, math.inf)
    many = solve(net, ws.Crash(4), X, math.inf, threads=threads)
    assert one.lower == many.lower
    assert one.upper == pytest.approx(many.upper, rel=1e-12, abs=0)


def test_a_gap_is_a_status():
    rng = np.random.default_rng(4)
    net = ws.Network([rng.normal(size=(40, 4)), rng.normal(size=(40, 40)), rng.normal(size=(3, 40))])
    X = rng.normal(size=(1, 4))
    loose = solve(net, ws.Crash(6), X, math.inf, gap=0.4)
    tight = solve(net, ws.Crash(6), X, math.inf)
    assert loose.status == _core.SearchStatus.gap
    assert loose.upper - loose.lower <= 0.4 * loose.upper
    assert loose.lower <= tight.lower <= tight.upper <= loose.upper
    assert loose.nodes < tight.nodes


def test_prescribed_numbers_through_at_most():
    rng = np.random.default_rng(6)
    net = ws.Network([rng.normal(size=(40, 4)), rng.normal(size=(40, 40)), rng.normal(size=(2, 40))])
    X = rng.normal(size=(1, 4))
    for failures, size in ((ws.Crash(5, exactly=True), 5), (ws.Crash((3, 3), exactly=True), 6)):
        found = ws.worst_case(net, failures, X)
        at_most = ws.worst_case(net, ws.Crash(5 if size == 5 else (3, 3)), X)
        assert found.status == "exact"
        assert found.lower == at_most.lower
        assert len(found.witness.failed) == size
        y = net.forward(X[0], failed=found.witness.values)
        assert np.abs(y - net.forward(X[0])).max() == found.lower
