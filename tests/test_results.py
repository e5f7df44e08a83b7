# SPDX-License-Identifier: MIT
"""Every result of a question becomes plain data, a table, a picture and a piece of a page."""

from __future__ import annotations

import builtins
import hashlib
import inspect
import json
import pickle
from dataclasses import fields

import numpy as np
import pytest
import withstand as ws
from tiny_schema import wrong
from withstand._answer import Answer
from withstand._result import Result
from withstand.schema import schema
from withstand.uses.curve import measure_curve
from withstand.uses.file_precision import LayerDifference
from withstand.uses.frontier import listing
from withstand.uses.tolerance_search import Limit

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
        ws.Difference(1.0, 0.5, 0.0, 0.4, 0.3, 2, (LayerDifference(0, "inputs", None, 0.1, 0.05),)),  # made by hand
    ]


def states(result):
    return isinstance(result, Answer) and not isinstance(result, ws.Difference)


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
        assert told.pop("statement", None) == (result.statement.to_dict() if states(result) else None)
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


def test_every_answer_says_what_it_is_about(results):
    stating = [result for result in results if states(result)]
    assert {type(result).__name__ for result in results} - {type(result).__name__ for result in stating} == {
        "Difference", "Histogram",
    }  # fmt: skip
    for result in stating:
        said = result.statement
        rows = 1 if isinstance(result, ws.Bound) else 2
        assert (said.fingerprint, said.version, said.rows) == (NET.fingerprint, ws.__version__, rows)
        assert said.inputs.sha256 == hashlib.sha256(ROWS[:rows].astype("<f8").tobytes()).hexdigest()
        assert said.failures and said.rigor and said.covers in ("at most", "exactly")
        assert list(wrong(result.to_dict()["statement"], schema("statement"))) == []
        assert said.fingerprint in result._repr_html_()
        again = pickle.loads(pickle.dumps(result))
        assert again.statement == said and repr(again) == repr(result)
        lines = repr(result).splitlines()
        assert max(len(line) for line in lines if not line.startswith("  input ")) < 200 and len(lines) < 15
        assert isinstance(result, ws.Report) or lines[-1].startswith("  asked: ")


def test_what_nobody_asked_states_nothing(results):
    with pytest.raises(AttributeError, match="Difference: no question made this result, it states nothing"):
        _ = results[-1].statement


def test_inputs_that_change_later_change_nothing():
    rows = ROWS.copy()
    found = ws.worst_case(NET, ws.Crash(1), rows)
    rows[:] = 0
    assert found.statement.inputs.sha256 == hashlib.sha256(ROWS.astype("<f8").tobytes()).hexdigest()


@pytest.mark.parametrize(("domain", "kind", "rows", "words"), [
    (ROWS[0], "given", 1, "1 given input"), (ROWS, "given", 2, "2 given inputs"),
    (ws.Box(ROWS[0], ROWS[0] + 0.1), "box", None, "every input of a box"),
    (ws.Box(ROWS[0], ROWS[0]), "given", 1, "1 given input"),
])  # fmt: skip
def test_for_which_inputs(domain, kind, rows, words):
    said = ws.bound(NET, ws.Crash(1, exactly=True), domain, spec=ws.Argmax(lowest=True), method="matrix").statement
    assert (said.inputs.kind, said.rows, said.inputs.words) == (kind, rows, words)
    assert (said.spec, said.lowest, said.word, said.fingerprint) == ("argmax", True, "harm", NET.fingerprint)


def test_for_every_input_whatsoever():
    net = ws.Network([[[1.0]] * 3, [[0.5] * 3]], activation="clip")
    said = ws.fep(net, ws.Crash(1)).statement
    assert (said.inputs.kind, said.rows, said.inputs.sha256) == ("any", None, None)
    assert "every input whatsoever" in repr(ws.fep(net, ws.Crash(1)))


@pytest.mark.parametrize(("epsilon", "verdict"), [("8.6", "violated"), (9, "tolerated"), (None, None)])
def test_verdicts(epsilon, verdict):
    said = ws.enumerate_failures(NET, ws.Crash(1), ROWS, epsilon=epsilon).statement
    assert (said.verdict, said.epsilon) == (verdict, None if epsilon is None else str(epsilon))


