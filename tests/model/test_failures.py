# SPDX-License-Identifier: MIT
"""Failure models: what they say, how they count, what they refuse."""

from __future__ import annotations

import math
import pickle
from itertools import combinations
from math import comb

import numpy as np
import pytest
import withstand as ws

NET = ws.Network([np.ones((64, 3)), np.ones((8, 64)), np.ones((2, 8))])

MODELS = [
    (ws.Crash(2), "Crash(2)"),
    (ws.Crash((2, 1)), "Crash((2, 1))"),
    (ws.Crash(2, exactly=True), "Crash(2, exactly=True)"),
    (ws.Crash(1, among=[(1, 0), (1, 7)]), "Crash(1, among=[2 neurons])"),
    (ws.StuckAt(1, value=0.5), "StuckAt(1, value=0.5)"),
    (ws.Byzantine(1, capacity=1.0), "Byzantine(1, capacity=1)"),
    (
        ws.Byzantine(1, capacity=1.0, convention="deviation", equivocal=True),
        "Byzantine(1, capacity=1, convention='deviation', equivocal=True)",
    ),
    (ws.Noise(0.25), "Noise(0.25)"),
    (ws.Noise([0.25, 0.5]), "Noise((0.25, 0.5))"),
    (ws.SynapseCrash(3), "SynapseCrash(3)"),
    (
        ws.SynapseByzantine((1, 0, 0), capacity=2.0, convention="replace"),
        "SynapseByzantine((1, 0, 0), capacity=2, convention='replace')",
    ),
    (ws.Crash((1, 0)) + ws.Byzantine((0, 1), capacity=1.0), "Crash((1, 0)) + Byzantine((0, 1), capacity=1)"),
]


@pytest.mark.parametrize(("model", "text"), MODELS)
def test_models_say_what_they_are(model, text):
    assert repr(model) == text
    assert pickle.loads(pickle.dumps(model)) == model
    assert hash(pickle.loads(pickle.dumps(model))) == hash(model)
    assert model != "model"
    assert model.configurations(NET) >= 1


def test_counts_are_exact():
    n = 72
    assert ws.Crash(3).configurations(NET) == sum(comb(n, k) for k in range(4))
    assert ws.Crash(3, exactly=True).configurations(NET) == comb(n, 3)
    assert ws.Crash((3, 2)).configurations(NET) == sum(comb(64, k) for k in range(4)) * (1 + 8 + 28)
    assert ws.Crash(36).configurations(NET) == sum(comb(n, k) for k in range(37))  # far beyond 64 bits
    assert ws.SynapseCrash(2, exactly=True).configurations(NET) == comb(3 * 64 + 64 * 8 + 8 * 2, 2)
    assert ws.Crash(1, among=[(0, 1), (1, 5)]).configurations(NET) == 3


def test_sums_count_disjoint_sets_by_hand():
    a, b = [(1, 0), (1, 1), (2, 0)], [(1, 1), (2, 0), (2, 1)]
    model = ws.Crash(2, among=a) + ws.StuckAt(1, value=1.0, among=b)
    by_hand = sum(
        not set(s) & set(t)
        for i in range(3)
        for s in combinations(a, i)
        for j in range(2)
        for t in combinations(b, j)
    )
    assert model.configurations(NET) == by_hand


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: ws.Crash(-1), ValueError, "Crash: counts must be at least 0, got -1"),
        (lambda: ws.Crash(1.5), TypeError, "Crash: counts must be integers, got 1.5"),
        (lambda: ws.Crash(True), TypeError, "Crash: counts must be integers, got True"),
        (lambda: ws.Crash("2"), TypeError, "Crash: counts must be integers, got '2'"),
        (lambda: ws.Crash(1, among=[(1, 2, 3)]), ValueError, r"among names \(1, 2, 3\), expected \(layer, neuron\)"),
        (lambda: ws.SynapseCrash(1, among=[(1, 2)]), ValueError, r"expected \(layer, to, from\)"),
        (lambda: ws.StuckAt(1, value=math.nan), ValueError, "StuckAt: value must be finite, got nan"),
        (lambda: ws.StuckAt(1, value="a"), TypeError, "StuckAt: value must be a real number, got 'a'"),
        (lambda: ws.Byzantine(1, capacity=math.inf), ValueError, "Byzantine: capacity must be finite, got inf"),
        (lambda: ws.Byzantine(1, capacity=-1), ValueError, "Byzantine: capacity must be at least 0, got -1"),
        (lambda: ws.Byzantine(1, 1, convention="x"), ValueError, "convention must be 'value' or 'deviation', got 'x'"),
        (lambda: ws.SynapseByzantine(1, 1, convention="x"), ValueError, "must be 'product', 'signal' or 'replace'"),
        (lambda: ws.Noise(-0.5), ValueError, "Noise: delta must be at least 0, got -0.5"),
        (lambda: ws.Crash(1) + 2, TypeError, "unsupported operand"),
    ],
)
def test_bad_models_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ws.Crash((3, 9)), r"Crash\(\(3, 9\)\): layer 2 has 8 neurons, at most 8 can fail"),
        (ws.Crash(73), r"Crash\(73\): 72 neurons can fail, not 73"),
        (ws.Crash((1, 1, 1)), r"Crash\(\(1, 1, 1\)\): 3 counts for 2 hidden layers"),
        (ws.Crash(1, among=[(2, 8)]), r"among names \(2, 8\), layer 2 has 8 neurons"),
        (ws.Crash(1, among=[(3, 0)]), "outputs never fail"),
        (ws.Crash(1, among=[(1, 0), (1, 0)]), r"among names \(1, 0\) twice"),
        (ws.Crash((1, 0), among=[(0, 0)]), "per-layer counts speak of hidden layers"),
        (ws.Crash(2, among=[(1, 0)]), "1 neurons can fail, not 2"),
        (ws.SynapseCrash((1, 1)), "2 counts for 3 layers of synapses"),
        (ws.SynapseCrash((0, 0, 17)), "layer 3 has 16 synapses, at most 16 can fail"),
        (ws.SynapseCrash(1, among=[(1, 0, 3)]), r"among names \(1, 0, 3\), layer 0 has 3 neurons"),
        (ws.Noise([1.0, 2.0, 3.0, 4.0]), "4 amplitudes for 2 hidden layers"),
        (
            ws.Crash((0, 8), exactly=True) + ws.StuckAt((0, 1), value=1.0, exactly=True),
            "the models share components and there are not enough of them to fail together",
        ),
    ],
)
def test_models_that_do_not_fit_the_network_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.configurations(NET)


