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
