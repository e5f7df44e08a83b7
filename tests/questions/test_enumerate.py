# SPDX-License-Identifier: MIT
"""Enumeration against the oracle's brute force, and its laws: certificates, threads, shards, refusals."""

from __future__ import annotations

import math
import pickle
from itertools import combinations
from math import comb

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from hypothesis import given
from hypothesis import strategies as st
from runs import numbers
from withstand import _core

SEEDS = 400
FIXED = ws.Network(
    [
        np.sin(np.arange(40.0)).reshape(8, 5),
        np.cos(np.arange(48.0)).reshape(6, 8),
        np.sin(np.arange(18.0)).reshape(3, 6),
    ]
)
X = np.cos(np.arange(15.0)).reshape(3, 5)


def case(seed: int, **shape):
    rng = np.random.default_rng(seed)
    net = own.random_network(rng, depth=(1, 3), dyadic=bool(seed % 2), **shape)
    return net, own.random_model(rng, net, cap=400), own.random_inputs(rng, net, int(rng.integers(1, 4)))


def close(value, expected) -> bool:
    return abs(value - expected) <= 1e-12 * max(1.0, abs(expected))


def check(net, model, inputs, spec=None):
    expected = oracle.enumerate_failures(net, model, inputs, None if spec is None else "argmax")
    ours = bridge.network(net)
    found = ws.enumerate_failures(ours, bridge.model(model), inputs, spec=spec, threads=1)
    scale = max(1.0, float(abs(ours.forward(inputs)).max()), abs(expected.worst))
    assert found.status == "complete"
    assert (found.configurations, found.done) == (expected.configurations,) * 2
    assert found.evaluations == expected.evaluations
    assert abs(found.worst - expected.worst) <= 1e-12 * scale
    assert abs(found.mean - expected.mean) <= 1e-12 * scale
    assert abs(found.std**2 - np.var(expected.errors)) <= 1e-12 * scale**2
    replayed(ours, found, spec)
    for q in (0.0, 0.3, 0.5, 0.99, 1.0):
        exact = expected.quantile(q)
        assert abs(found.quantile(q) - exact) <= found.resolution * abs(exact) + 1e-12 * scale
    assert found.histogram.counts.sum() == found.done
    assert [w.error for w in found.top] == sorted((w.error for w in found.top), reverse=True)
    top = np.sort(expected.errors)[::-1][: len(found.top)]
    assert np.allclose([w.error for w in found.top], top, rtol=0, atol=1e-12 * scale)
    return ours, found, expected


def replayed(net, found, spec=None):
    for w in found.top:
        faulty, intact = net.forward(w.input, failed=w.values), net.forward(w.input)
        c = int(intact.argmax())
        harm = abs(faulty - intact)[w.output] if spec is None else faulty[w.output] - faulty[c]
        assert harm == w.error  # the canonical evaluation, to the last bit
        assert w.failed == tuple(sorted(w.failed)) == tuple(w.values)
    assert found.witness == found.top[0]
    assert found.worst == found.witness.error


@pytest.mark.parametrize("block", range(20))
def test_agrees_with_brute_force(block):
    for seed in range(block, SEEDS, 20):
        check(*case(seed))


@pytest.mark.parametrize("block", range(4))
def test_decisions_agree_with_brute_force(block):
    for seed in range(block, 60, 4):
        net, model, inputs = case(1000 + seed, outputs=(2, 4))
        _, found, expected = check(net, model, inputs, ws.Argmax())
        near = abs(expected.errors) < 1e-9
        assert near.any() or found.exceeding == pytest.approx(expected.flipping(), abs=1e-12)


@given(own.cases(cap=120, depth=(1, 3)))
def test_agrees_on_whatever_hypothesis_finds(drawn):
    check(*drawn)


