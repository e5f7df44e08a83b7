# SPDX-License-Identifier: MIT
"""Every engine on activations of all kinds, those that are not monotone among them, hidden and at the output."""

from __future__ import annotations

import json

import numpy as np
import pytest
import withstand as ws
from withstand.model.activations import DEFAULT_SLOPES, NAMES

METHODS = ("at-most", "capped", "matrix", "signed", "adjoint", "linear", "tightest")
TURNING = [name for name in NAMES if not ws.Activation(name).nondecreasing]


def activation(rng, names):
    name = str(rng.choice(names))
    slope = float(rng.choice([0.0, 0.2, 1.5])) if name in DEFAULT_SLOPES else None
    return ws.Activation(name, float(rng.choice([0.5, 1.0, 2.0])), slope)


def network(rng, names=NAMES, scale=2.0):
    """At least one of `names` hidden or at the output; widths of one to four."""
    widths = [2, *rng.integers(2, 5, int(rng.integers(1, 4))), int(rng.integers(1, 3))]
    weights = [rng.normal(size=(n, m)) * scale for m, n in zip(widths, widths[1:])]
    biases = [rng.normal(size=n) for n in widths[1:]]
    hidden = [activation(rng, names if rng.integers(2) else NAMES) for _ in widths[1:-1]]
    hidden[int(rng.integers(len(hidden)))] = activation(rng, names)
    output = activation(rng, names) if rng.integers(2) else ws.Activation("identity")
    return ws.Network(weights, biases, activation=hidden, output_activation=output)


def harm(net, x, failed, spec):
    intact, faulty = net.forward(x), net.forward(x, failed=failed)
    if spec is None:
        return np.abs(faulty - intact).max()
    c = int(np.argmax(intact))
    return np.delete(faulty, c).max() - faulty[c]


@pytest.mark.parametrize("seed", range(60))
def test_finite_models(seed, tmp_path):
    """Enumeration, search and certificate agree; every bound covers them."""
    rng = np.random.default_rng(seed)
    net = network(rng, TURNING or NAMES)
    X = rng.normal(size=(2, 2))
    few = min(int(rng.integers(1, 4)), sum(net.widths[1:-1]))
    kind = (ws.Crash(few), ws.StuckAt(2, value=float(rng.normal())),
            ws.SynapseCrash(2), ws.Crash(1) + ws.SynapseCrash(1), ws.Crash(2, exactly=True))[seed % 5]  # fmt: skip
    spec = ws.Argmax() if net.widths[-1] > 1 and rng.integers(2) else None
    every = ws.enumerate_failures(net, kind, X, spec=spec)
    witness = every.top[0]
    truth = harm(net, X[witness.input_index], witness.values, spec)
    size = max(1.0, abs(truth))
    assert abs(every.worst - truth) <= 1e-12 * size
    found = ws.worst_case(net, kind, X, spec=spec)
    assert found.exact
    assert found.lower <= every.worst + 1e-12 * size
    assert found.upper >= every.worst - 1e-12 * size
    for method in METHODS:
        assert ws.bound(net, kind, X, method=method, spec=spec).value >= every.worst - 1e-12 * size, method
    if seed % 5 in (0, 1, 4):
        path = tmp_path / "proof.json"
        ws.worst_case(net, kind, X, spec=spec, certificate=path)
        check = ws.check_certificate(path, net)
        assert check.valid, check.reason
        assert check.upper >= every.worst - 1e-12 * size
        claim = json.loads(path.read_text())
        claim["claim"]["upper"] = every.worst - 1e-3 * size
        path.write_text(json.dumps(claim))
        assert not ws.check_certificate(path, net, effort=50).valid


@pytest.mark.parametrize("seed", range(40))
def test_boxes_and_intervals(seed):
    """Bounds and searches over boxes cover samples of inputs, failures and values; ranges cover intact signals."""
    rng = np.random.default_rng(1000 + seed)
    net = network(rng, TURNING or NAMES, 1.5)
    low = rng.normal(size=2)
    box = ws.Box(low, low + np.abs(rng.normal(size=2)))
    deviating = ws.Byzantine(1, capacity=0.5, convention="deviation")
    model = (ws.Crash(1), ws.Byzantine(1, capacity=1.0), deviating)[seed % 3]
    bounds = {m: ws.bound(net, model, box, method=m).value for m in METHODS}
    found = ws.worst_case(net, model, box, time_limit=1.0)
    assert found.lower <= found.upper
    neurons = [(l, i) for l in range(1, net.depth + 1) for i in range(net.widths[l])]
    worst = 0.0
    for _ in range(300):
        x = low + rng.random(2) * (box.upper - box.lower)
        l, i = neurons[int(rng.integers(len(neurons)))]
        value = 0.0
        if seed % 3:
            value = float(rng.uniform(-1, 1)) if seed % 3 == 1 else float(net.trace(x)[l][i] + rng.uniform(-0.5, 0.5))
        worst = max(worst, float(harm(net, x, {(l, i): value}, None)))
    assert found.upper >= worst - 1e-9
    assert all(value >= worst - 1e-9 for value in bounds.values()), bounds


def test_nondecreasing_is_asked():
    assert all(ws.Activation(name).nondecreasing for name in ("relu", "tanh", "elu", "clip", "softplus"))
    s = np.linspace(-9, 9, 3001)
    for name in NAMES:
        phi = ws.Activation(name)
        assert phi.nondecreasing == bool((np.diff(phi(s)) >= 0).all())
        low, high = phi.range
        assert low <= phi(s).min() and phi(s).max() <= high
