# SPDX-License-Identifier: MIT
"""Neurons, their synapses and inputs that fail together: what changes nothing alone may matter behind another failure,
and the other way round. Every field of an enumeration against every configuration evaluated by `forward`."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from withstand import _core

SEEDS = 600
BLOCKS = 6


def small_network(rng, dyadic):
    """Narrow, so that failures meet; every fifth with layers of very different magnitudes."""
    net = own.random_network(rng, depth=(1, 3), width=(1, 4), inputs=(1, 3), dyadic=dyadic)
    if rng.random() < 0.8:
        return net
    scales = [10.0 ** rng.uniform(-8, 8, (len(b), 1)) for b in net.biases]
    weights = [W * s for W, s in zip(net.weights, scales)]
    return oracle.network(weights, net.biases, net.activations, net.output_activation)


def sum_of_models(rng, net, transmitted):
    """Two or three terms, synapses and neurons among them; some are stuck at what a neuron transmits anyway."""
    for most in (3, 2, 2, 1, 1, 1, 1, 1):
        effects = ["synapse-crash", str(rng.choice(["crash", "stuck"])), *rng.choice(oracle.FINITE, rng.integers(0, 2))]
        terms = [own.random_term(rng, net, str(effect), most) for effect in effects]
        if rng.random() < 0.5:
            terms = [replace(t, size=float(rng.choice(transmitted))) if t.effect == "stuck" else t for t in terms]
        if max(oracle.count_single(net, t) for t in terms) <= 300 and 1 <= oracle.count(net, tuple(terms)) <= 300:
            return tuple(terms)
    return None


def listed(net, model):
    """Every configuration as what `forward` takes."""
    return [
        {c: float(v) for c, v in oracle.values(model, config).items()} for config in oracle.configurations(net, model)
    ]


def canonical(net, configs, inputs, decisions):
    """Harms (configurations, inputs, outputs) by `forward`."""
    intact = net.forward(inputs)
    rows, classes = np.arange(len(inputs)), intact.argmax(axis=1)
    harms = []
    for values in configs:
        faulty = net.forward(inputs, failed=values)
        harm = faulty - faulty[rows, classes][:, None] if decisions else abs(faulty - intact)
        if decisions:
            harm[rows, classes] = -np.inf
        harms.append(harm)
    return np.array(harms)


def case(seed):
    rng = np.random.default_rng(seed)
    net = small_network(rng, dyadic=bool(seed % 3))
    inputs = own.random_inputs(rng, net, int(rng.integers(1, 4)))
    signals = oracle.trace(net, inputs[0])
    model = sum_of_models(rng, net, [float(v) for y in signals for v in y])
    return net, model, inputs, net.widths[-1] > 1 and seed % 4 == 0


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_field_is_that_of_the_configurations(block):
    seen = 0
    for seed in range(block, SEEDS, BLOCKS):
        net, model, inputs, decisions = case(seed)
        if model is not None:
            check(bridge.network(net), listed(net, model), bridge.model(model), inputs, decisions)
            seen += 1
    assert seen > SEEDS / BLOCKS / 2


def check(net, configs, failures, inputs, decisions):
    harms = canonical(net, configs, inputs, decisions)
    errors = harms.max(axis=(1, 2))
    epsilon = None if decisions else float(np.sort(errors)[len(errors) // 2])  # attained
    spec = ws.Argmax() if decisions else None
    found = ws.enumerate_failures(net, failures, inputs, epsilon=epsilon, spec=spec, threads=1, components=True)
    assert (found.configurations, found.evaluations) == (len(configs), len(configs) * len(inputs))
    order = sorted(range(len(configs)), key=lambda k: (-errors[k], len(configs[k]), sorted(configs[k])))
    assert [w.error for w in found.top] == [errors[k] for k in order[:10]]
    assert [w.failed for w in found.top] == [tuple(sorted(configs[k])) for k in order[:10]]
    for w in found.top:
        k = configs.index(w.values)
        index, output = np.unravel_index(int(harms[k].argmax()), harms[k].shape)
        assert (w.input_index, w.output, w.error) == (index, output, harms[k, index, output])
    assert found.worst == errors.max()
    assert (found.per_output == harms.max(axis=(0, 1))).all()
    assert found.exceeding == np.mean(errors >= 0 if decisions else errors > epsilon)
    scale = rounding(net, failures, inputs)
    assert abs(found.mean - math.fsum(errors) / len(errors)) <= scale
    assert abs(found.std - np.std(errors)) <= 2 * scale
    for q in (0.0, 0.3, 0.5, 0.9, 1.0):
        exact = float(np.quantile(errors, q, method="inverted_cdf"))
        assert abs(found.quantile(q) - exact) <= found.resolution * abs(exact) + scale
    check_components(found.components, configs, errors, scale)


def check_components(found, configs, errors, scale):
    expected = {}
    for values, error in zip(configs, errors):
        for component in values:
            expected.setdefault(component, []).append(error)
    assert set(found) == set(expected)
    for component, here in expected.items():
        assert (found[component].worst, found[component].configurations) == (max(here), len(here))
        assert abs(found[component].mean - math.fsum(here) / len(here)) <= scale


def rounding(net, failures, inputs):
    """How far the fast errors may be from the canonical ones, and sums of them in another order."""
    engine = _core.Enumerator(net._core, failures._space(net), inputs, False, None, 1)
    return 4 * engine.rounding


def test_a_crashed_neuron_stays_crashed_behind_a_failed_synapse():
    net = ws.Network([[[-2.0]], [[-2.0]]], [[1.0], [-1.0]])  # transmits 0; without its synapse it would transmit 1
    synapse, neuron = ws.SynapseCrash((1, 0), exactly=True), ws.Crash(1, exactly=True)
    found = ws.enumerate_failures(net, synapse + neuron, [[1.1]], epsilon=0.5, components=True)
    assert (found.worst, found.mean, found.exceeding, found.witness.failed) == (0.0, 0.0, 0.0, ((1, 0), (1, 0, 0)))
    assert {c: e.worst for c, e in found.components.items()} == {(1, 0): 0.0, (1, 0, 0): 0.0}
    assert ws.enumerate_failures(net, synapse, [[1.1]]).worst == 2.0


def test_a_neuron_stuck_at_its_value_is_not_idle_behind_a_failed_synapse():
    net = ws.Network([[[1.0]], [[1.0]]])
    stuck = ws.StuckAt(1, value=2.0, exactly=True)
    found = ws.enumerate_failures(net, ws.SynapseCrash((1, 0), exactly=True) + stuck, [[2.0]])
    assert (found.worst, found.mean) == (0.0, 0.0)


def test_a_neuron_that_transmits_0_is_not_idle_behind_a_failed_layer():
    net = ws.Network([[[1.0]], [[-1.0]], [[1.0]]], [[0.0], [1.0], [0.0]])  # 1 - 2 < 0: the second neuron rests
    models = {
        ws.Crash((1, 0), exactly=True): 1.0,
        ws.Crash((1, 1), exactly=True): 0.0,
        ws.Crash((0, 1), exactly=True) + ws.SynapseCrash((1, 0, 0), exactly=True): 0.0,
        ws.Crash((0, 1), exactly=True) + ws.Crash(1, among=[(0, 0)], exactly=True): 0.0,
    }
    for failures, worst in models.items():
        found = ws.enumerate_failures(net, failures, [[2.0]])
        assert (found.worst, found.mean) == (worst, worst)


def test_outputs_that_are_at_their_worst_together():
    """Whatever silences a bottleneck does as much to all of many outputs, which come within rounding of their worst."""
    rng = np.random.default_rng(11)
    net = ws.Network([rng.normal(size=s) for s in ((6, 4), (1, 6), (6, 1), (50, 6))], activation="relu")
    X = np.abs(rng.normal(size=(2, 4)))
    intact, worst = net.forward(X), np.zeros(50)
    for pair in itertools.combinations([(layer, n) for layer in (1, 2, 3) for n in range(net.widths[layer])], 2):
        worst = np.maximum(worst, abs(net.forward(X, failed=dict.fromkeys(pair, 0.0)) - intact).max(axis=0))
    found = ws.enumerate_failures(net, ws.Crash(2, exactly=True), X)
    assert (found.per_output == worst).all() and found.worst == worst.max()
