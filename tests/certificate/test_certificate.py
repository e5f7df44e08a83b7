# SPDX-License-Identifier: MIT
"""Certificates are confirmed by the checker, and say what they prove."""

from __future__ import annotations

import importlib
import json

import bridge
import numpy as np
import oracle
import pytest
import withstand as ws
from proofs import deep_network, proved, random_case
from withstand import _core
from withstand.certificate import fingerprint


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proved(tmp_path_factory.mktemp("certificate"))


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


# What a file speaks of.


def test_a_check_says_what_is_proved(proof, tmp_path):
    net, path, _ = proof
    _, X = deep_network(0)
    check = ws.check_certificate(path, net, failures=ws.Crash(2), domain=X, spec=None)
    assert check.valid, check.reason
    np.testing.assert_array_equal(check.domain, X)
    assert (check.inputs, check.spec, check.classes, check.network) == (2, None, (), fingerprint(net))
    assert all(part in repr(check) for part in ("Crash(2)", "valid", "input 1", str(X[1, 0]), fingerprint(net)))
    ws.worst_case(net, ws.Crash(1), X, spec=ws.Argmax(), certificate=tmp_path / "class.json")
    check = ws.check_certificate(tmp_path / "class.json", net, spec=ws.Argmax())
    assert check.spec == ws.Argmax()
    assert check.classes == tuple(net.forward(X).argmax(axis=1))


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ({"failures": ws.Crash(3)}, r"speaks of Crash(2), not of Crash(3)"),
        ({"failures": ws.Crash(2, exactly=True)}, "speaks of Crash(2), not of Crash(2, exactly"),
        ({"failures": ws.StuckAt(2, value=0.0)}, "speaks of Crash(2), not of StuckAt"),
        ({"failures": ws.Crash(2, among=[(1, 0), (1, 1)])}, "speaks of Crash(2), not of Crash(2, among"),
        ({"spec": ws.Argmax()}, "speaks of error, not of argmax"),
        ({"domain": deep_network(0)[1][:1]}, "speaks of 2 inputs, not of 1"),
        ({"domain": deep_network(0)[1][::-1]}, "speaks of another input 0"),
        ({"domain": np.nextafter(deep_network(0)[1], 9.0)}, "speaks of another input 0"),
    ],
)
def test_a_proof_of_something_else_is_rejected(proof, expected, reason):
    net, path, _ = proof
    check = ws.check_certificate(path, net, **expected)
    assert not check.valid
    assert reason in check.reason


def test_an_input_that_differs_is_told_by_its_first_entry(proof):
    net, path, _ = proof
    X = deep_network(0)[1]
    other = X.copy()
    other[1, 1] += 0.25
    said = f"the certificate speaks of another input 1: its entry 1 is {X[1, 1]}, not {other[1, 1]}"
    assert ws.check_certificate(path, net, domain=other).reason == said
    other[1, 2:] += 1.0
    assert ws.check_certificate(path, net, domain=other).reason.startswith(said + f", and {X.shape[1] - 2} more entr")


@pytest.mark.parametrize(
    ("expected", "error", "message"),
    [
        ({"domain": ws.Box([0.0] * 4, [1.0] * 4)}, ValueError, "given inputs, not boxes"),
        ({"failures": ws.Noise(0.1)}, ValueError, "cover crashed and stuck neurons"),
        ({"failures": 2}, TypeError, "failures must be a failure model"),
        ({"spec": "argmax"}, TypeError, "spec"),
    ],
)
def test_what_no_certificate_can_be_about_is_misuse(proof, expected, error, message):
    with pytest.raises(error, match=message):
        ws.check_certificate(proof[1], proof[0], **expected)


# Ties, and searches of random networks.


def test_exact_ties_are_settled_without_rounding(tmp_path):
    net = ws.Network([[[0.1], [0.2]], [[0.3, 0.7], [0.3, 0.7]]])  # the outputs are equal; the first is the class
    found = ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert (check.classes, check.lower, found.lower) == ((0,), 0.0, 0.0)


def test_ties_that_rounding_hides_are_refused_before_any_search(tmp_path):
    net = ws.Network([[[0.1], [0.2]], [[0.3, 0.7], [0.3, 0.7]]], activation="tanh")
    with pytest.raises(ValueError, match=r"no certificate can be written: outputs \[0, 1\] are too close"):
        ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()


