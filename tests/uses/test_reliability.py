# SPDX-License-Identifier: MIT
"""P(error > epsilon): equal to the sum over all sets where that is possible, an enclosure everywhere else."""

from __future__ import annotations

import math
from itertools import product

import bridge
import numpy as np
import oracle
import pytest
import strategies as s
import withstand as ws
from withstand.uses.error_moments import expected_error, last_layer_moments
from withstand.uses.independent_crashes import Task
from withstand.uses.loss_distribution import last_layer
from withstand.uses.probability import clopper_pearson, counts_table, draw, per_neuron


def all_harms(net: ws.Network, X: np.ndarray, spec: ws.Argmax | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Masks of all 2^n sets, and the harm of each by the canonical evaluation."""
    sites = [(layer, i) for layer in range(1, net.depth + 1) for i in range(net.widths[layer])]
    masks = np.array(list(product((False, True), repeat=len(sites))))
    intact = net.forward(X)
    rows, chosen = np.arange(len(X)), intact.argmax(axis=1)
    harms = []
    for mask in masks:
        faulty = net.forward(X, failed={c: 0.0 for c, dead in zip(sites, mask, strict=True) if dead})
        if spec is None:
            harms.append(abs(faulty - intact).max())
        else:
            lead = faulty - faulty[rows, chosen][:, None]
            lead[rows, chosen] = -np.inf
            harms.append(lead.max())
    return masks, np.array(harms)


def truth(masks: np.ndarray, harmful: np.ndarray, p: np.ndarray) -> float:
    return math.fsum(np.where(masks[harmful], p, 1 - p).prod(axis=1))


def some_p(rng: np.random.Generator, net: ws.Network, kind: int) -> object:
    if kind == 0:
        return float(rng.uniform(0.001, 0.5))
    if kind == 1:
        return tuple(rng.uniform(0, 0.5, net.depth).tolist())
    values = rng.choice([0.0, 1.0, 0.1, 0.3], net.n_neurons) if kind == 2 else rng.uniform(0, 1, net.n_neurons)
    return values


def test_equals_the_sum_over_all_sets():
    rng = np.random.default_rng(5)
    for trial in range(200):
        wide = trial % 40 == 39
        width = (4, 7) if wide else (1, 3)
        plain = s.random_network(rng, depth=(2, 2) if wide else (1, 3), width=width, outputs=(2, 3))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 2)
        spec = ws.Argmax() if trial % 3 == 0 else None
        masks, harms = all_harms(net, X, spec)
        epsilon = float(rng.choice(harms)) if trial % 2 else abs(float(rng.normal()))
        epsilon = max(epsilon, 0.0)
        p = some_p(rng, net, trial % 4)
        exact = min(1.0, truth(masks, harms >= 0 if spec else harms > epsilon, per_neuron(net, p)))  # it rounds
        for limits in ({}, {"evaluations": 20 * len(X), "samples": 0}):
            found = ws.reliability(net, p, epsilon, X, spec=spec, threads=1, **limits)
            assert found.confidence == 1.0
            assert found.lower <= exact <= found.upper
            if not limits:
                assert found.upper - found.lower <= 1e-11 * exact + 1e-300


def test_every_method_encloses_the_sum_over_all_sets():
    """What each method alone leaves open still contains the truth; samples miss as seldom as they say."""
    rng, seen, drawn, missed = np.random.default_rng(15), set(), 0, 0
    for trial in range(200):
        plain = s.random_network(rng, depth=(1, 2), width=(2, 4), output_activations=("identity",))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 2)
        masks, harms = all_harms(net, X)
        epsilon = float(np.quantile(harms, rng.uniform(0.3, 0.95)))
        p = np.full(net.n_neurons, rng.choice([0.001, 0.1]))
        if trial % 4 == 0:
            p[: -net.widths[-2]] = 0.0
        exact = truth(masks, harms > epsilon, p)
        for limits in ({"evaluations": 0}, {"evaluations": 8 * len(X)}):
            proved = ws.reliability(net, p, epsilon, X, samples=0, threads=1, **limits)
            assert proved.lower <= exact <= proved.upper
            sampled = ws.reliability(net, p, epsilon, X, samples=50, seed=trial, threads=1, **limits)
            assert sampled.proved == (proved.lower, proved.upper)
            drawn += sampled.samples > 0
            missed += not sampled.lower <= exact <= sampled.upper
            seen |= set(proved.method.split(" + ")) | set(sampled.method.split(" + "))
    assert seen == {"enumeration", "certificate", "convolution", "moments", "sampling"}
    assert drawn > 100
    assert missed <= 0.01 * drawn + 3 * math.sqrt(0.01 * drawn)


def test_equals_the_oracle():
    rng = np.random.default_rng(6)
    for _ in range(30):
        plain = s.random_network(rng, depth=(1, 2), width=(1, 3))
        X = s.random_inputs(rng, plain, 2)
        p = tuple(rng.uniform(0, 0.4, plain.depth).tolist())
        exact = oracle.reliability(plain, p, 0.71, X)
        found = ws.reliability(bridge.network(plain), p, 0.71, X)
        assert found.lower == pytest.approx(exact, rel=1e-10, abs=1e-300)


def test_curve_equals_single_questions():
    net, X, _ = ws.embedded("digits_small")
    one = ws.reliability(net, 0.01, 2.0, X[:2], evaluations=100_000, samples=0)
    assert one.enumerated == 3
    grid = [0.0, 1e-4, 0.01, 0.3, 1.0]
    lower, upper = one.curve(grid)
    for p, low, high in zip(grid[1:-1], lower[1:-1], upper[1:-1], strict=True):
        again = ws.reliability(net, p, 2.0, X[:2], evaluations=100_000, samples=0)
        assert again.lower == pytest.approx(low, rel=1e-11)
        assert again.upper <= high * (1 + 1e-11)
    assert (lower[0], upper[0]) == (0.0, 0.0)
    assert upper[-1] == 1.0
    with pytest.raises(ValueError, match="one p common"):
        ws.reliability(net, (0.1, 0.2), 2.0, X[:1], evaluations=0, samples=0).curve(0.1)


def test_certified_sets_need_no_enumeration():
    net = ws.Network([[[1.0]] * 6, [[0.25] * 6]], activation="clip")
    found = ws.reliability(net, 0.01, 0.75, [[1.0]], evaluations=0, samples=0)
    assert found.certified >= 2
    assert found.upper <= sum(math.comb(6, j) * 0.01**j * 0.99 ** (6 - j) for j in range(3, 7)) * (1 + 1e-9)


def test_tail_golden():
    table = counts_table(np.full(20, 0.01), 2)
    assert table[0, -1] == pytest.approx(0.0010035761681, abs=5e-14)
    assert table[0, :-1].sum() + table[0, -1] == pytest.approx(1, abs=1e-15)


# sampling ---------------------------------------------------------------------------------------------------
def test_clopper_pearson_golden():
    assert clopper_pearson(0, 1000) == (0.0, pytest.approx(0.0036820839, abs=5e-11))
    assert clopper_pearson(3, 100) == (pytest.approx(0.0062299715, abs=5e-11), pytest.approx(0.0851760530, abs=5e-11))
    assert clopper_pearson(1000, 1000)[1] == 1.0
    for k, m in ((1, 7), (4, 9), (9, 9), (20, 41)):
        assert clopper_pearson(k, m, 0.9) == pytest.approx(oracle.clopper_pearson(k, m, 0.9), abs=1e-9)


def test_drawn_sets_have_their_probability():
    p = np.array([0.1, 0.5, 0.9, 0.3])
    table = counts_table(p, 4)
    masks = np.array(list(product((False, True), repeat=4)))
    weights = np.where(masks, p, 1 - p).prod(axis=1)
    rng = np.random.default_rng(0)
    for size in range(5):
        drawn = draw(p, table, np.full(20_000, size), rng)
        assert (drawn.sum(axis=1) == size).all()
        members = masks.sum(axis=1) == size
        share = weights[members] / weights[members].sum()
        seen = np.array([(drawn == mask).all(axis=1).mean() for mask in masks[members]])
        assert (abs(seen - share) <= 5 * np.sqrt(share * (1 - share) / 20_000)).all()


def test_coverage_over_repetitions():
    rng = np.random.default_rng(8)
    net = ws.Network([rng.normal(size=(5, 2)), rng.normal(size=(5, 5)), rng.normal(size=(2, 5))])
    X = rng.normal(size=(1, 2))
    masks, harms = all_harms(net, X)
    epsilon = float(np.quantile(harms, 0.6))
    exact = truth(masks, harms > epsilon, np.full(10, 0.3))
    inside = 0
    task = Task(net, np.full(10, 0.3), epsilon, X, None, 1)
    task.enumerate(20)
    for seed in range(1000):
        lower, upper, *_ = task.sampled(60, 0.9, seed)
        inside += lower <= exact <= upper
    assert inside >= 900 - 3 * math.sqrt(1000 * 0.9 * 0.1)
    found = ws.reliability(net, 0.3, epsilon, X, evaluations=20, samples=60, confidence=0.9, seed=999)
    assert (found.lower, found.upper) == (max(lower, found.proved[0]), min(upper, found.proved[1]))
    assert found.proved[0] <= exact <= found.proved[1]


def test_sampling_narrows_the_digits_interval():
    net, X, _ = ws.embedded("digits_small")
    found = ws.reliability(net, 0.03, 3.0, X[:4], evaluations=10_000, samples=2000)
    assert found.method.endswith("sampling")
    assert found.upper - found.lower < 0.2 * (found.proved[1] - found.proved[0])
    assert sum(found.parts.values()) == pytest.approx(found.upper - found.lower)
    finer = ws.reliability(net, 0.03, 3.0, X[:4], evaluations=2_000_000, samples=0)
    assert finer.lower <= found.upper
    assert found.lower <= finer.upper


# the last layer ---------------------------------------------------------------------------------------------
def test_convolution_encloses_the_sum_over_all_sets():
    rng = np.random.default_rng(9)
    for trial in range(20):
        m = int(rng.integers(1, 3))
        net = ws.Network([rng.normal(size=(3, 2)), rng.normal(size=(7, 3)), rng.normal(size=(m, 7))])
        X = rng.normal(size=(1, 2))
        p = rng.uniform(0, 1, 7) * (rng.random(7) < 0.8)
        masks, harms = all_harms(net, X)
        epsilon = float(np.quantile(harms, rng.uniform(0.2, 0.95)))
        exact = truth(masks, harms > epsilon, np.concatenate([np.zeros(3), p]))
        low, high = last_layer(net, p, epsilon, X)
        assert low <= exact <= high
        if m == 1 and trial % 2:
            assert high - low <= 0.05
        found = ws.reliability(net, [np.zeros(3), p], epsilon, X, evaluations=0, samples=0)
        assert found.lower <= exact <= found.upper


# moments ----------------------------------------------------------------------------------------------------
def test_golden_moments():
    net = ws.Network([np.ones((4, 1)), [[0.5, -0.25, 1.0, 0.75]]])
    mean, variance = last_layer_moments(net, [[1.0]], count=2)
    assert (mean[0, 0], variance[0, 0]) == (1.0, pytest.approx(7 / 24, rel=1e-15))
    mean, variance = last_layer_moments(net, [[1.0]], p=0.1)
    assert (mean[0, 0], variance[0, 0]) == (pytest.approx(0.2), pytest.approx(0.16875))


def test_expected_error_is_the_oracles_and_bounds_the_truth():
    rng = np.random.default_rng(10)
    for _ in range(20):
        plain = s.random_network(rng, depth=(1, 3), width=(1, 3), output_activations=("identity",))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 2)
        p = rng.uniform(0, 1, net.depth)
        mean, square = expected_error(net, tuple(p), X)
        for n, x in enumerate(X):
            ys = oracle.trace(plain, x)[1:-1]
            theirs = oracle.expected_error(plain.weights, ys, net.lipschitz, p)
            np.testing.assert_allclose(mean[n], theirs, rtol=2e-9)
            theirs = oracle.expected_square(plain.weights, ys, net.lipschitz, p)
            np.testing.assert_allclose(square[n], theirs, rtol=2e-9)
        masks, _ = all_harms(net, X[:1])
        sites = [(layer, i) for layer in range(1, net.depth + 1) for i in range(net.widths[layer])]
        intact = net.forward(X[0])
        sets = [{c: 0.0 for c, dead in zip(sites, mask, strict=True) if dead} for mask in masks]
        errors = np.array([abs(net.forward(X[0], failed=failed) - intact) for failed in sets])
        weights = np.where(masks, per_neuron(net, tuple(p)), 1 - per_neuron(net, tuple(p))).prod(axis=1)
        assert (weights @ errors <= mean[0] + 1e-12).all()
        assert (weights @ errors**2 <= square[0] + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: ws.reliability(net, 1.5, 1.0, [[1.0]]), ValueError, r"p must lie in \[0, 1\], got 1.5"),
        (lambda net: ws.reliability(net, (0.1, 0.1, 0.1), 1.0, [[1.0]]), ValueError, "p has shape"),
        (lambda net: ws.reliability(net, [[0.1, 0.2], [0.1]], 1.0, [[1.0]]), ValueError, "p of layer 1 has shape"),
        (lambda net: ws.reliability(net, 0.1, None, [[1.0]]), TypeError, "epsilon must be a number"),
        (lambda net: ws.reliability(net, 0.1, -1.0, [[1.0]]), ValueError, "epsilon must be at least 0"),
        (lambda net: ws.reliability(net, 0.1, 1.0, [[1.0]], confidence=1.0), ValueError, "confidence"),
    ],
)
def test_refusals(call, error, message):
    net = ws.Network([np.ones((4, 1)), np.ones((4, 4)), np.ones((1, 4))])
    with pytest.raises(error, match=message):
        call(net)


def test_probabilities_that_underflow_are_not_zero():
    net = ws.Network([[[1.0]] * 3, [[1.0, 1.0, 1.0]]])
    result = ws.reliability(net, 1e-200, 1.5, [[1.0]])  # two crashes do harm: 3e-400 is no double
    assert 0.0 == result.lower < result.upper < 1e-280
    low, high = result.curve([1e-200, 0.0])
    assert (low == 0.0).all()
    assert high[0] > 0.0 == high[1]
    assert ws.reliability(net, 1e-200, 4.0, [[1.0]]).upper == 0.0  # nothing does harm


def test_a_budget_whose_square_underflows(recwarn):
    net = ws.Network([[[1.0]] * 3, [[1.0, 1.0, 1.0]]])
    result = ws.reliability(net, 0.5, 1e-200, [[1.0]], evaluations=0, samples=0)
    assert result.lower <= 1 - 0.5**3 <= result.upper
    assert not recwarn.list
