# SPDX-License-Identifier: MIT
"""Evaluation by matrix products: `Network.forward` to rounding, whatever is transmitted, and whoever is told what."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from withstand.model.evaluation import outputs, received


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def net(rng):
    widths = (3, 5, 4, 2)
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths, widths[1:])]
    biases = [rng.normal(size=b) for b in widths[1:]]
    return ws.Network(weights, biases, activation=["tanh", "relu"], output_activation="logistic")


def test_what_is_transmitted_intact_gives_the_network(net, rng):
    X = rng.normal(size=(7, 3))
    assert outputs(net, X, lambda layer, y: y) == pytest.approx(net.forward(X), rel=1e-12)
    stacked = outputs(net, np.stack([X, 2 * X]), lambda layer, y: y)
    assert stacked == pytest.approx(np.stack([net.forward(X), net.forward(2 * X)]), rel=1e-12)
    assert received(net, 2, net.trace(X)[1]).clip(0) == pytest.approx(net.trace(X)[2], rel=1e-12)


def test_a_replaced_value_is_a_failed_neuron(net, rng):
    X = rng.normal(size=(7, 3))

    def stuck(layer, y):
        return np.where(np.arange(y.shape[-1]) == 1, 0.75, y) if layer == 2 else y

    assert outputs(net, X, stuck) == pytest.approx(net.forward(X, failed={(2, 1): 0.75}), rel=1e-12)
    later = outputs(net, stuck(2, net.trace(X)[2]), stuck, source=2)
    assert later == pytest.approx(net.forward(X, failed={(2, 1): 0.75}), rel=1e-12)


def test_each_receiver_may_be_told_something_else(net, rng):
    X = rng.normal(size=(7, 3))

    def unheard(layer, y):
        told = np.repeat(y[:, None, :], net.widths[layer + 1], axis=1)
        if layer == 1:
            told[:, 3, 2] = 0.0  # neuron 2 of layer 1 is not heard by neuron 3 of layer 2
        return told

    assert outputs(net, X, unheard) == pytest.approx(net.forward(X, failed={(2, 3, 2): 0.0}), rel=1e-12)
