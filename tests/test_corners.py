# SPDX-License-Identifier: MIT
"""Networks of a few neurons on which one slip in the core shows that random ones hardly ever meet."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import withstand as ws


def errors(net, x, configurations):
    intact = net.forward(x)
    return sorted(float(np.abs(net.forward(x, failed=failed) - intact).max()) for failed in configurations)


@pytest.mark.parametrize("method", ["matrix", "signed", "adjoint", "linear", "at-most", "capped", "tightest"])
def test_a_source_that_fails_with_one_of_its_synapses_parts_two_outputs(method):
    net = ws.Network([[[1.0]], [[1.0], [3.0]]], [None, [0.0, 1.0]], activation="identity")
    failures = ws.StuckAt((1,), value=-2.0) + ws.SynapseCrash(1, among=[(2, 0, 0)])
    assert net.forward([0.0], failed={(1, 0): -2.0, (2, 0, 0): 0.0}).tolist() == [0.0, -5.0]
    assert ws.bound(net, failures, [[0.0]], method=method, spec=ws.Argmax()).value >= 5.0


def test_rounding_before_a_cancellation_reaches_the_outputs():
    net = ws.Network([[[1e8, -3e8]], [[1.0]], [[1.0]]], activation="identity")
    x = [0.3, 0.1]
    true = Fraction(10**8) * Fraction(x[0]) - Fraction(3 * 10**8) * Fraction(x[1])
    off = abs(Fraction(float(net.forward(x)[0])) - true)
    assert off > Fraction(1, 10**10)
    assert Fraction(ws.bound(net, ws.Crash(1), [x]).slack) >= off


def test_a_deviation_is_one_from_the_intact_network():
    net = ws.Network([[[1.0]], [[0.5]], [[1.0]]], activation="identity")
    found = ws.worst_case(
        net, ws.Byzantine((1, 1), capacity=1.0, convention="deviation", exactly=True), [[0.0]], node_limit=999
    )
    assert found.lower == 1.0 and found.upper <= 1.00001


@pytest.mark.parametrize("weight", [2.0, -2.0, 0.25])
def test_what_a_synapse_adds_to_its_signal_is_weighted(weight):
    net = ws.Network([[[weight]], [[1.0]]], activation="identity")
    found = ws.worst_case(net, ws.SynapseByzantine((1, 0), capacity=1.0, convention="signal"), [[3.0]], node_limit=999)
    assert found.lower == abs(weight) and found.upper <= 1.00001 * abs(weight)
    found = ws.worst_case(net, ws.SynapseByzantine((1, 0), capacity=1.0, convention="product"), [[3.0]], node_limit=999)
    assert found.lower == 1.0 and found.upper <= 1.00001


def test_synapses_that_change_nothing_alone_are_told_apart_behind_others():
    """(1, 0, 0) matters only behind (1, 0, 1), and (1, 0, 2) never."""
    net = ws.Network([[[1.0, -3.0, 0.0]], [[1.0], [2.0]], [[1.0, 4.0]]], [[1.0], [0.5, 0.25], None])
    failures = ws.SynapseCrash((2, 0, 0), exactly=True) + ws.Crash((0, 1), exactly=True)
    found = ws.enumerate_failures(net, failures, [[1.0, 1.0, 1.0]])
    pairs = itertools.combinations([(1, 0, i) for i in range(3)], 2)
    by_hand = errors(net, [1.0] * 3, [{a: 0.0, b: 0.0, (2, j): 0.0} for a, b in pairs for j in (0, 1)])
    assert found.configurations == len(by_hand)
    assert found.mean == pytest.approx(np.mean(by_hand), rel=1e-14)
    assert sorted(w.error for w in found.top) == by_hand


def test_failures_one_after_the_other_may_all_have_come_before():
    """Two crashes lift a rectifier over its kink, one alone does not."""
    net = ws.Network([np.ones((3, 1)), [[-1.0, -1.0, -1.0]], [[1.0]]], [None, [2.0], None])
    for method in ("linear", "tightest"):
        assert ws.bound(net, ws.Crash((2, 0)), [[1.0]], method=method).value >= 1.0


def deep(seed, widths, scale=1.0):
    rng = np.random.default_rng(seed)
    weights = [scale * rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.5 * rng.normal(size=b) for b in widths[1:]]), rng


@pytest.mark.parametrize("seed", range(40))
def test_prescribed_numbers_in_deep_networks(seed):
    """What is idle after one set of earlier failures need not be after another."""
    net, rng = deep(seed, [2, 3, 3, 3, 1])
    x = rng.normal(size=2)
    neurons = [(layer, i) for layer in (1, 2, 3) for i in range(3)]
    for count in (2, 4):
        truth = errors(net, x, [dict.fromkeys(chosen, 0.0) for chosen in itertools.combinations(neurons, count)])[-1]
        found = ws.worst_case(net, ws.Crash(count, exactly=True), x)
        assert found.exact
        assert found.lower == pytest.approx(truth, rel=1e-12, abs=1e-14)
        assert len(found.witness.failed) == count


@pytest.mark.parametrize("seed", range(20))
def test_prescribed_byzantine_failures_are_all_in_the_witness(seed):
    net, rng = deep(seed, [2, 3, 3, 1])
    found = ws.worst_case(net, ws.Byzantine(2, capacity=0.5, exactly=True), rng.normal(size=2), node_limit=200)
    assert found.witness is None or len(found.witness.failed) == 2


@pytest.mark.parametrize("seed", range(30))
def test_boxes_of_one_input_against_a_fine_grid(seed):
    net, rng = deep(seed, [1, 3, 3, 1])
    lower = float(rng.normal())
    X = np.linspace(lower, lower + 1, 401)[:, None]
    failures = ws.Crash(1, exactly=True, among=[(1, int(rng.integers(3)))])
    (component,) = failures._terms[0].among
    errors_on_grid = np.abs(net.forward(X, failed={component: 0.0}) - net.forward(X)).max()
    for limit in (1, 5, 300):
        found = ws.worst_case(net, failures, ws.Box([lower], [lower + 1]), node_limit=limit)
        assert found.upper >= errors_on_grid
    assert found.upper <= errors_on_grid * (1 + 1e-5) + 1e-2


def test_prescribed_synapses_are_made_up_by_idle_ones():
    # Outputs y0 - y1 of the first two neurons; all others transmit 0. Either synapse alone does 1, both nothing.
    first = np.zeros((1500, 1))
    first[:2] = 1.0
    last = np.ones((1, 1500))
    last[0, 1] = -1.0
    net = ws.Network([first, last])
    found = ws.worst_case(net, ws.SynapseCrash(2, exactly=True), [[1.0]])
    assert (found.lower, found.exact) == (1.0, True)
    assert len(found.witness.failed) == 2
    again = net.forward(found.witness.input, failed=found.witness.values)
    assert float(np.abs(again - net.forward([1.0])).max()) == 1.0


def test_of_equal_errors_the_first_input_is_reported():
    net = ws.Network([[[1.0], [2.0]], [[1.0, 1.0]]])
    found = ws.enumerate_failures(net, ws.Crash(1), [[1.0], [1.0], [1.0]])
    assert [w.input_index for w in found.top] == [0] * len(found.top)
