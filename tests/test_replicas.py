# SPDX-License-Identifier: MIT
"""Over-provisioning: the same function, the failing fraction, and how many copies are enough."""

from __future__ import annotations

from fractions import Fraction as Q

import bridge
import numpy as np
import oracle
import pytest
import strategies as s
import withstand as ws
from hypothesis import given

#: Theorem E's construction: N = (3, 4), w = (1/2, 1/4), every hidden value 1.
TIGHT = ws.Network(
    [np.zeros((3, 1)), np.full((4, 3), 0.5), np.full((1, 4), 0.25)],
    [np.full(3, 0.5), np.full(4, -1.0), None],
    activation="clip",
)


@pytest.mark.parametrize(("r", "value"), [(1, 5 / 8), (2, 11 / 32), (4, 23 / 128), (8, 47 / 512)])
def test_golden_copies(r, value):
    copied = ws.replicate(TIGHT, r)
    assert ws.fep(copied, ws.Crash((1, 1))).value == value
    worst = ws.worst_case(copied, ws.Crash((1, 1)), [[0.0]])
    assert worst.exact
    assert worst.lower == value


def test_golden_needed():
    values = {1: Q(5, 8), 2: Q(11, 32), 4: Q(23, 128), 8: Q(47, 512)}
    for r, value in values.items():
        assert ws.replicas_needed(TIGHT, ws.Crash((1, 1)), value) == r
        assert ws.replicas_needed(TIGHT, ws.Crash((1, 1)), float(np.nextafter(float(value), 0))) == r + 1


@given(s.networks(depth=(1, 3), width=(1, 4)), s.st.data())
def test_copies_are_the_oracles_and_compute_the_same(net, data):
    r = tuple(data.draw(s.st.integers(1, 4)) for _ in range(net.depth))
    x = data.draw(s.inputs_of(net))
    copied, theirs = ws.replicate(bridge.network(net), r), oracle.replicate(net, r)
    for ours, other in zip(copied.weights + copied.biases, theirs.weights + theirs.biases, strict=True):
        np.testing.assert_array_equal(ours, other)
    intact = bridge.network(net).forward(x)
    np.testing.assert_allclose(copied.forward(x), intact, rtol=1e-12, atol=1e-11)


@given(s.networks(depth=(1, 3), width=(1, 3), names=("clip", "hard_tanh", "logistic", "tanh")), s.st.data())
def test_needed_is_the_least_that_the_oracle_finds(net, data):
    f = tuple(data.draw(s.st.integers(0, 2)) for _ in range(net.depth))
    budget = Q(data.draw(s.st.integers(8, 200)), 16) + Q(1, 1009)  # off what three copies, rounded, may just miss
    ours = bridge.network(oracle.network(net.weights, net.biases, net.activations, "identity"))
    K_out = Q(1)
    K, w = [Q(k) for k in ours.lipschitz], [Q(v) for v in ours.max_weights]
    numbers = oracle.scalars(net.hidden, [*w[:-1], w[-1] * K_out], K[0] if len(K) == 1 else tuple(K), 1, f)
    needed = ws.replicas_needed(ours, ws.Crash(f), budget)
    assert needed == oracle.replicas_needed(numbers, budget)


def neuron_failures(rng, net):
    """Return a total count of one kind, or counts per layer of one or two kinds."""
    total = bool(rng.integers(2))

    def term():
        counts = int(rng.integers(0, 4)) if total else tuple(int(n) for n in rng.integers(0, 3, net.depth))
        size = float(rng.integers(0, 8) / 4)
        kinds = [ws.Crash(counts), ws.StuckAt(counts, value=size - 1), ws.Byzantine(counts, capacity=size)]
        return [*kinds, ws.Byzantine(counts, capacity=size, convention="deviation")][rng.integers(4)]

    return term() if total or rng.integers(2) else term() + term()


@pytest.mark.parametrize("seed", range(150))
def test_needed_is_the_first_that_the_bound_of_the_copies_admits(seed):
    rng = np.random.default_rng(seed)
    plain = s.random_network(rng, depth=(1, 3), width=(3, 5), dyadic=bool(rng.integers(2)))
    net = bridge.network(plain)
    failures = neuron_failures(rng, net)
    if any(sum(f) > 3 for f in zip(*(term.counts for term in failures._terms))):
        failures = ws.Crash(2)  # `bound` refuses more failures than neurons
    domain = (s.random_inputs(rng, plain, 3), ws.Box(*s.random_box(rng, plain)))[rng.integers(2)]
    epsilon = float(rng.choice([0.1, 0.5, 0.999, 1.0, 2.0, 3.0])) * float(rng.choice([1.0, rng.uniform(0.5, 2)]))

    def admits(r):
        return ws.bound(ws.replicate(net, r), failures, domain, method="at-most").value <= epsilon

    needed = ws.replicas_needed(net, failures, epsilon, domain)
    assert next((r for r in range(1, 41) if admits(r)), 41) == min(needed, 41)
    assert admits(min(needed, 200)) == (needed <= 200)


