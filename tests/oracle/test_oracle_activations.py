# SPDX-License-Identifier: MIT
"""The oracle's activations against their definitions, and laws of their constants."""

from __future__ import annotations

import numpy as np
import pytest
import strategies as s

import oracle
from oracle import Activation

GRID = np.linspace(-40, 40, 16001)
ACTS = [Activation(n, g, a) for n in oracle.NAMES for g in (0.5, 1.0, 2.0) for a in s.SLOPES.get(n, (0.0,))]


def test_activation_values_are_those_of_their_definitions():
    s0 = 0.25
    expected = {
        "logistic": 1 / (1 + np.exp(-0.5)),
        "tanh": np.tanh(0.5),
        "relu": 0.5,
        "leaky_relu": 0.5,
        "hard_tanh": 0.5,
        "clip": 1.0,
        "elu": 0.5,
        "softplus": np.log(1 + np.exp(0.5)),
        "softsign": 0.5 / 1.5,
        "hard_sigmoid": 3.5 / 6,
        "gelu": 0.5 * 0.69146246127401311,
        "gelu_tanh": 0.25 * (1 + np.tanh(np.sqrt(2 / np.pi) * (0.5 + 0.044715 * 0.125))),
        "hard_swish": 1.75 / 6,
        "identity": 0.5,
    }
    below = {
        "logistic": 1 / (1 + np.exp(0.5)),
        "tanh": np.tanh(-0.5),
        "relu": 0.0,
        "leaky_relu": -0.0625,
        "hard_tanh": -0.5,
        "clip": 0.0,
        "elu": 0.125 * (np.exp(-0.5) - 1),
        "softplus": np.log(1 + np.exp(-0.5)),
        "softsign": -0.5 / 1.5,
        "hard_sigmoid": 2.5 / 6,
        "gelu": -0.5 * 0.30853753872598689,
        "gelu_tanh": -0.25 * (1 - np.tanh(np.sqrt(2 / np.pi) * (0.5 + 0.044715 * 0.125))),
        "hard_swish": -1.25 / 6,
        "identity": -0.5,
    }
    for name in expected:
        act = Activation(name, 2.0, 0.125)
        assert float(act(s0)) == pytest.approx(expected[name], rel=1e-15)
        assert float(act(-s0)) == pytest.approx(below[name], rel=1e-15)
    assert float(Activation("logistic")(-800.0)) == 0.0
    assert float(Activation("softplus")(800.0)) == 800.0
    with pytest.raises(ValueError, match="unknown activation"):
        Activation("sine")


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_activation_constants(act):
    y = act(GRID)
    assert (np.diff(y) >= 0).all()
    steepest = (np.diff(y) / np.diff(GRID)).max()
    assert steepest <= act.lipschitz * (1 + 1e-9)
    assert steepest >= act.lipschitz * 0.99
    low, high = act.range
    assert low <= y.min()
    assert y.max() <= high
    for bound, value in ((low, float(act(-1e12))), (high, float(act(1e12)))):
        assert bound == pytest.approx(value, abs=1e-9) if np.isfinite(bound) else abs(value) > 40
    for steps in (0, 1, 40, 200, 1000):
        eta = steps * (GRID[1] - GRID[0])
        largest = (y[steps:] - y[: len(y) - steps]).max()
        omega = act.modulus(eta)
        assert largest <= omega + 1e-9
        assert omega <= min(act.lipschitz * eta, act.length) + 1e-12
        assert largest >= omega - 0.01


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_activation_local_slopes_enclose_every_secant(act):
    rng = np.random.default_rng(1)
    for _ in range(60):
        a, b = np.sort(rng.integers(-24, 25, 2) / 8)
        k_low, k_high = act.slopes(a, b)
        assert 0 <= k_low <= k_high <= act.lipschitz * (1 + 1e-12)
        points = np.linspace(a, b, 4000)
        if b > a:
            secants = np.diff(act(points)) / np.diff(points)
            assert k_low - 1e-6 <= secants.min()
            assert secants.max() <= k_high + 1e-6
            k_low, k_high = act.slopes(a + 1e-9, b - 1e-9)  # without the sliver that a rounded corner leaves at an end
            assert secants.min() - k_low < 0.05
            assert k_high - secants.max() < 0.05
