# SPDX-License-Identifier: MIT
"""What every component does when it is among the failed, against every configuration tried by hand."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from hypothesis import given
from runs import LONG, LONG_NET, LONG_X, NET, X
from withstand.questions.sharding import Problem

SEEDS = 240


def case(seed: int, **shape):
    rng = np.random.default_rng(seed)
    net = own.random_network(rng, depth=(1, 3), dyadic=bool(seed % 2), **shape)
    return net, own.random_model(rng, net, cap=300), own.random_inputs(rng, net, int(rng.integers(1, 4)))


def by_hand(net, model, inputs, decisions):
    """{component: errors of the configurations that contain it}, by `forward`; and the size of what was computed."""
    ours = bridge.network(net)
    intact = ours.forward(inputs)
    rows = np.arange(len(inputs))
    classes = intact.argmax(axis=1)
    errors: dict[tuple[int, ...], list[float]] = {}
    scale = max(1.0, float(abs(intact).max()))
    for config in oracle.configurations(net, model):
        values = {c: float(v) for c, v in oracle.values(model, config).items()}
        faulty = ours.forward(inputs, failed=values)
        harm = abs(faulty - intact)
        if decisions:
            harm = faulty - faulty[rows, classes][:, None]
            harm[rows, classes] = -np.inf
        scale = max(scale, float(abs(faulty).max()))
        for component in values:
            errors.setdefault(component, []).append(float(harm.max()))
    return errors, scale


def check(net, model, inputs, spec=None):
    expected, scale = by_hand(net, model, inputs, spec is not None)
    found = ws.enumerate_failures(bridge.network(net), bridge.model(model), inputs, spec=spec, components=True)
    assert list(found.components) == sorted(expected)
    for component, errors in expected.items():
        worst, mean, count = found.components[component]
        assert worst == max(errors)  # the canonical evaluation, to the last bit
        assert abs(mean - math.fsum(errors) / len(errors)) <= 1e-12 * scale
        assert count == len(errors)
    assert [max(expected[c]) for c in found.critical()] == sorted(map(max, expected.values()), reverse=True)
    assert all(found.components[c].worst == found.worst for c in found.witness.failed)


@pytest.mark.parametrize("block", range(12))
def test_agrees_with_brute_force(block):
    for seed in range(block, SEEDS, 12):
        check(*case(3000 + seed))


@pytest.mark.parametrize("block", range(4))
def test_decisions_agree_with_brute_force(block):
    for seed in range(block, 60, 4):
        check(*case(4000 + seed, outputs=(2, 4)), ws.Argmax())


@given(own.cases(cap=100, depth=(1, 3)))
def test_agrees_on_whatever_hypothesis_finds(drawn):
    check(*drawn)


@pytest.mark.parametrize("seed", range(4))
def test_piecewise_linear_tails_and_many_batches(seed):
    """Several batches, so that a component's worst is known before a later batch; and equally bad configurations."""
    rng = np.random.default_rng(seed)
    first, last = rng.integers(-3, 4, (14, 3)) / 2, rng.integers(-3, 4, (2, 6)) / 2
    layers, biases = [first, rng.normal(size=(6, 14)), last], [np.zeros(14), np.ones(6), np.zeros(2)]
    net = oracle.network(layers, biases, [oracle.Activation("relu")] * 2, "identity")
    check(net, (oracle.Term("crash", (6, 1), exactly=seed % 2 == 1),), rng.integers(-2, 3, (2, 3)) / 2)


def test_each_way_of_failing_counts_for_the_component():
    net = ws.Network([[[1.0], [2.0]], [[1.0, 1.0]]])
    both = ws.Crash(1, exactly=True, among=[(1, 0)]) + ws.StuckAt(1, value=5.0)
    found = ws.enumerate_failures(net, both, [1.0], components=True)
    assert found.configurations == 2
    assert found.components == {(1, 0): (2.0, 1.5, 2), (1, 1): (2.0, 2.0, 1)}
    apart = ws.enumerate_failures(net, ws.Crash((1,)) + ws.StuckAt((1,), value=5.0), [1.0], components=True)
    assert apart.components[1, 0].configurations == apart.configurations - 3  # all but none and the other one's two


