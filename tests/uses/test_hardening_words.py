# SPDX-License-Identifier: MIT
"""Which words, channels, groups and synapses to protect, against every set of them tried one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import withstand as ws
from withstand.uses.protection import Components

NET = ws.Network(
    [[[1.0, 2.0], [-3.0, 0.5]], [[1.0, -2.0], [2.0, 1.0]]], [[1.0, 0.5], [0.0, 0.25]], activation=["relu"]
).rounded("int4")
ROWS = np.array([[1.0, 2.0], [0.3, -1.0], [-0.5, 0.25]])
WIDE = ws.Network([np.arange(1.0, 7.0).reshape(6, 1) / 4, [[1.0, -1.0, 0.5, 2.0, 0.25, -0.5], [0.5] * 6]])
GROUPS = [[(1, 0), (1, 3)], [(1, 1)], [(1, 2), (1, 4)]]
IMAGES = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv(np.array([[[[1.0, -1.0]]], [[[0.5, 2.0]]], [[[0.25, 0.125]]]])))]),
        ws.Layer([(1, np.arange(12.0).reshape(2, 6) - 3.0)], activation="identity"),
    ],
    shape=(1, 1, 3),
)
PIXELS = np.array([[1.0, -0.5, 0.25], [0.5, 0.75, -1.0]])

WEIGHTS = [(layer, "weight", index) for layer in (1, 2) for index in np.ndindex(2, 2)]
CASES = [
    (NET, ROWS, lambda left, k: ws.WeightFlip(k, format="int4", among=left), WEIGHTS, 1),
    (NET, ROWS, lambda left, k: ws.WeightFlip(k, format="int4", to=0, among=left), WEIGHTS, 2),
    (NET, ROWS, lambda left, k: ws.WeightCrash(k, among=left), WEIGHTS, 2),
    (NET, ROWS, lambda left, k: ws.BitFlip(k, scale=0.25, among=left), [(1, 0), (1, 1)], 1),
    (WIDE, ROWS[:, :1], lambda left, k: ws.StuckAt(k, value=1.0, among=left), [(1, i) for i in range(6)], 2),
    (WIDE, ROWS[:, :1], lambda left, k: ws.Crash(k, groups=left), [tuple(g) for g in GROUPS], 1),
    (WIDE, ROWS[:, :1], lambda left, k: ws.Crash(k, groups=left), [tuple(g) for g in GROUPS], 2),
    (IMAGES, PIXELS, lambda left, k: ws.Crash(k, unit="channel", among=left), [(1, 0), (1, 1), (1, 2)], 2),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_no_smaller_set_does(case):
    net, rows, model, everything, k = CASES[case]
    worst = ws.enumerate_failures(net, model(everything, k), rows).worst
    for share in (0.1, 0.35, 0.7, 1.0):
        epsilon = share * worst
        found = ws.harden(net, model(everything, k), epsilon, rows)
        assert found.exact
        for size in range(len(everything) + 1):
            harmless = []
            for protected in itertools.combinations(everything, size):
                left = [c for c in everything if c not in protected]
                error = 0.0
                if left:
                    error = ws.enumerate_failures(net, model(left, min(k, len(left))), rows).worst
                if error <= epsilon:
                    harmless.append(protected)
            if harmless:
                break
        assert len(found.protect) == size
        assert found.protect in harmless
        assert len(found.to_dict()["protect"]) == len(found._rows()) == size


def test_words_that_become_infinite_are_all_protected():
    net = ws.Network([[[1.0], [0.5]], [[1.0, 2.0]]])
    found = ws.harden(net, ws.WeightFlip(1, format="float32", bits=(30,)), 1e30, [[1.0]])
    assert found.protect == ((1, "weight", (0, 0)), (1, "weight", (1, 0)), (2, "weight", (0, 0)))
    assert found.worst.upper == 1.0  # 2 has no bit 30 to lose but its own
    assert "protect 3 weights" in repr(found)


def test_counts_per_layer():
    found = ws.harden(NET, ws.WeightFlip((0, 1), format="int4"), 6.0, ROWS)
    assert {layer for layer, _, _ in found.protect} == {2}
    left = [c for c in WEIGHTS if c not in found.protect]
    assert ws.enumerate_failures(NET, ws.WeightFlip((0, 1), format="int4", among=left), ROWS).worst <= 6.0
    found = ws.harden(NET, ws.BitFlip((1,)), 0.5, ROWS)
    assert found._rows() == [{"layer": 1, "neuron": i} for _, i in found.protect]


def test_decisions():
    found = ws.harden(NET, ws.WeightFlip(1, format="int4"), X=ROWS, spec=ws.Argmax())
    left = [c for c in WEIGHTS if c not in found.protect]
    assert ws.enumerate_failures(NET, ws.WeightFlip(1, format="int4", among=left), ROWS, spec=ws.Argmax()).worst < 0
    for word in found.protect:
        one = ws.WeightFlip(1, format="int4", among=[*left, word])
        assert ws.enumerate_failures(NET, one, ROWS, spec=ws.Argmax()).worst >= 0


@pytest.mark.parametrize(
    "failures",
    [ws.Crash(1) + ws.WeightCrash(1), ws.WeightFlip(1, format="int4", exactly=True), ws.Noise(0.1)],
)
def test_what_is_refused(failures):
    with pytest.raises(ValueError, match="harden takes at most so many failures of one kind"):
        ws.harden(NET, failures, 1.0, ROWS)


def test_sets_that_do_the_same_harm_are_named():
    """Without the worst words of four outputs, those of the other outputs do exactly the same harm."""
    small, X, _ = ws.embedded("digits_small")
    words = small.rounded("int8")
    worst, rows = ws.worst_case(words, ws.WeightFlip(2, format="int8"), X[:1]).upper, X[:1]
    found = ws.harden(words, ws.WeightFlip(2, format="int8"), 0.85 * worst, rows)
    assert found.at_least <= len(found.protect) and found.worst.upper <= 0.85 * worst
    left = [name for name in Components(words, ws.WeightFlip(2, format="int8")).all if name not in found.protect]
    search = ws.worst_case(words, ws.WeightFlip(2, format="int8", among=left), rows)
    off = words.forward(search.witness.input, failed=search.witness) - words.forward(search.witness.input)
    assert len(search.witness.failed) == len(search.witness.ways) == 2
    assert np.abs(off).max() == search.lower == found.worst.lower
