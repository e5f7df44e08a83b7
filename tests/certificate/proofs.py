# SPDX-License-Identifier: MIT
"""A certificate that several test files look at, and cases that the oracle can follow."""

from __future__ import annotations

import itertools

import numpy as np
import strategies
import withstand as ws


def deep_network(seed, width=8, depth=4):
    rng = np.random.default_rng(seed)
    widths = [4, *[width] * depth, 2]
    weights = [1.4 * rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.3 * rng.normal(size=b) for b in widths[1:]]), rng.normal(size=(2, 4))


def proved(folder):
    """Return a network, a certificate of the worst 2 crashes anywhere at two inputs, and the truth."""
    net, X = deep_network(0)
    path = folder / "proof.json"
    found = ws.worst_case(net, ws.Crash(2), X, certificate=path)
    assert found.status == "exact"
    return net, path, found.lower


def random_case(seed, **shape):
    """Return a network, crash and stuck-at models (at most, exactly, sums, inputs), and inputs, for the oracle."""
    rng = np.random.default_rng(seed)
    net = strategies.random_network(rng, dyadic=bool(rng.integers(2)), **shape)
    model = strategies.random_model(rng, net, effects=("crash", "stuck"), cap=200)
    return net, model, strategies.random_inputs(rng, net, 2), rng
