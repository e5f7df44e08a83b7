# SPDX-License-Identifier: MIT
"""Flips that make an infinite number of a weight: of every output, and where nothing hears it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import withstand as ws


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_infinite_ways_are_infinite_for_every_output(spec: ws.Argmax | None) -> None:
    net = ws.Network([[[1.0]], [[0.5], [1.0], [0.25]]], activation="relu")
    found = ws.enumerate_failures(net, ws.WeightFlip(1, format="float32", bits=[30]), [[1.0]], spec=spec)
    assert found.worst == math.inf
    assert found.per_output.tolist() == [math.inf, math.inf if spec is None else -math.inf, math.inf]


def test_an_infinite_weight_behind_a_dead_synapse_does_nothing() -> None:
    conv = ws.Conv(np.ones((1, 1, 1)))
    net = ws.Network(layers=[ws.Layer([(0, conv)], None, "relu"), ws.Layer([(1, np.ones((2, 1)))], None)], shape=(1, 1))
    failures = ws.WeightFlip(1, format="float32", bits=[30], among=[(1, "weight", (0, 0, 0))]) + ws.SynapseCrash(1)
    found = ws.enumerate_failures(net, failures, [[1.0]])
    dead = {(1, 0, 0): 0.0, (1, "weight", (0, 0, 0)): math.inf}
    assert any(w.values == dead and w.error == 1.0 for w in found.top)
    assert net.forward([1.0], failed=dead).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="must be finite, got inf"):
        net.forward([1.0], failed={(1, "weight", (0, 0, 0)): math.inf})


def test_a_network_without_a_weight_is_evaluated() -> None:
    layers = [ws.Layer([(0, ws.Select([-1, -1]))], [0.5, -1.0], "relu"), ws.Layer([(1, ws.Select([-1]))], [2.0])]
    assert ws.Network(layers=layers, shape=(3,)).forward([1.0, 2.0, 3.0]).tolist() == [2.0]
