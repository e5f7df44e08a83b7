# SPDX-License-Identifier: MIT
"""Random failures of words, parameters, channels and groups, against every configuration evaluated one by one."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import withstand as ws
from withstand.model.quantisation import LayerFormat, Quantisation
from withstand.model.settled import settled
from withstand.uses.probability import bounded_mean
from withstand.uses.random_failures import RandomFailures

NET = ws.Network(
    [[[1.0, 2.0], [-3.0, 0.5]], [[1.0, -2.0], [2.0, 1.0]]], [[1.0, 0.5], [0.0, 0.25]], activation=["relu"]
).rounded("int4")
ROWS, CLASSES = np.array([[1.0, 2.0], [0.3, -1.0], [-0.5, 0.25]]), np.array([1, 0, 1])
GROUPS = [[(1, 0), (2, 1)], [(1, 1)], [(2, 0), (2, 2)]]
DEEP = ws.Network(
    [[[1.0], [2.0], [-1.0]], [[1.0, 1.0, 0.5], [0.5, -1.0, 1.0], [1.0, 0.0, 2.0]], [[1.0, -1.0, 0.5], [0.5, 1.0, 1.0]]]
)
IMAGES = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv(np.array([[[[1.0, -1.0]]], [[[0.5, 2.0]]]])))], bias=[0.25, 0.0]),
        ws.Layer([(1, np.arange(8.0).reshape(2, 4) - 3.0)], activation="identity"),
    ],
    shape=(1, 1, 3),
).rounded("int8")
PIXELS = np.array([[1.0, -0.5, 0.25], [0.5, 0.75, -1.0]])

MODELS = [
    (NET, ROWS, ws.WeightFlip(1, format="int4")),
    (NET, ROWS, ws.WeightFlip(2, format="int4", bits=(0, 3), exactly=True)),
    (NET, ROWS, ws.WeightFlip(2, format="int4", to=1)),
    (NET, ROWS, ws.WeightFlip(1, format="int4", biases=True)),
    (NET, ROWS, ws.WeightFlip((1, 1), format="int4", to=0)),
    (NET, ROWS, ws.WeightFlip(1, format="int4", bits=[(0, 1), 3]) + ws.Crash(1)),
    (NET, ROWS, ws.WeightCrash(2)),
    (NET, ROWS, ws.BitFlip(2, format="int8", bits=(0, 6, 7))),
    (NET, ROWS, ws.BitFlip(1, format="int8", to=1, clamp=(-1.0, 4.0)) + ws.WeightCrash(1)),
    (DEEP, ROWS[:, :1], ws.Crash(2, groups=GROUPS)),
    (DEEP, ROWS[:, :1], ws.StuckAt(1, value=0.5, groups=GROUPS) + ws.Crash(1, groups=GROUPS)),
    (IMAGES, PIXELS, ws.Crash(1, unit="channel")),
    (IMAGES, PIXELS, ws.WeightFlip(1, format="int8", to=0)),
]


@pytest.mark.parametrize(("net", "rows", "failures"), MODELS, ids=lambda value: repr(value)[:60])
def test_every_configuration_is_drawn_equally_often(net, rows, failures):
    failures = settled(failures, net, rows)
    drawer, rng = RandomFailures(net, failures), np.random.default_rng(7)
    size, each = failures.configurations(net), 100
    seen = Counter(tuple((d.term, d.component, d.way) for d in drawer.draw(rng)) for _ in range(each * size))
    assert len(seen) == size
    chi = sum((n - each) ** 2 / each for n in seen.values())  # mean size - 1, deviation sqrt(2 (size - 1))
    assert abs(chi - (size - 1)) < 5 * math.sqrt(2 * (size - 1))


@pytest.mark.parametrize(("net", "rows", "failures"), MODELS, ids=lambda value: repr(value)[:60])
def test_all_errors_are_those_of_an_enumeration(net, rows, failures):
    trials = 40 * settled(failures, net, rows).configurations(net)
    found = ws.campaign(net, rows, CLASSES[: len(rows)], failures, trials=trials)
    every = ws.enumerate_failures(net, failures, rows)
    assert found.errors.max() == every.worst
    assert set(found.errors.tolist()) >= {w.error for w in every.top}
    low, high = bounded_mean(found.errors / every.worst, 0.999)
    assert low * every.worst <= every.mean <= high * every.worst


def by_hand(net, rows, words, values):
    """Every value of every word with its chance, independent: the mean accuracy."""
    total = 0.0
    for choice in itertools.product(*values):
        failed = {word: value for word, (_, value) in zip(words, choice) if value is not None}
        right = net.forward(rows, failed=failed).argmax(axis=1) == CLASSES[: len(rows)]
        total += math.prod(chance for chance, _ in choice) * right.mean()
    return total


@pytest.mark.parametrize("rate", [0.2, 0.7])
@pytest.mark.parametrize("to", [None, 0, 1])
def test_rates_are_those_of_every_bit(rate, to):
    words = [(1, "weight", (0, 1)), (2, "weight", (0, 0)), (2, "weight", (1, 1))]
    values = []
    for layer, _, index in words:
        weight, form = NET.weights[layer - 1][index], NET.formats[layer - 1].weight
        held = {bit: form.flip(weight, [bit]) != weight and _held(form, weight, bit) for bit in range(4)}
        free = [bit for bit in range(4) if to is None or held[bit] != to]
        ways = []
        for n in range(len(free) + 1):
            chance = rate**n * (1 - rate) ** (len(free) - n)
            ways += [(chance, form.flip(weight, bits) if bits else None) for bits in itertools.combinations(free, n)]
        values.append(ways)
    failures = ws.WeightFlip(0, format="int4", to=to, among=words)
    found = ws.campaign(NET, ROWS, CLASSES, failures, rates=rate, trials=3000, confidence=0.999)
    low, high = found.accuracy_interval
    assert low <= by_hand(NET, ROWS, words, values) <= high
    assert "every bit, at rate" in found.failures
    mean = sum(1 - (1 - rate) ** round(math.log2(len(ways))) for ways in values)
    assert abs(found.failed.mean() - mean) <= 5 * math.sqrt(len(words) / 4 / 3000)


def _held(form, weight, bit):
    """The bit of a two's complement word."""
    return round(weight / form.scale) >> bit & 1


