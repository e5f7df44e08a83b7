# SPDX-License-Identifier: MIT
"""The worst dead synapses of chains of matrices: weights that become 0, tried layer by layer (docs/theory.md, 16.4)."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import withstand as ws

SHAPES = ("relu", "relu", "leaky_relu", "clip", "logistic", "tanh", "gelu")


def chain(rng: np.random.Generator, widths: tuple[int, ...]) -> ws.Network:
    """Return a chain, some of whose weights are 0."""
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in zip(widths, widths[1:])]
    for w in weights:
        w[rng.random(w.shape) < 0.1] = 0.0
    biases = [rng.normal(size=b) * 0.3 for b in widths[1:]]
    return ws.Network(weights, biases, activation=str(rng.choice(SHAPES)))


def among(net: ws.Network, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Return some of its synapses."""
    synapses = [(layer, to, n) for layer, w in enumerate(net.weights, 1) for to, n in np.ndindex(*w.shape)]
    return [s for s in synapses if rng.random() < 0.7]


@pytest.mark.parametrize("seed", range(400))
def test_the_worst_set_is_that_of_an_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = chain(rng, tuple(int(n) for n in rng.integers(2, 5, size=int(rng.integers(3, 5)))))
    x = rng.normal(size=(int(rng.integers(1, 4)), net.widths[0]))
    k, exactly = int(rng.integers(1, 4)), bool(rng.random() < 0.2)
    failures = ws.SynapseCrash(k, exactly=exactly, among=among(net, rng) if rng.random() < 0.4 else None)
    spec = ws.Argmax() if net.widths[-1] > 1 and rng.random() < 0.3 else None
    truth = ws.enumerate_failures(net, failures, x, spec=spec, threads=1)
    found = ws.worst_case(net, failures, x, spec=spec, threads=1)
    assert found.exact and found.witness is not None
    assert abs(found.lower - truth.worst) <= truth.rounding + found.rounding
    assert found.lower <= found.upper <= found.lower + found.rounding
    assert found.rounding <= 1e-9 * max(1.0, abs(found.lower))
    assert all(value == 0 and len(component) == 3 for component, value in found.witness.values.items())
    replayed = net.forward(found.witness.input, failed=found.witness.values) - net.forward(found.witness.input)
    assert spec is not None or np.abs(replayed).max() == found.lower


def test_one_that_does_nothing_alone_may_make_others_worse() -> None:
    """One neuron's signal s feeds three: without (1, 1, 1) it is -4.75 in place of -3.5.

    The harm F_0 - F_1 is -9.3125 intact, and s times 1.5625 less what dies behind it. Alone, the first one takes
    1.25 * 1.5625 from it; with (3, 0, 0) and (3, 1, 0) dead, whose share is 0.75 and 2.0625, it adds 1.25 * 1.25.
    """
    one, two = [[-1.5, 0.75], [1.25, -2]], [[-2, -1.25]]
    weights = [one, two, [[-0.75], [1.5], [1.25]], [[-1.25, 1.75, -1.75], [0.75, -1, 0.25]]]
    biases = [[-0.25, 2], [-1.5], [0.25, -0.25, -0.25], [-1.75, 1.75]]
    half = ws.Activation("identity", gain=0.5)
    net = ws.Network(weights, biases, activation=["clip", "identity", half])
    found = ws.worst_case(net, ws.SynapseCrash(3), [[-1, 1.25]], spec=ws.Argmax(), threads=1)
    assert found.exact and found.lower == -9.3125 + 0.75 * 3.5 + 2.0625 * 3.5 + 1.25 * 1.25 == 2.09375
    assert found.witness is not None and found.witness.failed == ((1, 1, 1), (3, 0, 0), (3, 1, 0))


