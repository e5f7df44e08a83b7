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
        (ws.Noise([1.0, 2.0, 3.0]), "3 amplitudes for 2 hidden layers"),
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
