# SPDX-License-Identifier: MIT
"""What a limit cut short is named, and a file that was asked for is written, or it is said why not: exit code 4."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from tiny_schema import wrong
from withstand.certificate import writing
from withstand.cli.commands import app
from withstand.questions.clock import Clock
from withstand.report import asked
from withstand.schema import schema

TOLERANCE = sys.modules["withstand.uses.tolerance"]  # the name is that of the function, too
NET, X, _ = ws.embedded("digits_small")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_what_is_not_drawn_is_said(tmp_path, monkeypatch):
    """The answer is there, the file is not, and the exit code is that of what cannot be written."""
    pytest.importorskip("matplotlib")
    ask, path = ("tolerance", "digits", "--rows", "0:2", "-e", "13", "--samples", "2"), tmp_path / "curve.svg"
    ran = CliRunner().invoke(app, [*ask, "--plot", str(path), "--time-limit", "0", "--json"])
    assert (ran.exit_code, json.loads(ran.stdout)["curve"], path.exists()) == (4, None, False)
    assert f"{path}: is not written, the time was up (0 s) before its curve was begun" in " ".join(ran.stderr.split())
    ran = CliRunner().invoke(app, [*ask, "--plot", str(path), "--time-limit", "0"])
    assert "more may be harmless than are proved to be, and the curve was not begun" in ran.stdout
    real = ws.tolerance
    monkeypatch.setattr(ws, "tolerance", lambda *a, **k: replace(real(*a, **k), curve=None, status="interrupted"))
    ran = CliRunner().invoke(app, [*ask, "--plot", str(path)])
    assert (ran.exit_code, path.exists()) == (130, False)
    said = f"interrupted: {path}: is not written, interrupted before its curve was begun"
    assert said in " ".join(ran.stderr.split())


def test_pictures_are_refused_before_the_work(tmp_path, monkeypatch):
    for name in ("tolerance", "certified_accuracy", "campaign"):
        monkeypatch.setattr(ws, name, pytest.fail)
    for command, words in (("tolerance", ("-e", "1")), ("accuracy", ("-k", "1")), ("campaign", ("-k", "1"))):
        code, text = run(command, "digits_small", *words, "--plot", str(tmp_path / "curve.txt"))
        assert code == 2 and "curve.txt is written as .svg, .png, .pdf" in text


def test_a_curve_is_drawn_where_everything_is_harmless(tmp_path):
    """Also where the range of the outputs says so, without any bound."""
    pytest.importorskip("matplotlib")
    net, path = tmp_path / "net.npz", tmp_path / "curve.svg"
    made = ws.Network([[[1.0], [2.0]], [[0.5, 0.5]]], output_activation="logistic")
    made.save(net)
    np.save(tmp_path / "x.npy", [[1.0]])
    ask = ("tolerance", str(net), "-x", str(tmp_path / "x.npy"), "-e", "1", "--samples", "2")
    code, text = run(*ask, "--plot", str(path), "--json")
    assert code == 0 and json.loads(text)["curve"]["counts"] == [1, 2] and path.exists()


def test_the_remark_says_what_was_cut_short(monkeypatch):
    ask = ("tolerance", "digits_small", "--rows", "0:2", "-e", "1e9", "--samples", "20")
    real = TOLERANCE.measure_curve
    monkeypatch.setattr(TOLERANCE, "measure_curve", lambda *a, **k: real(*a, **{**k, "time_limit": 0}))
    monkeypatch.setattr(Clock, "over", lambda self: bool(setattr(self, "late", True)))
    text = " ".join(run(*ask)[1].split())
    assert "the time was up (60 s): only the curve was cut short; which counts do harm is known" in text
    found = ws.tolerance(NET, 1e9, X[:2], samples=20)
    assert "the time was up: only the curve was cut short; which counts do harm is known" in repr(found)
    monkeypatch.setattr(TOLERANCE, "measure_curve", real)
    small = ws.Network([[[1.0], [2.0]], [[0.5, 0.5]]])
    assert "the time was up: everything was tried by then" in repr(ws.tolerance(small, 9, [[1.0]], samples=2))
    monkeypatch.undo()
    late = ws.tolerance(NET, 5, X[:2], time_limit=0)
    assert "the time was up: more may be harmless than are proved to be\n" in f"{late!r}\n"


@pytest.mark.parametrize(("words", "why"), [
    (("--argmax", "--time-limit", "0"), "no certificate is written: the time was up before it was begun"),
    (("--argmin",), "no certificate can be written: certificates of decisions are of the largest"),
])  # fmt: skip
def test_a_report_says_why_there_is_no_certificate(words, why, tmp_path):
    proof = tmp_path / "proof.json"
    ask = ("report", "digits_small", "--rows", "0:1", *words, "--most", "1", "--certificate", str(proof))
    ran = CliRunner().invoke(app, [*ask, "--json"])
    told = json.loads(ran.stdout)
    assert list(wrong(told, schema("report"))) == []
    assert (ran.exit_code, told["certificate"], proof.exists()) == (4, [], False)
    assert f"{proof}: {told['unwritten']}" in " ".join(ran.stderr.split())
    assert why.removeprefix("no certificate can be written: ") in told["unwritten"]


def test_a_report_that_has_its_certificate_misses_nothing(tmp_path):
    found = ws.report(NET, X[:1], spec=ws.Argmax(), most=1, samples=2, certificate=tmp_path / "proof.json")
    assert found.unwritten is None and json.loads(found.json())["unwritten"] is None
    assert ws.report(NET, X[:1], most=1, samples=2).unwritten is None


def test_a_report_that_is_interrupted_says_what_is_not_written(tmp_path, monkeypatch):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(asked, "criticality", stopped)
    proof = tmp_path / "proof.json"
    ask = ("report", "digits_small", "--rows", "0:1", "--most", "1", "--certificate", str(proof))
    ran = CliRunner().invoke(app, ask)
    assert ran.exit_code == 130
    assert f"interrupted: {proof}: no certificate is written: interrupted before" in " ".join(ran.stderr.split())


def test_a_checker_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    """The certificate is refused, and the report says so: its limit is no matter of how long a check takes."""
    ticks = itertools.count()
    monkeypatch.setattr(writing.time, "perf_counter", lambda: 1e9 + next(ticks))
    with pytest.raises(writing.OutOfTime, match=r"the time was up while the checker looked at it .checking a proof"):
        ws.worst_case(NET, ws.Crash(2), X[:2], time_limit=1, certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()