def test_rates_of_signals_are_of_the_word_that_arrives():
    net = ws.Network([[[1.0]], [[2.0]], [[1.0], [-1.0]]])
    rate, rows, form = 0.5, np.array([[3.0]]), ws.Format("int4", 1.0)
    failures = ws.BitFlip(0, format="int4", scale=1.0, bits=(0, 1))
    found = ws.campaign(net, rows, [0], failures, rates=rate, trials=4000)
    errors = Counter(found.errors.tolist())
    expected: Counter[float] = Counter()
    flips = [bits for n in range(3) for bits in itertools.combinations((0, 1), n)]
    for first, second in itertools.product(flips, flips):
        y = form.flip(3.0, first) if first else 3.0
        z = max(2 * y, 0.0)
        z = form.flip(z, second) if second else z
        expected[abs(z - 6.0)] += 4000 / 16
    assert set(errors) == set(expected)
    assert sum((errors[e] - n) ** 2 / n for e, n in expected.items()) < 5 * len(expected) + 20


def test_groups_and_channels_at_rates_fail_as_wholes():
    found = ws.campaign(DEEP, ROWS[:, :1], CLASSES, ws.Crash(0, groups=GROUPS), rates=1.0, trials=2)
    dead = DEEP.forward(ROWS[:, :1], failed={c: 0.0 for group in GROUPS for c in group})
    assert found.failed.tolist() == [3, 3]
    assert found.errors[0] == np.abs(dead - DEEP.forward(ROWS[:, :1])).max()
    found = ws.campaign(IMAGES, PIXELS, [0, 1], ws.Crash(0, unit="channel"), rates=0.5, trials=400)
    assert {0, 1, 2} == set(found.failed.tolist())
    found = ws.campaign(NET, ROWS, CLASSES, ws.WeightCrash(0), rates=1.0, trials=1)
    assert found.failed.tolist() == [NET.n_weights]


