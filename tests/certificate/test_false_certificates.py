# SPDX-License-Identifier: MIT
"""False certificates are rejected, and files that are none are named."""

from __future__ import annotations

import json

import pytest
import withstand as ws
from alterations import ALTERATIONS, altered, save
from proofs import proved


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proved(tmp_path_factory.mktemp("certificate"))


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


@pytest.mark.parametrize("counts", [[], [1, 1]])
def test_a_total_is_one_number(proof, tmp_path, counts):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong["failures"][0]["counts"] = counts
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net, failures=ws.Crash(2))
    assert "in total, not one number" in check.reason
    assert "not one number" in repr(check)


@pytest.mark.parametrize("place", ["lower", "upper", "inputs"])
def test_an_integer_beyond_the_doubles_is_no_number(proof, tmp_path, place):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    if place == "inputs":
        wrong["inputs"][0][0] = 10**400
    else:
        wrong["claim"][place] = 10**400
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert "a number of 401 digits" in check.reason


@pytest.mark.parametrize("key", ["network", "failures", "inputs", "goal", "claim", "roots", "nodes"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 1, [None], [[float("nan")]]])
def test_files_that_are_not_what_they_should_be(proof, tmp_path, key, value):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    wrong[key] = value
    save(wrong, tmp_path / "wrong.json")
    assert not ws.check_certificate(tmp_path / "wrong.json", net).valid


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("failures", 0, "exactly"), "false", "exactly is 'false', not true or false"),
        (("failures", 0, "among"), [[1, 0.5]], "0.5 is not an integer"),
        (("failures", 0, "value"), "0", "0 is not a finite number"),
        (("failures", 0, "value"), 1.0, "a crashed neuron transmits 0"),
        (("failures", 0, "effect"), "noise", "only crash and stuck are covered"),
        (("failures", 0, "more"), 1, "has the entries"),
        (("inputs", 0, 0), "1.0", "1.0 is not a finite number"),
        (("inputs", 0, 0), True, "True is not a finite number"),
        (("inputs", 0), [1.0], "input 0 has 1 entries, not 4"),
        (("claim", "upper"), 10**400, "a number of 401 digits"),
        (("claim", "witness", "input"), -1, "-1 is not an integer"),
        (("claim", "witness", "failed"), [[1, 0]], "is not layer, neuron, term"),
        (("roots", 0), True, "True is not an integer"),
        (("roots", 0), 10**6, "node 1000000 is missing"),
        (("nodes", 0, "failed"), {"00": 1}, "no term is called '00'"),
        (("nodes", 0), {"bounded": 0.0, "enumerated": 1}, "has the entries"),
        (("note",), "trust me", "the certificate has the entries"),
    ],
)
def test_entries_of_the_wrong_kind_are_named(proof, tmp_path, place, value, reason):
    net, path, _ = proof
    wrong = json.loads(path.read_text())
    entry = wrong
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value
    save(wrong, tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert reason in check.reason


@pytest.mark.parametrize(("text", "reason"), [('{"format": 1, "format": 2}', "twice"), ('{"a": NaN}', "NaN is not a")])
def test_text_that_says_two_things_is_no_certificate(proof, tmp_path, text, reason):
    (tmp_path / "wrong.json").write_text(text)
    assert reason in ws.check_certificate(tmp_path / "wrong.json", proof[0]).reason


def test_what_is_no_text_is_no_certificate_and_claims_nothing(proof, tmp_path):
    (tmp_path / "wrong.json").write_bytes(b"\x80\x02}q\x00.")
    check = ws.check_certificate(tmp_path / "wrong.json", proof[0])
    assert check.reason == "not a certificate: it is no text"
    assert repr(check) == "Check: NOT valid, not a certificate: it is no text"
    assert (check.statement.inputs.kind, check.statement.rows, check.statement.inputs.sha256) == ("none", 0, None)


@pytest.mark.parametrize("content", [b"\x80\x02}q\x00.", b"{}", b"", b'{"format": 1}'])
def test_the_command_states_nothing_of_what_is_no_certificate(tmp_path, content):
    runner = pytest.importorskip("click.testing").CliRunner()
    from withstand.cli.app import app

    (tmp_path / "wrong.json").write_bytes(content)
    ended = runner.invoke(app, ["check", str(tmp_path / "wrong.json"), "digits_small"])
    assert ended.exit_code == 1 and ended.output.startswith("rejected\n")
    assert "statement" not in ended.output and "SHA" not in ended.output and "given input" not in ended.output
    told = json.loads(runner.invoke(app, ["check", str(tmp_path / "wrong.json"), "digits_small", "--json"]).output)
    assert (told["valid"], told["inputs"], told["statement"]["inputs"]["sha256"]) == (False, 0, None)
