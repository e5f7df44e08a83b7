# SPDX-License-Identifier: MIT
"""The scalar bounds: golden values to the last bit, total counts, and arguments."""

from __future__ import annotations

import math
from fractions import Fraction as Q
from itertools import product

import pytest
import withstand as ws
from hypothesis import given, settings
from hypothesis import strategies as st
from uniform import network

#: N, (w_2, ...), activation, K, Delta, f, Fep, at-most, capped, additive
GOLDEN = [
    ((5,), (Q(1, 4),), "clip", 1, 1, (2,), Q(1, 2), Q(1, 2), Q(1, 2)),
    ((3, 4), (Q(1, 2), Q(1, 4)), "clip", 1, 1, (1, 1), Q(5, 8), Q(5, 8), Q(5, 8)),
    ((3, 4), (Q(1, 2), Q(1, 4)), "clip", Q(1, 4), 1, (1, 1), Q(11, 32), Q(11, 32), Q(11, 32)),
    ((2, 3), (1, 1), "clip", 1, 1, (2, 0), 6, 6, 3),
    ((2, 3), (1, 1), "clip", 1, 1, (2, 1), 5, 6, 3),
    ((2, 3), (1, 1), "hard_tanh", 1, 1, (2, 1), 5, 6, 6),
    ((4, 4, 4), (Q(1, 2), Q(1, 2), Q(1, 8)), "clip", Q(1, 2), 1, (1, 2, 1), Q(23, 64), Q(23, 64), Q(23, 64)),
]


@pytest.mark.parametrize("row", GOLDEN, ids=str)
def test_golden_values(row):
    widths, weights, activation, gain, _, counts, fep, at_most, capped = row
    net = network(widths, weights, activation, float(gain))
    assert ws.fep(net, ws.Crash(counts, exactly=True)).value == fep
    assert ws.bound(net, ws.Crash(counts), method="at-most").value == at_most
    assert ws.bound(net, ws.Crash(counts), method="capped").value == capped


def test_golden_values_with_tenths():
    # 1/10 is not a double: the exact value is that of the double nearest to it, and the bound the next double above
    net = network((10, 10), (0.1, 0.1))
    w = Q(0.1)
    exact = w * (2 * 2 + 8 * (w * 6))
    for failures in (
        ws.Byzantine((3, 2), capacity=2.0, convention="deviation"),
        ws.Byzantine((3, 2), capacity=1.0),
    ):
        for method in ("fep", "at-most", "capped"):
            value = ws.bound(net, failures, method=method).value
            assert Q(math.nextafter(value, 0)) < exact <= Q(value)
            assert value == pytest.approx(22 / 25, rel=1e-15)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_least_double_above_the_exact_value(data):
    depth = data.draw(st.integers(1, 4))
    widths = tuple(data.draw(st.integers(1, 60)) for _ in range(depth))
    weights = tuple(data.draw(st.floats(1e-3, 4)) for _ in range(depth))
    counts = tuple(data.draw(st.integers(0, n)) for n in widths)
    gain = data.draw(st.floats(0.1, 3))
    for exactly, method in ((True, "fep"), (False, "at-most"), (True, "capped"), (False, "capped")):
        error = Q(0)
        for n, f, w in zip(widths, counts, (0, *weights), strict=False):
            c = Q(gain) * Q(w) * error
            c = min(c, 1) if method == "capped" else c
            error = f * (Q(1) if exactly else max(Q(1), c)) + (n - f) * c
        exact = Q(weights[-1]) * error
        net = network(widths, weights, gain=gain)
        value = ws.bound(net, ws.Crash(counts, exactly=exactly), method=method).value
        assert Q(value) >= exact
        assert exact == 0 or Q(math.nextafter(value, 0)) < exact