def test_the_range_of_the_outputs_needs_no_copies():
    net = ws.Network([[[1.0]] * 4, [[50.0] * 4]], activation="clip", output_activation="logistic")
    assert ws.replicas_needed(net, ws.Crash(4), 1.0) == 1  # the bound before the output activation is 200
    assert ws.replicas_needed(net, ws.Crash(4), 0.999) == 14
    of = [ws.bound(ws.replicate(net, r), ws.Crash(4), method="at-most").value for r in (13, 14)]
    assert of[1] <= 0.999 < of[0]


def test_the_weights_of_the_copies_are_rounded():
    net = ws.Network([[[1.0]], [[5.0]]], activation="clip")  # a third of 5, as a double, is more than 5/3
    assert ws.bound(ws.replicate(net, 3), ws.Crash((1,)), method="at-most").value > Q(5, 3)
    assert ws.replicas_needed(net, ws.Crash((1,)), Q(5, 3)) == 4
    assert ws.replicas_needed(net, ws.Crash((1,)), 5 / 3) == 3
    assert ws.replicas_needed(net, ws.Crash((1,)), Q(5, 3 * 10**6)) in (3 * 10**6, 3 * 10**6 + 1)  # none are made


def test_layers_in_which_nothing_fails_need_no_range():
    net = ws.Network([np.ones((2, 1)), np.ones((2, 2)), np.ones((1, 2))], activation=["relu", "clip"])
    assert ws.replicas_needed(net, ws.Crash((0, 1)), 0.25) == 4
    with pytest.raises(ValueError, match="unbounded without a domain"):
        ws.replicas_needed(net, ws.Crash((1, 1)), 0.25)


def test_total_is_the_worst_distribution():
    for k in (1, 2, 3):
        for budget in (0.05, 0.1, 0.3):
            spread = [(a, k - a) for a in range(k + 1)]
            needed = [ws.replicas_needed(TIGHT, ws.Crash(f), budget) for f in spread]
            assert ws.replicas_needed(TIGHT, ws.Crash(k), budget) == max(needed)


def test_needed_copies_hold_by_exact_search():
    rng = np.random.default_rng(3)
    net = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(1, 4)) / 2])
    X = rng.uniform(0, 1, (3, 3))
    epsilon = 0.6 * ws.worst_case(net, ws.Crash(2), X).lower
    r = ws.replicas_needed(net, ws.Crash(2), epsilon, X)
    assert r > 1
    assert ws.worst_case(ws.replicate(net, r), ws.Crash(2), X).upper <= epsilon


def test_byzantine_and_mixed_failures():
    net = ws.Network([[[1.0]] * 4, [[0.25] * 4]], activation="clip")
    assert ws.replicas_needed(net, ws.Byzantine((1,), capacity=1.0), 0.25) == 2  # off by at most 1 + 1
    assert ws.replicas_needed(net, ws.Crash((1,)) + ws.Byzantine((1,), capacity=1.0), 0.25) == 3
    assert ws.replicas_needed(net, ws.StuckAt((1,), value=3.0), 0.25) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ws.replicate(TIGHT, 0), "r must be at least 1"),
        (lambda: ws.replicate(TIGHT, (2, 2, 2)), "3 numbers of copies for 2 hidden layers"),
        (lambda: ws.replicas_needed(TIGHT, ws.Crash(1), -0.5), "epsilon must be at least 0"),
        (lambda: ws.replicas_needed(TIGHT, ws.Crash(1), 0), "epsilon is 0"),
        (lambda: ws.replicas_needed(TIGHT, ws.Crash(1), 1e-30), "more than 1,099,511,627,776 copies"),
        (lambda: ws.replicas_needed(TIGHT, ws.SynapseByzantine(1, capacity=1.0), 1), "only failures of neurons"),
        (lambda: ws.replicas_needed(TIGHT, ws.Noise(0.1), 1), "only failures of neurons"),
        (lambda: ws.replicas_needed(TIGHT, ws.SynapseCrash(1), 1), "only failures of neurons"),
        (lambda: ws.replicas_needed(TIGHT, ws.Crash(1, among=[(1, 0)]), 1), "drop among"),
        (lambda: ws.replicas_needed(TIGHT, ws.Crash(1) + ws.StuckAt(1, 1.0), 1), "a total count stands alone"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
