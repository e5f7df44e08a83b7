# SPDX-License-Identifier: MIT
"""Tolerated distributions: golden frontiers, brute force over tuples, exact comparisons."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import product

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import network as as_network
from hypothesis import given
from hypothesis import strategies as st
from withstand.tolerance import (
    Layers,
    as_budget,
    at_most,
    frontier,
    guaranteed_total,
    max_total,
    read_layers,
    tolerance,
)

EXAMPLE = Layers((4, 3), (Q(1, 2), Q(1, 4)), (1, 1), (1, 1), (None, None))
CAPPED = Layers((4, 3), (Q(1, 2), Q(1, 4)), (1, 1), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("budget", "plain", "capped", "most", "guaranteed"),
    [
        (Q(1, 4), ((0, 1),), ((0, 1),), 1, 0),
        (Q(1, 2), ((0, 2), (1, 1)), ((0, 2), (1, 1)), 2, 1),
        (Q(3, 4), ((2, 3),), ((4, 3),), 5, 2),
    ],
)
def test_golden_frontiers(budget, plain, capped, most, guaranteed):
    assert frontier(EXAMPLE, budget) == plain
    assert frontier(CAPPED, budget) == capped
    assert max_total(EXAMPLE, budget) == most
    assert guaranteed_total(EXAMPLE, budget) == guaranteed


def test_golden_quorums_in_rationals():
    layers = Layers((10, 10), (Q(1, 20), Q(1, 20)), (1, 1), (1, 1), (None, None))
    assert frontier(layers, Q(1, 5)) == ((0, 4), (2, 3), (5, 2), (6, 1), (8, 0))
    doubles = Layers((10, 10), (Q(0.05), Q(0.05)), (1, 1), (1, 1), (None, None))
    assert (5, 2) not in frontier(doubles, Q(1, 5))


@st.composite
def layers(draw):
    depth = draw(st.integers(1, 3))
    quarter = st.integers(0, 8).map(lambda k: Q(k, 4))
    column = lambda s: tuple(draw(s) for _ in range(depth))  # noqa: E731
    return Layers(
        column(st.integers(1, 4)), column(quarter), column(quarter), column(quarter), column(st.none() | quarter)
    )


@given(layers(), st.integers(0, 24).map(lambda k: Q(k, 8)))
def test_frontier_and_totals_are_those_of_brute_force(net, budget):
    tuples = list(product(*(range(n + 1) for n in net.widths)))
    harmless = [f for f in tuples if at_most(net, f) <= budget]
    maximal = [f for f in harmless if not any(g != f and all(a <= b for a, b in zip(f, g)) for g in harmless)]
    assert frontier(net, budget) == tuple(sorted(maximal))
    assert max_total(net, budget) == max((sum(f) for f in harmless), default=-1)
    bad = min((sum(f) for f in tuples if f not in harmless), default=sum(net.widths) + 1)
    assert guaranteed_total(net, budget) == bad - 1


@given(layers(), st.data())
def test_the_bound_is_nondecreasing(net, data):
    f = tuple(data.draw(st.integers(0, n)) for n in net.widths)
    g = tuple(data.draw(st.integers(0, a)) for a in f)
    assert at_most(net, g) <= at_most(net, f)


def test_a_frontier_too_large_is_not_listed():
    net = Layers((50,) * 6, (Q(1, 100),) * 6, (1,) * 6, (1,) * 6, (1,) * 6)
    assert frontier(net, Q(1, 4), limit=1000) is None


def test_agrees_with_the_floating_bound():
    rng = np.random.default_rng(1)
    net = ws.Network([rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(2, 3))], activation="clip")
    data = read_layers(net)
    for f in product(range(5), range(4)):
        value = ws.bound(net, ws.Crash(f), method="capped").value
        assert Q(value) >= at_most(data, f)
        assert value == pytest.approx(float(at_most(data, f)), rel=1e-12)


# -- ws.tolerance ----------------------------------------------------------------------------------------------------


def network(n=5, weight=0.125):
    return ws.Network([np.ones((n, 1)), np.full((1, n), weight)], activation="clip")


@pytest.mark.parametrize("epsilon", ["0.25", 0.25, Q(1, 4), " 1/4 "])
def test_budgets_met_with_equality_are_accepted(epsilon):
    result = tolerance(network(), epsilon, None)
    assert (result.guaranteed, result.frontier, result.breaking) == (2, ((2,),), None)


def test_pitfall_floors_belong_in_rationals():
    assert (0.3 - 0.1) / 0.1 < 2
    net = network(weight=0.1)
    assert tolerance(net, 0.2, None).guaranteed == 2  # twice the double 0.1 is the double 0.2
    assert tolerance(net, Q("0.3") - Q("0.1"), None).guaranteed == 1  # which lies above the decimal 0.2
    assert as_budget("0.2") == Q(1, 5)
    assert as_budget("0.3") - as_budget("0.1") == as_budget("0.2")


def test_guaranteed_is_proved_and_raised_by_tighter_bounds():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(2, 5))])
    X = rng.normal(size=(3, 3))
    epsilon = 1.001 * ws.bound(net, ws.Crash(2), X).value
    result = tolerance(net, epsilon, X)
    assert result.guaranteed >= 2
    assert ws.bound(net, ws.Crash(result.guaranteed), X).value <= epsilon
    assert ws.worst_case(net, ws.Crash(result.guaranteed), X).upper <= epsilon * (1 + 1e-12)
    assert result.method == "tightest"


def test_decisions():
    net = ws.Network([np.eye(2), [[4.0, 0.0], [0.0, 1.0]]], activation="clip")
    assert tolerance(net, 0, [[0.5, 0.25]], spec=ws.Argmax()).guaranteed == 0  # without neuron 0 the class flips
    net = ws.Network([np.ones((4, 1)), [[1.0] * 4, [0.25] * 4]], activation="clip")
    assert tolerance(net, 0, [[0.5]], spec=ws.Argmax()).guaranteed == 3  # 3 : 0.75 lost of each crash


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_what_is_proved_is_true(spec):
    rng = np.random.default_rng(4)
    proved = 0
    for _ in range(60):
        net = strategies.random_network(rng, depth=(1, 2), width=(1, 4), outputs=(2, 3))
        X = strategies.random_inputs(rng, net, 2)
        epsilon = float(rng.choice([0.25, 1.0, 4.0]))
        result = tolerance(as_network(net), epsilon, X, spec=spec)
        for counts in (*result.frontier, *([result.guaranteed] if result.guaranteed >= 0 else [])):
            worst = oracle.worst(net, oracle.crash(counts), X, spec and "argmax")
            assert worst < 1e-12 if spec else worst <= epsilon + 1e-12
            proved += np.sum(counts) > 0
    assert proved > 10


def test_other_models():
    byzantine = lambda counts: ws.Byzantine(counts, capacity=1.0)  # noqa: E731
    assert tolerance(network(), "0.25", None, model=byzantine).guaranteed == 1
    with pytest.raises(ValueError, match="only failing neurons"):
        tolerance(network(), "0.25", [[0.5]], model=lambda counts: ws.SynapseCrash((1, 1)))


def test_everything_is_harmless_within_the_output_range():
    net = ws.Network([np.ones((5, 1)), np.full((1, 5), 9.0)], activation="clip", output_activation="logistic")
    assert tolerance(net, 1, None).guaranteed == 5


@pytest.mark.parametrize(
    ("epsilon", "error"),
    [
        ("x", ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (None, TypeError),
        (True, TypeError),
        ("1/0", ValueError),
    ],
)
def test_wrong_budgets(epsilon, error):
    with pytest.raises(error, match="epsilon must be"):
        tolerance(network(), epsilon, None)