@pytest.mark.parametrize("seed", range(25))
def test_canonical_evaluation_decides(seed):
    """Worst value, witness, worst of each output and share above epsilon are those of `forward` everywhere."""
    net, model, inputs = case(2000 + seed)
    ours, failures = bridge.network(net), bridge.model(model)
    intact = ours.forward(inputs)
    errors, keys, outputs = [], [], []
    for config in oracle.configurations(net, model):
        values = {c: float(v) for c, v in oracle.values(model, config).items()}
        deviation = abs(ours.forward(inputs, failed=values) - intact)
        index, output = divmod(int(deviation.argmax()), deviation.shape[1])
        errors.append(float(deviation[index, output]))
        outputs.append(deviation.max(axis=0))
        keys.append((-errors[-1], len(values), sorted(values), index, output))
    epsilon = sorted(errors)[len(errors) // 2]  # attained, so that ties are met
    found = ws.enumerate_failures(ours, failures, inputs, epsilon=epsilon)
    best = min(keys)
    assert found.worst == max(errors)
    assert (list(found.witness.failed), found.witness.input_index, found.witness.output) == best[2:]
    assert (found.per_output == np.max(outputs, axis=0)).all()
    assert found.exceeding == sum(e > epsilon for e in errors) / len(errors)


MODELS = [
    ws.Crash(3),
    ws.Crash((2, 1)),
    ws.StuckAt(2, value=0.5, exactly=True),
    ws.SynapseCrash(2),
    ws.Crash((1, 0)) + ws.SynapseCrash((0, 1, 1)),
    ws.Crash(1, among=[(0, 1), (0, 2), (1, 3)]) + ws.StuckAt((1, 1), value=1.0),
]


@pytest.mark.parametrize("failures", MODELS, ids=repr)
def test_threads_change_nothing(failures):
    one, two, seven = (ws.enumerate_failures(FIXED, failures, X, epsilon=0.5, threads=t) for t in (1, 2, 7))
    assert numbers(one) == numbers(two) == numbers(seven)


@pytest.mark.parametrize("shards", [1, 3, 64])
@pytest.mark.parametrize("failures", MODELS[:4], ids=repr)
def test_shards_merge_to_the_same_bits(failures, shards):
    engine = _core.Enumerator(FIXED._core, failures._space(FIXED), X, False, 0.5, 10)
    whole = engine.run(0, engine.batches, 1)
    cuts = np.linspace(0, engine.batches, shards + 1).astype(int)
    total = _core.Statistics(3, 10)
    for first, last in reversed(list(zip(cuts[:-1], cuts[1:]))):
        total.merge(pickle.loads(pickle.dumps(engine.run(first, last, 1))))
    assert total.__getstate__() == whole.__getstate__()


def test_inputs_may_fail():
    net = ws.Network([np.eye(2), [[1.0, 10.0]]])
    found = ws.enumerate_failures(net, ws.Crash(1, among=[(0, 1)], exactly=True), [1.0, 2.0])
    assert (found.configurations, found.worst, found.witness.failed) == (1, 20.0, ((0, 1),))


def test_failed_neuron_ignores_its_synapses():
    net = ws.Network([[[2.0]], [[1.0]]])
    both = ws.StuckAt((1,), value=5.0, exactly=True) + ws.SynapseCrash((1, 0), exactly=True)
    found = ws.enumerate_failures(net, both, [1.0])
    assert (found.configurations, found.worst) == (1, 3.0)
    assert found.witness.values == {(1, 0): 5.0, (1, 0, 0): 0.0}


def test_empty_set_is_a_configuration():
    found = ws.enumerate_failures(FIXED, ws.Crash(0), X, epsilon=0.0)
    assert (found.configurations, found.worst, found.mean, found.std, found.exceeding) == (1, 0.0, 0.0, 0.0, 0.0)
    assert found.witness.failed == ()


def test_failures_without_effect_have_no_error_at_all():
    net = ws.Network([np.full((6, 2), -1.0), np.sin(np.arange(24.0)).reshape(4, 6), np.ones((2, 4))])
    found = ws.enumerate_failures(net, ws.Crash((3, 0)), [[1.0, 2.0]])  # every first-layer neuron is dead
    assert (found.worst, found.mean, found.std) == (0.0, 0.0, 0.0)
    assert found.witness.failed == ()  # the smallest of the equally bad


def test_moments_are_exact():
    net = ws.Network([[[1.0], [2.0], [4.0]], [[1.0, 1.0, 1.0]]])
    found = ws.enumerate_failures(net, ws.Crash(3), [1.0])  # errors 0, 1, ..., 7
    assert (found.mean, found.std) == (3.5, math.sqrt(5.25))
    assert found.quantile([0.0, 1.0]).tolist() == [0.0, 7.0]


@pytest.mark.parametrize("scale", [2.0**-k for k in (399, 401, 540, 1000, 1071)])
def test_moments_of_tiny_errors(scale):
    """Squares of errors below 1e-162 are no doubles, their deviation is."""
    net = ws.Network([[[1.0], [2.0], [4.0]], scale * np.ones((1, 3))])
    found = ws.enumerate_failures(net, ws.Crash(3), [1.0])
    assert (found.mean, found.std) == (3.5 * scale, math.sqrt(5.25) * scale)


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupted_run_says_so(threads):
    seen = []

    def stop(done, total):
        seen.append((done, total))
        raise KeyboardInterrupt

    net = ws.Network([np.sin(np.arange(400.0)).reshape(40, 10), np.cos(np.arange(400.0)).reshape(10, 40)])
    found = ws.enumerate_failures(net, ws.Crash(9), np.ones(10), progress=stop, threads=threads)
    assert found.status == "interrupted"
    assert len(seen) == 1
    assert seen[0][1] == found.configurations == sum(comb(40, k) for k in range(10))
    assert 0 < found.done < found.configurations
    assert found.histogram.counts.sum() == found.evaluations == found.done
    assert "interrupted" in repr(found)


def test_other_errors_of_a_callback_are_raised():
    net = ws.Network([np.sin(np.arange(400.0)).reshape(40, 10), np.cos(np.arange(400.0)).reshape(10, 40)])
    with pytest.raises(ZeroDivisionError):
        ws.enumerate_failures(net, ws.Crash(9), np.ones(10), progress=lambda done, total: done // 0)


def test_progress_reaches_the_total(capsys):
    seen = []
    ws.enumerate_failures(FIXED, ws.Crash(2), X, progress=lambda *step: seen.append(step))
    assert seen[-1] == (106, 106)
    ws.enumerate_failures(FIXED, ws.Crash(2), X, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "100.0%" in captured.err


STEEP = ws.Network([np.diag([1e130, 1e130])] * 4, activation="hard_tanh")  # signals stay small, responses do not
BIG = ws.Network([np.ones((200, 2)), np.ones((1, 200))])
REFUSALS = [
    (lambda: ws.enumerate_failures(FIXED, ws.Byzantine(1, capacity=1.0), X), ValueError, "use worst_case"),
    (lambda: ws.enumerate_failures(FIXED, ws.Noise(0.1), X), ValueError, "use worst_case"),
    (lambda: ws.enumerate_failures(BIG, ws.Crash(100), np.ones(2)), ValueError, "2\\^63 - 1 can be enumerated"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X[:, :4]), ValueError, "X has 4 columns"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X[:0]), ValueError, "at least one input"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X * np.nan), ValueError, "finite"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X.astype(complex)), TypeError, "real numbers"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), ws.Box(X[0], X[0])), TypeError, "Box"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(20), X), ValueError, "14 neurons can fail, not 20"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash((9, 0)), X), ValueError, "layer 1 has 8 neurons"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, epsilon=-1.0), ValueError, "at least 0"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, epsilon=math.nan), ValueError, "finite"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, spec="argmax"), TypeError, "Argmax"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, spec=ws.Argmax(lowest=1)), TypeError, "lowest must be"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, threads=0), ValueError, "at least 1"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, threads=1.5), TypeError, "integer"),
    (lambda: ws.enumerate_failures(FIXED, "Crash", X), TypeError, "failure model"),
    (lambda: ws.enumerate_failures(FIXED.weights, ws.Crash(1), X), TypeError, "Network"),
    (lambda: ws.enumerate_failures(FIXED, ws.Crash(1), X, progress=3), TypeError, "progress"),
    (
        lambda: ws.enumerate_failures(ws.Network([[[1e200]], [[1e200]]]), ws.Crash(1), [1.0]),
        OverflowError,
        "layer 2: a sum of products may reach inf",
    ),
    (
        lambda: ws.enumerate_failures(ws.Network([[[1.0]], [[1e200]]]), ws.StuckAt(1, value=1e200), [1.0]),
        OverflowError,
        "layer 2: a sum of products may reach inf",
    ),
    (
        lambda: ws.enumerate_failures(ws.Network([[[1e75]], [[1e75]]]), ws.Crash(1), [1.0]),
        OverflowError,
        "layer 2: .* 1e140",
    ),
    (
        lambda: ws.enumerate_failures(STEEP, ws.Crash(1), np.ones(2)),
        OverflowError,
        "layer 3: the rounding of a value has no finite bound",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSALS)
