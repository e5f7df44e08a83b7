# SPDX-License-Identifier: MIT
"""The oracle checked against itself: two evaluators, counts against lists, hand examples."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import combinations

import numpy as np
import pytest
import strategies as s
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from oracle import Term

INTERVAL = ("value", "deviation", "noise", "product", "signal", "replace")
SMALL = settings(max_examples=60, deadline=None, derandomize=True)


# execution --------------------------------------------------------------------------------------------------
def random_perturbation(rng, net):
    def pick(places, n):
        return [places[k] for k in rng.choice(len(places), min(n, len(places)), replace=False)]

    neurons = [*oracle.sites(net, Term("crash")), (0, 0)]
    synapses = oracle.sites(net, Term("product"))
    failed = {c: float(rng.integers(-8, 9)) / 4 for c in pick(neurons, 2) + pick(synapses, 2)}
    added = {c: float(rng.integers(-8, 9)) / 4 for c in pick(neurons, 2) + pick(synapses, 2)}
    return failed, added


def test_float_and_rational_evaluators_agree_with_failures():
    rng = np.random.default_rng(2)
    for _ in range(60):
        net = s.random_network(
            rng, activations=oracle.PIECEWISE_LINEAR, output_activations=oracle.PIECEWISE_LINEAR
        )
        X, (failed, added) = s.random_inputs(rng, net, 3), random_perturbation(rng, net)
        out, rational = oracle.forward(net, X, failed, added), net.exact()
        again = oracle.forward(
            rational,
            oracle.exact(X),
            {c: Q(v) for c, v in failed.items()},
            {c: Q(v) for c, v in added.items()},
        )
        for x, row, row_exact in zip(X, out, again, strict=True):
            truth = oracle.exact_forward(net, x, failed, added)
            assert list(row_exact) == truth
            assert all(isinstance(v, Q) for v in row_exact)
            assert np.allclose(row, np.array(truth, float), rtol=1e-12, atol=1e-12)


def test_trace_is_the_textbook_recursion():
    rng = np.random.default_rng(3)
    for _ in range(40):
        net = s.random_network(rng, dyadic=False)
        X = s.random_inputs(rng, net, 3, dyadic=False)
        y = X
        for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
            y = net.act(layer)(y @ W.T + b)
            assert np.allclose(oracle.trace(net, X)[layer], y, rtol=1e-12, atol=1e-12)
        assert oracle.forward(net, X[0]).shape == (net.widths[-1],)


def test_forced_values_and_failed_synapses_by_hand():
    net = oracle.network([[[1.0], [2.0]], [[3.0, -1.0]]], None, "relu")
    assert oracle.forward(net, [1.0])[0] == 1.0
    assert oracle.forward(net, [1.0], {(1, 0): 0.0})[0] == -2.0
    assert oracle.forward(net, [1.0], {(0, 0): 2.0})[0] == 2.0
    assert oracle.forward(net, [1.0], {(2, 0, 1): 5.0})[0] == 8.0
    assert oracle.forward(net, [1.0], {(1, 1, 0): 0.0})[0] == 3.0
    assert oracle.forward(net, [1.0], added={(1, 1): 0.5})[0] == 0.5
    assert oracle.forward(net, [1.0], added={(2, 0, 0): 0.5, (1, 0, 0): 1.0})[0] == 4.5


# failure models ---------------------------------------------------------------------------------------------
def flat(width=3):
    return oracle.network([np.ones((width, 1)), np.ones((1, width))])


def test_configurations_in_order():
    got = [tuple(c for c, _ in config) for config in oracle.configurations(flat(), oracle.crash(2))]
    a, b, c = (1, 0), (1, 1), (1, 2)
    assert got == [(), (a,), (b,), (c,), (a, b), (a, c), (b, c)]
    assert len(oracle.configurations(flat(), oracle.crash(2, exactly=True))) == 3
    both = oracle.crash(1) + oracle.stuck(1, 1.0)
    assert len(oracle.configurations(flat(), both)) == 1 + 3 + 3 + 6  # disjoint: never the same neuron twice
    assert oracle.configurations(flat(1), both) == [(), (((1, 0), 0),), (((1, 0), 1),)]
    with pytest.raises(ValueError, match="cannot be enumerated"):
        oracle.configurations(flat(), oracle.byzantine(1, 1.0))


@SMALL
@given(st.data())
def test_counts_equal_lists(data):
    net = data.draw(s.networks(width=(1, 4), depth=(1, 3)))
    model = data.draw(s.models(net, effects=("crash", "stuck", "synapse-crash", "value", "product"), terms=3))
    listed = oracle.patterns(net, model)
    assert len(listed) == oracle.count(net, model) == len(set(listed))
    assert listed == sorted(
        listed, key=lambda config: (len(config), [c for c, _ in config], [t for _, t in config])
    )
    if len(model) == 1:
        assert len(listed) == oracle.count_single(net, model[0])
    for config in listed:
        for t, term in enumerate(model):
            hit = [c for c, owner in config if owner == t]
            total = term.count if isinstance(term.count, int) else sum(term.count)
            assert len(hit) == total if term.exactly else len(hit) <= total
            assert set(hit) <= set(oracle.sites(net, term))


# brute force ------------------------------------------------------------------------------------------------
def test_statistics_by_hand():
    # one layer, products t = (1/2, -1/4, 1, 3/4): the error of a crash set is |sum of its t|
    net = oracle.network([[[1.0]] * 4, [[0.5, -0.25, 1.0, 0.75]]])
    t = [0.5, -0.25, 1.0, 0.75]
    stats = oracle.enumerate_failures(net, oracle.crash(2), [[1.0], [0.0]])
    errors = [abs(sum(chosen)) for k in (0, 1, 2) for chosen in combinations(t, k)]
    assert stats.errors.tolist() == errors
    assert stats.configurations == 11
    assert stats.evaluations == 22
    assert stats.worst == 1.75
    assert stats.witness.failed == ((1, 2), (1, 3))
    assert stats.witness.input_index == 0
    assert stats.mean == sum(errors) / 11
    assert stats.std == pytest.approx(np.std(errors), rel=1e-14)
    assert stats.exceeding(1.25) == 2 / 11
    assert stats.quantile(0.5) == 0.75
    assert stats.quantile(1) == 1.75
    assert stats.quantile(0) == 0.0


def test_ties_prefer_fewer_failures_then_sorted_components_then_input_then_output():
    net = oracle.network([[[1.0]] * 3, [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]])
    witness = oracle.enumerate_failures(net, oracle.crash(1), [[0.0], [1.0], [1.0]]).witness
    assert (witness.failed, witness.input_index, witness.output) == (((1, 0),), 1, 0)
    cancel = oracle.network([[[1.0]] * 2, [[1.0, -1.0]]])
    assert oracle.enumerate_failures(cancel, oracle.crash(2), [[1.0]]).witness.failed == ((1, 0),)
    assert oracle.worst(cancel, oracle.crash(2, exactly=True), [[1.0]]) == 0.0  # at most is not exactly


def test_error_is_measured_after_the_output_activation():
    net = oracle.network([[[1.0]], [[3.0]]], None, "relu", "hard_tanh")
    assert oracle.worst(net, oracle.crash(1), [[1.0]]) == 1.0


def test_harm_is_against_the_intact_class_at_the_same_input():
    net = oracle.network([[[1.0], [1.0]], [[2.0, 0.0], [0.0, 1.0], [0.5, 0.0]]])
    stats = oracle.enumerate_failures(net, oracle.crash(1), [[1.0]], spec="argmax")
    assert stats.errors.tolist() == [-1.0, 1.0, -1.5]
    assert stats.witness.output == 1
    assert stats.flipping() == 1 / 3
    with pytest.raises(ValueError, match="1 outputs"):
        oracle.worst(flat(), oracle.crash(1), [[1.0]], spec="argmax")


@SMALL
@given(s.cases(width=(1, 4), depth=(1, 3), cap=60))
def test_every_witness_replays_and_is_the_maximum(case):
    net, model, X = case
    stats = oracle.enumerate_failures(net, model, X)
    w = stats.witness
    assert stats.worst == stats.errors.max()
    assert len(stats.errors) == oracle.count(net, model)
    assert oracle.replay(net, X, w.values)[w.input_index, w.output] == stats.worst
    assert (
        oracle.adversary(net, model, X).error == stats.worst
    )  # on finite models the adversary lists everything


def test_adversary_replays_and_reaches_the_known_worst_values():
    net = oracle.network([[[1.0]] * 3, [[1.0, -2.0, 0.5]]])
    x = [[1.0]]
    assert (
        oracle.adversary(net, oracle.byzantine(1, 2.0), x).error == 6.0
    )  # |2| (C + y) on the largest weight
    assert oracle.adversary(net, oracle.byzantine(2, 0.5, "deviation"), x).error == 1.5
    assert oracle.adversary(net, oracle.noise(0.25), x, draws=40).error == 0.875
    assert (
        oracle.adversary(net, oracle.synapse_byzantine(1, 0.5, "product"), x).error == 1.0
    )  # before a weight of -2
    assert oracle.adversary(net, oracle.synapse_byzantine((0, 1), 0.5, "signal"), x).error == 1.0
    assert oracle.adversary(net, oracle.synapse_byzantine((0, 1), 0.5, "replace"), x).error == 2.5
    rng = np.random.default_rng(5)
    for _ in range(40):
        net = s.random_network(rng, width=(1, 4), depth=(1, 3))
        X = s.random_inputs(rng, net)
        model = s.random_model(rng, net, effects=INTERVAL, cap=40)
        w = oracle.adversary(net, model, X, limit=60)
        again = oracle.replay(net, X[[w.input_index]], w.values, w.added)[0, w.output]
        assert again == pytest.approx(w.error, rel=1e-12, abs=1e-12)


def test_box_points_stay_inside_and_hold_the_corners():
    points = oracle.box_points([0.0, -1.0], [1.0, -1.0])
    assert (points >= [0, -1]).all()
    assert (points <= [1, -1]).all()
    assert {(0.0, -1.0), (1.0, -1.0)} <= set(map(tuple, points))


# generators -------------------------------------------------------------------------------------------------
def test_generators_are_seeded_and_cover_the_kinds():
    first, second = (s.random_network(np.random.default_rng(7)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.weights, second.weights, strict=True))
    rng, names, effects, flags = np.random.default_rng(8), set(), set(), set()
    for _ in range(150):
        net = s.random_network(rng)
        model = s.random_model(rng, net, effects=oracle.NEURON + oracle.SYNAPSE)
        assert 1 <= oracle.count(net, model) <= 300
        names |= {act.name for act in net.activations}
        effects |= {term.effect for term in model}
        flags |= {(isinstance(t.count, int), t.exactly, t.among is not None, len(model)) for t in model}
        low, high = s.random_box(rng, net)
        assert (low <= high).all()
    assert names == set(oracle.NAMES)
    assert effects == set(oracle.NEURON + oracle.SYNAPSE)
    assert len(flags) >= 12
