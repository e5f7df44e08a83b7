# SPDX-License-Identifier: MIT
"""Certificates are confirmed by the checker, and false ones rejected."""

from __future__ import annotations

import itertools
import json

import bridge
import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from alterations import ALTERATIONS, altered, save
from hypothesis import given, settings
from hypothesis import strategies as st
from withstand._certified_space import Space
from withstand._checked_bound import Judge
from withstand._checked_lines import Phi, lines


def deep_network(seed, width=8, depth=4):
    rng = np.random.default_rng(seed)
    widths = [4, *[width] * depth, 2]
    weights = [1.4 * rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.3 * rng.normal(size=b) for b in widths[1:]]), rng.normal(size=(2, 4))


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """Return a network, a certificate of the worst 2 crashes anywhere at two inputs, and the truth."""
    net, X = deep_network(0)
    path = tmp_path_factory.mktemp("certificate") / "proof.json"
    found = ws.worst_case(net, ws.Crash(2), X, certificate=path)
    assert found.status == "exact"
    return net, path, found.lower


def test_a_proof_is_confirmed(proof):
    net, path, truth = proof
    check = ws.check_certificate(path, net)
    assert check.valid
    assert check.reason == "confirmed"
    assert check.lower == truth
    assert truth <= check.upper <= truth + 2e-9 * max(1.0, truth)
    assert check.bounded > 10
    assert check.enumerated > 10
    assert (check.inputs, check.goal, check.failures[0]["counts"]) == (2, "error", [2])


def test_a_search_of_many_nodes_is_confirmed(tmp_path):
    net, X = deep_network(1, width=16, depth=3)
    found = ws.worst_case(net, ws.Crash(4), X, spec=ws.Argmax(), threads=1, certificate=tmp_path / "proof.json")
    assert found.nodes >= 1000
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.nodes >= found.nodes


@pytest.mark.parametrize("seed", range(6 * len(ALTERATIONS)))
def test_false_certificates_are_rejected(proof, tmp_path, seed):
    net, path, truth = proof
    name, wrong = altered(json.loads(path.read_text()), seed, truth)
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    check = ws.check_certificate(tmp_path / "wrong.json", net, effort=500)
    assert not check.valid, name


@pytest.mark.parametrize("effort", [0, 20_000])
@pytest.mark.parametrize("less", [1e-8, 1e-4, 0.3])
def test_one_leaf_for_everything_proves_nothing_false(proof, tmp_path, effort, less):
    net, path, truth = proof
    wrong = json.loads(path.read_text())
    wrong["nodes"], wrong["roots"] = [{"bounded": 0.0}, {"bounded": 0.0}], [0, 1]
    wrong["claim"] = {"lower": 0.0, "upper": truth * (1 - less), "witness": {"input": 0, "failed": []}}
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net, effort=effort)
    assert not check.valid
    assert ("no proof within" if effort == 0 else "above the claim") in check.reason


def test_tampering_and_other_networks_are_noticed(proof, tmp_path):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong["claim"]["upper"] += 1.0
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    assert "checksum" in ws.check_certificate(tmp_path / "wrong.json", net).reason
    other = ws.Network([net.weights[0] + 1, *net.weights[1:]], net.biases)
    assert "another network" in ws.check_certificate(path, other).reason
    for content in ("", path.read_text()[:1000], "[]", "[" * 100_000, '{"format": "withstand certificate 1"}'):
        (tmp_path / "broken.json").write_text(content)
        check = ws.check_certificate(tmp_path / "broken.json", net)
        assert not check.valid
        assert check.reason
    with pytest.raises(OSError, match=r"none\.json"):
        ws.check_certificate(tmp_path / "none.json", net)


@pytest.mark.parametrize("key", ["network", "failures", "inputs", "goal", "claim", "roots", "nodes"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 1, [None], [[float("nan")]]])
def test_files_that_are_not_what_they_should_be(proof, tmp_path, key, value):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong[key] = value
    save(wrong, tmp_path / "wrong.json")
    assert not ws.check_certificate(tmp_path / "wrong.json", net).valid


# What the search proves, the checker confirms; what the checker bounds, nothing exceeds.


def random_case(seed, **shape):
    """Return a network, crash and stuck-at models (at most, exactly, sums, inputs), and inputs, for the oracle."""
    rng = np.random.default_rng(seed)
    net = strategies.random_network(rng, dyadic=bool(rng.integers(2)), **shape)
    model = strategies.random_model(rng, net, effects=("crash", "stuck"), cap=200)
    return net, model, strategies.random_inputs(rng, net, 2), rng


