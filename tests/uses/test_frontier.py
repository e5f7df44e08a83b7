# SPDX-License-Identifier: MIT
"""Tolerated distributions: golden frontiers, brute force over tuples, exact comparisons, and no class flipped."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import chain, combinations, product

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import network as as_network
from hypothesis import given
from hypothesis import strategies as st
from withstand.uses.frontier import Layers, Synapses, at_most, frontier, guaranteed_total, max_total
from withstand.uses.rational_bounds import margin, read, read_layers

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


@pytest.mark.parametrize(
    ("counts", "value"), [((1, 0, 0), Q(1, 2)), ((0, 2, 0), Q(1, 4)), ((1, 1, 2), Q(9, 8))]
)
def test_golden_synapses(counts, value):
    net = Synapses((6, 12, 4), (3, 4, 1), (1, Q(1, 2), Q(1, 4)), (1, Q(1, 2), Q(1, 4)), (1, 1, 1), (None, None, None))
    assert at_most(net, counts) == value


@pytest.mark.parametrize("model", [ws.SynapseCrash, lambda c: ws.SynapseByzantine(c, 0.5, convention="signal"),
                                   lambda c: ws.SynapseByzantine(c, 0.5, convention="product"),
                                   lambda c: ws.SynapseByzantine(c, 0.5, convention="replace")])  # fmt: skip
def test_synapse_numbers_are_those_of_the_bound(model):
    rng = np.random.default_rng(2)
    net = ws.Network([rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(2, 3))])
    X = rng.normal(size=(1, 2))
    data = read(net, model, X)
    for f in product(range(3), repeat=3):
        value = ws.bound(net, model(f), X, method="at-most").value
        assert Q(value) >= at_most(data, f)
        assert value == pytest.approx(float(at_most(data, f)), rel=1e-9)


def test_a_synapse_into_one_output_parts_two_outputs_that_moved_together():
    # y = relu(x_1 - x_2) is 0, the outputs y + 1/2 and y. A crash into y makes it 1, one into output 0 flips the class.
    net = ws.Network([[[1.0, -1.0]], [[1.0], [1.0]]], [[0.0], [0.5, 0.0]])
    failed = {(1, 0, 1): 0.0, (2, 0, 0): 0.0}
    assert net.forward([1.0, 1.0], failed=failed).argmax() == 1
    scalar = read(net, ws.SynapseCrash, [[1.0, 1.0]], ws.Argmax())
    assert 1 <= at_most(scalar, (1, 1)) <= 1 + Q(1, 10**300)  # e = 1: the difference is told none, one output all
    assert ws.tolerance(net, 0, [[1.0, 1.0]], model=ws.SynapseCrash, spec=ws.Argmax()).frontier == ((0, 2), (2, 0))


def test_a_neuron_that_tells_each_output_something_else_parts_equal_rows():
    net = ws.Network([[[1.0]], [[1.0], [1.0]]], [[0.0], [0.5, 0.0]])  # told -5 and 5, the outputs are -9/2 and 5
    for equivocal, harmless in ((True, 0), (False, 1)):

        def model(counts, equivocal=equivocal):
            return ws.Byzantine(counts, capacity=5.0, equivocal=equivocal)

        found = ws.tolerance(net, 0, [[1.0]], model=model, spec=ws.Argmax())
        assert (found.guaranteed, found.frontier) == (harmless, ((harmless,),))


@pytest.mark.parametrize("seed", range(60))
def test_no_pattern_that_flips_a_class_is_below_the_frontier(seed):
    rng = np.random.default_rng(seed)
    plain = strategies.random_network(rng, depth=(1, 2), width=(1, 3), inputs=(1, 2), outputs=(2, 3),
                                      activations=("relu", "clip", "hard_tanh", "identity"),
                                      output_activations=("identity", "hard_tanh", "relu"))  # fmt: skip
    weights, biases = [w.copy() for w in plain.weights], [b.copy() for b in plain.biases]
    if rng.integers(2):
        weights[-1][1], biases[-1][0] = weights[-1][0], biases[-1][1] + 0.5
    net = as_network(oracle.network(weights, biases, plain.activations, plain.output_activation))
    X = strategies.random_inputs(rng, plain, 1)
    intact = net.forward(X[0])
    harmless = frontier(read(net, ws.SynapseCrash, X, ws.Argmax()), margin(net, X))
    sites = [(l, j, i) for l, w in enumerate(net.weights, 1) for j in range(w.shape[0]) for i in range(w.shape[1])]
    for failed in chain.from_iterable(combinations(sites, r) for r in range(3)):
        counts = [sum(site[0] == l for site in failed) for l in range(1, net.depth + 2)]
        if any(all(a <= b for a, b in zip(counts, most)) for most in harmless):
            assert net.forward(X[0], failed=dict.fromkeys(failed, 0.0)).argmax() == intact.argmax()
