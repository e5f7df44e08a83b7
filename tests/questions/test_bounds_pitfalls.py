# SPDX-License-Identifier: MIT
"""The pitfalls of the formulas, by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import withstand as ws
from uniform import network


def test_pitfall_byzantine_value_needs_the_range():
    net = network((5,), (0.25,))
    assert ws.fep(net, ws.Byzantine(1, capacity=1.0)).value == 0.25 * 2
    assert ws.fep(net, ws.Byzantine(1, capacity=1.0, convention="deviation")).value == 0.25


def test_pitfall_additive_error_is_relayed_by_all_neurons():
    net = network((1, 1), (1.0, 1.0), "relu")
    assert ws.bound(net, ws.Noise(1.0), method="fep").value == 2


def test_pitfall_fep_is_not_monotone():
    net = network((2, 3), (1, 1), "hard_tanh")
    assert ws.fep(net, ws.Crash((2, 1), exactly=True)).value == 5
    assert ws.fep(net, ws.Crash((2, 0), exactly=True)).value == 6
    with pytest.raises(ValueError, match="at-most"):
        ws.fep(net, ws.Crash((2, 1)))


def test_theorem_c_lets_fep_cover_at_most():
    net = network((2, 3), (1, 1))
    bound = ws.fep(net, ws.Crash((2, 1)))
    assert (bound.value, bound.covers) == (5, "at most")
    assert ws.fep(net, ws.Crash((2, 1), exactly=True)).covers == "exactly"


def test_pitfall_synapse_formula_counts_all_receivers():
    # two failing synapses, one into the hidden layer and one into the output
    net = network((2,), (1.0,), "identity")
    failures = ws.SynapseByzantine((1, 1), capacity=1.0, convention="signal")
    assert ws.fep(net, failures).value == 2


def test_pitfall_precision_is_not_fep_of_all_neurons():
    net = network((2, 2), (0.5, 0.5))
    assert ws.fep(net, ws.Noise(0.1)).value == pytest.approx(0.2, rel=1e-15)
    everyone = ws.Byzantine((2, 2), capacity=0.1, convention="deviation", exactly=True)
    assert ws.fep(net, everyone).value == pytest.approx(0.1, rel=1e-15)


def test_pitfall_first_weights_and_biases_do_not_enter():
    weights = [np.full((3, 2), 100.0), np.full((4, 3), 0.5), np.full((1, 4), 0.25)]
    biases = [np.full(3, 50.0), np.full(4, 9.0), np.full(1, 7.0)]
    net = ws.Network(weights, biases, activation=[ws.Activation("clip", gain=9.0), "clip"])
    assert ws.fep(net, ws.Crash((1, 1))).value == 5 / 8


def test_pitfall_gauge():
    # (K, W, b) -> (t K, W / t, b / t) changes neither the function nor the bound
    for t in (0.5, 2.0, 8.0):
        weights = [np.ones((3, 1)) / t, np.full((4, 3), 0.5) / t, np.full((1, 4), 0.25)]
        net = ws.Network(weights, activation=ws.Activation("clip", gain=t))
        assert ws.fep(net, ws.Crash((1, 1))).value == 5 / 8


def test_pitfall_relu_range_is_that_of_the_whole_set():
    net = ws.Network([[[1.0], [2.0]], [[1.0, 0.5]]])
    X = np.array([[1.0], [3.0], [2.0]])
    bound = ws.bound(net, ws.Crash(1), X, method="at-most")
    assert bound.value == 6
    assert bound.per_input.tolist() == [2, 6, 4]
    assert ws.bound(net, ws.Crash(1), ws.Box([0.0], [3.0]), method="at-most").value == 6
    with pytest.raises(ValueError, match=r"relu.*unbounded without a domain"):
        ws.bound(net, ws.Crash(1), method="at-most")


def test_pitfall_output_synapses_are_not_helped_by_replicas():
    for r in (1, 2, 4):
        net = network((3 * r,), (0.5 / r,))
        assert ws.fep(net, ws.SynapseByzantine((0, 1), capacity=1.0)).value == 1


def test_pitfall_byzantine_may_be_unable_to_imitate():
    # capacity 0: it transmits 0, a crash, although a fault-free neuron transmits 1
    net = network((3,), (0.5,))
    assert ws.fep(net, ws.Byzantine(1, capacity=0.0)).value == ws.fep(net, ws.Crash(1)).value == 0.5


def test_pitfall_per_output_weights():
    net = ws.Network([np.ones((3, 1)), [[0.5, 0.25, 0.0], [1.0, 1.0, -4.0]]], activation="clip")
    bound = ws.fep(net, ws.Crash(1))
    assert bound.per_output.tolist() == [0.5, 4.0]
    assert bound.value == 4


def test_bounds_of_real_networks_overflow_to_infinity():
    net = network((3, 3, 3), (1e200, 1e200, 1e200), "hard_tanh")
    assert ws.bound(net, ws.Crash((1, 0, 0)), method="at-most").value == math.inf
    assert ws.bound(net, ws.Crash((0, 0, 0)), method="at-most").value == 0
    assert ws.bound(net, ws.Crash((1, 0, 0)), method="capped").value == pytest.approx(6e200)
