# SPDX-License-Identifier: MIT
"""The commands tolerance, replicas and report say what the functions say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.commands import app
from withstand.cli.limits import replicas, tolerance
from withstand.cli.reporting import report
from withstand.report import Origin

NET, X, _ = ws.embedded("digits_small")
ASK = ("tolerance", "digits_small", "--rows", "0:2")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_commands_are_there():
    named = {"inspect", "bound", "enumerate", "worst-case", "tolerance", "reliability", "criticality", "precision",
             "quorum", "report", "replicas", "check", "accuracy", "campaign", "harden", "run", "schema"}  # fmt: skip
    assert named == set(app.commands)
    assert [app.commands[name] for name in ("tolerance", "replicas", "report")] == [tolerance, replicas, report]


def test_tolerance():
    code, text = run(*ASK, "-e", "14", "--json")
    answer, found = json.loads(text), ws.tolerance(NET, 14, X[:2])
    assert code == 0
    assert (answer["guaranteed"], answer["breaking"], answer["exact"]) == (found.guaranteed, found.breaking, True)
    assert answer["failed"] == [list(c) for c in found.witness.failed]
    assert [limit["breaking"] for limit in answer["per_layer"]] == [limit.breaking for limit in found.per_layer]
    assert str(found.guaranteed) in run(*ASK, "-e", "14")[1]


@pytest.mark.parametrize(
    ("limits", "code"),
    [(("2",), 0), (("9",), 1), (("2", "--node-limit", "1", "-e", "30", "--radius", "0.3", "--rows", "0"), 3)],
)
def test_tolerance_exit_codes(limits, code):
    assert run(*ASK, "-e", "13.4", "--at-least", *limits)[0] == code


@pytest.mark.parametrize("epsilon", ["14", "9", "0.1"])
def test_tolerance_states_what_is_tolerated_wherever_it_is_asked(epsilon):
    """The statement of the command is the library's, unless it was asked about a count."""
    found = ws.tolerance(NET, epsilon, X[:2])
    code, text = run(*ASK, "-e", epsilon, "--json")
    told = json.loads(text)
    assert (told["failures"], told["verdict"]) == (found.statement.failures, found.statement.verdict)
    assert told["failures"] == f"Crash({max(1, found.guaranteed)})"
    assert code == {"tolerated": 0, "violated": 1}[told["verdict"]] == int(found.guaranteed == 0)
    assert json.loads(run(*ASK, "-e", epsilon, "--at-least", "7", "--json")[1])["failures"] == "Crash(7)"


def test_tolerance_of_decisions_and_other_failures():
    code, text = run(*ASK, "--argmax", "--json")
    found = ws.tolerance(NET, 0, X[:2], spec=ws.Argmax())
    assert json.loads(text)["breaking"] == found.breaking
    assert code == (0 if found.guaranteed >= 1 else 1)
    code, text = run(*ASK, "-e", "8", "--of", "stuck:1.5", "--json")
    found = ws.tolerance(NET, 8, X[:2], model=lambda counts: ws.StuckAt(counts, value=1.5))
    assert json.loads(text)["guaranteed"] == found.guaranteed


