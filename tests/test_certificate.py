# SPDX-License-Identifier: MIT
"""Certificates are confirmed by the checker, and false ones rejected."""

from __future__ import annotations

import copy
import itertools
import json
import math

import numpy as np
import pytest
import withstand as ws
from withstand import checker
from withstand.certificate import layers_of, write_certificate


def deep_network(rng, width, depth):
    widths = [4, *[width] * depth, 2]
    weights = [1.4 * rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.3 * rng.normal(size=b) for b in widths[1:]])


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """Return a network, a certificate of the worst 3 crashes anywhere at two inputs, and the truth."""
    rng = np.random.default_rng(0)
    net = deep_network(rng, width=8, depth=4)
    path = tmp_path_factory.mktemp("certificate") / "proof.json"
    found = ws.worst_case(net, ws.Crash(3), rng.normal(size=(2, 4)), certificate=path)
    assert found.status == "exact"
    return net, path, found.lower


def test_a_proof_is_confirmed(proof):
    net, path, _ = proof
    confirmed = ws.check_certificate(path, net)
    assert confirmed["nodes"] > 100
    assert confirmed["bounded"] > 10
    assert confirmed["enumerated"] > 10


def test_a_proof_of_many_nodes_is_confirmed(tmp_path):
    rng = np.random.default_rng(1)
    net = deep_network(rng, width=8, depth=5)
    found = ws.worst_case(net, ws.Crash(4), rng.normal(size=(1, 4)), certificate=tmp_path / "proof.json")
    assert found.status == "exact"
    assert ws.check_certificate(tmp_path / "proof.json", net)["nodes"] >= 1000


def nodes(tree):
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node[key] for key in ("failed", "alive") if isinstance(node.get(key), dict))


def make_false(certificate, truth, rng):
    """Change a certificate so that it no longer proves something true."""
    part = certificate["inputs"][int(rng.integers(len(certificate["inputs"])))]
    inner = [node for node in nodes(part["tree"]) if "neuron" in node]
    node = inner[int(rng.integers(len(inner)))]
    kind = int(rng.integers(6))
    if kind == 0:  # a leaf or subtree is dropped
        node[str(rng.choice(["failed", "alive"]))] = None
    elif kind == 1:  # a decision names a neuron that is already decided
        below = [n for n in nodes(node) if "neuron" in n and n is not node]
        if below:
            below[int(rng.integers(len(below)))]["neuron"] = node["neuron"]
        else:
            del node["alive"]
    elif kind == 2:  # the claim is below the truth
        certificate["claim"] = truth * float(rng.uniform(0.5, 1 - 1e-9))
    elif kind == 3:  # an enumerated leaf forgets configurations
        leaves = [n for n in nodes(part["tree"]) if n.get("leaf") == "enumerated"]
        leaves[int(rng.integers(len(leaves)))]["count"] -= 1
    elif kind == 4:  # a whole tree claims to be one bounded leaf
        part["tree"] = {"leaf": "bounded", "bound": 0.0}
    else:  # more failures than the tree was made for, with a claim that only holds for fewer
        certificate["space"]["counts"] = [certificate["space"]["counts"][0] + 1]


@pytest.mark.parametrize("seed", range(200))
def test_false_certificates_are_rejected(proof, seed):
    net, path, truth = proof
    certificate = copy.deepcopy(json.loads(path.read_text()))
    make_false(certificate, truth, np.random.default_rng(seed))
    certificate["checksum"] = checker.checksum(certificate)
    with pytest.raises(checker.Rejected):
        checker.check(certificate, layers_of(net))


def test_tampering_and_other_networks_are_noticed(proof, tmp_path):
    net, path, _ = proof
    certificate = json.loads(path.read_text())
    certificate["claim"] += 1.0
    with pytest.raises(checker.Rejected, match="checksum"):
        checker.check(certificate, layers_of(net))
    other = ws.Network([net.weights[0] + 1, *net.weights[1:]], net.biases)
    with pytest.raises(checker.Rejected, match="another network"):
        ws.check_certificate(path, other)
    broken = tmp_path / "broken.json"
    broken.write_text(path.read_text()[:1000])
    with pytest.raises(checker.Rejected, match="not a certificate"):
        ws.check_certificate(broken, net)


