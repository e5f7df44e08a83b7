# SPDX-License-Identifier: MIT
"""Every result of a question becomes plain data, a table, a picture and a piece of a page."""

from __future__ import annotations

import builtins
import inspect
import json
from dataclasses import fields

import numpy as np
import pytest
import withstand as ws
from withstand._result import Result
from withstand.uses.curve import measure_curve

NET, X, Y = ws.embedded("digits_small")
ROWS, CLASSES = X[:2], Y[:2]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    proof = tmp_path_factory.mktemp("proof") / "proof.json"
    one = ws.Crash(1)
    return [
        ws.bound(NET, one, ROWS[:1], spec=ws.Argmax()),  # its per_output holds -inf
        ws.worst_case(NET, one, ROWS, certificate=proof),
        ws.check_certificate(proof, NET),
        ws.enumerate_failures(NET, one, ROWS),
        ws.enumerate_failures(NET, one, ROWS, components=True),
        ws.enumerate_failures(NET, one, ROWS).histogram,
        ws.tolerance(NET, 5, ROWS, samples=3),
        ws.reliability(NET, 0.01, 2.0, ROWS, samples=0, evaluations=1000),
        ws.criticality(NET, ROWS),
        ws.harden(NET, 1, 5.0, ROWS),
        ws.precision(NET, 5.0, ROWS, samples=2),
        ws.quorum(NET, 5.0, ROWS, runs=3),
        ws.certified_accuracy(NET, ROWS, CLASSES, one),
        ws.campaign(NET, ROWS, CLASSES, one, trials=5),
        ws.report(NET, ROWS, epsilon=5.0, most=1, samples=2),
        measure_curve(NET, ROWS, (1, 2), samples=3),
    ]


def named(results):
    return {type(result).__name__: result for result in results}


def test_every_result_of_a_question_is_one(results):
    questions = {name for name in ws.__all__ if inspect.isclass(kind := getattr(ws, name)) and issubclass(kind, Result)}
    assert questions <= set(named(results))
    assert {"Accuracy", "Bound", "Campaign", "Check", "Criticality", "Enumeration", "Hardening", "Precision", "Quorum",
            "Reliability", "Report", "Tolerance", "WorstCase"} <= questions  # fmt: skip


def test_plain_data(results):
    for result in results:
        told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert told.pop("result") == type(result).__name__
        assert set(told) == {entry.name for entry in fields(result) if not entry.name.startswith("_")}
    worst = named(results)["WorstCase"]
    told = worst.to_dict()
    assert told["lower"] == worst.lower
    assert told["witness"]["failed"] == [list(component) for component in worst.witness.failed]
    assert told["witness"]["values"] == [[list(c), v] for c, v in worst.witness.values.items()]
    assert "-inf" in named(results)["Bound"].to_dict()["per_output"]


def test_tables(results):
    pandas = pytest.importorskip("pandas")
    for result in results:
        frame = result.to_frame()
        assert isinstance(frame, pandas.DataFrame) and len(frame.columns) >= 2
    found = named(results)
    assert len(found["Criticality"].to_frame()) == NET.n_neurons
    assert found["Tolerance"].to_frame()["where"].tolist() == ["anywhere", "layer 1", "layer 2"]
    assert found["Accuracy"].to_frame()["lower"].tolist() == found["Accuracy"].curve.lower.tolist()
    assert found["Campaign"].to_frame()["error"].tolist() == found["Campaign"].errors.tolist()
    assert found["Enumeration"].to_frame()["worst"].max() == results[3].worst  # of components
    assert found["WorstCase"].to_frame()["upper"].tolist() == [found["WorstCase"].upper]


def test_without_pandas_it_is_named(results, monkeypatch):
    plain = builtins.__import__

    def absent(name, *args, **options):
        if name == "pandas":
            raise ImportError("no pandas")
        return plain(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r'pip install "withstand\[frame\]"'):
        results[0].to_frame()


def test_pictures(results):
    pytest.importorskip("matplotlib")
    for result in results:
        axes = result.plot()
        assert result.plot(axes) is axes  # where it is told to draw
        axes.figure.canvas.draw()
        drawn = len(axes.lines) + len(axes.patches) + len(axes.images) + len(axes.collections)
        assert drawn > 0 or isinstance(result, ws.Hardening), result


def test_pieces_of_a_page(results):
    for result in results:
        page = result._repr_html_()
        assert "<table>" in page and page.count("<tr>") == page.count("</tr>") > 1
        assert type(result).__name__ in page or isinstance(result, ws.Report)  # which has a page of its own
    hostile = ws.Campaign(**{**vars(named(results)["Campaign"]), "failures": "<script>", "errors": np.ones(99)})
    assert "<script>" not in hostile._repr_html_() and "shape (99,)" in hostile._repr_html_()