@pytest.mark.parametrize(
    ("widths", "weights", "gain", "counts", "expected"),
    [
        ((5,), (0.25,), 1, (2,), 0.5),
        ((3, 4), (0.5, 0.25), 1, (1, 1), 0.75),
        ((3, 4), (0.5, 0.25), 0.25, (1, 1), 0.375),
        ((2, 3), (1, 1), 1, (2, 0), 6),
        ((2, 3), (1, 1), 1, (2, 1), 7),
        ((4, 4, 4), (0.5, 0.5, 0.125), 0.5, (1, 2, 1), 0.5),
    ],
)
def test_noise_keeps_relaying(widths, weights, gain, counts, expected):
    # the additive formula e_l = f_l C + N_l K_l w_l e_{l-1}: with f_l C spread evenly over the N_l neurons of a layer
    net = network(widths, weights, gain=gain)
    noise = ws.Noise([f / n for f, n in zip(counts, widths)])
    assert ws.fep(net, noise).value == pytest.approx(expected, rel=1e-14)
    exact = network((4, 4), (0.5, 0.25))
    assert ws.fep(exact, ws.Noise((0.25, 0.5))).value == 0.25 * (4 * 0.5 + 4 * 0.5 * (4 * 0.25))


@pytest.mark.parametrize(
    ("synapses", "neurons", "expected"),
    [((1, 0, 0), (0, 0), 0.5), ((0, 2, 0), (0, 0), 0.25), ((1, 1, 2), (0, 0), 9 / 8), ((1, 1, 2), (1, 1), 13 / 8)],
)
def test_golden_synapses(synapses, neurons, expected):
    net = network((3, 4), (0.5, 0.25))
    failures = ws.SynapseCrash(synapses) + ws.Crash(neurons)
    assert ws.fep(net, failures, ws.Box([0.0], [1.0])).value <= expected
    # inputs and values up to 1: the box [-1, 1] leaves clip's whole range
    net = network((3, 4), (0.5, 0.25), inputs=1)
    assert ws.bound(net, failures, ws.Box([-1.0], [1.0]), method="at-most").value == expected


# -- total counts ----------------------------------------------------------------------------------------------------


@st.composite
def small_networks(draw):
    depth = draw(st.integers(1, 3))
    widths = tuple(draw(st.integers(1, 4)) for _ in range(depth))
    weights = tuple(draw(st.sampled_from([0.25, 0.5, 1.0, 1.5, 3.0])) for _ in range(depth))
    activation = draw(st.sampled_from(["clip", "hard_tanh"]))
    return network(widths, weights, activation, draw(st.sampled_from([0.5, 1.0, 2.0])))


@settings(max_examples=60, deadline=None)
@given(net=small_networks(), data=st.data())
def test_totals_are_the_maximum_over_distributions(net, data):
    hidden = net.widths[1:-1]
    k = data.draw(st.integers(0, sum(hidden)))
    distributions = [f for f in product(*(range(n + 1) for n in hidden)) if sum(f) == k]
    for method, exactly in (("fep", True), ("at-most", False), ("capped", False), ("capped", True)):
        total = ws.bound(net, ws.Crash(k, exactly=exactly), method=method).value
        assert total == max(ws.bound(net, ws.Crash(f, exactly=exactly), method=method).value for f in distributions)


@settings(max_examples=40, deadline=None)
@given(net=small_networks(), data=st.data())
def test_several_totals_share_the_neurons(net, data):
    hidden = net.widths[1:-1]
    a, b = data.draw(st.integers(0, sum(hidden))), data.draw(st.integers(0, sum(hidden)))
    if a + b > sum(hidden):
        return
    both = ws.bound(net, ws.Crash(a) + ws.Byzantine(b, capacity=0.5, convention="deviation"), method="at-most").value
    best = 0.0
    splits = [
        (f, g)
        for f in product(*(range(n + 1) for n in hidden))
        if sum(f) <= a
        for g in product(*(range(n + 1) for n in hidden))
        if sum(g) <= b and all(x + y <= n for x, y, n in zip(f, g, hidden))
    ]
    for f, g in splits:
        parts = ws.Crash(f) + ws.Byzantine(g, capacity=0.5, convention="deviation")
        best = max(best, ws.bound(net, parts, method="at-most").value)
    assert both == best