def test_refusals_state_the_condition(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_exact_sums_do_not_depend_on_the_order(seed, n):
    rng = np.random.default_rng(seed)
    net = ws.Network([rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-30, 30, (n, 1)), rng.normal(size=(1, n))])
    found = ws.enumerate_failures(net, ws.Crash(1, exactly=True), rng.normal(size=2))
    errors = np.array([w.error for w in found.top])
    if n <= len(errors):
        assert found.mean == pytest.approx(math.fsum(errors) / n, rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "hard_tanh", "clip"])
def test_receivers_that_never_leave_their_piece(activation, seed):
    """The first receiver may leave its piece on both sides, the second on none: its hinges are left out."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(8, 3)), np.vstack([2 * rng.normal(size=8), 1e-3 * rng.normal(size=8)])
    net = ws.Network([first, second, [[1.0, 1.0]]], [np.zeros(8), [0.0, 0.1], [0.0]], activation=["relu", activation])
    x = 2 * rng.normal(size=3)
    found = ws.enumerate_failures(net, ws.Crash((5, 0)), [x])  # enough of them to be worth leaving hinges out
    nominal = net.forward(x)
    sets = [chosen for k in range(6) for chosen in combinations(range(8), k)]
    errors = [abs(net.forward(x, failed={(1, i): 0.0 for i in chosen}) - nominal).max() for chosen in sets]
    assert found.configurations == len(sets)
    assert found.worst == max(errors)
    assert found.mean == pytest.approx(np.mean(errors), rel=1e-12)
    assert found.std == pytest.approx(np.std(errors), rel=1e-12)
