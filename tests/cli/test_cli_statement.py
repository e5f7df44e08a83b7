# SPDX-License-Identifier: MIT
"""Every answer says what it is a statement about, the same in a table, in JSON and on a page; and JSON has a schema."""

from __future__ import annotations

import json
import shlex
from html import unescape
from importlib import resources

import numpy as np
import pytest
import withstand as ws
from tiny_schema import wrong
from withstand.schema import names, schema

pytest.importorskip("click")
from click.testing import CliRunner
from test_cli_answers import ANSWERS
from test_cli_study import TWO
from withstand.cli.commands import app
from withstand.cli.stating import FIRST

FEW = ("digits_small", "--rows", "0:2")
#: Further ways to ask, which leave other keys out or fill them: by command.
MORE = {
    "bound": [(*FEW, "-k", "1", "--argmax"), (*FEW, "-k", "1", "-e", "0.1", "--exactly")],
    "enumerate": [(*FEW, "--weight-flip", "1", "--rounded", "int8", "--bits", "7", "-e", "3"),
                  (*FEW, "--weight-flip", "1", "--rounded", "float16", "--format", "float16")],
    "worst-case": [(*FEW, "-k", "1", "--argmin"), ("diabetes", "--rows", "0", "--radius", "0.1", "-k", "1"),
                   (*FEW, "-k", "1", "-e", "3", "--layer", "1")],
    "tolerance": [(*FEW, "--argmax", "--of", "stuck:0.5"), (*FEW, "-e", "1e9")],
    "reliability": [(*FEW, "-p", "0.1", "--argmax", "--samples", "50", "--evaluations", "200", "--target", "0.5")],
    "criticality": [(*FEW, "-e", "3", "--harden"), ("diabetes", "--rows", "0:2", "-k", "2")],
    "precision": [(*FEW, "-e", "1", "--no-weights")],
    "quorum": [(*FEW, "-e", "2", "--runs", "9")],
    "replicas": [("diabetes", "--rows", "0:2", "-k", "1", "-e", "0.001", "--time-limit", "0")],
    "harden": [(*FEW, "-k", "2", "-e", "3", "--time-limit", "0")],
    "accuracy": [(*FEW, "-k", "3", "--time-limit", "0", "--lowest"), (*FEW, "-k", "1", "--target", "0.5")],
    "campaign": [(*FEW, "-k", "0", "--rates", "0.1", "-n", "9", "--target", "0.99")],
    "report": [(*FEW, "--argmax", "--most", "1"), ("diabetes", "--rows", "0:2", "-e", "0.5", "--most", "1")],
}  # fmt: skip
ASKED = [(name, words) for name, first in ANSWERS.items() for words in (first, *MORE.get(name, ()))]
ASKED += [("report", words) for words in MORE["report"]]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def strict(text: str):
    """Return what JSON says; words that are not JSON, such as NaN, fail."""
    return json.loads(text, parse_constant=pytest.fail)


def lines_of(told: dict) -> dict[str, str]:
    """Return the lines that text and pages have of a statement in JSON."""
    inputs = ws.Inputs(told["inputs"]["kind"], told["rows"], told["inputs"]["sha256"], told["inputs"]["origin"])
    own = {key: value for key, value in told.items() if key not in ("rows", "inputs")}
    known = {key: own[key] for key in ws.Statement.__dataclass_fields__ if key in own}
    return dict(ws.Statement(inputs=inputs, **known).lines())


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("name", "words"), ASKED, ids=lambda value: value if isinstance(value, str) else "")
def test_json_is_what_its_schema_says(name, words):
    code, text = run(name, *words, "--json")
    told = strict(text)
    assert list(wrong(told, schema(name))) == []
    if name == "inspect":
        return
    said = told["statement"]
    assert {key: said[key] for key in FIRST} == {key: told.get(key, said[key]) for key in FIRST}
    net = ws.embedded(words[0])[0]
    net = net.rounded(words[words.index("--rounded") + 1]) if "--rounded" in words else net
    assert said["fingerprint"] == net.fingerprint
    decisions = name in ("accuracy", "campaign") or not {"--argmax", "--argmin"}.isdisjoint(words)
    assert (said["spec"] == "argmax") == decisions
    if "-e" in words:
        assert float(said["epsilon"]) == float(words[words.index("-e") + 1])
    if name not in ("precision", "quorum", "replicas", "harden", "report"):  # whose exit codes are about something else
        assert {"tolerated": 0, "violated": 1, "unknown": 3, None: 0}[said["verdict"]] == code