def test_tolerance_curve(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curve.svg"
    code, text = run(*ASK, "-e", "9", "--samples", "9", "--plot", str(path), "--json")
    curve = json.loads(text)["curve"]
    assert code == 0
    assert curve["counts"] == list(range(1, len(curve["counts"]) + 1))
    assert max(curve["random_worst"]) <= max(curve["upper"])
    assert path.read_text().startswith("<?xml")


def test_replicas():
    code, text = run("replicas", "diabetes", "--crash", "1,1", "-e", "0.2", "--json")
    net, inputs, _ = ws.embedded("diabetes")
    assert code == 0
    assert json.loads(text)["copies"] == ws.replicas_needed(net, ws.Crash((1, 1)), "0.2", inputs[:16])


def test_report(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    ask, page = ("report", "diabetes", "--rows", "0:2", "-e", "0.5", "--most", "2"), tmp_path / "page.html"
    net, inputs, targets = ws.embedded("diabetes")
    origin = Origin("diabetes", "rows 0:2 of the inputs that come with the network",
                    "withstand report diabetes --rows 0:2 --epsilon 0.5 --most 2",
                    "net, X, y = ws.embedded('diabetes')\nX, y = X[0:2], y[0:2]")  # fmt: skip
    found = ws.report(net, inputs[:2], epsilon="0.5", targets=targets[:2], most=2, title=f"diabetes: {net!r}",
                      origin=origin)  # fmt: skip
    assert run(*ask) == (0, str(found) + "\n")
    assert run(*ask, "-o", str(page))[0] == 0
    longer = replace(origin, command=f"{origin.command} --output {page}")
    assert page.read_text(encoding="utf-8") == replace(found, origin=longer).html() + "\n"
    code, text = run(*ask, "--json")
    assert (code, json.loads(text)) == (0, json.loads(found.json()))


def test_report_of_classes_and_a_proof(tmp_path):
    """Where the inputs are a file the report says how to read it, and flags that share a name are told apart."""
    net, inputs, classes = ws.embedded("digits_small")
    np.savez(tmp_path / "in.npz", X=inputs[:3])
    np.save(tmp_path / "y.npy", classes[:3])
    proof = tmp_path / "proof.json"
    files = ("--inputs", str(tmp_path / "in.npz"), "--classes", str(tmp_path / "y.npy"))
    code, text = run("report", "digits_small", *files, "--rows", "1", "--argmax", "--most", "1",
                     "--certificate", str(proof), "--json")  # fmt: skip
    found = json.loads(text[text.index("{") :])
    assert code == 0
    assert found["command"].startswith("withstand report digits_small --inputs ") and "--argmin" not in found["command"]
    assert found["command"].count("--argmax") == 1
    assert [row["crashes"] for row in found["accuracy"]] == [0, 1]
    given = {}
    exec("import numpy as np, withstand as ws\n" + found["code"]["first"], given)
    assert np.array_equal(given["X"], inputs[1:2])
    assert given["net"].fingerprint == net.fingerprint == found["statement"]["fingerprint"]
    (row,) = found["certificate"]
    assert row["check"] == "valid, confirmed"
    assert row["SHA-256"] == hashlib.sha256(proof.read_bytes()).hexdigest()


@pytest.mark.parametrize(("inputs", "classes", "rows"), [
    (None, "y.npy", ":2"), ("in.npz", "y.npz", "-1"), ("in.csv", "y.csv", "1:"), ("in.npy", None, "0")])  # fmt: skip
def test_all_code_of_a_report_runs_and_prints_what_it_says(tmp_path, inputs, classes, rows):
    net, X, y = ws.embedded("digits_small")
    net.save(tmp_path / "net.npz")
    for name, array in (("in", X[:3]), ("y", (y[:3] + 1) % 10)):  # not the classes that come with the network
        np.save(tmp_path / f"{name}.npy", array)
        np.savez(tmp_path / f"{name}.npz", **{"samples_x" if name == "in" else "Y": array})
        np.savetxt(tmp_path / f"{name}.csv", array, delimiter=",", encoding="utf-8-sig")
    files = () if inputs is None else ("--inputs", str(tmp_path / inputs))
    files += () if classes is None else ("--classes", str(tmp_path / classes))
    model = "digits_small" if inputs is None else str(tmp_path / "net.npz")
    text = run("report", model, *files, "--rows", rows, "--argmax", "--most", "1", "--json",
               "--certificate", str(tmp_path / "proof.json"))[1]  # fmt: skip
    found = json.loads(text[text.index("{") :])
    said, space = [], {"print": lambda *values: said.append(" ".join(map(str, values)))}
    for key, code in found["code"].items():
        said.clear()
        exec(code, space)
        assert said == [line.split("  # ", 1)[1] for line in code.splitlines() if line.startswith("print(")], key
    assert ("accuracy" in found["code"]) == (classes is not None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tolerance", "digits"), "say what harm is"),
        (("tolerance", "digits", "-e", "x"), "decimal string"),
        (("tolerance", "digits", "-e", "1", "--of", "melt"), "is none of crash"),
        (("tolerance", "digits", "-e", "1", "--of", "byzantine"), "takes a number"),
        (("tolerance", "digits", "-e", "1", "--of", "crash:2"), "takes no number"),
        (("report", "digits", "-o", "page.pdf"), "is written as"),
        (("replicas", "digits", "--crash", "1"), "say what harm is"),
        (("replicas", "digits", "--crash", "1", "-e", "0"), "epsilon is 0"),
    ],
)
def test_wrong_usage(arguments, message):
    code, text = run(*arguments)
    assert code == 2
    assert message in text


@pytest.mark.parametrize("command", ["tolerance", "report"])
def test_the_command_line_has_the_limit(command, monkeypatch):
    given = {}
    real = getattr(ws, command)
    monkeypatch.setattr(ws, command, lambda *a, **k: given.update(k) or real(*a, **k))
    code, text = run(command, "digits_small", "-e", "1", "--rows", "0:2", "--time-limit", "0")
    assert given["time_limit"] == 0
    assert code in (0, 3)
    assert "time was up" in text
    code, text = run(command, "digits_small", "-e", "1", "--time-limit", "nan")
    assert (code, "is no number" in text) == (2, True)
