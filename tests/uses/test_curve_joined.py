# SPDX-License-Identifier: MIT
"""A curve that a limit cut short does not contradict itself: larger counts show what smaller ones do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import withstand as ws
from withstand.uses import curve
from withstand.uses.curve import measure_curve

IMAGE = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv([[[1.0, 2.0]], [[-1.0, 4.0]], [[0.5, 0.5]]]))], [0.5, -0.5, 1.0], "relu"),
        ws.Layer([(1, [[1.0, 0.0, 2.0, -1.0, 0.5, 0.25], [0.5, -1.0, 0.0, 1.0, 1.0, -0.5]])], [0.25, -3.0], "identity"),
    ],
    shape=(1, 3),
)  # fmt: skip
X = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])
MODELS = {
    "crashes": ws.Crash,
    "exactly so many": lambda k: ws.Crash(k, exactly=True),
    "stuck": lambda k: ws.StuckAt(k, 1.5),
    "byzantine": lambda k: ws.Byzantine(k, 2.0),
    "channels": lambda k: ws.Crash(k, unit="channel"),
    "groups": lambda k: ws.Crash(k, groups=[[(1, 0), (1, 3)], [(1, 1), (1, 2)], [(1, 5)]]),
    "synapses": ws.SynapseCrash,
    "weights": ws.WeightCrash,
    "flipped weights": lambda k: ws.WeightFlip(k, format="int8"),
    "flipped biases": lambda k: ws.WeightFlip(k, format="int8", biases=True),
    "stuck cells": lambda k: ws.WeightFlip(k, format="int8", to=1),
    "infinite": lambda k: ws.WeightFlip(k, format="float16", bits=[14]),
    "signals": lambda k: ws.BitFlip(k, format="int8"),
}


def network(name: str) -> ws.Network:
    words = {"flipped weights": "int8", "flipped biases": "int8", "stuck cells": "int8", "infinite": "float16"}
    return IMAGE.rounded(words[name]) if name in words else IMAGE


def only(*known: int):
    """Return a search that ends at once, and knows nothing, but for these counts."""

    def searched(net, failures, domain, **options):
        found = ws.worst_case(net, failures, domain, **options)
        if failures._terms[0].counts[0] in known:
            return replace(found, exact=False, status="budget")
        return replace(found, lower=-np.inf, upper=np.inf, witness=None, exact=False, status="budget")

    return searched


@pytest.mark.parametrize("spec", [None, ws.Argmax()], ids=["error", "decisions"])
@pytest.mark.parametrize("name", MODELS)
def test_random_sets_are_witnesses(name, spec, monkeypatch):
    net, model = network(name), MODELS[name]
    monkeypatch.setattr(curve, "worst_case", only())
    found = measure_curve(net, X, (1, 2), model=model, spec=spec, samples=30)
    worst = found.random.max(axis=1)
    assert found.lower.tolist() == (worst if name == "exactly so many" else np.maximum.accumulate(worst)).tolist()
    for k, search in zip(found.counts, found.searches):
        seen = search.witness
        assert seen.error == search.lower <= search.upper
        assert (seen.input == X[seen.input_index]).all()
        truth = ws.worst_case(net, model(k), X, spec=spec)
        assert search.lower <= truth.upper
        if np.isfinite(seen.error):  # it can be replayed
            before, after = net.forward(seen.input), net.forward(seen.input, failed=seen.values)
            lead = after - after[before.argmax()]
            lead[before.argmax()] = -np.inf
            harm = np.abs(after - before) if spec is None else lead
            assert (harm.max(), harm.argmax()) == (seen.error, seen.output)


@pytest.mark.parametrize("name", ["crashes", "exactly so many"])
def test_what_one_search_knows_the_others_do(name, monkeypatch):
    monkeypatch.setattr(curve, "worst_case", only(2))
    found = measure_curve(IMAGE, X, (4, 1, 2, 3), model=MODELS[name], samples=1)
    exact = ws.worst_case(IMAGE, MODELS[name](2), X)
    drawn = found.random[:, 0]
    by = dict(zip(found.counts, found.searches))
    if name == "crashes":
        upward = dict(zip((1, 2, 3, 4), np.maximum.accumulate(drawn[[1, 2, 3, 0]])))
        assert all(by[k].lower == max(exact.lower, upward[k]) for k in (2, 3, 4)) and by[1].lower == upward[1]
        assert by[1].upper == by[2].upper == exact.upper and by[3].upper == by[4].upper == np.inf
    else:
        assert [by[k].lower for k in (4, 1, 3)] == drawn[[0, 1, 3]].tolist() and by[1].upper == np.inf


def test_the_statement_of_a_search_says_what_it_knows_now(monkeypatch):
    net, rows, _ = ws.embedded("digits")
    monkeypatch.setattr(curve, "worst_case", only(6))
    found = measure_curve(net, rows[:1], (6, 7), spec=ws.Argmax(), samples=1)
    assert [search.statement.verdict for search in found.searches] == ["violated", "violated"]
    assert found.searches[1].witness == found.searches[0].witness


def test_other_candidates_are_other_models(monkeypatch):
    """What is carried along is a configuration of the larger count."""
    net, rows, _ = ws.embedded("digits_small")
    monkeypatch.setattr(curve, "worst_case", only(1))
    others = lambda k: ws.Crash(k, among=[(1, n) for n in range(k, 9)])  # noqa: E731
    found = measure_curve(net, rows[:2], (1, 2), model=others, samples=1)
    assert found.searches[1].lower == -np.inf


def test_what_is_exact_stays_as_it_is():
    net, rows, _ = ws.embedded("digits_small")
    found = measure_curve(net, rows[:2], (1, 2), samples=5)
    for k, search in zip(found.counts, found.searches):
        exact = ws.worst_case(net, ws.Crash(k), rows[:2])
        assert (search.lower, search.upper, search.witness) == (exact.lower, exact.upper, exact.witness)


def test_a_report_does_not_contradict_itself():
    net, rows, _ = ws.embedded("digits")
    found = ws.report(net, rows[:4], epsilon=13, node_limit=1, samples=20, time_limit=None)
    section = next(section for section in found.sections if section.key == "curve")
    table = [dict(zip(section.header, row)) for row in section.rows]
    seen = [row["witnessed"] for row in table]
    assert seen == sorted(seen) and all(row["worst random"] <= row["witnessed"] for row in table)
    assert all(low <= row["search proved"] for low, row in zip(seen, table))
