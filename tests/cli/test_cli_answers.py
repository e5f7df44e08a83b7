# SPDX-License-Identifier: MIT
"""How answers look: keys of JSON, numbers that are none, long lines, inputs that nobody chose, words that are near."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.commands import app
from withstand.cli.output import plain, text

FEW = ("diabetes", "--rows", "0:2")
ANSWERS = {
    "inspect": ("diabetes",),
    "bound": (*FEW, "-k", "1"),
    "enumerate": (*FEW, "-k", "1", "--components"),
    "worst-case": (*FEW, "-k", "1"),
    "tolerance": (*FEW, "-e", "0.2", "--samples", "3"),
    "reliability": (*FEW, "-p", "0.001", "-e", "0.2", "--samples", "0"),
    "criticality": FEW,
    "precision": (*FEW, "-e", "0.2"),
    "quorum": (*FEW, "-e", "2", "--runs", "9", "--links"),
    "replicas": (*FEW, "-k", "1", "-e", "0.2"),
    "harden": (*FEW, "-k", "1", "-e", "0.1"),
    "accuracy": ("digits_small", "--rows", "0:2", "-k", "1"),
    "campaign": ("digits_small", "--rows", "0:2", "-k", "1", "-n", "9"),
}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def every(value):
    """Yield all pairs of a key and what it holds, at every depth."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield key, entry
            yield from every(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from every(entry)


@pytest.mark.parametrize("name", ANSWERS)
def test_keys_are_alike_and_numbers_are_numbers(name):
    told = json.loads(run(name, *ANSWERS[name], "--json")[1], parse_constant=pytest.fail)
    pairs = list(every(told))
    assert [key for key, _ in pairs if not re.fullmatch(r"[a-z]\w*|\d+", key) or key.lower() != key] == []
    assert [key for key, value in pairs if value in ("nan", "NaN")] == []
    assert pairs


def test_numbers_that_are_none():
    assert plain({"a": math.nan, "b": [np.inf, -math.inf], "c": np.array([np.nan])}) == {
        "a": None, "b": ["inf", "-inf"], "c": [None],
    }  # fmt: skip
    told = json.loads(run("quorum", *ANSWERS["quorum"], "--json")[1])
    assert told["expected_time"] is None
    assert "nan" not in run("quorum", *ANSWERS["quorum"])[1]


def test_nothing_missing_is_nothing_gained():
    ask = ("quorum", *FEW, "-e", "1e-9", "--runs", "20")
    told = json.loads(run(*ask, "--json")[1])
    assert (told["missing"], told["bound"], told["simulated_error"], told["simulated_speedup"]) == ([0, 0], 0, 0, 1)
    assert run(*ask)[1].startswith("no signal may be missing: error <= 0 proved\n")


def test_the_proved_number_comes_first():
    title, *rest = run("quorum", *FEW, "-e", "2", "--runs", "20")[1].splitlines()
    net, X, _ = ws.embedded("diabetes")
    found = ws.quorum(net, 2, X[:2], runs=20)
    assert title == f"{found.missing} signals may be missing: error <= {found.bound:.6g} proved"
    assert any(found.missing)
    assert next(line for line in rest if f"{found.observed:.6g}" in line).split()[0] == "simulated"


def test_long_sentences_are_wrapped():
    text = run("bound", *FEW, "-k", "1")[1]
    assert max(map(len, text.splitlines())) <= 100
    rigor = ws.bound(ws.embedded("diabetes")[0], ws.Crash(1), ws.embedded("diabetes")[1][:2]).rigor
    assert rigor in " ".join(text.split())


@pytest.mark.parametrize("name", ["bound", "tolerance", "criticality", "report"])
def test_how_many_inputs_nobody_chose(name, tmp_path):
    ask = [*ANSWERS.get(name, (*FEW, "-e", "0.5", "--most", "1"))]
    at = ask.index("--rows")
    del ask[at : at + 2]
    remark = "(asked of the first 16 of 88 inputs: --rows : asks of all)"
    assert remark in run(name, *ask)[1]
    assert remark not in run(name, *ask, "--rows", ":3")[1]
    assert remark not in run(name, *ask, "--json")[1]


def test_which_row_the_first_input_is():
    remark = "(inputs are counted from 0 among those asked: input 0 is row 85)"
    for rows in ("-3:", "85:87"):
        assert remark in run("bound", "diabetes", "-k", "1", f"--rows={rows}")[1]
    for rows in (":", ":3", "0"):
        assert "input 0 is row" not in run("bound", "diabetes", "-k", "1", f"--rows={rows}")[1]


@pytest.mark.parametrize(("rows", "expected"), [(":", slice(None)), ("-4:", slice(-4, None)), ("7", slice(7, 8)),
                                                ("-1", slice(-1, None)), ("-2", slice(-2, -1))])  # fmt: skip
def test_rows(rows, expected):
    net, X, _ = ws.embedded("diabetes")
    told = json.loads(run("bound", "diabetes", "-k", "1", f"--rows={rows}", "--json")[1])
    assert told["value"] == ws.bound(net, ws.Crash(1), X[expected]).value


def test_rows_are_explained():
    help_text = "".join(run("bound", "--help")[1].split())
    assert "'--rows:'all" in help_text
    assert "[default:0:16,thefirst16]" in help_text


NEAR = [
    (("bund", "digits"), "'bound'"),
    (("bound", "digist", "-k", "1"), "'digits'"),
    (("bound", "digits", "-k", "1", "--metod", "matrix"), "'--method'"),
    (("bound", "digits", "-k", "1", "-m", "mtrix"), "'matrix'"),
    (("bound", "digits", "-k", "1", "--rounded", "in8"), "'int8'"),
    (("tolerance", "digits", "-e", "1", "--of", "crsh"), "'crash'"),
    (("tolerance", "digits", "-e", "1", "--of", "bit-flip:in8"), "'int8'"),
    (("precision", "digits", "-e", "1", "--quantiser", "fractoin"), "'fraction'"),
    (("quorum", "digits", "-e", "1", "--latency", "parto"), "'pareto'"),
    (("bound", "network.np", "-k", "1"), "'network.npz'"),
    (("bound", "digits", "-k", "1", "-x", "input.npy"), "'inputs.npy'"),
]


@pytest.mark.parametrize(("arguments", "near"), NEAR, ids=lambda v: str(v)[:30])
def test_words_that_are_near(arguments, near, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.npz").touch()
    (tmp_path / "inputs.npy").touch()
    code, text = run(*arguments)
    assert code == 2
    asked, _, told = " ".join(text.split()).lower().partition("did you mean ")
    assert near in told, text
    assert asked.count("did you mean") == 0


def test_words_that_are_not_near():
    assert "mean" not in run("zzz")[1]
    assert "mean" not in run("bound", "zzz", "-k", "1")[1]


@pytest.mark.parametrize(("make", "near"), [(lambda: ws.embedded("digist"), "'digits'"),
                                            (lambda: ws.Activation("relo"), "'relu'"),
                                            (lambda: ws.Latency("parto"), "'pareto'"),
                                            (lambda: ws.WeightFlip(1, format="in8"), "'int8'")])  # fmt: skip
def test_words_that_are_near_in_python(make, near):
    with pytest.raises(ValueError, match=rf"did you mean .*{near}"):
        make()


BOX = ("worst-case", "digits_small", "--rows", "0", "--radius", "0.01", "-k", "2")


def test_a_box_is_searched_to_a_thousandth_unless_more_is_asked_for():
    code, text = run(*BOX)
    told = json.loads(run(*BOX, "--json")[1])
    assert code == 0 and "(to 0.1%: --gap 0 goes on)" in text
    assert told["status"] == "gap" and told["lower"] < told["upper"] <= told["lower"] / 0.999
    further = run(*BOX, "--gap", "0.0002")[1]
    assert "goes on" not in further
    said = " ".join(run("worst-case", "--help")[1].split())
    assert "[default: 0.001 over a box, 0 of given inputs]" in said


def test_given_inputs_are_searched_to_the_end():
    told = json.loads(run("worst-case", "digits_small", "--rows", "0:2", "-k", "2", "--json")[1])
    assert told["status"] == "exact" and told["exact"]


@pytest.mark.parametrize(("shape", "wanted"), [((3, 8, 8), "(3, 64)"), ((2, 1, 8, 8), "(2, 64)"), ((8, 8), "(1, 64)")])
@pytest.mark.parametrize("rows", [(), ("--rows", "0")])
def test_images_in_a_file_are_told_of_the_file(tmp_path, shape, wanted, rows):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    code, text = run("bound", "digits_small", "-x", str(tmp_path / "x.npy"), "-k", "1", *rows)
    said = f"x.npy holds an array of shape {shape}, and inputs are flat here: reshape it to {wanted} before it is saved"
    assert code == 2 and said in " ".join(text.split())


def test_indices_have_no_thousands_apart():
    assert text(1763) == "1,763"
    assert text((7, 1763)) == "(7, 1763)" and text(((7, 1763),)) == "(7, 1763)"
    assert text(((1, "weight", (1000, 2)), (2, 0.5))) == "((1, weight, (1000, 2)), (2, 0.5))"
    assert text((True, 1.0)) == "(yes, 1)"