def test_synapses_into_a_neuron_that_might_have_crashed():
    # the crash costs 1/8, the synapse in its place 1: the neuron is counted as failed, the synapse still counts
    net = ws.Network([[[1.0]], [[1.0]]], activation="hard_tanh")
    failures = ws.SynapseByzantine((1, 0), capacity=1.0) + ws.Crash(1)
    error = abs(net.forward([0.125], failed={(1, 0, 0): -0.875}) - net.forward([0.125])).max()
    for method in ("at-most", "capped", "matrix", "signed", "adjoint", "tightest"):
        assert ws.bound(net, failures, [0.125], method=method).value >= error == 1


def test_among_limits_what_a_layer_can_lose():
    net = network((3, 4), (0.5, 0.25))
    one_layer = ws.Crash(2, among=[(2, 0), (2, 1), (2, 3)])
    assert ws.bound(net, one_layer, method="at-most").value == 0.5
    assert ws.bound(net, ws.Crash(2, among=[(1, 0), (2, 1)]), method="at-most").value == 5 / 8


def test_inputs_fail_when_named():
    net = network((3, 4), (0.5, 0.25), inputs=2)
    failures = ws.Crash(1, among=[(0, 0), (0, 1)])
    # e_0 = 1, c_1 = 1 for 3 neurons, c_2 = 3/2 for 4
    assert ws.bound(net, failures, ws.Box([0, 0], [1, 1]), method="at-most").value == 0.25 * 4 * 1.5
    with pytest.raises(ValueError, match="inputs may be anything"):
        ws.bound(net, failures, method="at-most")


def test_modulus_is_tighter_than_the_lipschitz_constant():
    net = network((3, 4), (0.5, 0.25), "logistic", gain=4.0)
    capped = ws.bound(net, ws.Crash((1, 1)), method="capped").value
    exact = 0.25 * (1 + 3 * math.tanh(0.5))
    assert exact <= capped <= exact * (1 + 1e-14)
    assert ws.bound(net, ws.Crash((1, 1)), method="at-most").value == 5 / 8


# -- arguments -------------------------------------------------------------------------------------------------------


def test_results_carry_what_they_mean():
    net = network((3, 4), (0.5, 0.25))
    bound = ws.bound(net, ws.Crash(1), method="at-most")
    assert bound.method == "at-most"
    assert bound.covers == "at most"
    assert "Theorem B" in bound.reference
    assert "rounded outward" in bound.rigor
    assert isinstance(bound.value, float)
    assert bound.per_output.shape == (1,)
    assert bound.per_input.shape == (1,)
    assert float(bound) == bound.value
    assert bound.slack < 1e-13


def test_wrong_arguments_are_named():
    net = network((3, 4), (0.5, 0.25))
    with pytest.raises(ValueError, match="unknown method 'fepp'"):
        ws.bound(net, ws.Crash(1), method="fepp")
    with pytest.raises(TypeError, match="failures must be a failure model"):
        ws.bound(net, 2)
    with pytest.raises(TypeError, match="net must be"):
        ws.bound("net", ws.Crash(1))
    with pytest.raises(TypeError, match="spec must be"):
        ws.bound(net, ws.Crash(1), spec="argmax")
    with pytest.raises(ValueError, match="at most 3 can fail"):
        ws.bound(net, ws.Crash((4, 0)))
    with pytest.raises(ValueError, match="threads must be at least 1"):
        ws.bound(net, ws.Crash(1), [[0.5]], threads=0)
    one = ws.Network([[[1.0]], [[1.0]]], output_activation="relu")
    with pytest.raises(ValueError, match="takes outputs behind identity"):
        ws.bound(one, ws.Crash(1), [[0.5]], method="at-most", spec=ws.Argmax())
