# SPDX-License-Identifier: MIT
"""What is called exact is known well: flips of wide words behind clips, whose rounding no sum over layers tells."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from oracle import Activation
from oracle.words import Layer, Net
from word_nouns import built


def quantised(rng: np.random.Generator, *widths: int) -> ws.Network:
    """Clipped layers as files of int8 have them: weights of 8 bits, biases of 32."""
    layers = []
    for l, (before, after) in enumerate(zip(widths, widths[1:])):
        scale, finer = 0.013 * (l + 1), 0.00017 * (l + 1)
        phi = Activation("identity") if l == len(widths) - 2 else Activation("hard_tanh")
        weight = scale * rng.integers(-127, 128, size=(after, before))
        bias = finer * rng.integers(-3000, 3001, size=after)
        layers.append(Layer(((l, weight),), bias, phi, stored_as=("int8", scale), bias_as=("int32", finer)))
    return built(Net(layers, (widths[0],)), "file")


@pytest.mark.parametrize("seed", range(8))
def test_flips_of_wide_biases_behind_clips(seed: int) -> None:
    """A flipped bias of 32 bits moves a sum by thousands, and what is behind the clip by no more than the clip."""
    rng = np.random.default_rng(seed)
    net, x = quantised(rng, 6, 5, 5, 5, 2), rng.uniform(-1, 1, size=(2, 6))
    hidden = [(l, i) for l in (1, 2, 3) for i in range(5)]
    failures = ws.WeightFlip(1, format="int8", biases=True, among=[(l, "bias", i) for l, i in hidden])
    found = ws.worst_case(net, failures, x)
    assert found.exact and found.upper - found.lower <= 1e-6 * max(found.lower, float(np.abs(net.forward(x)).max()))


def test_no_time_is_no_interruption():
    net, X, _ = ws.embedded("digits_small")
    for limit in (0.0, 1e-3):
        found = ws.worst_case(net.rounded("int8"), ws.WeightFlip(7, format="int8"), X[:2], time_limit=limit)
        assert found.status == "budget"
