# SPDX-License-Identifier: MIT
"""One case: which questions it is asked, drawn from its own seed."""

from __future__ import annotations

import numpy as np

from . import bounds, enumeration, manners, search, subsets, uses
from .cases import case as make
from .game import Game, Started
from .plain import Case
from .tally import Desk, Tally
from .truth import Truth

QUESTIONS = (
    "bound",
    "enumerate",
    "worst_case",
    "certificate",
    "tolerance",
    "reliability",
    "criticality",
    "harden",
    "precision",
    "quorum",
    "replicas",
    "forward",
    "manners",
)


def ask(case: Case, tally: Tally, questions: tuple[str, ...], started: Started) -> None:
    desk = Desk(case, tally, started)
    if not desk.takes():
        return
    truth = Truth(case)
    if case.decisions and (not truth.finite or truth.classes is None):
        case = Case(case.name, case.net, case.model, case.X, case.box, case.family, False, case.extra)
        desk.case, truth = case, Truth(case)
    with np.errstate(all="ignore"):
        case.extra["slack"] = 4 * truth.rounding if truth.finite and not truth.exact else 0.0
        _forward(case, truth, desk, questions)
        _space(case, truth, desk, questions)
        _subsets(case, desk, questions)
        _uses(case, truth, desk, questions)
        if "manners" in questions and truth.finite and case.rng("manners").random() < 0.2:
            manners.check_misuse(case, desk)
            manners.check_threads(case, desk)


def _forward(case: Case, truth: Truth, desk: Desk, questions: tuple[str, ...]) -> None:
    if "forward" not in questions:
        return
    desk.open("forward")
    y = case.built.forward(case.X)
    state = truth.nominal[-1]
    if truth.finite:
        desk.check(
            bool((abs(y - state.y[0]) <= 2 * state.e[0]).all()),
            "intact outputs",
            "net.forward(domain)",
            y.tolist(),
            state.y[0].tolist(),
        )


def _space(case: Case, truth: Truth, desk: Desk, questions: tuple[str, ...]) -> None:
    """What is asked about the case's own failure model."""
    chance = case.rng("space").random(6)
    if "bound" in questions:
        bounds.check_bounds(case, truth, desk, bounds.at_most_truth(case) if chance[0] < 0.7 else None)
        if chance[1] < 0.3:
            bounds.check_domainless(case, truth, desk)
        if chance[4] < 0.6:
            bounds.check_formula(case, desk)
    if "enumerate" in questions and case.finite and case.box is None and len(truth.configs) * len(case.X) <= 400:
        enumeration.check_enumeration(case, truth, desk)
    if "worst_case" in questions:
        search.check_worst_case(case, truth, desk)
        if chance[2] < 0.4:
            search.check_limits(case, truth, desk)
    certified = case.box is None and all(term.effect in ("crash", "stuck") for term in case.model)
    if "certificate" in questions and certified and chance[3] < 0.3:
        search.check_certificate(case, truth, desk)


def _subsets(case: Case, desk: Desk, questions: tuple[str, ...]) -> None:
    chance = case.rng("subsets").random(5)
    wanted = [
        q
        for q, c in zip(("tolerance", "reliability", "criticality", "harden"), chance, strict=False)
        if c < 0.4 and q in questions
    ]
    if not wanted:
        return
    crashes = subsets.subsets_of(case)
    if "tolerance" in wanted:
        effect, size = "crash" if chance[4] < 0.5 else "synapse-crash" if chance[4] < 0.7 else "stuck", 0.0
        if effect == "stuck":
            size = float(case.rng("stuck").choice([1.0, -0.5, 2.0]))
        all_sets = crashes if effect == "crash" else subsets.subsets_of(case, effect, size)
        if all_sets is not None:
            subsets.check_tolerance(case, all_sets, desk, effect, size)
    if crashes is None or case.box is not None:
        return
    if "reliability" in wanted:
        subsets.check_reliability(case, crashes, desk)
    if "criticality" in wanted and not case.decisions:
        subsets.check_criticality(case, crashes, desk)
    if "harden" in wanted:
        subsets.check_harden(case, crashes, desk)


def _uses(case: Case, truth: Truth, desk: Desk, questions: tuple[str, ...]) -> None:
    chance = case.rng("uses").random(3)
    if not truth.finite:
        return
    if "precision" in questions and chance[0] < 0.3:
        uses.check_precision(case, desk)
    if "quorum" in questions and chance[1] < 0.3:
        uses.check_quorum(case, desk)
    if "replicas" in questions and chance[2] < 0.3:
        uses.check_replicas(case, truth, desk)


play = Game(make, ask)