def test_a_word_that_becomes_infinite_is_no_right_class_also_where_an_activation_bounds_it():
    net = ws.Network([[[1.0]], [[0.0], [1.0]]], activation="logistic")
    for failures in (
        ws.WeightFlip(1, format="float32", bits=(30,), exactly=True, among=[(1, "weight", (0, 0))]),
        ws.BitFlip(1, format="float32", bits=(30,), exactly=True, among=[(0, 0)]),
    ):
        found = ws.campaign(net, [[1.0]], [1], failures, trials=3)
        assert ws.enumerate_failures(net, failures, [[1.0]]).worst == math.inf
        assert (found.accuracies.tolist(), found.errors.tolist()) == ([0.0] * 3, [math.inf] * 3)
    found = ws.campaign(net, [[1.0], [0.5]], [1, 1], failures, trials=3)
    assert found.accuracies.tolist() == [0.5] * 3  # 0.5 becomes 2^127, and is a number
    assert found.errors.tolist() == [math.inf] * 3
    clamped = ws.WeightFlip(1, format="float32", bits=(30,), clamp=(-2.0, 2.0), exactly=True)
    assert np.isfinite(ws.campaign(net, [[1.0]], [1], clamped, trials=20).errors).all()


@pytest.mark.parametrize(
    ("failures", "options", "sentence"),
    [
        (ws.BitFlip(1, to=0), {"rates": 0.1}, "which cells of a word change depends on the signal"),
        (ws.WeightFlip(1, format="int4") + ws.WeightCrash(1), {"rates": 0.1}, "could fail in two ways at once"),
        (ws.BitFlip(1) + ws.Crash(1), {"rates": 0.1}, "could fail in two ways at once"),
        (ws.WeightFlip(1, format="int8", scale=0.3), {}, "is no word"),
        (ws.Crash(1, groups=[[(1, 0), (1, 1)]]) + ws.Crash(2), {}, "fails in a group of one model"),
    ],
)
def test_what_is_refused(failures, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        ws.campaign(NET, ROWS, CLASSES, failures, **{"trials": 5, **options})


def test_trials_go_on_from_their_file(tmp_path):
    ask = {"failures": ws.BitFlip(2), "trials": 60, "seed": 3}
    whole = ws.campaign(NET, ROWS, CLASSES, **ask)
    again = [ws.campaign(NET, ROWS, CLASSES, checkpoint=tmp_path / "run.db", **ask) for _ in range(2)]
    assert {found.errors.tobytes() for found in again} == {whole.errors.tobytes()}


def wide_biases() -> ws.Network:
    """Return a network whose weights are words of 4 bits, and whose biases are words of 16."""
    net = ws.Network([[[3.0, -2.0]], [[2.0], [-5.0]]], [[300.0], [-7.0, 40.0]], activation=["relu"])
    formats = LayerFormat((("weight", ws.Format("int4", 1.0)), ("bias", ws.Format("int16", 1.0))))
    net._quantisation = Quantisation((LayerFormat(), formats, formats))
    return net


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_rates_of_biases_in_wider_words(rate):
    """Ways that only the biases' words have stand beside those of the weights."""
    net, rows = wide_biases(), np.array([[1.0, 2.0]])
    found = ws.campaign(net, rows, [1], ws.WeightFlip(0, format="int4", biases=True), rates=rate, trials=2000)
    words = 4 * (1 - (1 - rate) ** 4) + 3 * (1 - (1 - rate) ** 16)
    assert abs(found.failed.mean() - words) <= 5 * math.sqrt(7 / 4 / 2000)
    one = ws.campaign(net, rows, [1], ws.WeightFlip(0, format="int4", biases=True, among=[(1, "bias", 0)]), rates=rate,
                      trials=500)  # fmt: skip
    held = range(-(1 << 15), 1 << 15)  # relu(3 - 4 + b) is read with 2 and -5
    assert set(one.errors.tolist()) <= {5.0 * abs(max(b - 1, 0) - 299) for b in held}
