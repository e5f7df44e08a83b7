# SPDX-License-Identifier: MIT
"""A seeded slice of the differential campaign, its oracle against the slow one, and the proof that it can fail."""

from __future__ import annotations

import dataclasses
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import oracle
import pytest
import withstand as ws

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import differential
from campaign import bounds, cases, play, rational, space
from campaign.exact import Exact
from campaign.plain import Case, Net, Term
from campaign.pool import run
from campaign.tally import Tally
from campaign.truth import Truth


def tally(game, count, seed=11, questions=play.QUESTIONS):
    """In a process of its own, so that a hang is a violation and no hang."""
    done, total = run(game, seed, range(count), questions, 1, 20.0, 0.0, lambda done, tally: None)
    assert done == count
    return total


def told(total):
    return "\n\n".join(v.text() for v in differential.shortest(total.violations, 1))


def slow(net: Net) -> oracle.Network:
    acts = [oracle.Activation(name, gain, slope) for name, gain, slope in (*net.acts, net.out)]
    return oracle.network(net.weights, net.biases, acts[:-1], acts[-1])


def model(case: Case) -> tuple[oracle.Term, ...]:
    return tuple(oracle.Term(t.effect, t.count, t.size, t.exactly, t.among) for t in case.model)


def test_slice_of_the_campaign():
    total = tally(play.play, 500)
    assert not total.violations, told(total)
    assert sum(total.checked.values()) > 10 * 500
    assert set(play.QUESTIONS) <= {q.split()[0].rstrip(",") for q in total.checked} | {"replicas", "manners"}


def test_slice_in_rationals():
    total = tally(rational.play, 400)
    assert not total.violations, told(total)
    assert min(total.checked[f"bound {m}"] for m in bounds.METHODS) > 400


@pytest.mark.parametrize("index", range(120))
def test_batched_truth_is_the_slow_one(index):
    case = cases.case(5, index)
    if not case.finite:
        return
    case = dataclasses.replace(case, decisions=False)
    truth = Truth(case)
    found = oracle.enumerate_failures(slow(case.net), model(case), case.X)
    assert len(truth.configs) == found.configurations
    if truth.finite:
        slack = 2 * truth.most_slack
        assert abs(np.sort(truth.per_config[0]) - np.sort(found.errors)).max() <= slack
    assert {tuple(c for c, _ in config) for config in truth.configs} == {
        tuple(c for c, _ in config) for config in oracle.configurations(slow(case.net), model(case))
    }


@pytest.mark.parametrize("index", range(80))
def test_integers_are_the_fractions(index):
    case = rational.case(5, index)
    machine, net = Exact(case.net), slow(case.net).exact()
    for config in space.configurations(case.net, case.model, 4000):
        if any(case.model[t].effect not in ("crash", "stuck", "synapse-crash") for _, t in config):
            continue
        failed = space.witness_values(case.model, config)
        run = {c: ("replace", v) for c, v in failed.items()}
        assert machine.trace(case.X[0], run)[-1] == oracle.exact_forward(net, case.X[0], failed)


@pytest.mark.parametrize("index", range(60))
def test_the_slack_covers_the_rounding(index):
    """The batched doubles are as near to the rationals as they say."""
    case = rational.case(6, index)
    truth, machine = Truth(dataclasses.replace(case, decisions=False)), Exact(case.net)
    state = truth.nominal[-1]
    for x, y, e in zip(case.X, state.y[0], state.e[0], strict=True):
        for value, off, true in zip(y.tolist(), e.tolist(), machine.trace(x)[-1], strict=True):
            assert not np.isfinite([value, off]).all() or abs(Fraction(value) - true) <= Fraction(off)


def tiny(monkeypatch, name, change):
    original = getattr(ws, name)
    monkeypatch.setattr(ws, name, lambda *args, **more: change(original(*args, **more)))


NET = Net((np.array([[1.0], [2.0]]), np.array([[1.0, -1.0]])), (np.zeros(2), np.zeros(1)), (("relu", 1.0, None),))
SMALL = Case("0:0", NET, (Term("crash", 1),), np.array([[1.0]]), extra={"seed": (0, 0)})


def asked(ask, questions):
    total = Tally()
    ask(dataclasses.replace(SMALL, extra={"seed": (0, 0)}), total, questions, lambda question: None)
    return {(v.question.split()[0], v.kind) for v in total.violations}


@pytest.mark.parametrize("ask", [play.ask, rational.ask])
def test_a_right_package_is_not_accused(ask):
    assert not asked(ask, play.QUESTIONS)


def test_low_bounds_are_reported(monkeypatch):
    tiny(monkeypatch, "bound", lambda b: dataclasses.replace(b, value=0.9 * b.value))
    assert ("bound", "below the truth") in asked(play.ask, ("bound",))
    assert ("bound", "below the real truth, ") in asked(rational.ask, ("bound",))


def test_an_ulp_is_reported(monkeypatch):
    tiny(monkeypatch, "bound", lambda b: dataclasses.replace(b, value=np.nextafter(2.0, 0.0)))
    assert ("bound", "below the truth") in asked(play.ask, ("bound",))
    assert ("bound", "below the real truth, ") in asked(rational.ask, ("bound",))


def test_false_enumerations_are_reported(monkeypatch):
    tiny(
        monkeypatch,
        "enumerate_failures",
        lambda e: dataclasses.replace(e, worst=0.9 * e.worst, mean=0.9 * e.mean, top=e.top[1:]),
    )
    assert {k for _, k in asked(play.ask, ("enumerate",))} >= {"worst", "mean", "top errors", "witness does not replay"}


def test_false_searches_are_reported(monkeypatch):
    tiny(monkeypatch, "worst_case", lambda w: dataclasses.replace(w, upper=0.9 * w.upper, witness=None))
    assert {k for _, k in asked(play.ask, ("worst_case",))} >= {
        "upper below the truth",
        "no witness",
        "lower above upper",
    }


def test_a_campaign_that_finds_something_exits_with_1(monkeypatch, capsys):
    tiny(monkeypatch, "bound", lambda b: dataclasses.replace(b, value=0.9 * b.value))
    assert differential.main(["--networks", "6", "--workers", "2", "--questions", "bound"]) == 1
    assert "below the truth" in capsys.readouterr().out


def hangs(seed, index, total, questions, started):
    started("worst_case")
    while index == 3:
        pass
    total.asked["worst_case"] += 1


def test_a_case_that_hangs_is_named_and_left():
    done, total = run(hangs, 1, range(8), (), 2, 1.0, 0.0, lambda done, tally: False)
    assert done == 8
    assert [(v.case, v.question) for v in total.violations] == [("1:3", "worst_case")]
    assert total.asked["worst_case"] >= 4