@pytest.mark.parametrize("seed", range(80))
def test_every_search_is_confirmed(seed, tmp_path):
    net, model, X, rng = random_case(seed)
    network, failures = bridge.network(net), bridge.model(model)
    spec = ws.Argmax() if rng.integers(3) == 0 and network.widths[-1] > 1 else None
    found = ws.worst_case(network, failures, X, spec=spec, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", network)
    if spec is not None and "too close" in check.reason:
        return  # which class is the intact network's is a matter of rounding
    assert check.valid, check.reason
    truth = float(oracle.worst(net, model, X, spec="argmax" if spec else None))
    assert check.lower <= truth + 1e-12 * max(1.0, abs(truth))
    assert truth <= check.upper <= truth + 3e-9 * max(1.0, abs(truth))
    assert found.lower == check.lower


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_bounds_hold_under_decisions(seed):
    net, model, X, rng = random_case(seed, depth=(1, 3), width=(1, 5))
    network, failures = bridge.network(net), bridge.model(model)
    goal = "argmax" if rng.integers(2) and network.widths[-1] > 1 else "error"
    phis = [Phi(a.name, a.gain, a.slope or 0.0) for a in (*network.activations, network.output_activation)]
    space = Space(json.loads(json.dumps(ws._certificate_terms.described(failures))), network.widths)
    try:
        judge = Judge(network.weights, network.biases, phis, space, X[0], goal)
    except ValueError:
        return
    state = space.root()
    assert space.size(state) == failures.configurations(network)
    for _ in range(int(rng.integers(0, 4))):
        free = space.free(state)
        if free:
            children = list(space.children(state, free[int(rng.integers(len(free)))]).values())
            state = children[int(rng.integers(len(children)))]
    sets = list(space.completions(state))
    assert len(sets) == len({frozenset(s) for s in sets}) == space.size(state)
    bound = judge.bound(state).harm
    nominal = network.forward(X[0])
    c = int(np.argmax(nominal))
    for failed in sets:
        y = network.forward(X[0], failed={neuron: way.value for neuron, way in failed})
        harm = np.abs(y - nominal).max() if goal == "error" else np.delete(y, c).max() - y[c]
        ((value,), (error,)) = judge.harms([failed])
        assert abs(harm - value) <= error + 1e-14 * max(1.0, float(np.abs(y).max()))
        assert harm <= bound + 1e-12 * max(1.0, float(np.abs(y).max()))


@pytest.mark.parametrize("name", oracle.NAMES)
def test_lines_are_above_and_below(name):
    rng = np.random.default_rng(0)
    for slope in (0.01, 0.5, 1.0, 2.0) if name in ("leaky_relu", "elu") else (0.0,):
        for gain in (0.25, 1.0, 7.0):
            phi = Phi(name, gain, slope)
            low = rng.normal(size=300) * 10 ** rng.uniform(-6, 3, 300)
            high = low + np.abs(rng.normal(size=300)) * 10 ** rng.uniform(-9, 3, 300)
            high[:5] = low[:5]
            found = lines(phi, low, high)
            assert (found.upper_slope >= 0).all()
            assert (found.lower_slope >= 0).all()
            for share in np.linspace(0, 1, 101):
                s = np.clip(low + share * (high - low), low, high)
                rounding = 4e-16 * (np.abs(phi(s)) + np.abs(found.upper_slope * s) + np.abs(found.lower_slope * s))
                assert (found.upper_slope * s + found.upper_offset >= phi(s) - rounding).all()
                assert (found.lower_slope * s + found.lower_offset <= phi(s) + rounding).all()


@pytest.mark.parametrize(
    ("failures", "domain", "message"),
    [
        (ws.SynapseCrash(1), [[1.0]], "certificates cover crashed and stuck neurons, not SynapseCrash"),
        (ws.Byzantine(1, capacity=1.0), [[1.0]], "certificates cover crashed and stuck neurons, not Byzantine"),
        (ws.Crash(1) + ws.SynapseCrash(1), [[1.0]], "certificates cover crashed and stuck neurons"),
        (ws.Crash(1), ws.Box([0.0], [1.0]), "certificates cover given inputs, not boxes"),
    ],
)
def test_what_certificates_do_not_cover_is_refused(tmp_path, failures, domain, message):
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match=message):
        ws.worst_case(net, failures, domain, certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()


@pytest.mark.parametrize("nodes", [1, 3, 20])
def test_a_search_that_ended_early_certifies_what_it_has(proof, tmp_path, nodes):
    net, _, truth = proof
    _, X = deep_network(0)
    found = ws.worst_case(net, ws.Crash(2), X, node_limit=nodes, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.lower <= truth <= check.upper
    assert check.upper <= found.upper + 2e-9 * max(1.0, found.upper)


def test_large_enumerations_are_split(tmp_path):
    rng = np.random.default_rng(1)
    net = ws.Network([rng.normal(size=(40, 2)), rng.normal(size=(10, 40)), rng.normal(size=(2, 10))])
    ws.worst_case(net, ws.Crash((3, 1), exactly=True), rng.normal(size=(1, 2)), certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.enumerated > 1
    assert check.configurations == 9880 * 10


def test_the_command(tmp_path):
    runner = pytest.importorskip("click.testing").CliRunner()
    from withstand.cli.app import app

    path = str(tmp_path / "proof.json")
    made = runner.invoke(app, ["worst-case", "digits_small", "--crash", "2", "--rows", "0:1", "--certificate", path])
    assert made.exit_code == 0, made.output
    confirmed = runner.invoke(app, ["check", path, "digits_small", "--json"])
    assert confirmed.exit_code == 0, confirmed.output
    assert json.loads(confirmed.output)["valid"] is True
    assert json.loads(confirmed.output)["failures"] == "Crash(2)"
    assert "confirmed" in runner.invoke(app, ["check", path, "digits_small"]).output
    rejected = runner.invoke(app, ["check", path, "digits", "--json"])
    assert rejected.exit_code == 1
    assert "another network" in json.loads(rejected.output)["reason"]
