# SPDX-License-Identifier: MIT
"""Questions to `ws.bound`: every method covers the truth, and "tightest" is the least of them."""

from __future__ import annotations

import numpy as np
import withstand as ws

from .plain import Case, Model
from .space import TooMany
from .tally import Desk
from .truth import Truth

METHODS = ("fep", "at-most", "capped", "matrix", "signed", "adjoint", "linear", "tightest")


def covered(desk: Desk, call: str, found: ws.Bound, truth: Truth, given: bool) -> None:
    """value, per_output, per_input against the runs of the oracle."""
    desk.check(bool(found.value >= truth.least), "below the truth", call, found.value, truth.least)
    sure = truth.sure
    per_output = sure.max((0, 1))
    right = found.per_output.shape == per_output.shape and bool((found.per_output >= per_output).all())
    desk.check(right, "per_output below the truth", call, found.per_output.tolist(), per_output.tolist())
    if given:
        per_input = sure.max((0, 2))
        right = found.per_input.shape == per_input.shape and bool((found.per_input >= per_input).all())
        desk.check(right, "per_input below the truth", call, found.per_input.tolist(), per_input.tolist())


def check_bounds(case: Case, truth: Truth, desk: Desk, fewer: Truth | None) -> dict[str, ws.Bound]:
    """All methods; ``fewer`` is the truth of the at-most space where the case says exactly."""
    found: dict[str, ws.Bound] = {}
    for method in METHODS:
        desk.open(f"bound {method}")
        call = f"ws.bound(net, failures, domain, method={method!r}" + (", spec=spec)" if case.decisions else ")")
        answer = desk.ask(
            call, lambda m=method: ws.bound(case.built, case.failures, case.domain, method=m, spec=case.spec, threads=1)
        )
        if answer is None:
            continue
        found[method] = answer
        if truth.finite:
            covered(desk, call, answer, truth, case.box is None)
        else:
            desk.check(not np.isnan(answer.value), "nan", call, answer.value, "inf, or a refusal")
        if fewer is not None and fewer.finite and answer.covers == "at most":
            desk.check(
                bool(answer.value >= fewer.least),
                "covers at most, but below that truth",
                call,
                answer.value,
                fewer.least,
            )
    if "tightest" in found:
        least = min(b.value for b in found.values())
        others = {m: b.value for m, b in found.items()}
        desk.check(
            found["tightest"].value <= least,
            "tightest is not the least",
            "all methods",
            found["tightest"].value,
            others,
        )
    return found


def check_domainless(case: Case, truth: Truth, desk: Desk) -> None:
    """Without a domain a bound holds for every input whatsoever."""
    desk.open("bound, no domain")
    method = METHODS[int(case.rng("domainless").integers(len(METHODS)))]
    call = f"ws.bound(net, failures, method={method!r}" + (", spec=spec)" if case.decisions else ")")
    answer = desk.ask(call, lambda: ws.bound(case.built, case.failures, method=method, spec=case.spec, threads=1))
    if answer is not None and truth.finite:
        covered(desk, call, answer, truth, False)


def at_most_truth(case: Case) -> Truth | None:
    """The truth of the at-most space of a model that says exactly."""
    model: Model = tuple(term.at_most() for term in case.model)
    if model == case.model:
        return None
    try:
        return Truth(case, model)
    except TooMany:
        return None
