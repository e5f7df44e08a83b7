# SPDX-License-Identifier: MIT
"""The exact worst case equals brute force over canonical evaluations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import withstand as ws
from withstand.model.activations import NAMES as ACTIVATIONS


def random_network(rng, deep=3, widest=5, outputs=3):
    depth = int(rng.integers(1, deep + 1))
    widths = [int(rng.integers(1, 4)), *(int(rng.integers(1, widest + 1)) for _ in range(depth))]
    widths.append(int(rng.integers(1, outputs + 1)))
    weights = [rng.normal(size=(n, m)).round(2) for m, n in itertools.pairwise(widths)]
    biases = [rng.normal(size=n).round(2) for n in widths[1:]]
    activation = [str(rng.choice(ACTIVATIONS)) for _ in range(depth)]
    output = str(rng.choice(["identity", "identity", "logistic", "relu"]))
    return ws.Network(weights, biases, activation=activation, output_activation=output)


class Model:
    """A finite failure model, described twice: for the package and for brute force."""

    def __init__(self, kind, counts, exactly, among, value):
        self.kind, self.counts, self.exactly, self.among, self.value = kind, counts, exactly, among, value

    @property
    def failures(self):
        options = {"exactly": self.exactly, "among": self.among}
        if self.kind == "stuck":
            return ws.StuckAt(self.counts, value=self.value, **options)
        return {"crash": ws.Crash, "synapse": ws.SynapseCrash}[self.kind](self.counts, **options)

    def sites(self, net):
        if self.among is not None:
            return sorted(self.among)
        widths = net.widths
        if self.kind == "synapse":
            return [(l, j, i) for l in range(1, len(widths)) for j in range(widths[l]) for i in range(widths[l - 1])]
        return [(l, i) for l in range(1, net.depth + 1) for i in range(widths[l])]

    def sets(self, net):
        """Yield every allowed set of sites."""
        sites = self.sites(net)
        if isinstance(self.counts, int):
            sizes = [self.counts] if self.exactly else range(self.counts + 1)
            for size in sizes:
                yield from itertools.combinations(sites, size)
            return
        per_layer = []
        for layer, count in enumerate(self.counts, start=1):
            here = [s for s in sites if s[0] == layer]
            sizes = [count] if self.exactly else range(count + 1)
            per_layer.append([c for size in sizes for c in itertools.combinations(here, size)])
        for parts in itertools.product(*per_layer):
            yield tuple(itertools.chain.from_iterable(parts))


def random_model(rng, net, most=3):
    kind = str(rng.choice(["crash", "crash", "stuck", "synapse"]))
    widths = net.widths
    model = Model(kind, 0, bool(rng.integers(2)), None, float(rng.choice([0.0, 0.5, 1.0, -1.0])))
    sites = model.sites(net)
    if rng.integers(3) == 0:
        if kind != "synapse" and rng.integers(2):
            sites = [(0, i) for i in range(widths[0])] + sites
        keep = rng.permutation(len(sites))[: int(rng.integers(1, len(sites) + 1))]
        sites = sorted(sites[i] for i in keep)
        model.among = sites
    if rng.integers(2) and all(s[0] > 0 for s in sites):
        layers = net.depth + (kind == "synapse")
        here = [sum(s[0] == l for s in sites) for l in range(1, layers + 1)]
        model.counts = tuple(int(rng.integers(0, min(2, h) + 1)) for h in here)
    else:
        cap = 2 if kind == "synapse" else most
        model.counts = int(rng.integers(0, min(cap, len(sites)) + 1))
    return model


def brute_force(net, models, X, spec=None):
    """Largest harm over all configurations and inputs, by canonical evaluations."""
    worst = -np.inf
    nominal = net.forward(X)
    for n, x in enumerate(X):
        c = int(np.argmax(nominal[n]))
        for sets in itertools.product(*(m.sets(net) for m in models)):
            failed = {}
            for model, sites in zip(models, sets, strict=True):
                value = model.value if model.kind == "stuck" else 0.0
                failed.update(dict.fromkeys(sites, value))
            if len(failed) < sum(map(len, sets)):
                continue  # the models fail disjoint components
            y = net.forward(x, failed=failed)
            harm = np.abs(y - nominal[n]).max() if spec is None else np.delete(y, c).max() - y[c]
            worst = max(worst, float(harm))
    return worst


def check(net, models, X, spec=None, **options):
    failures = models[0].failures
    for model in models[1:]:
        failures = failures + model.failures
    try:
        size = failures.configurations(net)
    except ValueError:
        return None  # not enough components for both models
    if size > 4000:
        return None
    found = ws.worst_case(net, failures, X, spec=spec, **options)
    expected = brute_force(net, models, X, spec)
    scale = max(1.0, float(np.abs(net.forward(X)).max()), abs(expected))
    context = (net, failures, found, expected)
    assert found.status == "exact", context
    assert abs(found.lower - expected) <= 1e-12 * scale, context
    assert found.lower <= found.upper <= found.lower + 1e-9 * scale, context
    replay(net, models, X, found, spec)
    return found


def replay(net, models, X, found, spec):
    witness = found.witness
    y = net.forward(witness.input, failed=witness.values)
    nominal = net.forward(witness.input)
    assert np.array_equal(witness.input, X[witness.input_index])
    if spec is None:
        assert abs(y - nominal)[witness.output] == witness.error == found.lower
    else:
        assert y[witness.output] - y[int(np.argmax(nominal))] == witness.error == found.lower
    assert witness.failed == tuple(sorted(witness.values))
    allowed = set().union(*(m.sites(net) for m in models))
    assert set(witness.failed) <= allowed
    if len(models) == 1 and isinstance(models[0].counts, int):
        size = len(witness.failed)
        assert size == models[0].counts if models[0].exactly else size <= models[0].counts


@pytest.mark.parametrize("seed", range(300))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    X = rng.uniform(-1, 1, size=(int(rng.integers(1, 3)), net.widths[0]))
    spec = ws.Argmax() if net.widths[-1] > 1 and rng.integers(4) == 0 else None
    check(net, [random_model(rng, net)], X, spec)


@pytest.mark.parametrize("seed", range(120))
def test_sums_equal_brute_force(seed):
    rng = np.random.default_rng(10_000 + seed)
    net = random_network(rng, deep=2, widest=4, outputs=2)
    X = rng.uniform(-1, 1, size=(1, net.widths[0]))
    check(net, [random_model(rng, net, most=2), random_model(rng, net, most=2)], X)


def test_idle_failures_fill_exact_counts():
    # Neuron 1 transmits 0: crashing it changes nothing, so exactly 2 crashes may do as much as the worst single one.
    net = ws.Network([[[1.0], [-1.0], [1.0]], [[1.0, 1.0, -1.0]]])
    worst = ws.worst_case(net, ws.Crash(2, exactly=True), [[1.0]])
    assert worst.witness.failed == ((1, 0), (1, 1))
    assert worst.lower == 1.0
    assert 1.0 <= worst.upper <= 1.0 + 1e-12


def test_the_smallest_of_equal_witnesses_is_reported():
    net = ws.Network([[[1.0]] * 4, [[1.0, 1.0, 0.0, 1.0]]])
    assert ws.worst_case(net, ws.Crash(2), [[1.0], [1.0]], threads=2).witness.failed == ((1, 0), (1, 1))
    assert ws.worst_case(net, ws.Crash(2), [[1.0], [1.0]]).witness.input_index == 0


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_matter(threads):
    rng = np.random.default_rng(5)
    net = ws.Network([rng.normal(size=(12, 4)), rng.normal(size=(12, 12)), rng.normal(size=(3, 12))])
    X = rng.normal(size=(3, 4))
    one, many = (ws.worst_case(net, ws.Crash(3), X, threads=t) for t in (1, threads))
    assert (one.lower, one.upper, one.witness.values) == (many.lower, many.upper, many.witness.values)
    assert one.witness.input_index == many.witness.input_index


def test_limits_leave_a_valid_interval():
    rng = np.random.default_rng(7)
    net = ws.Network([rng.normal(size=(30, 4)), rng.normal(size=(30, 30)), rng.normal(size=(3, 30))])
    x = rng.normal(size=(1, 4))
    exact = ws.worst_case(net, ws.Crash(3), x)
    short, again = (ws.worst_case(net, ws.Crash(3), x, node_limit=5) for _ in range(2))
    assert short.lower <= exact.lower <= exact.upper <= short.upper
    assert (short.lower, short.upper, short.nodes) == (again.lower, again.upper, again.nodes)
    timed = ws.worst_case(net, ws.Crash(3), x, time_limit=0.0)
    assert timed.lower <= exact.lower <= timed.upper


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": -1.0}, "gap must be at least 0, got -1.0"),
        ({"time_limit": -1}, "time_limit must be at least 0, got -1"),
        ({"node_limit": -1}, "node_limit must be at least 0, got -1"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
    ],
)
def test_bad_limits_are_refused(options, message):
    net = ws.Network([[[1.0]], [[1.0], [2.0]]])
    with pytest.raises(ValueError, match=message):
        ws.worst_case(net, ws.Crash(1), [[1.0]], **options)


def test_bad_arguments_are_refused():
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(TypeError, match="spec must be"):
        ws.worst_case(net, ws.Crash(1), [[1.0]], spec="argmax")
    with pytest.raises(ValueError, match=r"Argmax\(\) of one output takes outputs .*; those .* are behind relu"):
        ws.worst_case(ws.Network([[[1.0]], [[1.0]]], output_activation="relu"), ws.Crash(1), [[1.0]], spec=ws.Argmax())
    with pytest.raises(ValueError, match="1 neurons can fail, not 2"):
        ws.worst_case(net, ws.Crash(2), [[1.0]])


def test_what_might_overflow_is_refused_and_what_is_large_is_not():
    W = [[1e160], [1e160]], [[1e148, -1e148], [1e148, 1e147]], [[1e-300, -1e-300]]
    with pytest.raises(OverflowError, match=r"layer 2: a sum of products may reach inf"):
        ws.worst_case(ws.Network(list(W)), ws.Crash(2), [[1.0]])
    net = ws.Network([W[0], np.array(W[1]) * 1e-20, W[2]])
    found = ws.worst_case(net, ws.Crash(2), [[1.0]])
    expected = brute_force(net, [Model("crash", 2, False, None, 0.0)], np.array([[1.0]]))
    assert found.lower == pytest.approx(expected, rel=1e-12)
    assert found.lower <= found.upper <= found.lower * (1 + 1e-9)
