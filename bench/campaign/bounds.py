# SPDX-License-Identifier: MIT
"""Questions to `ws.bound`: every method covers the truth, and "tightest" is the least of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import withstand as ws

from .activations import LINEAR, RANGES, lipschitz
from .enumeration import replayed
from .plain import Case, Model, Net, Term
from .space import TooMany, witness_values
from .tally import Desk
from .truth import Truth

METHODS = ("fep", "at-most", "capped", "matrix", "signed", "adjoint", "linear", "split", "tightest")


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
    if "fep" in found:
        again = ws.fep(case.built, case.failures, case.domain).value if not case.decisions else found["fep"].value
        desk.check(again == found["fep"].value, "ws.fep is not method fep", "ws.fep", again, found["fep"].value)
    if "tightest" in found and truth.finite:
        _slack(case, truth, desk, found["tightest"])
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


def _slack(case: Case, truth: Truth, desk: Desk, found: ws.Bound) -> None:
    """What two evaluations in doubles differ by is within value + slack."""
    run, index, _ = np.unravel_index(int(truth.errors.argmax()), truth.errors.shape)
    if not case.finite or not np.isfinite(found.slack):
        return
    values = witness_values(case.model, truth.configs[truth.runs.of[run]])
    error, call = float(replayed(case, case.X[index], values).max()), "ws.bound(net, failures, domain)"
    right = error <= found.value + found.slack
    desk.check(right, "an evaluation is above value + slack", call, (found.value, found.slack), error)


def check_formula(case: Case, desk: Desk) -> None:
    """The paper's formula (Theorem A) and its at-most form (B) in rationals, with the activations' own ranges."""
    rng, net = case.rng("formula"), case.net
    if any(act[0] not in RANGES for act in net.acts):
        return
    desk.open("bound formula")
    exactly = bool(rng.random() < 0.5)
    counts = tuple(int(rng.integers(0, n + 1)) for n in net.widths[1:-1])
    total = int(rng.integers(0, min(sum(net.widths[1:-1]), 4) + 1))
    effect = str(rng.choice(["crash", "stuck", "value", "deviation"]))
    size = 0.0 if effect == "crash" else float(rng.choice([0.0, 0.25, 1.0, 2.5]))
    term = Term(effect, counts if rng.random() < 0.6 else total, size, exactly)
    method = "fep" if exactly else "at-most"
    call = f"ws.bound(net, {term.source()}, method={method!r})"
    found = desk.ask(call, lambda: ws.bound(case.built, term.build(), method=method, threads=1))
    if found is None or not np.isfinite(found.value):
        return
    truth = formula(net, term)
    lost = Fraction(1e-300)  # below the range of doubles, and on its way to the outputs
    for weight in net.weights:
        lost *= max(1, weight.size * Fraction(float(abs(weight).max())) * 4)
    rounded = truth * (1 + Fraction(8 * net.depth + 16, 2**52)) + lost
    low = truth if net.out[0] in LINEAR else 0  # a curved output's modulus of continuity is less than K e
    desk.check(low <= Fraction(found.value) <= rounded, "not the formula", call, found.value, float(truth))


def formula(net: Net, term: Term) -> Fraction:
    """Largest w_{L+1} e_L over the distributions of the count, through the output activation."""
    widths = net.widths[1:-1]
    spread = [f for f in product(*(range(n + 1) for n in widths)) if sum(f) == term.count]
    if isinstance(term.count, tuple):
        spread = [term.count]
    w = Fraction(float(abs(net.weights[-1]).max()))
    error = Fraction(lipschitz(net.out)) * w * max(_recursion(net, term, f) for f in spread)
    length = RANGES.get(net.out[0])
    return error if length is None else min(error, Fraction(length[1] - length[0]))


def _recursion(net: Net, term: Term, counts: tuple[int, ...]) -> Fraction:
    e, size = Fraction(0), Fraction(term.size)
    for layer, (f, n) in enumerate(zip(counts, net.widths[1:-1], strict=True), start=1):
        low, high = map(Fraction, RANGES[net.acts[layer - 1][0]])  # with a float all that follows would be one
        reach = {
            "crash": Fraction(max(-low, high)),
            "stuck": max(abs(size - low), abs(high - size)),
            "value": max(size - low, high + size),
            "deviation": size,
        }[term.effect]
        w = Fraction(float(abs(net.weights[layer - 1]).max())) if layer > 1 else Fraction(0)
        c = Fraction(lipschitz(net.acts[layer - 1])) * w * e
        e = f * (reach if term.exactly else max(reach, c)) + (n - f) * c
    return e


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
        truth = Truth(case, model)
    except TooMany:
        return None
    return None if case.decisions and truth.classes is None else truth
