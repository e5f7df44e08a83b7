# SPDX-License-Identifier: MIT
"""The main job on 500 random networks: enumeration, exact search and every bound against brute force."""

from __future__ import annotations

import bridge
import numpy as np
import oracle
import pytest
import withstand as ws
from strategies import random_inputs, random_model, random_network

METHODS = ("at-most", "capped", "matrix", "signed", "adjoint", "linear", "tightest")
EFFECTS = ("crash", "crash", "crash", "stuck", "synapse-crash")


def case(seed: int) -> tuple[oracle.Network, oracle.Model, np.ndarray]:
    """Return a network and a failure model with at most 600 configurations; mixed activations, depths and widths."""
    rng = np.random.default_rng(seed)
    net = random_network(rng, depth=(1, 3), dyadic=False)
    return net, random_model(rng, net, effects=EFFECTS, cap=600), random_inputs(rng, net, 2, dyadic=False)


@pytest.mark.parametrize("block", range(20))
def test_enumeration_search_and_bounds_against_brute_force(block):
    for seed in range(25 * block, 25 * (block + 1)):
        plain, terms, X = case(seed)
        truth = oracle.enumerate_failures(plain, terms, X)
        net, failures = bridge.network(plain), bridge.model(terms)
        assert failures.configurations(net) == len(truth.errors)

        intact = net.forward(X)
        scale = 1e-12 * max(1.0, float(abs(intact).max()), float(truth.worst))
        every = ws.enumerate_failures(net, failures, X, threads=1)
        assert every.status == "complete"
        assert every.configurations == len(truth.errors)
        assert abs(every.worst - truth.worst) <= scale
        assert abs(every.mean - truth.mean) <= scale
        assert abs(every.std - truth.std) <= scale

        exact = ws.worst_case(net, failures, X, threads=1)
        assert exact.status == "exact"
        assert exact.lower == every.worst, seed
        assert exact.lower <= exact.upper <= exact.lower + exact.rounding <= exact.lower + 20 * scale
        for witness in (every.witness, exact.witness):
            failed = net.forward(witness.input, failed=witness.values)
            assert abs(failed - net.forward(witness.input)).max() == every.worst

        slack = scale  # what two evaluations in double precision may differ by
        for method in METHODS:
            assert ws.bound(net, failures, X, method=method).value >= every.worst - slack, (seed, method)


def test_the_same_bits_for_any_number_of_threads():
    """The first-layer pairs of the digits network at 16 inputs."""
    net, X, _ = ws.embedded("digits")
    results = [ws.enumerate_failures(net, ws.Crash((2, 0)), X[:16], threads=n) for n in (1, 2, 4)]
    first = results[0]
    for other in results[1:]:
        assert (other.worst, other.mean, other.std, other.configurations, other.evaluations) == (
            first.worst,
            first.mean,
            first.std,
            first.configurations,
            first.evaluations,
        )
        assert other.witness == first.witness
        assert [other.quantile(q) for q in (0, 0.1, 0.5, 0.9, 1)] == [first.quantile(q) for q in (0, 0.1, 0.5, 0.9, 1)]