@pytest.mark.parametrize(("name", "words"), ASKED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_table_says_the_same_as_json(name, words):
    told, (_, text) = strict(run(name, *words, "--json")[1]), run(name, *words)
    if name == "inspect":
        assert told["fingerprint"] in text and told["version"] in text
        return
    table = flat(text)
    for title, line in lines_of(told["statement"]).items():
        assert flat(line) in table or (title == "network" and line in table), title


@pytest.mark.parametrize("words", MORE["report"])
def test_the_page_says_the_same_as_json_and_text(words, tmp_path):
    told = strict(run("report", *words, "--json")[1])["statement"]
    page, text = tmp_path / "page.html", tmp_path / "page.txt"
    for file in (page, text):
        run("report", *words, "-o", str(file))
        content = flat(unescape(file.read_text(encoding="utf-8")))
        command = f"{told['command']} --output {shlex.quote(str(file))}"
        for line in lines_of({**told, "command": command}).values():
            assert flat(line) in content


def test_the_command_asks_it_again():
    told = strict(run("worst-case", *FEW, "-k", "1", "-e", "3", "--json")[1])
    words = shlex.split(told["statement"]["command"])
    assert words == ["withstand", "worst-case", "digits_small", "--rows", "0:2", "--crash", "1", "--epsilon", "3"]
    again = strict(run(*words[1:], "--json")[1])
    assert {**again, "seconds": 0} == {**told, "seconds": 0}


def test_harm_is_not_called_error():
    for name in ("bound", "enumerate", "worst-case", "harden"):
        title = run(name, *FEW, "-k", "1", "--argmax")[1].splitlines()[0]
        assert "harm" in title and "error" not in title


def test_python_says_the_same():
    net, X, _ = ws.embedded("digits_small")
    said = ws.enumerate_failures(net, ws.Crash(1), X[:2], epsilon=3).statement.to_dict()
    told = strict(run("enumerate", *FEW, "-k", "1", "-e", "3", "--json")[1])["statement"]
    own = ("network", "command", "inputs", "epsilon")
    assert {key: said[key] for key in said if key not in own} == {key: told[key] for key in told if key not in own}
    assert said["inputs"]["sha256"] == told["inputs"]["sha256"]
    assert list(wrong(said, schema("statement"))) == []


def test_checks_and_studies(tmp_path):
    proof, file = tmp_path / "proof.json", tmp_path / "study.toml"
    run("worst-case", *FEW, "-k", "1", "--certificate", str(proof))
    told = strict(run("check", str(proof), "digits_small", "--json")[1])
    assert list(wrong(told, schema("check"))) == []
    assert (told["failures"], told["rows"], told["statement"]["verdict"]) == ("Crash(1)", 2, None)
    assert list(wrong(strict(run("check", str(proof), "digits", "--json")[1]), schema("check"))) == []
    file.write_text(TWO, encoding="utf-8")
    told = strict(run("run", str(file), "--json")[1])
    assert list(wrong(told, schema("run"))) == []
    for answer in (tmp_path / "study-results").glob("*.json"):
        kept = strict(answer.read_text(encoding="utf-8"))
        if "answer" in kept:
            assert list(wrong(kept["answer"], schema(kept["command"]))) == []


def test_every_command_has_a_schema():
    taking = {name for name, command in app.commands.items() for p in command.params if p.name == "as_json"}
    assert {*names()} == taking | {"statement"}
    for name in names():
        printed = strict(run("schema", name)[1])
        assert printed == schema(name) and printed["description"]
    assert list(wrong(strict(run("schema", "--json")[1]), schema("schema"))) == []
    assert all(name in run("schema")[1] for name in names())
    code, text = run("schema", "bond")
    assert code == 2 and "did you mean" in text.lower()
    with pytest.raises(ValueError, match="'bond' has no schema; known are accuracy, bound"):
        schema("bond")
    assert (resources.files("withstand.schema") / "statement.json").is_file()


@pytest.mark.parametrize("change", [{"value": "nan"}, {"value": float("nan")}, {"other": 1}, {"statement": {}},
                                    {"verdict": "fine"}, {"rows": "2"}, {"per_output": [True]}])  # fmt: skip
def test_what_does_not_fit_is_noticed(change):
    told = strict(run("bound", *FEW, "-k", "1", "--json")[1])
    if isinstance(change.get("value"), float):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json.dumps({**told, **change}, allow_nan=False)
        return
    assert list(wrong({**told, **change}, schema("bound"))) != []


def test_infinite_numbers_are_words():
    told = strict(run("enumerate", *MORE["enumerate"][1], "--json")[1])
    assert told["worst"] == "inf" and np.isinf(float(told["mean"]))


@pytest.mark.parametrize("command", [("bound",), ("worst-case",), ("tolerance", "-e", "1")])
def test_a_box_is_around_a_row_that_there_is(command, tmp_path):
    np.save(tmp_path / "zero.npy", np.zeros((1, 10)))
    name, *more = command
    counted = [] if more else ["-k", "1"]
    asked = (name, "diabetes", "-x", str(tmp_path / "zero.npy"), "--radius", "0.2", *more, *counted, "--json")
    for rows, said in (([], "row 0"), (["--rows", "0"], "row 0"), (["--rows", "-1:"], "rows -1:")):
        told = json.loads(run(*asked, *rows)[1])
        assert told["statement"]["inputs"]["origin"] == f"{said} of zero.npy, radius 0.2"
