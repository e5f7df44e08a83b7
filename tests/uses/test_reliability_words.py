# SPDX-License-Identifier: MIT
"""Probabilities of harm by independent flips, parameters, groups and channels, against every pattern of failures."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import withstand as ws
from withstand.uses.independent_failures import left, weight

NET = ws.Network(
    [[[1.0, 2.0], [-3.0, 0.5]], [[1.0, -2.0], [2.0, 1.0]]], [[1.0, 0.5], [0.0, 0.25]], activation=["relu"]
).rounded("int4")
ROWS = np.array([[1.0, 2.0], [0.3, -1.0], [-0.5, 0.25]])
WORDS = ((1, "weight", (0, 1)), (2, "weight", (1, 0)))
WEIGHTS = [(layer, "weight", index) for layer in (1, 2) for index in np.ndindex(2, 2)]


def flips(to=None):
    """Every pattern of bits of two words: what they become, how many bits, whether some word has two."""
    ways = []
    for layer, _, index in WORDS:
        form, value = NET.formats[layer - 1].weight, NET.weights[layer - 1][index]
        free = [b for b in range(4) if to is None or (round(value / form.scale) >> b & 1) != to]
        ways.append([bits for n in range(len(free) + 1) for bits in itertools.combinations(free, n)])
    for first, second in itertools.product(*ways):
        failed = {}
        for (layer, name, index), bits in zip(WORDS, (first, second)):
            if bits:
                value = NET.weights[layer - 1][index]
                failed[layer, name, index] = float(NET.formats[layer - 1].weight.flip(value, bits))
        yield failed, len(first) + len(second)


def truth(net, rows, patterns, atoms, p, epsilon):
    intact, total = net.forward(rows), 0.0
    for failed, n in patterns:
        if np.abs(net.forward(rows, failed=failed) - intact).max() > epsilon:
            total += p**n * (1 - p) ** (atoms - n)
    return total


def chosen(components, value=0.0):
    """Every set of components, each a tuple of neurons or parameters."""
    for n in range(len(components) + 1):
        for some in itertools.combinations(components, n):
            yield {c: value for members in some for c in members}, n


@pytest.mark.parametrize("to", [None, 0, 1])
@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.1, 0.6])
def test_flips_of_words(to, p):
    def model(k):
        return ws.WeightFlip(k, format="int4", to=to, among=WORDS)

    patterns = list(flips(to))
    atoms = round(math.log2(len(patterns)))
    for epsilon in (0.1, 1.0, 4.0):
        exact = truth(NET, ROWS, patterns, atoms, p, epsilon)
        found = ws.reliability(NET, p, epsilon, ROWS, model=model, samples=0)
        assert found.lower <= exact * (1 + 1e-9) and exact <= found.upper * (1 + 1e-9)
        assert found.upper - found.lower <= 1.01 * math.comb(atoms, 2) * p * p + 1e-280  # two flips, at the least
        assert "WeightFlip(k" in repr(found)
        grid = [p, p / 3, 0.5]
        for q, low, high in zip(grid, *found.curve(grid)):
            exact = truth(NET, ROWS, patterns, atoms, q, epsilon)
            assert low <= exact * (1 + 1e-9) and exact <= high * (1 + 1e-9)
        sampled = ws.reliability(NET, p, epsilon, ROWS, model=model, samples=400, confidence=0.9999)
        exact = truth(NET, ROWS, patterns, atoms, p, epsilon)
        assert sampled.lower <= exact * (1 + 1e-9) and exact <= sampled.upper * (1 + 1e-9)


WIDE = ws.Network([np.arange(1.0, 7.0).reshape(6, 1) / 4, [[1.0, -1.0, 0.5, 2.0, 0.25, -0.5], [0.5] * 6]])
GROUPS = [((1, 0), (1, 3)), ((1, 1),), ((1, 2), (1, 4))]
IMAGES = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv(np.array([[[[1.0, -1.0]]], [[[0.5, 2.0]]], [[[0.25, 0.125]]]])))]),
        ws.Layer([(1, np.arange(12.0).reshape(2, 6) - 3.0)], activation="identity"),
    ],
    shape=(1, 1, 3),
)
MAPS = [tuple((1, 2 * c + i) for i in range(2)) for c in range(3)]


@pytest.mark.parametrize("p", [1e-4, 0.05, 0.7])
@pytest.mark.parametrize(
    ("net", "rows", "model", "components", "value"),
    [
        (NET, ROWS, lambda k: ws.WeightCrash(k), [(w,) for w in WEIGHTS], 0.0),
        (WIDE, ROWS[:, :1], lambda k: ws.Crash(k, groups=GROUPS), GROUPS, 0.0),
        (WIDE, ROWS[:, :1], lambda k: ws.StuckAt(k, value=0.5, groups=GROUPS), GROUPS, 0.5),
        (WIDE, ROWS[:, :1], lambda k: ws.StuckAt(k, value=0.5), [((1, i),) for i in range(6)], 0.5),
        (WIDE, ROWS[:, :1], lambda k: ws.Crash(k, among=[(1, 2), (1, 3)]), [((1, 2),), ((1, 3),)], 0.0),
        (IMAGES, ROWS, lambda k: ws.Crash(k, unit="channel"), MAPS, 0.0),
    ],
)
def test_components_and_groups(net, rows, model, components, value, p):
    rows = np.array([[1.0, -0.5, 0.25], [0.5, 0.75, -1.0]]) if net is IMAGES else rows
    for epsilon in (0.4, 2.0):
        exact = truth(net, rows, chosen(components, value), len(components), p, epsilon)
        found = ws.reliability(net, p, epsilon, rows, model=model, samples=0)
        assert found.lower <= exact * (1 + 1e-9) and exact <= found.upper * (1 + 1e-9)
        assert found.upper - found.lower <= 1e-9 * exact + 1e-280  # there is nothing but these sets


@pytest.mark.parametrize("to", [None, 1])
def test_flips_of_signals(to):
    p, form = 0.02, ws.Format("int4", 1.0)
    net = ws.Network([[[1.0], [2.0]], [[1.0, 0.5]]])

    def model(k):
        return ws.BitFlip(k, format="int4", scale=1.0, to=to)

    exact = 0.0
    for struck in itertools.product((0, 1), repeat=8):
        failed = {}
        for neuron, value in enumerate((2.0, 4.0)):
            bits = [b for b in range(4) if struck[4 * neuron + b] and (to is None or not int(value) >> b & 1)]
            if bits:
                failed[1, neuron] = float(form.flip(value, bits))
        off = float(np.abs(net.forward([2.0], failed=failed) - net.forward([2.0])).max())
        exact += (off > 2.5) * p ** sum(struck) * (1 - p) ** (8 - sum(struck))
    found = ws.reliability(net, p, 2.5, [[2.0]], model=model, samples=300, confidence=0.9999)
    assert found.lower <= exact <= found.upper
    assert found.upper - found.lower < 0.3 * exact + 28 * p * p
    assert (found.samples > 0) == (to is None)


def test_infinite_words_do_harm():
    net = ws.Network([[[1.0]], [[1.0]]], activation="logistic")
    p = 1e-5
    found = ws.reliability(net, p, 1e6, [[1.0]], model=lambda k: ws.WeightFlip(k, format="float32"), samples=200)
    once = 2 * p * (1 - p) ** 63  # bit 30 of either word
    assert once * (1 - 1e-9) <= found.lower and found.upper <= once + math.comb(64, 2) * p * p


@pytest.mark.parametrize(("n", "p"), [(9, 0.3), (40, 1e-3), (570_000, 1e-6), (570_000, 1e-4), (12, 0.999)])
def test_the_tail(n, p):
    for known in (0, 1, 4, 8):
        few = sum(weight(math.comb(n, j), n, j, p) for j in range(known + 1))
        assert left(n, known, p, ()) == pytest.approx(1 - few, abs=2e-11)
    assert left(n, -1, p, ()) == 1.0
    assert left(9, 9, 0.3, ()) == 0.0


@pytest.mark.parametrize(
    ("model", "p", "sentence"),
    [
        (lambda k: ws.Crash(k) + ws.WeightCrash(k), 0.1, "of one kind of failure"),
        (lambda k: ws.Byzantine(k, capacity=1.0), 0.1, "components that fail in given ways"),
        (lambda k: ws.WeightCrash(k, exactly=True), 0.1, "at most so many"),
        (lambda k: ws.WeightFlip(k, format="int4"), [0.1, 0.2], "p is one number for all bits"),
        (lambda k: ws.WeightCrash(k), 1.5, r"p must lie in \[0, 1\]"),
    ],
)
def test_what_is_refused(model, p, sentence):
    with pytest.raises(ValueError, match=sentence):
        ws.reliability(NET, p, 1.0, ROWS, model=model)
