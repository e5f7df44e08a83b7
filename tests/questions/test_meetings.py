# SPDX-License-Identifier: MIT
"""The worst two and three failures of networks whose neurons reach few others: against all of them, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import withstand as ws
from random_graphs import evaluate, random_graph

SHAPES = ("relu", "relu", "relu", "leaky_relu", "clip", "tanh", "silu")


def convolutional(rng: np.random.Generator, side: int = 6) -> ws.Network:
    """Return two or three convolutions of an image, perhaps with a shortcut, and a few outputs."""

    def conv(before: int, after: int, stride: int) -> ws.Conv:
        kernel = rng.normal(size=(after, before, 3, 3)) / (3 * np.sqrt(before))
        return ws.Conv(kernel, stride=stride, padding=1)

    channels, first, then = (int(n) for n in rng.integers(1, 4, size=3))
    phi = ws.Activation(str(rng.choice(SHAPES)), float(rng.choice([1.0, 0.5])))
    strided = conv(first, then, 2)
    n = int(np.prod(strided.shape((first, side, side))))
    layers = [
        ws.Layer([(0, conv(channels, first, 1))], rng.normal(size=first) * 0.3, phi),
        ws.Layer([(1, strided)], None, "relu"),
        ws.Layer([(2, conv(then, then, 1)), *([(2, None)] if rng.random() < 0.5 else [])], None, phi),
        ws.Layer([(3, rng.normal(size=(int(rng.integers(2, 4)), n)))], None, "identity"),
    ]
    layers = layers if rng.random() < 0.6 else [*layers[:2], ws.Layer([(2, layers[3].reads[0][1])], None, "identity")]
    return ws.Network(layers=layers, shape=(channels, side, side))


def models(net: ws.Network, rng: np.random.Generator, k: int) -> list[ws.FailureModel]:
    """Return spaces of at most k failures: counted together, per layer, of several kinds."""
    value = float(rng.normal())
    spread = np.zeros(net.depth, dtype=int)
    spread[rng.choice(net.depth, min(k, net.depth), replace=False)] = 1
    spread[int(np.argmax(spread))] += k - spread.sum()
    one = [ws.Crash(k), ws.StuckAt(k, value=value), ws.Crash(tuple(spread.tolist()))]
    return [*one, ws.Crash(k - 1) + ws.StuckAt(1, value=value)]


@pytest.mark.parametrize("seed", range(40))
def test_the_worst_single_failure_is_found_by_trying_each(seed: int) -> None:
    rng = np.random.default_rng(3000 + seed)
    net = convolutional(rng)
    x = rng.normal(size=(int(rng.integers(1, 3)), net.widths[0]))
    spec = ws.Argmax() if seed % 3 == 0 else None
    first = (1, *(0 for _ in range(net.depth - 1)))
    two = ws.Crash(0) + ws.StuckAt(1, value=-0.5)
    failures = (ws.Crash(1), ws.StuckAt(1, value=0.5), ws.Crash(first), two)[seed % 4]
    truth = ws.enumerate_failures(net, failures, x, spec=spec, threads=1)
    found = ws.worst_case(net, failures, x, spec=spec, threads=1)
    assert found.exact and found.witness is not None
    assert abs(found.lower - truth.worst) <= truth.rounding + found.rounding
    assert found.evaluations <= len(x) * (net.n_neurons + 3 * net.widths[-1] + 2)


@pytest.mark.parametrize("seed", range(120))
def test_the_worst_pair_is_that_of_an_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = convolutional(rng)
    x = rng.normal(size=(int(rng.integers(1, 3)), net.widths[0]))
    failures = models(net, rng, 2)[seed % 4]
    spec = ws.Argmax() if seed % 5 == 0 else None
    truth = ws.enumerate_failures(net, failures, x, spec=spec, threads=1)
    found = ws.worst_case(net, failures, x, spec=spec, threads=1)
    assert found.exact and found.witness is not None
    assert abs(found.lower - truth.worst) <= truth.rounding + found.rounding
    assert found.lower <= found.upper <= found.lower + found.rounding
    replayed = net.forward(found.witness.input, failed=found.witness.values) - net.forward(found.witness.input)
    assert spec is not None or np.abs(replayed).max() == found.lower


@pytest.mark.parametrize("seed", range(40))
def test_the_worst_triple_is_that_of_an_enumeration(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    net = convolutional(rng, side=4)
    x = rng.normal(size=net.widths[0])
    failures = models(net, rng, 3)[seed % 4]
    truth = ws.enumerate_failures(net, failures, x, threads=1)
    found = ws.worst_case(net, failures, x, threads=1)
    assert found.exact
    assert abs(found.lower - truth.worst) <= truth.rounding + found.rounding


@pytest.mark.parametrize("seed", range(60))
def test_any_graph_against_its_matrices(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    net = random_graph(rng)
    x, value = rng.normal(size=net.widths[0]), float(rng.choice([0.0, 0.75]))
    neurons = [(l, i) for l in range(1, net.depth + 1) for i in range(net.widths[l])]
    k = min(len(neurons), int(rng.integers(2, 4)))
    intact = evaluate(net, x)
    truth = max(
        float(np.abs(evaluate(net, x, dict.fromkeys(failed, value)) - intact).max())
        for size in range(k + 1)
        for failed in itertools.combinations(neurons[:14], size)
    )
    found = ws.worst_case(net, ws.StuckAt(k, value=value, among=neurons[:14]), x, threads=1)
    assert found.exact
    assert found.lower == pytest.approx(truth, rel=1e-10, abs=1e-10)
    assert truth <= found.upper + 1e-10 * (1 + truth)


def pair_of_inputs(weight: float) -> ws.Network:
    """Return relu(y_1 + y_2 - 3/2) of two neurons that are 1 at (1, 1), read with a weight."""
    same = ws.Layer([(0, ws.Select([0, 1]))], None, "relu")
    last = ws.Layer([(2, np.array([[weight]]))], None, "identity")
    return ws.Network(layers=[same, ws.Layer([(1, np.array([[1.0, 1.0]]))], [-1.5], "relu"), last], shape=(2,))


def test_two_that_meet_do_less_than_both_alone() -> None:
    net = pair_of_inputs(-2.0)
    one, two = (ws.worst_case(net, ws.Crash(k), [1.0, 1.0]) for k in (1, 2))
    assert (one.lower, two.lower) == (1.0, 1.0) and one.exact and two.exact


def test_a_silent_neuron_that_another_failure_wakes() -> None:
    wakes = ws.Layer([(1, ws.Select([0, 1], weight=[-1.0, 1.0]))], [0.5, 0.0], "relu")  # relu(1/2 - y_1) and y_2
    first, last = ws.Layer([(0, ws.Select([0, 1]))], None, "relu"), np.array([[-1.0, 1.0]])
    net = ws.Network(layers=[first, wakes, ws.Layer([(2, last)], None, "identity")], shape=(2,))
    pair = ws.worst_case(net, ws.Crash(2), [1.0, 2.0])  # both of layer 1: 0 - 2 wakes -1/2
    assert pair.lower == 2.5 and pair.exact
    three = ws.worst_case(net, ws.StuckAt(3, value=1.0), [1.0, 2.0])
    truth = ws.enumerate_failures(net, ws.StuckAt(3, value=1.0), [[1.0, 2.0]])
    assert three.lower == truth.worst and three.exact


def test_limits_leave_an_interval() -> None:
    rng = np.random.default_rng(7)
    net = convolutional(rng, side=8)
    x = rng.normal(size=net.widths[0])
    whole = ws.worst_case(net, ws.Crash(2), x)
    stopped = ws.worst_case(net, ws.Crash(2), x, node_limit=1)
    assert stopped.status == "budget"
    assert stopped.lower <= whole.lower <= whole.upper <= stopped.upper
    assert stopped.witness is not None


@pytest.mark.parametrize("k", [1, 2, 3])
def test_threads_do_not_change_the_answer(k: int) -> None:
    rng = np.random.default_rng(11)
    net = convolutional(rng)
    x = rng.normal(size=(3, net.widths[0]))
    one, four = (ws.worst_case(net, ws.Crash(k), x, threads=t) for t in (1, 4))
    assert (one.lower, one.upper, one.witness) == (four.lower, four.upper, four.witness)
