# SPDX-License-Identifier: MIT
"""The oracle's failures by chance: moments of the error, and the reliability."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import combinations, product

import numpy as np
import pytest
import strategies as s

import oracle

H, F4 = Q(1, 2), Q(1, 4)


# moments ----------------------------------------------------------------------------------------------------
def test_golden_moments():
    t = (H, -F4, Q(1), Q(3, 4))
    assert oracle.subset_moments(t, 2) == (1, Q(7, 24))
    assert oracle.bernoulli_moments(t, Q(1, 10)) == (Q(1, 5), Q(27, 160))  # 0.16875


def test_moments_equal_enumeration():
    rng = np.random.default_rng(4)
    for _ in range(20):
        t = [Q(int(v), 8) for v in rng.integers(-9, 10, int(rng.integers(1, 6)))]
        p = Q(int(rng.integers(0, 9)), 8)
        for f in range(len(t) + 1):
            sums = [sum(chosen) for chosen in combinations(t, f)]
            mean = sum(sums) / Q(len(sums))
            assert oracle.subset_moments(t, f) == (mean, sum((v - mean) ** 2 for v in sums) / len(sums))
        masks = list(product((0, 1), repeat=len(t)))
        weight = [p ** sum(m) * (1 - p) ** (len(t) - sum(m)) for m in masks]
        sums = [sum(a * b for a, b in zip(m, t, strict=True)) for m in masks]
        mean = sum(w * v for w, v in zip(weight, sums, strict=True))
        square = sum(w * v * v for w, v in zip(weight, sums, strict=True))
        assert oracle.bernoulli_moments(t, p) == (mean, square - mean**2)


def test_expected_error_bounds_hold():
    rng = np.random.default_rng(5)
    for _ in range(30):
        net = s.random_network(
            rng, width=(1, 3), depth=(1, 3), outputs=(1, 2), output_activations=("identity",)
        )
        x, p = s.random_inputs(rng, net, 1)[0], float(rng.uniform(0, 1))
        trace, out = oracle.trace(net, x), oracle.forward(net, x)
        first, second = np.zeros(len(out)), np.zeros(len(out))
        neurons = [(k, i) for k in range(1, net.depth + 1) for i in range(net.widths[k])]
        for size in range(len(neurons) + 1):
            for failed in combinations(neurons, size):
                error = abs(oracle.forward(net, x, dict.fromkeys(failed, 0.0)) - out)
                chance = p**size * (1 - p) ** (len(neurons) - size)
                first, second = first + chance * error, second + chance * error**2
        args = net.weights, trace[1:-1], net.lipschitz, (p,) * net.depth
        a, square = oracle.expected_error(*args), oracle.expected_square(*args)
        assert (first <= a + 1e-10 * (1 + a)).all()
        assert (second <= square + 1e-10 * (1 + square)).all()
        assert (a**2 <= square + 1e-10 * (1 + square)).all()


# reliability ------------------------------------------------------------------------------------------------
def test_golden_binomials():
    assert float(oracle.binomial_above(20, Q(1, 100), 2)) == pytest.approx(0.0010035761681, abs=5e-14)
    low, high = oracle.clopper_pearson(0, 1000)
    assert low == 0
    assert high == pytest.approx(0.0036820839, abs=5e-11)
    assert high == pytest.approx(1 - 0.025 ** (1 / 1000), rel=1e-11)
    low, high = oracle.clopper_pearson(3, 100)
    assert low == pytest.approx(0.0062299715, abs=5e-11)
    assert high == pytest.approx(0.0851760530, abs=5e-11)
    assert oracle.clopper_pearson(10, 10)[1] == 1.0
    assert oracle.binomial_at_most(6, Q(1, 3), 2) + oracle.binomial_above(6, Q(1, 3), 2) == 1


def test_reliability_brackets_hold_the_exact_sum():
    rng = np.random.default_rng(6)
    for _ in range(15):
        net = s.random_network(
            rng, width=(1, 3), depth=(1, 2), outputs=(1, 2), output_activations=("identity",)
        )
        X, p = s.random_inputs(rng, net, 2), Q(1, 8)
        errors = oracle.all_errors(net, X)
        assert oracle.reliability(net, p, -1, X) == 1
        assert len(errors) == 2**net.n_neurons
        epsilon = sorted(errors.values())[len(errors) // 2]
        exact = oracle.reliability(net, p, epsilon, X)
        for most in range(net.n_neurons + 1):
            low, high = oracle.truncated(net, p, epsilon, X, most)
            assert low <= exact <= high
            assert high - low == oracle.binomial_above(net.n_neurons, p, most)
        x = X[0]
        at_x = oracle.reliability(net, p, epsilon, x)
        bound = lambda f, n=net, x=x: oracle.bound(n, oracle.crash(f), (x, x), "matrix", exactly=True).max()  # noqa: E731
        assert at_x <= oracle.certified(net.hidden, p, bound, epsilon) <= 1


def test_reliability_by_hand():
    net = oracle.network([[[1.0], [1.0]], [[1.0, 2.0]]])  # errors 0, 1, 2, 3
    p = Q(1, 10)
    assert oracle.reliability(net, p, 1, [1.0]) == p  # the second neuron fails, whatever the first does
    assert oracle.reliability(net, p, 2.5, [1.0]) == p * p
    net = oracle.network([[[1.0]], [[1.0]], [[1.0]]])
    assert oracle.reliability(net, (Q(1, 2), Q(1, 3)), 0.5, [1.0]) == 1 - H * Q(2, 3)
    net = oracle.network([[[1.0], [1.0]], [[2.0, 0.0], [0.0, 1.0]]])
    assert (
        oracle.reliability(net, p, None, [1.0], "argmax") == p
    )  # a tie counts as a flip: first fails, or both