def test_components_that_cannot_fail_are_left_out():
    net = ws.Network([np.eye(2), np.eye(2), np.ones((1, 2))])
    found = ws.enumerate_failures(net, ws.Crash((0, 1), exactly=True), [1.0, 2.0], components=True)
    assert found.components == {(2, 0): (1.0, 1.0, 1), (2, 1): (2.0, 2.0, 1)}
    assert ws.enumerate_failures(net, ws.Crash(0), [1.0, 2.0], components=True).components == {}


def test_only_where_asked():
    found = ws.enumerate_failures(NET, ws.Crash(1), X)
    assert found.components is None
    assert "critical" not in repr(found)
    with pytest.raises(ValueError, match="components=True"):
        found.critical()
    with pytest.raises(TypeError, match="components must be a bool, got 3"):
        ws.enumerate_failures(NET, ws.Crash(1), X, components=3)


def test_the_rest_is_the_same():
    without, found = (ws.enumerate_failures(NET, ws.Crash(2), X, epsilon=0.5, components=c) for c in (False, True))
    assert (found.worst, found.mean, found.top) == (without.worst, without.mean, without.top)
    assert found.critical()[0] in found.witness.failed
    assert "critical" in repr(found)


# the same bits wherever the work is done ------------------------------------------------------------------------
LONG_SUM = LONG + ws.StuckAt(1, value=0.5, among=[(1, 0), (1, 3), (2, 1)])
PROBLEM = Problem.of(LONG_NET, LONG_SUM, LONG_X, None, False, 10, True)


@pytest.fixture(scope="module")
def long_state():
    engine = PROBLEM.engine()
    return engine.run(0, engine.batches, 1).__getstate__()


@pytest.mark.parametrize("threads", [2, 7])
def test_threads(threads, long_state):
    engine = PROBLEM.engine()
    assert engine.run(0, engine.batches, threads).__getstate__() == long_state


@pytest.mark.parametrize("pieces", [1, 3, 64])
def test_shards_merge_to_the_same_bits_in_any_order(pieces, long_state):
    engine = PROBLEM.engine()
    assert engine.batches > 64
    cuts = np.linspace(0, engine.batches, pieces + 1).astype(int)
    ranges = np.random.default_rng(pieces).permutation(list(zip(cuts[:-1], cuts[1:])))
    total = PROBLEM.empty()
    for first, last in ranges:
        total.merge(pickle.loads(pickle.dumps(engine.run(int(first), int(last), 1))))
    assert total.__getstate__() == long_state


def enumerate_on(**options):
    return ws.enumerate_failures(NET, ws.Crash(3), X, components=True, **options)


def test_executors():
    here = enumerate_on().components
    with ThreadPoolExecutor(2) as pool:
        assert enumerate_on(executor=pool).components == here
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert enumerate_on(executor=pool, threads=1).components == here


def test_interrupted_and_resumed(tmp_path):
    path = tmp_path / "run.db"

    def stop(done, total):
        if done > total / 3:
            raise KeyboardInterrupt

    part = enumerate_on(checkpoint=path, progress=stop, threads=1)
    assert part.status == "interrupted"
    assert sum(c.configurations for c in part.components.values()) <= 3 * part.done
    whole = enumerate_on()
    assert enumerate_on(checkpoint=path).components == whole.components
    assert enumerate_on(checkpoint=path).components == whole.components  # nothing left to do
    with pytest.raises(ValueError, match=r"another problem: components differ .*True in the file, False now"):
        ws.enumerate_failures(NET, ws.Crash(3), X, checkpoint=path)


def test_shards_of_many_components_stay_short():
    """A shard says nothing of the components that did not fail in it."""
    net = ws.Network([np.ones((100, 100)), np.ones((1, 100))])
    problem = Problem.of(net, ws.SynapseCrash((1, 0)), np.ones((1, 100)), None, False, 1, True)
    engine = problem.engine()
    size, known = engine.run(0, 1, 1).components
    assert (size, len(known)) == (10_000, 0)
    full = engine.run(0, engine.batches, 1)
    assert len(full.components[1]) == 10_000
    assert all(len(total[1]) <= 3 for _, _, total, *_ in full.components[1])


def test_statistics_of_another_version_are_refused():
    state = PROBLEM.empty().__getstate__()
    statistics = PROBLEM.empty()
    with pytest.raises(ValueError, match="another version"):
        type(statistics).__new__(type(statistics)).__setstate__(state[:-1])