@pytest.mark.parametrize("seed", range(80))
def test_every_search_is_confirmed(seed, tmp_path):
    net, model, X, rng = random_case(seed)
    network, failures = bridge.network(net), bridge.model(model)
    spec = ws.Argmax() if rng.integers(3) == 0 and network.widths[-1] > 1 else None
    try:
        found = ws.worst_case(network, failures, X, spec=spec, certificate=tmp_path / "proof.json")
    except ValueError as error:  # which class is the intact network's is a matter of rounding
        assert spec is not None
        assert "too close to say which class" in str(error)
        return
    check = ws.check_certificate(tmp_path / "proof.json", network)
    assert check.valid, check.reason
    truth = float(oracle.worst(net, model, X, spec="argmax" if spec else None))
    assert check.lower <= truth + 1e-12 * max(1.0, abs(truth))
    assert truth <= check.upper <= truth + 3e-9 * max(1.0, abs(truth))
    assert found.lower == check.lower


@pytest.mark.parametrize(
    ("failures", "domain", "message"),
    [
        (ws.SynapseByzantine(1, capacity=1.0), [[1.0]], "crashed weights and synapses, not SynapseByzantine"),
        (ws.Byzantine(1, capacity=1.0), [[1.0]], "certificates cover crashed and stuck neurons, .*, not Byzantine"),
        (ws.Crash(1) + ws.Noise(0.5), [[1.0]], "certificates cover crashed and stuck neurons"),
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


def test_a_certificate_never_witnesses_less_than_the_search_alone(tmp_path):
    rng = np.random.default_rng(0)
    kernels = [ws.Conv(rng.normal(size=(2, n, 3, 3)) / 4, padding=1) for n in (1, 2, 2)]
    layers = [ws.Layer([(0, kernels[0])]), ws.Layer([(1, kernels[1])]), ws.Layer([(2, kernels[2]), (1, None)])]
    last = ws.Layer([(3, rng.normal(size=(3, 32)) / 6)], activation="identity")
    net, X = ws.Network(layers=[*layers, last], shape=(1, 4, 4)), rng.random((2, 16))
    plain = ws.worst_case(net, ws.Crash(2), X)
    short = ws.worst_case(net, ws.Crash(2), X, time_limit=1e-3, certificate=tmp_path / "short.json")
    few = ws.worst_case(net, ws.Crash(2), X, node_limit=1, certificate=tmp_path / "few.json")
    assert few.lower >= ws.worst_case(net, ws.Crash(2), X, node_limit=1).lower
    for name, found in (("short", short), ("few", few)):
        check = ws.check_certificate(tmp_path / f"{name}.json", net)
        assert check.valid, check.reason
        assert (check.lower, found.witness.error) == (found.lower, found.lower)
        assert found.lower <= plain.upper <= found.upper


def test_what_the_first_search_finds_is_where_the_second_begins(tmp_path, monkeypatch):
    asked = []

    def search(*arguments, **options):
        asked.append((options, found := genuine(*arguments, **options)))
        return found

    genuine = _core.worst_case
    monkeypatch.setattr(_core, "worst_case", search)
    net, X, _ = ws.embedded("digits_small")
    found = ws.worst_case(net, ws.Crash(2), X[:1], time_limit=60.0, certificate=tmp_path / "proof.json")
    (first, plain), (second, tree) = asked
    assert "record" not in first and second["floor"] == plain.lower <= found.lower
    assert first["time_limit"] <= 30.0 and second["time_limit"] <= 15.0
    assert found.nodes == plain.nodes + tree.nodes


def test_a_limit_of_time_is_used_for_larger_trees(tmp_path, monkeypatch):
    """Where a first look makes a leaf seem dear, trees grow as long as there is time; each is a proof."""
    module = importlib.import_module("withstand.questions.search")
    genuine, asked = module.require_checkable, []

    def search(*arguments, **options):
        asked.append(options)
        return core(*arguments, **options)

    core = _core.worst_case
    monkeypatch.setattr(_core, "worst_case", search)
    monkeypatch.setattr(module, "require_checkable", lambda *a: 1e6 + genuine(*a))
    net, X = deep_network(0)
    found = ws.worst_case(net, ws.Crash(2), X[:1], time_limit=600.0, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net, failures=ws.Crash(2), domain=X[:1])
    assert (check.valid, found.exact) == (True, True)
    assert found.lower <= found.upper <= check.upper <= found.upper + 2e-9 * max(1.0, found.upper)
    nodes = [options["node_limit"] for options in asked[1:]]
    assert nodes == [2**n for n in range(len(nodes))] and len(nodes) > 3

    def refusing(*arguments):
        if refusing.calls == 1:
            raise ValueError("no certificate is written")
        refusing.calls += 1
        return write(*arguments)

    refusing.calls, write = 0, module.write
    monkeypatch.setattr(module, "write", refusing)
    last = ws.worst_case(net, ws.Crash(2), X[:1], time_limit=600.0, certificate=tmp_path / "first.json")
    check = ws.check_certificate(tmp_path / "first.json", net)
    assert (check.valid, last.status) == (True, "budget")
    assert found.upper < last.upper <= check.upper <= last.upper + 2e-9 * max(1.0, last.upper)
