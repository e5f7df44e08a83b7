# SPDX-License-Identifier: MIT
"""The commands reliability, criticality, precision and quorum say what the functions say."""

from __future__ import annotations

import json

import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.applications import app

NET, X, _ = ws.embedded("digits_small")

ASK = ("reliability", "digits_small", "-p", "0.01", "--rows", "0:2", "-e", "2", "--samples", "0", "--evaluations",
       "10000")  # fmt: skip


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_reliability():
    code, text = run(*ASK, "--json")
    found = ws.reliability(NET, 0.01, 2.0, X[:2], evaluations=10_000, samples=0)
    assert code == 0
    assert (json.loads(text)["lower"], json.loads(text)["upper"]) == (found.lower, found.upper)


def test_reliability_says_that_the_time_was_up():
    late = "(the time was up (1e-09 s): more may narrow the interval)"
    code, said = run(*ASK, "--time-limit", "1e-9")
    assert code == 0 and late in said
    code, said = run(*ASK, "--time-limit", "1e-9", "--json")
    assert json.loads(said)["status"] == "budget"
    assert "the time was up" not in run(*ASK)[1]


@pytest.mark.parametrize(("target", "code"), [("0.9", 0), ("0.01", 1), ("", 3)])
def test_reliability_exit_code(target, code):
    found = ws.reliability(NET, 0.01, 2.0, X[:2], evaluations=10_000, samples=0)
    if code == 3:
        target = str((found.lower + found.upper) / 2)
    assert run(*ASK, "--target", target)[0] == code


def test_reliability_per_layer_and_decisions():
    arguments = ("-p", "0,0.01", "--rows", "0:2", "--argmax", "--evaluations", "9999", "--json")
    code, text = run("reliability", "digits_small", *arguments)
    found = ws.reliability(NET, (0, 0.01), None, X[:2], spec=ws.Argmax(), evaluations=9999)
    assert code == 0
    assert (json.loads(text)["lower"], json.loads(text)["upper"]) == (found.lower, found.upper)


def test_criticality():
    code, text = run("criticality", "digits_small", "--rows", "0:2", "--json")
    assert code == 0
    assert json.loads(text)["worst"] == [layer.tolist() for layer in ws.criticality(NET, X[:2]).worst]
    code, text = run("criticality", "digits_small", "--rows", "0:2", "--argmin", "--json")
    told, lowest = json.loads(text), ws.criticality(NET, X[:2], spec=ws.Argmax(lowest=True))
    assert told["worst"] == [layer.tolist() for layer in lowest.worst]
    assert (told["spec"], told["statement"]["lowest"]) == ("argmax", True)
    assert (told["verdict"], code) == (("violated", 1) if lowest.largest >= 0 else ("tolerated", 0))
    code, text = run("criticality", "digits", "--argmax", "--harden", "--top", "3")
    assert (code, "worst harm" in text, "protect (2, 39): then harm <= -" in text) == (1, True, True)
    assert "its first does" in text
    code, text = run("criticality", "digits_small", "--rows", "0:2", "--top", "3", "-e", "6", "--harden")
    assert code == 1
    assert all(str(c) in text for c in ws.harden(NET, 1, 6.0, X[:2]).protect)
    assert len([line for line in text.splitlines() if line.strip().startswith("(")]) == 3


def test_precision(tmp_path):
    path = tmp_path / "codes.npz"
    code, text = run("precision", "digits_small", "-e", "0.1", "-o", str(path), "--json")
    found = ws.precision(NET, 0.1, X[:16])
    assert code == 0
    assert json.loads(text)["weight_bits"] == list(found.weight_bits)
    assert path.exists()


def test_quorum():
    code, text = run("quorum", "diabetes", "-e", "2", "--latency", "pareto:3.5", "--runs", "50", "--json")
    net, inputs, _ = ws.embedded("diabetes")
    found = ws.quorum(net, 2.0, inputs[:16], latency=("pareto", 3.5), runs=50)
    assert code == 0
    assert json.loads(text)["wait_for"] == list(found.wait_for)
    assert json.loads(text)["simulated_time"] == found.simulated


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reliability", "digits_small", "-p", "0.01"), "say what harm is"),
        (("reliability", "digits_small", "-p", "x", "-e", "1"), "neither a probability"),
        (("reliability", "digits_small", "-p", "2", "-e", "1"), "p must lie in [0, 1]"),
        (("criticality", "digits_small", "--harden"), "--harden needs --epsilon"),
        (("criticality", "digits_small", "--radius", "0.1", "--rows", "0"), "takes inputs, not a box"),
        (("precision", "digits_small"), "Missing option"),
        (("quorum", "digits_small", "-e", "1", "--latency", "gamma"), "latency must be one of"),
    ],
)
def test_wrong_usage(arguments, message):
    code, text = run(*arguments)
    assert code == 2
    assert message in text