@pytest.mark.parametrize("seed", range(40))
def test_the_checker_bounds_every_configuration(seed):
    rng = np.random.default_rng(seed)
    names = ("relu", "relu", "logistic", "tanh", "leaky_relu", "clip", "hard_tanh", "elu", "softplus", "identity")
    widths = [3, *(int(rng.integers(2, 5)) for _ in range(int(rng.integers(1, 4)))), 2]
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths, widths[1:], strict=False)]
    net = ws.Network(weights, activation=[str(rng.choice(names)) for _ in widths[1:-1]])
    layers, x = layers_of(net), rng.normal(size=3)
    neurons = tuple((l, i) for l in range(1, net.depth + 1) for i in range(widths[l]))
    space = checker.Space(float(rng.choice([0.0, 1.0])), (2,), True, bool(rng.integers(2)), neurons)
    goal = str(rng.choice(["error", "argmax"]))
    order = rng.permutation(len(neurons))
    failed = frozenset(neurons[i] for i in order[: int(rng.integers(0, 2))])
    alive = frozenset(neurons[i] for i in order[2 : 2 + int(rng.integers(0, 2))])
    proved, _ = checker.bound(layers, x, space, goal, failed, alive)
    free = sorted(set(neurons) - failed - alive)
    nominal = net.forward(x)
    c = int(np.argmax(nominal))
    for more in space.completions(free, space.left(failed)):
        y = net.forward(x, failed=dict.fromkeys((*failed, *more), space.value))
        harm = np.abs(y - nominal).max() if goal == "error" else np.delete(y, c).max() - y[c]
        assert harm <= proved
        (upper,) = checker.harms(layers, x, space, goal, [(*failed, *more)])
        assert harm <= upper <= harm + 1e-12 * max(1.0, abs(harm), float(np.abs(y).max()))


@pytest.mark.parametrize(
    ("failures", "message"),
    [
        (ws.SynapseCrash(1), "certificates cover one model of crashed or stuck neurons"),
        (ws.Crash(1) + ws.StuckAt(1, value=1.0), "certificates cover one model of crashed or stuck neurons"),
        (ws.Crash(1, among=[(0, 0)]), "certificates cover hidden neurons"),
    ],
)
def test_what_certificates_do_not_cover_is_refused(tmp_path, failures, message):
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match=message):
        ws.worst_case(net, failures, [[1.0]], certificate=tmp_path / "c.json")


def test_an_upper_bound_that_is_none_is_refused(tmp_path):
    net = ws.Network([[[1.0]] * 3, [[1.0] * 3]])
    with pytest.raises(ValueError, match="a configuration does"):
        write_certificate(tmp_path / "c.json", net, ws.Crash(2), np.array([[1.0]]), 1.5)


@pytest.mark.parametrize("options", [{"exactly": True}, {"among": [(1, 0), (2, 1)]}, {}])
def test_options_of_the_space(tmp_path, options):
    rng = np.random.default_rng(1)
    net = ws.Network([rng.normal(size=(6, 2)), rng.normal(size=(6, 6)), rng.normal(size=(2, 6))])
    X = rng.normal(size=(1, 2))
    for n, failures in enumerate((ws.Crash(2, **options), ws.StuckAt((1, 1), value=0.5, **options))):
        for spec in (None, ws.Argmax()):
            path = tmp_path / f"{n}.json"
            found = ws.worst_case(net, failures, X, spec=spec, certificate=path)
            assert ws.check_certificate(path, net)["nodes"] > 0
            claim = json.loads(path.read_text())["claim"]
            assert found.lower <= claim <= found.upper + 1e-9 * max(1, abs(found.upper)) * (1 + 1e-6)
            assert math.isfinite(claim)


def test_the_command(tmp_path):
    runner = pytest.importorskip("click.testing").CliRunner()
    from withstand.cli.app import app

    path = tmp_path / "c.json"
    made = runner.invoke(
        app, ["worst-case", "digits_small", "--crash", "2", "--rows", "0:1", "--certificate", str(path)]
    )
    assert made.exit_code == 0, made.output
    confirmed = runner.invoke(app, ["check", str(path), "digits_small", "--json"])
    assert confirmed.exit_code == 0, confirmed.output
    assert json.loads(confirmed.output)["confirmed"] is True
    rejected = runner.invoke(app, ["check", str(path), "digits", "--json"])
    assert rejected.exit_code == 1
    assert "another network" in json.loads(rejected.output)["why"]