@pytest.mark.parametrize("seed", range(250))
def test_signals_that_many_listen_to(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = (2, 2, 1, 3, 2)
    weights = [rng.integers(-7, 8, size=(b, a)) / 4 for a, b in zip(widths, widths[1:])]
    biases = [rng.integers(-7, 8, size=b) / 4 for b in widths[1:]]
    net = ws.Network(weights, biases, activation=str(rng.choice(["identity", "clip", "relu"])))
    x = rng.integers(-7, 8, size=(1, 2)) / 4
    for failures in (ws.SynapseCrash(3), ws.WeightCrash(3), ws.WeightFlip(2, format="int8", scale=0.25, bits=[0, 7])):
        for spec in (None, ws.Argmax()):
            truth = ws.enumerate_failures(net, failures, x, spec=spec, threads=1)
            found = ws.worst_case(net, failures, x, spec=spec, threads=1)
            assert found.exact and abs(found.lower - truth.worst) <= 1e-12 * (1 + abs(truth.worst)), (seed, failures)


@pytest.mark.parametrize("seed", range(60))
def test_a_coarse_search_claims_what_it_has_proved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = chain(rng, (3, 4, 4, 2))
    x, gap = rng.normal(size=(2, 3)), float(10.0 ** -rng.integers(0, 14))
    exact = ws.worst_case(net, ws.SynapseCrash(2), x, threads=1)
    found = ws.worst_case(net, ws.SynapseCrash(2), x, threads=1, gap=gap)
    assert found.lower <= exact.upper and exact.lower <= found.upper
    assert found.upper - found.lower <= max(gap * abs(found.upper), found.rounding)


@pytest.mark.parametrize("k", [2, 3, 5, 8])
def test_of_thousands_of_synapses(k: int) -> None:
    """As many as no enumeration tries: the same as of weights, whose search has a rounding of its own."""
    net, x, _ = ws.embedded("digits_small")
    dead = ws.worst_case(net, ws.SynapseCrash(k), x[:3], threads=1)
    weights = ws.worst_case(net, ws.WeightCrash(k), x[:3], threads=1)
    assert dead.exact and weights.exact and dead.configurations == weights.configurations
    assert dead.lower == weights.lower and dead.upper <= weights.upper
    assert dead.witness is not None and weights.witness is not None
    assert [(layer, to, n) for layer, _, (to, n) in weights.witness.failed] == list(dead.witness.failed)


def test_what_is_left_after_some_patience_goes_to_a_tree() -> None:
    """Bounds of what a synapse can do are loose in a deep chain: the tree enumerates, and begins with what is known."""
    rng = np.random.default_rng(5)
    widths = (3, 8, 8, 8, 8, 8, 8, 2)
    weights = [rng.normal(size=(b, a)) * np.sqrt(3 / a) for a, b in zip(widths, widths[1:])]
    net, x = ws.Network(weights, activation="relu"), rng.normal(size=3)
    truth = ws.enumerate_failures(net, ws.SynapseCrash(2), x, threads=1)
    found = ws.worst_case(net, ws.SynapseCrash(2), x, threads=1)
    assert found.exact and abs(found.lower - truth.worst) <= truth.rounding + found.rounding


def test_limits_end_it_with_what_is_known() -> None:
    net, x, _ = ws.embedded("digits")
    found = ws.worst_case(net, ws.SynapseCrash(30), x[0], threads=1, time_limit=0.3)
    assert found.status == "budget" and 0 < found.lower < found.upper
    some = ws.worst_case(net, ws.SynapseCrash(3), x[0], threads=1, node_limit=5)
    exact = ws.worst_case(net, ws.SynapseCrash(3), x[0], threads=1)
    assert some.nodes <= 5 and some.lower <= exact.lower <= some.upper


@pytest.mark.limits_memory
def test_inputs_are_taken_up_one_after_the_other() -> None:
    """What a search keeps of one input takes megabytes."""
    net, x, _ = ws.embedded("digits")
    ws.worst_case(net, ws.WeightCrash(2), x[:2], threads=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert ws.worst_case(net, ws.WeightCrash(2), x[:40], threads=1).exact
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # kilobytes; it was 4,500 for each
