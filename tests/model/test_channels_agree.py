# SPDX-License-Identifier: MIT
"""Three ways to say which neurons are a feature map: the package's, the checker's and the oracle's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from oracle import Activation
from oracle.words import Conv, Layer, Net, Select
from random_words import random_net
from withstand.certificate import stored
from withstand.model.parameters import channels
from word_nouns import built


def agree(net: Net, scales: object = None) -> int:
    """Compare all places; return how many have feature maps without reading a convolution."""
    layout = built(net, scales)._described()
    last = stored.orientations(layout)
    kept = 0
    for place, shape in enumerate(layout.shapes):
        expected = net.channels(place).tolist()
        assert channels(layout, place) == expected
        assert stored.channels(shape, last[place]) == expected
        reads = [kind for _, kind in net.layers[place - 1].reads] if place else []
        kept += last[place] is not None and not any(isinstance(kind, Conv) for kind in reads)
    return kept


def test_random_networks() -> None:
    rng = np.random.default_rng(7)
    assert sum(agree(*random_net(rng, exact=True)[:2]) for _ in range(400)) >= 10


def test_sums_and_clips_of_one_orientation_and_of_two() -> None:
    rng, kept = np.random.default_rng(3), 0
    for _ in range(200):
        shape = (2, 2) if rng.random() < 0.5 else (2, 2, 2)
        size, ones = math.prod(shape), (1,) * (len(shape) - 1)
        bare = ((0, 0),) * len(ones)
        layers = [
            _layer((0, Conv(rng.normal(size=(2, 2, *ones)), ones, bare, ones, 1, int(axis))), shape=shape)
            for axis in rng.choice([0, -1], size=2)
        ]
        for _ in range(int(rng.integers(1, 4))):
            order = np.arange(size) if rng.random() < 0.8 else rng.permutation(size)
            moved = Select(order.reshape(shape), rng.normal(size=shape))
            sources = rng.choice(len(layers) + 1, size=2, replace=False)
            layers.append(_layer(*((int(s), None if rng.random() < 0.5 else moved) for s in sources), shape=shape))
        layers.append(_layer((len(layers), rng.normal(size=(2, size))), shape=(2,)))
        kept += agree(Net(layers, shape))
    assert kept >= 10


def _layer(*reads: Any, shape: tuple[int, ...]) -> Layer:
    return Layer(reads, None, Activation("relu"), shape=shape)
