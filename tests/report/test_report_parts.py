# SPDX-License-Identifier: MIT
"""What a report says of its own parts: what its proof proves, what a limit cut short, and in which sense."""

from __future__ import annotations

import json

import pytest
import withstand as ws


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


@pytest.mark.parametrize("harm", [{}, {"epsilon": 1}, {"spec": ws.Argmax()}])
def test_senses_are_those_of_the_sections_there_are(harm):
    net, X, _ = ws.embedded("digits_small")
    kinds = {"histogram", "reliability", "precision"}
    made = ws.report(net, X[:2], most=1, samples=2, p=(0.01,), **harm)
    rows = {section.key: section.rows for section in made.sections}
    assert {row[0] for row in rows["rigor"]} & kinds == rows.keys() & kinds
