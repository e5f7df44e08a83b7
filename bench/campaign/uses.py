# SPDX-License-Identifier: MIT
"""Bits, quorums, replicas: what `withstand` proves beside what a plain simulation sees."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np
import withstand as ws
from withstand.model.quantise import unit_error

from .activations import BOUNDED, RANGES, apply
from .plain import Case, Net, Term, model_source
from .space import Batch
from .tally import Desk
from .truth import State, Truth, U, evaluate

QUANTISERS = ("grid", "fraction", "saturated", "truncated")


def _quantised(y: np.ndarray, kind: str, bits: int, sup: float, low: float) -> np.ndarray:
    """Y in [low, sup] (low = 0 or -sup) on 2^bits levels, by the definition of each quantiser."""
    if sup == 0:
        return 0 * y
    u = (np.clip(y, low, sup) - low) / (sup - low)
    levels = 2.0**bits
    if kind == "grid":
        q = np.round(u * (levels - 1)) / (levels - 1) if bits else 0 * u + 0.5
    elif kind == "fraction":
        q = np.round(u * levels) / levels
    elif kind == "saturated":
        q = np.minimum(np.round(u * levels) / levels, 1 - 1 / levels)
    else:
        q = np.minimum(np.floor(u * levels) / levels, 1 - 1 / levels)
    return low + q * (sup - low)


def _run_quantised(
    net: Net, X: np.ndarray, kind: str, values: Any, weights: Any, ranges: list[tuple[float, float]]
) -> np.ndarray:
    y = X
    for layer in range(1, net.depth + 2):
        W, b = net.weights[layer - 1], net.biases[layer - 1]
        if weights is not None:
            bits = weights[layer - 1]
            W, b = (_quantised(a, kind, bits, float(abs(a).max()), -float(abs(a).max())) for a in (W, b))
        y = apply(net.act(layer), y @ W.T + b)
        if layer <= net.depth:  # kept in its range whether it is quantised or not
            low, sup = ranges[layer - 1]
            y = np.clip(y, low, sup) if values is None else _quantised(y, kind, values[layer - 1], sup, low)
    return y


def check_precision(case: Case, desk: Desk) -> None:
    desk.open("precision")
    rng, net = case.rng("precision"), case.net
    nominal = evaluate(net, case.X)
    size = float(abs(nominal[-1].y).max())
    if not 1e-100 < size < 1e100:
        return
    epsilon = size * 10.0 ** rng.uniform(-4, 0)
    kind = QUANTISERS[int(rng.integers(4))]
    parts = [(True, True), (True, False), (False, True)][int(rng.integers(3))]
    call = f"ws.precision(net, {epsilon!r}, domain, quantiser={kind!r}, activations={parts[0]}, weights={parts[1]})"
    answer = desk.ask(
        call,
        lambda: ws.precision(
            case.built, epsilon, case.domain, quantiser=kind, activations=parts[0], weights=parts[1], samples=20
        ),
    )
    if answer is None:
        return
    desk.check(answer.bound <= epsilon, "bound above epsilon", call, answer.bound, epsilon)
    desk.check(
        answer.observed <= answer.bound + answer.slack,
        "observed above proved",
        call,
        (answer.observed, answer.bound),
        answer.slack,
    )
    seen = abs(answer.quantised.forward(case.X) - case.built.forward(case.X)).max()
    desk.check(
        bool(seen <= answer.bound + answer.slack),
        "the quantised network is further off than proved",
        call,
        answer.bound,
        float(seen),
    )
    if case.box is None:
        desk.check(answer.observed == seen, "observed is not the largest", call, answer.observed, float(seen))
    _by_hand(case, desk, call, answer, kind, nominal, parts[0])
    desk.check(
        unit_error(kind, 3) == {"grid": 1 / 14, "fraction": 1 / 16}.get(kind, 1 / 8),
        "unit_error",
        kind,
        unit_error(kind, 3),
        "3.2",
    )


def _by_hand(
    case: Case, desk: Desk, call: str, answer: Any, kind: str, nominal: list[State], activations: bool
) -> None:
    """Quantise once more by the definitions: every value in its range, and no further off than proved."""
    ranges = [(q.lower, q.upper) for q in answer.quantised.activations]
    for (low, sup), state in zip(ranges, nominal[1:-1], strict=True):
        inside = bool((state.y + state.e >= low).all() and (state.y - state.e <= sup).all())
        desk.check(inside or not activations, "a value outside its quantiser", call, (low, sup), state.y.tolist())
    again = _run_quantised(case.net, case.X, kind, answer.activation_bits, answer.weight_bits, ranges)
    own = abs(again - nominal[-1].y[0]).max()
    slack = answer.slack + float(nominal[-1].e.max()) * 4
    if np.isfinite(slack):
        desk.check(
            bool(own <= answer.bound + slack),
            "quantising by hand is further off than proved",
            call,
            (answer.bound, answer.activation_bits, answer.weight_bits),
            float(own),
        )


def _missing(net: Net, counts: tuple[int, ...], middle: list[float], rng: np.random.Generator, most: int) -> Batch:
    """Runs in which every receiver misses its own signals."""
    options = []
    for layer in range(2, net.depth + 2):
        for j in range(net.widths[layer]):
            options.append([(layer, j, c) for c in combinations(range(net.widths[layer - 1]), counts[layer - 2])])
    total = float(np.prod([float(len(o)) for o in options]))
    runs = (
        list(product(*options))
        if total <= most
        else [tuple(o[int(rng.integers(len(o)))] for o in options) for _ in range(most)]
    )
    cut: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for layer in range(2, net.depth + 2):
        shape = (len(runs), net.widths[layer], net.widths[layer - 1])
        cut[layer] = (np.zeros(shape, bool), np.zeros(shape))
    for r, run in enumerate(runs):
        for layer, j, chosen in run:
            for i in chosen:
                cut[layer][0][r, j, i] = True
                cut[layer][1][r, j, i] = net.weights[layer - 1][j, i] * middle[layer - 2]
    return Batch(np.arange(len(runs)), {}, {}, cut, {}, {}, {})


def check_quorum(case: Case, desk: Desk) -> None:
    desk.open("quorum")
    rng, net = case.rng("quorum"), case.net
    nominal = evaluate(net, case.X)
    size = float(abs(nominal[-1].y).max())
    if not np.isfinite(size):
        return
    epsilon = size * float(rng.uniform(0, 2))
    midpoint = bool(rng.random() < 0.3) and all(a[0] in BOUNDED for a in net.acts)
    substitute = "midpoint" if midpoint else "zero"
    call = f"ws.quorum(net, {epsilon!r}, domain, substitute={substitute!r})"
    answer = desk.ask(call, lambda: ws.quorum(case.built, epsilon, case.domain, substitute=substitute, runs=20))
    if answer is None:
        return
    widths = net.widths[1:-1]
    right = tuple(n - f for n, f in zip(widths, answer.missing, strict=True)) == tuple(answer.wait_for)
    desk.check(right, "wait_for and missing", call, answer.wait_for, answer.missing)
    desk.check(answer.bound <= epsilon, "bound above epsilon", call, answer.bound, epsilon)
    desk.check(
        answer.observed <= answer.bound + answer.slack,
        "observed above proved",
        call,
        (answer.observed, answer.bound),
        answer.slack,
    )
    middle = [sum(RANGES[a[0]]) / 2 if midpoint else 0.0 for a in net.acts]
    points = [answer.missing, *(answer.frontier or ())]
    for counts, proved in zip(points[:3], (answer.bound, epsilon, epsilon), strict=False):
        last = evaluate(net, case.X, _missing(net, tuple(counts), middle, rng, 128), nominal)[-1]
        error, slack = abs(last.y - nominal[-1].y), last.e + nominal[-1].e
        least = float((error * (1 - U) - slack).max())
        desk.check(proved >= least, "missing signals do more than proved", call, (counts, proved), least)
    waits = sum(sum(1 / i for i in range(f + 1, n + 1)) for n, f in zip(widths, answer.missing, strict=True))
    desk.check(abs(answer.expected - waits) <= 1e-12 * waits, "expected time", call, answer.expected, waits)


def check_replicas(case: Case, truth: Truth, desk: Desk) -> None:
    rng, net = case.rng("replicas"), case.net
    desk.open("replicate")
    r = tuple(int(v) for v in rng.integers(1, 4, net.depth))
    copy = desk.ask(f"ws.replicate(net, {r})", lambda: ws.replicate(case.built, r))
    if copy is not None:
        copies = (1, *r, 1)
        for k, W in enumerate(net.weights):
            mine = np.repeat(np.repeat(W, copies[k + 1], 0), copies[k], 1) / copies[k]
            desk.check(
                bool((copy.weights[k] == mine).all()),
                "replicated weights",
                f"ws.replicate(net, {r})",
                copy.weights[k].tolist(),
                mine.tolist(),
            )
    desk.open("replicas_needed")
    counts = tuple(int(v) for v in rng.integers(0, 3, net.depth))
    size = float(rng.uniform(0.1, 2))
    term = [
        Term("crash", counts),
        Term("stuck", counts, size),
        Term("value", counts, size),
        Term("deviation", counts, size),
    ][int(rng.integers(4))]
    domain = None if rng.random() < 0.3 else case.domain
    bound = _replicated_bound(case, term, domain)
    first = bound(4)
    if first is None or not max(1e-250, 1e4 * truth.rounding) < first < 1e250:
        return  # nothing but rounding is left to compare
    epsilon = first * float(rng.uniform(0.1, 1.3))
    call = f"ws.replicas_needed(net, {model_source((term,))}, {epsilon!r}, {'None' if domain is None else 'domain'})"
    needed = desk.ask(call, lambda: ws.replicas_needed(case.built, term.build(), epsilon, domain))
    if needed is None or needed > 200:
        return
    rounding = (16 * net.depth + 32) * 2.0**-52
    at, before = bound(needed), bound(needed - 1) if needed > 1 else None
    if at is not None:
        desk.check(at <= epsilon * (1 + rounding), "so many copies do not suffice", call, needed, (at, epsilon))
    if before is not None:
        desk.check(before > epsilon * (1 - rounding), "one copy less suffices", call, needed, (before, epsilon))


def _replicated_bound(case: Case, term: Term, domain: Any) -> Any:
    def bound(r: int) -> float | None:
        try:
            return ws.bound(ws.replicate(case.built, r), term.build(), domain, method="at-most", threads=1).value
        except (ValueError, OverflowError):
            return None

    return bound