def test_box_refuses_what_is_no_box():
    with pytest.raises(ValueError, match=r"entry 1: lower is 2.0, above upper 1.0"):
        ws.Box([0, 2], [1, 1])
    with pytest.raises(ValueError, match="lower has 2 entries, upper has 1"):
        ws.Box([0, 2], [1])
    with pytest.raises(ValueError, match="lower must be finite, entry 0 is -inf"):
        ws.Box([-math.inf], [1])
    assert ws.Box([0], [1]) == ws.Box([0.0], [1.0]) != ws.Box([0], [2])


def _apart(parts, size, count, **options):
    """Return a sum of models on as many disjoint sets of neurons of layer 1."""
    models = [ws.Crash(count, among=[(1, size * p + i) for i in range(size)], **options) for p in range(parts)]
    total = models[0]
    for model in models[1:]:
        total = total + model
    return total


WIDE = ws.Network([np.ones((1020, 1)), np.ones((1, 1020))])


def test_models_on_disjoint_components_multiply():
    assert _apart(4, 255, 255, exactly=True).configurations(WIDE) == 1
    assert _apart(4, 255, 100, exactly=True).configurations(WIDE) == comb(255, 100) ** 4
    assert _apart(4, 255, 100).configurations(WIDE) == sum(comb(255, k) for k in range(101)) ** 4
    assert _apart(255, 4, 2, exactly=True).configurations(WIDE) == 6**255


def test_several_totals_on_all_neurons_are_counted():
    """Multinomial coefficients of thousands of digits, more than Python writes as a decimal."""
    model = ws.Crash(40) + ws.StuckAt(30, value=1.0, exactly=True) + ws.StuckAt(50, value=2.0)
    expected = sum(
        comb(1020, 30) * comb(990, a) * comb(990 - a, b) for a in range(41) for b in range(51)
    )
    assert model.configurations(WIDE) == expected
    wide = ws.Network([np.ones((20_000, 1)), np.ones((1, 20_000))])
    assert ws.Crash(9_000, exactly=True).configurations(wide) == comb(20_000, 9_000)
    assert ws.Crash(20_000).configurations(wide) == 2**20_000


def test_what_takes_too_long_to_count_is_said_to():
    space = _apart(4, 255, 100)._space(WIDE)
    assert space.configurations(1000) is None
    assert space.configurations() == _apart(4, 255, 100).configurations(WIDE)
    model = ws.Crash(1, exactly=True, among=[(1, i) for i in range(24)])
    for term in range(24):  # a permanent
        among = [(1, i) for i in range(24) if (term * 7 + i * 5) % 11 < 5]
        model = model + ws.StuckAt(1, value=float(term), exactly=True, among=among)
    with pytest.raises(ValueError, match="not enough of them to fail together"):
        model.configurations(NET)  # 25 failures among 24 neurons
    with pytest.raises(ValueError, match="too many ways to share out"):
        _shared(24).configurations(NET)


def _shared(terms):
    """Return models of one failure each that share candidates, every one in another way."""
    models = [
        ws.StuckAt(1, value=float(t), among=[(1, i) for i in range(40) if (i * (t + 2)) % 7 < 4])
        for t in range(terms)
    ]
    total = models[0]
    for model in models[1:]:
        total = total + model
    return total


def test_a_result_beyond_doubles_has_no_number_of_configurations():
    found = ws.worst_case(WIDE, _apart(4, 255, 100), [[1.0]], node_limit=1)
    assert found.configurations == _apart(4, 255, 100).configurations(WIDE)
    wide = ws.Network([np.ones((3000, 1)), np.ones((1, 3000))])
    found = ws.worst_case(wide, ws.Crash(1500), [[1.0]], node_limit=1)
    assert found.configurations is None
    assert "configurations" not in repr(found)


@pytest.mark.parametrize(("model", "sentence"), [
    (_apart(4, 255, 255, exactly=True), "takes a table of more than"),
    (_apart(4, 255, 100), r"has \d+ configurations, at most 2\^63 - 1"),
    (ws.Crash(510), "has too many to write down configurations|has .* configurations, at most"),
])  # fmt: skip
def test_what_cannot_be_enumerated_is_refused(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        ws.enumerate_failures(WIDE, model, [[1.0]])
