# SPDX-License-Identifier: MIT
"""Networks whose layers read several earlier ones: every engine against evaluations by definition."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import withstand as ws
from random_graphs import dense_twin, evaluate, random_graph
from withstand.uses.error_moments import expected_error, last_layer_moments

SEEDS = range(60)


def harms(net: ws.Network, x: np.ndarray, k: int, exactly: bool = False) -> list[float]:
    neurons = [(l, i) for l in range(1, net.depth + 1) for i in range(net.widths[l])]
    intact = evaluate(net, x)
    return [
        float(np.abs(evaluate(net, x, dict.fromkeys(failed, 0.0)) - intact).max())
        for size in range(k if exactly else 0, k + 1)
        for failed in itertools.combinations(neurons, size)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_graph_computes_what_its_layers_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_graph(rng)
    X = rng.normal(size=(4, net.widths[0]))
    np.testing.assert_allclose(net.forward(X), [evaluate(net, x) for x in X], rtol=1e-12, atol=1e-12)
    failed = {(1, 0): 0.5, (net.depth, net.widths[net.depth] - 1): -1.25}
    np.testing.assert_allclose(net.forward(X, failed), [evaluate(net, x, failed) for x in X], rtol=1e-12, atol=1e-12)
    traces = net.trace(X)
    assert [y.shape for y in traces] == [(4, width) for width in net.widths]


@pytest.mark.parametrize("seed", SEEDS)
def test_witnessed_is_the_truth_and_bounds_are_above_it(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    net = random_graph(rng)
    k, exactly = int(rng.integers(1, 3)), bool(rng.random() < 0.3)
    k = min(k, net.n_neurons)
    x = rng.normal(size=net.widths[0])
    truth = harms(net, x, k, exactly)
    failures = ws.Crash(k, exactly=exactly)
    assert failures.configurations(net) == len(truth)
    found = ws.enumerate_failures(net, failures, x, components=True)
    scale = 1e-10 * (1 + max(truth))
    assert found.worst == pytest.approx(max(truth), rel=1e-10, abs=1e-10)
    assert found.mean == pytest.approx(np.mean(truth), rel=1e-8, abs=1e-10)
    exact = ws.worst_case(net, failures, x)
    assert exact.lower == pytest.approx(max(truth), rel=1e-10, abs=1e-10)
    assert exact.exact and exact.upper <= exact.lower + exact.rounding
    assert exact.witness is not None
    replayed = net.forward(x, exact.witness.values) - net.forward(x)
    assert np.abs(replayed).max() == exact.lower
    for method in ("at-most", "capped", "matrix", "signed", "adjoint", "linear", "split", "tightest"):
        if exactly and method == "at-most":
            continue
        bound = ws.bound(net, failures, x, method=method)
        assert bound.value >= max(truth) - scale, (method, bound.value, max(truth))


@pytest.mark.parametrize("seed", range(30))
def test_a_graph_and_its_dense_twin_have_the_same_answers(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    net = random_graph(rng)
    twin = dense_twin(net)
    x = rng.normal(size=net.widths[0])
    one, other = (ws.worst_case(n, ws.Crash(1), x) for n in (net, twin))
    assert one.exact and other.exact
    assert one.upper == pytest.approx(other.upper, rel=1e-9, abs=1e-12)
    mine, theirs = (ws.enumerate_failures(n, ws.Crash(1), x) for n in (net, twin))
    assert mine.mean == pytest.approx(theirs.mean, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_boxes(seed: int) -> None:
    rng = np.random.default_rng(3000 + seed)
    net = random_graph(rng, smooth=False)
    centre = rng.normal(size=net.widths[0])
    box = ws.Box(centre - 0.05, centre + 0.05)
    found = ws.worst_case(net, ws.Crash(1), box, time_limit=1)
    points = rng.uniform(box.lower, box.upper, size=(20, len(centre)))
    seen = max(max(harms(net, x, 1)) for x in points)
    assert found.upper >= seen - 1e-9
    assert found.lower <= found.upper


@pytest.mark.parametrize("seed", range(20))
def test_synapses_and_noise(seed: int) -> None:
    rng = np.random.default_rng(4000 + seed)
    net = random_graph(rng)
    x = rng.normal(size=net.widths[0])
    if net.n_synapses:
        found = ws.enumerate_failures(net, ws.SynapseCrash(1), x)
        assert found.configurations == 1 + net.n_synapses
        assert ws.bound(net, ws.SynapseCrash(1), x).value >= found.worst - 1e-9
        exact = ws.worst_case(net, ws.SynapseCrash(1), x)
        assert exact.lower == pytest.approx(found.worst, rel=1e-9, abs=1e-12)
    assert ws.bound(net, ws.Noise(0.01), x).value >= 0
    assert ws.bound(net, ws.Noise([0.01] * net.depth), x).value == ws.bound(net, ws.Noise(0.01), x).value


@pytest.mark.parametrize("seed", range(20))
def test_saved_pickled_and_compared(seed: int, tmp_path) -> None:
    rng = np.random.default_rng(5000 + seed)
    net = random_graph(rng)
    net.save(tmp_path / "net.npz")
    for other in (ws.load(tmp_path / "net.npz"), pickle.loads(pickle.dumps(net))):
        assert other == net and hash(other) == hash(net)
        assert other.fingerprint == net.fingerprint
        assert [layer.name for layer in other.layers] == [layer.name for layer in net.layers]


def test_a_chain_given_as_layers_is_a_chain() -> None:
    net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    layers = [ws.Layer([(0, [[1.0], [2.0]])]), ws.Layer([(1, [[1.0, -1.0]])], activation="identity")]
    same = ws.Network(layers=layers, shape=(1,))
    assert all(map(np.array_equal, same.weights, net.weights)) and same.fingerprint == net.fingerprint


def test_max_pooling_by_layers_that_cannot_fail() -> None:
    """max(a, b) = b + relu(a - b); one crash takes the larger one away: by hand."""
    layers = [
        ws.Layer([(0, None)], shape=(2,)),
        ws.Layer([(1, ws.Select([0])), (1, ws.Select([1], weight=-1.0))], may_fail=False),
        ws.Layer([(2, None), (1, ws.Select([1]))], activation="identity"),
    ]
    net = ws.Network(layers=layers, shape=(2,))
    assert net.widths == (2, 2, 1) and net.depth == 1
    assert net.forward([[3.0, 2.0], [1.0, 4.0]]).tolist() == [[3.0], [4.0]]
    found = ws.worst_case(net, ws.Crash(1), [3.0, 2.0])
    assert found.exact and found.lower == 1.0 and found.witness is not None and found.witness.failed == ((1, 0),)
    assert ws.enumerate_failures(net, ws.Crash(2), [3.0, 2.0]).worst == 3.0


def test_a_graph_has_no_list_of_matrices() -> None:
    net = random_graph(np.random.default_rng(3))
    for name in ("weights", "biases", "max_weights", "lipschitz"):
        with pytest.raises(ValueError, match="this network is a graph or convolutional"):
            getattr(net, name)


@pytest.mark.parametrize("seed", range(12))
def test_certificates(seed: int, tmp_path) -> None:
    rng = np.random.default_rng(6000 + seed)
    net = random_graph(rng)
    X = rng.normal(size=(2, net.widths[0]))
    path = tmp_path / "proof.json"
    found = ws.worst_case(net, ws.Crash(1), X, certificate=path)
    checked = ws.check_certificate(path, net)
    assert checked.valid and checked.lower == found.lower
    altered = path.read_text().replace('"lower":', '"lower": 9')
    path.write_text(altered)
    assert not ws.check_certificate(path, net).valid


@pytest.mark.parametrize("seed", range(6))
def test_every_use_answers(seed: int) -> None:
    rng = np.random.default_rng(7000 + seed)
    net = random_graph(rng)
    X = rng.normal(size=(2, net.widths[0]))
    limit = ws.tolerance(net, 0.5, X, time_limit=1)
    for k in range(min(limit.guaranteed, 2) + 1):
        assert max(max(harms(net, x, k)) for x in X) <= 0.5 + 1e-9
    scores = ws.criticality(net, X, time_limit=1)
    alone = [max(abs(evaluate(net, x, {(1, 0): 0.0}) - evaluate(net, x)).max() for x in X)]
    assert scores.worst[0][0] == pytest.approx(alone[0], rel=1e-9, abs=1e-12)
    found = ws.reliability(net, 0.1, 0.5, X, time_limit=1)
    assert 0 <= found.lower <= found.upper <= 1


@pytest.mark.parametrize("seed", range(20))
def test_single_crashes_to_rounding(seed: int) -> None:
    rng = np.random.default_rng(8000 + seed)
    net = random_graph(rng)
    x = rng.normal(size=net.widths[0])
    found = ws.enumerate_failures(net, ws.Crash(1, exactly=True), x, components=True)
    assert found.components is not None
    worst = [errors.worst for errors in found.components.values()]
    np.testing.assert_allclose(ws._core.crash_errors(net._core, x, False), worst, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("ask", "what"), [
    (lambda net, X: ws.precision(net, 1, X), "the fewest bits are found for"),
    (lambda net, X: ws.replicate(net, 2), "neurons are copied in"),
    (lambda net, X: ws.replicas_needed(net, ws.Crash(1), 1, X), "the number of copies is found for"),
    (lambda net, X: expected_error(net, 0.1, X), "mean and mean square are bounded for"),
    (lambda net, X: last_layer_moments(net, X, p=0.1), "mean and variance are found for")])  # fmt: skip
def test_what_is_asked_of_chains_alone_says_so(ask, what) -> None:
    layers = [ws.Layer([(0, ws.Conv(np.ones((2, 1, 2))))]), ws.Layer([(1, np.ones((2, 4)))], activation="identity")]
    net = ws.Network(layers=layers, shape=(1, 3))
    with pytest.raises(ValueError, match=f"^{what} chains of dense layers, and this network is a graph"):
        ask(net, [[1.0, 2.0, 3.0]])


def test_a_path_is_no_network_but_can_be_loaded() -> None:
    with pytest.raises(TypeError, match=r"got 'int8.onnx'; withstand.load reads it from a file"):
        ws.worst_case("int8.onnx", ws.Crash(1), [[1.0]])
