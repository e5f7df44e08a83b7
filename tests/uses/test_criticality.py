# SPDX-License-Identifier: MIT
"""Which neurons matter, against every set tried by hand; and hardening, against every subset of neurons."""

from __future__ import annotations

from itertools import chain, combinations

import bridge
import numpy as np
import pytest
import strategies as s
import withstand as ws
from withstand.uses.hardening import _greedy, _hitting_set, _packing


def sites_of(net):
    return [(layer, i) for layer in range(1, net.depth + 1) for i in range(net.widths[layer])]


def errors_by_set(net, X, k):
    """{set: error at each input}."""
    intact = net.forward(X)
    return {
        failed: abs(net.forward(X, failed=dict.fromkeys(failed, 0.0)) - intact).max(axis=1)
        for failed in combinations(sites_of(net), k)
    }


@pytest.mark.parametrize("k", [1, 2, 3])
def test_equals_every_set_tried_by_hand(k):
    rng = np.random.default_rng(k)
    for _ in range(8):
        plain = s.random_network(rng, depth=(1, 2), width=(3, 4))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 3)
        errors = errors_by_set(net, X, k)
        found = ws.criticality(net, X, k=k)
        assert found.exact
        rounding = 4 * np.finfo(float).eps * abs(net.forward(X)).max()  # errors are differences of outputs
        for layer, i in sites_of(net):
            among = np.array([e for failed, e in errors.items() if (layer, i) in failed])
            assert found.worst[layer - 1][i] == among.max()
            assert found.mean[layer - 1][i] == pytest.approx(among.mean(), rel=1e-12, abs=rounding)
        assert found.largest == max(e.max() for e in errors.values())
        worst = np.concatenate(found.worst)
        order = [sites_of(net).index(c) for c in found.ranking()]
        assert (np.diff(worst[order]) <= 0).all()


def harm_by_hand(net, X, failed, lowest):
    """Lead of another class over the intact one at each input; of one output, of it over 0."""
    before, after = (y if net.widths[-1] > 1 else np.hstack([y, 0 * y])
                     for y in (net.forward(X), net.forward(X, failed=dict.fromkeys(failed, 0.0))))  # fmt: skip
    sign = -1 if lowest else 1
    picked = (sign * before).argmax(axis=1)[:, None]
    others = np.where(np.arange(before.shape[1]) == picked, -np.inf, sign * after).max(axis=1)
    return others - np.take_along_axis(sign * after, picked, axis=1)[:, 0]


def decision_networks():
    """Return a chain, one with one output, and a graph."""
    rng = np.random.default_rng(3)
    chain = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(3, 4)), rng.normal(size=(3, 3))])
    alone = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))])  # is it above 0?
    edges = ws.Conv(rng.normal(size=(2, 1, 2)), padding=((0, 1),))
    layers = [ws.Layer([(0, edges)]), ws.Layer([(1, rng.normal(size=(3, 6)))], activation="identity")]
    return chain, alone, ws.Network(layers=layers, shape=(1, 3))


@pytest.mark.parametrize("lowest", [False, True])
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("net", decision_networks(), ids=("chain", "one output", "graph"))
def test_harm_to_the_decision_is_that_of_every_set_tried_by_hand(net, k, lowest):
    X, spec = np.random.default_rng(k).normal(size=(4, 3)), ws.Argmax(lowest=lowest)
    found = ws.criticality(net, X, k=k, spec=spec)
    harms = {failed: harm_by_hand(net, X, failed, lowest) for failed in combinations(sites_of(net), k)}
    for layer, i in sites_of(net):
        among = np.array([harm for failed, harm in harms.items() if (layer, i) in failed])
        assert found.worst[layer - 1][i] == pytest.approx(among.max(), rel=1e-12, abs=1e-12)
        assert found.mean[layer - 1][i] == pytest.approx(among.mean(), rel=1e-12, abs=1e-12)
    assert (found.exact, found.synergy) == (True, ())
    assert (found.statement.spec, found.statement.lowest) == ("argmax", lowest)
    assert found.statement.fingerprint == net.fingerprint
    enumerated = ws.enumerate_failures(net, ws.Crash(k, exactly=True), X, spec=spec, components=True)
    assert enumerated.components[found.ranking()[0]].worst == pytest.approx(enumerated.worst, rel=1e-12)
    drawn = ws.criticality(net, X, k=k, spec=spec, evaluations=0)
    assert all((a <= b + 1e-12).all() for a, b in zip(drawn.worst, found.worst, strict=True))
    assert "worst harm" in repr(found)
    assert "worst harm" in repr(drawn)