def test_a_bound_names_the_method_that_won():
    net, flip = NET.rounded("int8"), ws.WeightFlip(1, format="int8", bits=[7])
    for failures in (ws.Crash(1), ws.Crash(6), ws.Byzantine(1, capacity=1.0), flip):
        found = ws.bound(net, failures, ROWS)
        alone = ws.bound(net, failures, ROWS, method=found.won_by)
        assert found.won_by != "tightest" and found.won_by in repr(found)
        worst = found.per_input.argmax()
        assert ws.bound(net, failures, ROWS[worst], method=found.won_by).value <= found.value <= alone.value
    assert ws.bound(NET, ws.Crash(1), ROWS, method="matrix").won_by == "matrix"


def test_only_public_names_are_listed():
    assert dir(ws) == sorted(ws.__all__)


def test_decisions_do_harm_and_outputs_err():
    net, X, _ = ws.embedded("digits_small")
    for spec, word in ((None, "error"), (ws.Argmax(), "harm")):
        asked = net, ws.Crash(1), X[:2]
        found = [ws.worst_case(*asked, spec=spec), ws.enumerate_failures(*asked, spec=spec)]
        limit = ws.tolerance(net, None if spec else 10, X[:2], spec=spec, per_layer=False)
        for witness in (*(each.witness for each in found), limit.witness):
            assert f"{word} {witness.error:.6g})" in repr(witness)
            assert repr(witness) in repr(pickle.loads(pickle.dumps(witness)))
        assert f"  witness    {limit.witness}" in repr(limit)


def test_tolerances_say_what_is_not_known():
    limits = [(3, 4, True), (3, 5, False), (3, 9, False), (3, None, True), (3, None, False), (-1, 0, True),
              (1, 2, True), (0, 1, True), (0, 2, False), (0, None, False), (0, None, True)]  # fmt: skip
    said = ["any 3 are harmless (search), 4 can do harm",
            "any 3 are harmless (search), 5 can do harm, of 4 it is not known",
            "any 3 are harmless (search), 9 can do harm, of 4 to 8 it is not known",
            "any 3 are harmless (search), that is all", "any 3 are harmless (search), of more it is not known",
            "nothing is proved harmless, 0 can do harm", "any single one is harmless (search), 2 can do harm",
            "a single one can do harm", "not even one is proved harmless, 2 can do harm, of 1 it is not known",
            "not even one is proved harmless, of more it is not known", "nothing can fail"]  # fmt: skip
    assert [repr(Limit(*limit, "search", None)) for limit in limits] == [f"Limit: {sentence}" for sentence in said]


def test_frontiers_say_why_they_are_not_listed():
    assert listing([(1, 2)], 9) == "1 largest tuple of counts per layer, by the scalar bound"
    assert listing([(1, 2), (2, 1)], 9) == "2 largest tuples of counts per layer, by the scalar bound"
    assert listing(None, 10**6) == "largest counts per layer are not listed: 1,000,000 tuples are too many"
    assert listing(None, 9).endswith("not listed: the time was up")
    why = "the scalar bound is of single neurons and synapses in chains of layers"
    assert listing(None, 9, bounded=False).endswith(f"not listed: {why}")
    net, X, _ = ws.embedded("digits_small")
    asked = {"model": lambda k: ws.WeightFlip(k, format="int8"), "node_limit": 1, "per_layer": False}
    assert "not listed: the scalar bound is of" in repr(ws.tolerance(net.rounded("int8"), 5, X[:1], **asked))
    assert "not listed: the time was up" in repr(ws.tolerance(net, 5, X[:1], time_limit=0))


def test_long_inputs_are_cut(tmp_path):
    net, X, _ = ws.embedded("digits_small")
    ws.worst_case(net, ws.Crash(1), X[:1], certificate=tmp_path / "proof.json")
    line = repr(ws.check_certificate(tmp_path / "proof.json", net)).splitlines()[2]
    assert line.startswith(f"  input 0  [{X[0, 0]}, ") and line.endswith(", ...], 64 entries")
    assert len(line) < 100
