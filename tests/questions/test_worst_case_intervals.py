# SPDX-License-Identifier: MIT
"""Interval-valued failures and boxes: nothing that can be tried lies above the proved interval."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import withstand as ws

GRID = (-1.0, -0.6, -0.2, 0.0, 0.3, 0.7, 1.0)


def random_network(rng, activation=None):
    depth = int(rng.integers(1, 3))
    widths = [2, *(int(rng.integers(2, 5)) for _ in range(depth)), int(rng.integers(1, 3))]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    biases = [0.5 * rng.normal(size=b) for b in widths[1:]]
    names = ("relu", "logistic", "tanh", "hard_tanh", "leaky_relu", "clip", "softplus")
    output = str(rng.choice(["identity", "identity", "logistic"]))
    chosen = activation or [str(rng.choice(names)) for _ in range(depth)]
    return ws.Network(weights, biases, activation=chosen, output_activation=output)


def harm(net, x, failed, spec):
    intact, faulty = net.forward(x), net.forward(x, failed=failed)
    if spec is None:
        return float(np.abs(faulty - intact).max())
    c = int(np.argmax(intact))
    return float(np.delete(faulty, c).max() - faulty[c])


def transmitted(net, x, site, failures, capacity, level):
    """Return what a failed neuron sends when its parameter is `level` (in -1..1) of the capacity."""
    if failures == "crash":
        return 0.0
    nominal = net.trace(x)[site[0]][site[1]] if failures == "deviation" else 0.0
    return float(nominal + level * capacity)


def model(kind, count, capacity):
    if kind == "crash":
        return ws.Crash(count)
    return ws.Byzantine(count, capacity=capacity, convention=kind)


@pytest.mark.parametrize("kind", ["crash", "value", "deviation"])
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_grid_never_exceeds_the_interval(seed, box, kind):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    count, capacity = int(rng.integers(1, 3)), float(rng.uniform(0.2, 1.5))
    spec = ws.Argmax() if net.widths[-1] > 1 and rng.integers(3) == 0 else None
    lower = rng.uniform(-1, 1, size=2)
    upper = lower + (rng.uniform(0, 0.5, size=2) if box else 0)
    domain = ws.Box(lower, upper) if box else lower[None]
    found = ws.worst_case(net, model(kind, count, capacity), domain, spec=spec, gap=0.05, node_limit=400)
    slack = 1e-12 * max(1.0, abs(found.upper))
    assert found.lower <= found.upper + slack

    witness = found.witness
    assert (lower <= witness.input).all()
    assert (witness.input <= upper).all()
    assert len(witness.failed) <= count
    assert harm(net, witness.input, witness.values, spec) == found.lower

    neurons = [(l, i) for l in range(1, net.depth + 1) for i in range(net.widths[l])]
    levels = (0.0,) if kind == "crash" else GRID
    inputs = [lower + np.array(t) * (upper - lower) for t in itertools.product((0, 0.5, 1), repeat=2)]
    best = -np.inf
    for size in range(count + 1):
        for sites in itertools.combinations(neurons, size):
            for level in itertools.product(levels, repeat=size):
                for x in inputs if box else inputs[:1]:
                    failed = {s: transmitted(net, x, s, kind, capacity, v) for s, v in zip(sites, level, strict=True)}
                    best = max(best, harm(net, x, failed, spec))
    assert best <= found.upper + slack


@pytest.mark.parametrize("seed", range(10))
def test_byzantine_closes_at_a_point(seed):
    rng = np.random.default_rng(100 + seed)
    net = random_network(rng, activation="relu")
    found = ws.worst_case(net, ws.Byzantine(1, capacity=1.0), rng.uniform(-1, 1, size=(2, 2)))
    assert found.upper - found.lower <= 1e-6 * found.upper
    assert found.configurations is None


def test_a_value_in_the_middle_can_be_the_worst():
    # The error is |v| up to 1/2 and 1 - |v| beyond it, in the positive direction: the ends of the range are harmless.
    net = ws.Network([[[0.0]], [[1.0], [1.0]], [[1.0, -2.0]]], [[0.0], [0.0, -0.5], [0.0]])
    found = ws.worst_case(net, ws.Byzantine((1, 0), capacity=1.0), [[1.0]])
    assert found.lower == pytest.approx(0.5, rel=1e-5)
    assert found.witness.values[(1, 0)] == pytest.approx(0.5, rel=1e-5)


def test_a_box_of_one_point_is_that_point():
    rng = np.random.default_rng(1)
    net, x = random_network(rng), rng.uniform(-1, 1, size=2)
    box = ws.worst_case(net, ws.Crash(2), ws.Box(x, x))
    point = ws.worst_case(net, ws.Crash(2), x[None])
    assert (box.lower, box.upper, box.witness) == (point.lower, point.upper, point.witness)


@pytest.mark.parametrize("count", [1, 2])
def test_a_box_of_64_inputs_is_nearly_closed_in_few_nodes(count):
    # Only a bound of both executions at once does this: the deviation alone forgets which input made it large.
    net, X, _ = ws.embedded("digits_small")
    found = ws.worst_case(net, ws.Crash(count), ws.Box(X[0] - 0.02, X[0] + 0.02), gap=0.05, node_limit=200)
    assert found.status == "gap"
    assert found.upper - found.lower <= 0.05 * found.upper
    tried = max(ws.worst_case(net, ws.Crash(count), X[0] + sign * 0.02).lower for sign in (-1, 0, 1))
    assert tried <= found.upper
    corner = np.where(np.random.default_rng(0).random((200, 64)) < 0.5, X[0] - 0.02, X[0] + 0.02)
    assert ws.worst_case(net, ws.Crash(count), corner).lower <= found.upper


def test_noise_and_synapses_are_bounded():
    rng = np.random.default_rng(2)
    net = random_network(rng, activation="relu")
    x = rng.uniform(-1, 1, size=(1, 2))
    for failures in (
        ws.Noise(0.1),
        ws.SynapseByzantine(1, capacity=0.5),
        ws.SynapseByzantine(1, capacity=0.5, convention="signal"),
        ws.SynapseByzantine(1, capacity=0.5, convention="replace"),
        ws.Noise(0.1) + ws.Crash(1),
    ):
        found = ws.worst_case(net, failures, x, node_limit=300)
        assert 0 < found.lower <= found.upper
        assert harm(net, found.witness.input, found.witness.values, None) == found.lower


@pytest.mark.parametrize("kind", ["crash", "value", "deviation"])
@pytest.mark.parametrize("seed", range(8))
def test_no_box_search_that_was_stopped_contradicts_one_that_went_on(seed, kind):
    rng = np.random.default_rng(100 + seed)
    names = [str(rng.choice(["relu", "leaky_relu"])) for _ in range(3)]
    widths = [4, *(int(rng.integers(3, 8)) for _ in names), 2]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    net = ws.Network(weights, [0.5 * rng.normal(size=b) for b in widths[1:]], activation=names)
    centre, radius = rng.normal(size=4), rng.uniform(0, 0.4, size=4)
    box, count = ws.Box(centre - radius, centre + radius), int(rng.integers(0, 3)) if kind == "crash" else 1
    for spec in (None, ws.Argmax()):
        intervals = [
            ws.worst_case(net, model(kind, count, 0.8), box, spec=spec, gap=1e-3, node_limit=n) for n in (1, 5, 25, 600)
        ]
        slack = 1e-12 * max(1.0, *(abs(found.upper) for found in intervals))
        most = max(found.lower for found in intervals)
        for x in rng.uniform(centre - radius, centre + radius, size=(20, 4)):
            most = max(most, ws.worst_case(net, model(kind, count, 0.8), x[None], spec=spec, node_limit=3).lower)
        assert all(most <= found.upper + slack for found in intervals)


def test_boxes_of_many_dimensions_are_closed():
    """What took tens of thousands of nodes without multipliers stays open at 200."""
    net, X, _ = ws.embedded("digits_small")
    for count in (0, 1, 2):
        found = ws.worst_case(net, ws.Crash(count), ws.Box(X[3] - 0.02, X[3] + 0.02), gap=1e-3, node_limit=200)
        assert found.upper - found.lower <= 1e-3 * found.upper
        if (w := found.witness) is not None:
            assert found.lower == pytest.approx(harm(net, w.input, w.values, None))


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("kind", ["noise", "noise at few", "synapses", "byzantine", "stuck and noise",
                                  "noise and crash"])  # fmt: skip
def test_several_inputs_witness_what_each_alone_does(seed, kind):
    """Whatever their order, and though nothing but the first of them needs a witness to begin with."""
    rng = np.random.default_rng(seed)
    widths = (2, 4, 3, 2)
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths, widths[1:])]
    phi = ("relu", "tanh", "logistic")[seed % 3]
    net = ws.Network(weights, [rng.normal(size=b) for b in widths[1:]], activation=phi)
    x = rng.normal(size=(5, 2))
    model = {
        "noise": ws.Noise(0.1),
        "noise at few": ws.Noise((0.1, 0.0)),
        "synapses": ws.SynapseByzantine(1, capacity=0.5),
        "byzantine": ws.Byzantine(1, capacity=1.0),
        "stuck and noise": ws.StuckAt(1, value=1.0) + ws.Noise((0.0, 0.2)),
        "noise and crash": ws.Crash(1) + ws.Noise(0.1),
    }[kind]
    for spec in (None, ws.Argmax()):
        alone = [ws.worst_case(net, model, row, spec=spec, threads=1) for row in x]
        for order in (slice(None), slice(None, None, -1)):
            together = ws.worst_case(net, model, x[order], spec=spec, threads=1)
            most = max(found.lower for found in alone)
            assert together.lower >= most - 2e-6 * abs(most)
            highest = max(found.upper for found in alone)
            assert together.upper <= highest + 2e-6 * abs(highest) + 1e-9