def test_a_class_that_flips_within_rounding_is_decided_by_the_canonical_evaluation():
    """Two equal outputs of a graph: a tie, whatever the order of the sums."""
    rows = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [-1.0, 0.0, 0.0]])
    layers = [ws.Layer([(0, np.eye(3))]), ws.Layer([(1, rows)], activation="identity")]
    net, X = ws.Network(layers=layers, shape=(3,)), np.array([[0.7, 0.9, 1.3]])
    assert np.concatenate(ws.criticality(net, X, spec=ws.Argmax()).worst).tolist() == [0.0] * 3


def test_random_sets_stay_below_the_exact_worst():
    net, X, _ = ws.embedded("digits_small")
    exact = ws.criticality(net, X[:2], k=2)
    drawn = ws.criticality(net, X[:2], k=2, evaluations=0)
    assert exact.exact
    assert not drawn.exact
    assert drawn.synergy == ()
    for a, b in zip(drawn.worst, exact.worst, strict=True):
        assert (a <= b + 1e-9).all()
    for a, b in zip(drawn.mean, exact.mean, strict=True):
        assert np.median(abs(a / b - 1)) < 0.2


def test_synergy_is_what_a_pair_adds():
    """Two neurons that stand in for each other: alone harmless, together not."""
    net = ws.Network([np.ones((3, 1)), [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[1.0, 1.0]]], [None, [-0.5, 0.0], None],
                     activation="clip")  # fmt: skip
    found = ws.criticality(net, [[1.0]], k=2)
    best = found.synergy[0]
    assert best.neurons == ((1, 0), (1, 1))
    assert (best.error, best.alone, best.synergy) == (1.0, (0.0, 0.0), 1.0)
    errors = {failed: e.max() for failed, e in errors_by_set(net, np.array([[1.0]]), 2).items()}
    alone = {failed[0]: e.max() for failed, e in errors_by_set(net, np.array([[1.0]]), 1).items()}
    assert all(errors[p.neurons] == p.error and p.alone == tuple(alone[c] for c in p.neurons) for p in found.synergy)


def test_scores_mislead():
    net, X, _ = ws.embedded("digits_small")
    found = ws.criticality(net, X[:4], k=2)
    for name, score in found.scores.items():
        assert score.error <= found.largest, name
        assert -1 <= score.correlation <= 1
    truth = ws.worst_case(net, ws.Crash(2, exactly=True), X[:4])
    assert found.largest == pytest.approx(truth.lower, rel=1e-12)
    assert found.scores["weight norm"].error < truth.lower


def test_taylor_is_exact_on_a_linear_network():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(5, 4)), rng.normal(size=(2, 5))], activation="identity")
    X = rng.normal(size=(1, 3))
    found = ws.criticality(net, X)
    np.testing.assert_allclose(
        np.concatenate(found.scores["taylor"].values), np.concatenate(found.worst), rtol=1e-8
    )
    assert found.scores["taylor"].correlation == pytest.approx(1)


def test_heat_map():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    net, X, _ = ws.embedded("diabetes")
    axes = ws.criticality(net, X[:2]).plot()
    assert axes.images[0].get_array().shape == (2, 20)
    pyplot.close("all")


# hardening --------------------------------------------------------------------------------------------------
def smallest_by_hand(net, X, k, epsilon, spec):
    sites = sites_of(net)
    for size in range(len(sites) + 1):
        for protect in combinations(sites, size):
            left = [c for c in sites if c not in protect]
            found = ws.enumerate_failures(net, ws.Crash(min(k, len(left)), among=left), X, epsilon=epsilon, spec=spec)
            if found.exceeding == 0:
                return size
    raise AssertionError


