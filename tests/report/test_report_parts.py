# SPDX-License-Identifier: MIT
"""What a report says of its own parts: what its proof proves, what a limit cut short, and in which sense."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
import withstand as ws
from withstand.report import Origin

PROOF = import_module("withstand.report.proof")


@pytest.mark.parametrize(("epsilon", "verdict", "said"), [
    (5, "shows harm", "an error above 5 is witnessed"), (12, "does not decide it", "an error above 12 is neither"),
    (14, "does not decide it", "does not prove that this is tolerated"), (None, None, "without trusting the search.")
])  # fmt: skip
def test_an_open_proof_is_not_sold_as_one_and_what_a_limit_cut_is_said(tmp_path, epsilon, verdict, said):
    net, X, _ = ws.embedded("digits_small")
    found = ws.report(net, X[:2], epsilon=epsilon, most=1, samples=2, p=(), node_limit=1, time_limit=None,
                      certificate=tmp_path / "proof.json")  # fmt: skip
    data, texts = json.loads(found.json()), {section.key: section.text for section in found.sections}
    assert data["certificate"][0]["verdict"] == verdict
    for form in (texts["certificate"], str(found), found.html()):
        assert said in form
        assert verdict is None or form is texts["certificate"] or verdict in form
    parts = ["the curve", *["what it tolerates"] * (epsilon is not None), "the certificate"]
    assert found.status == data["status"] == "budget"
    assert f"was met before everything was tried ({', '.join(parts)})" in str(found)
    count = 1 if epsilon is None else found.limits["harmless"] or 1
    onward = f"without one it is asked by ws.worst_case(net, ws.Crash({count}), X, certificate="
    assert f"A limit was met, that of 1 node: {onward}" in texts["certificate"] and "in a shell" not in str(found)
    assert (data["undecided"] is None) == (found.statement.verdict != "tolerated")
    if epsilon is not None:
        assert not all(row["exact"] for row in data["tolerance"])
        assert "where it is not exact, the fewest known" in texts["tolerance"]


def test_a_closed_proof_is_one_and_nothing_is_said_to_be_cut(tmp_path):
    net, X, _ = ws.embedded("digits_small")
    found = ws.report(net, X[:2], epsilon=9, most=1, samples=2, p=(), time_limit=None, certificate=tmp_path / "p.json")
    texts = {section.key: section.text for section in found.sections}
    assert json.loads(found.json())["certificate"][0]["verdict"] == "proves that it is tolerated"
    assert "proves that this is tolerated: an error above 9 is excluded" in texts["certificate"]
    assert (found.status, texts["tolerance"]) == (
        "complete", "Crashes that certainly cause no error above 9, and the fewest that do."
    )  # fmt: skip


def test_a_proof_that_does_not_prove_what_is_stated_is_told(tmp_path, monkeypatch):
    """Bounds prove that it is tolerated; the search for a proof ends after one node, and leaves it open."""
    net, X, _ = ws.embedded("digits_small")
    real = PROOF.worst_case
    monkeypatch.setattr(PROOF, "worst_case", lambda *a, **k: real(*a, **{**k, "node_limit": 1}))
    origin = Origin(question="digits_small --rows 0:2")
    path = tmp_path / "proof.json"
    found = ws.report(net, X[:2], epsilon=9, most=1, samples=2, p=(), certificate=path, origin=origin)
    text = next(section.text for section in found.sections if section.key == "certificate")
    check = ws.check_certificate(path, net)
    assert found.statement.verdict == "tolerated" and check.valid and check.upper > 9
    assert found.unwritten is None
    assert found.undecided == json.loads(found.json())["undecided"]
    ends = f"{check.lower:.6g} to {check.upper:.6g}"
    assert found.undecided.endswith(f"that at most 1 crash are tolerated: it leaves {ends} open")
    onward = f"withstand worst-case digits_small --rows 0:2 --crash 1 --epsilon 9 --certificate {path}"
    assert "A limit was met, the time that was left: without one it is asked by ws.w" in text
    assert f"in a shell: {onward}." in text


def test_the_proof_is_asked_last_with_the_time_that_is_left(tmp_path, monkeypatch):
    """Not after so many nodes of the other searches; these are its limit where there is none of time."""
    net, X, _ = ws.embedded("digits_small")
    limits = []
    real = PROOF.worst_case
    monkeypatch.setattr(PROOF, "worst_case", lambda *a, **k: limits.append(k) or real(*a, **k))
    few = {"epsilon": 9, "most": 1, "samples": 2, "p": (0.01,), "node_limit": 500}
    for seconds in (40, None):
        found = ws.report(net, X[:1], time_limit=seconds, certificate=tmp_path / "proof.json", **few)
        assert [section.key for section in found.sections][-3:] == ["certificate", "witness", "rigor"]
    assert [(limit["node_limit"], limit["time_limit"] is None) for limit in limits] == [(None, False), (500, True)]


@pytest.mark.parametrize("harm", [{}, {"epsilon": 1}, {"spec": ws.Argmax()}])
def test_senses_are_those_of_the_sections_there_are(harm):
    net, X, _ = ws.embedded("digits_small")
    kinds = {"histogram", "reliability", "precision"}
    made = ws.report(net, X[:2], most=1, samples=2, p=(0.01,), **harm)
    rows = {section.key: section.rows for section in made.sections}
    assert {row[0] for row in rows["rigor"]} & kinds == rows.keys() & kinds