def test_smallest_of_all_subsets():
    rng = np.random.default_rng(11)
    sizes = set()
    for trial in range(12):
        plain = s.random_network(rng, depth=(1, 2), width=(2, 3), outputs=(2, 2), activations=("relu", "clip", "tanh"))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 2)
        k, spec = 1 + trial % 3, ws.Argmax() if trial % 4 == 0 else None
        k = min(k, net.n_neurons)
        if spec and len(set(net.forward(X).max(axis=1) - net.forward(X).min(axis=1)) & {0.0}):
            continue
        epsilon = float(rng.uniform(0.2, 0.9)) * ws.worst_case(net, ws.Crash(k), X).lower
        found = ws.harden(net, k, epsilon, X, spec=spec)
        assert found.exact
        assert found.at_least == len(found.protect) == smallest_by_hand(net, X, k, epsilon, spec)
        left = [c for c in sites_of(net) if c not in found.protect]
        again = ws.enumerate_failures(net, ws.Crash(min(k, len(left)), among=left), X, epsilon=epsilon, spec=spec)
        assert again.exceeding == 0
        sizes.add(len(found.protect))
    assert len(sizes) > 2


def test_digits_after_protection_by_exact_search():
    net, X, _ = ws.embedded("digits_small")
    X = X[:4]
    epsilon = float(np.concatenate(ws.criticality(net, X).worst).max())
    found = ws.harden(net, 2, epsilon, X)
    left = [c for c in sites_of(net) if c not in found.protect]
    confirmed = ws.enumerate_failures(net, ws.Crash(2, among=left), X, epsilon=epsilon)
    assert confirmed.exceeding == 0
    assert confirmed.worst <= found.worst.upper <= epsilon
    assert found.protect
    per_layer = ws.harden(net, ws.Crash((2, 0)), epsilon, X)
    assert len(per_layer.protect) <= len(found.protect)


def test_nothing_may_happen_or_everything():
    net = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 1.0]]])
    for failures in (2, ws.Crash((2,))):
        found = ws.harden(net, failures, 0.0, [[1.0]])
        assert found.protect == ((1, 0), (1, 1), (1, 2))
        assert found.exact
        assert ws.harden(net, failures, 6.0, [[1.0]]).protect == ()
    tied = ws.Network([[[1.0]], [[1.0], [1.0]]])
    with pytest.raises(ValueError, match="two classes tie"):
        ws.harden(tied, 1, None, [[1.0]], spec=ws.Argmax())


def test_hitting_sets():
    rng = np.random.default_rng(12)
    for _ in range(60):
        members = [(1, i) for i in range(6)]
        sets = [frozenset(members[i] for i in rng.choice(6, int(rng.integers(1, 4)), replace=False)) for _ in range(6)]
        best, exact = _hitting_set(sets)
        subsets = chain.from_iterable(combinations(members, n) for n in range(7))
        least = next(len(c) for c in subsets if all(s_ & set(c) for s_ in sets))
        assert exact
        assert all(s_ & best for s_ in sets)
        assert len(best) == least <= len(_greedy(sets))
        assert _packing(sets) <= least


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: ws.criticality(net, [[1.0]], k=4), ValueError, "k must lie between 1 and the 3 hidden neurons"),
        (lambda net: ws.criticality(net, [[1.0]], k=1.5), TypeError, "k must be an integer"),
        (lambda net: ws.harden(net, ws.Crash(1, exactly=True), 1.0, [[1.0]]), ValueError, "at most so many failures"),
        (lambda net: ws.harden(net, 1, None, [[1.0]]), TypeError, "epsilon must be a number"),
        (lambda net: ws.harden(net, 9, 1.0, [[1.0]]), ValueError, "3 neurons can fail, not 9"),
    ],
)
def test_refusals(call, error, message):
    net = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 1.0]]])
    with pytest.raises(error, match=message):
        call(net)
