# SPDX-License-Identifier: MIT
"""Piecewise-linear networks against the truth in rationals.

Bounds and upper ends must be at least the true maximum with no slack at all; lower ends are a canonical evaluation.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import withstand as ws

from .activations import KINKS, LINEAR, SLOPED
from .bounds import METHODS
from .cases import SLOPES, failures, pick
from .enumeration import replayed
from .exact import Exact, runs
from .game import Game, Started
from .plain import Act, Case, Net
from .space import configurations
from .tally import Desk, Tally

REGIMES = ("dyadic", "gaussian", "torch leaky", "wide scales", "cancelling", "kinks by an ulp", "tiny", "huge")


def _act(rng: np.random.Generator, regime: str) -> Act:
    if regime == "torch leaky":
        return "leaky_relu", 1.0, 0.01
    name = pick(rng, ("relu", "leaky_relu", *LINEAR))
    slope = float(pick(rng, (0.0, 0.25, 0.5, 1.0) if regime == "dyadic" else SLOPES)) if name in SLOPED else None
    return name, pick(rng, (1.0, 1.0, 1.0, 2.0, 1 / 3)), slope


def _table(rng: np.random.Generator, regime: str, shape: tuple[int, int]) -> np.ndarray:
    if regime in ("dyadic", "kinks by an ulp"):
        W = rng.integers(-8, 9, shape) / 4.0
    elif regime == "torch leaky":
        W = rng.uniform(-1, 1, shape) / math.sqrt(shape[1])
    elif regime == "cancelling":
        W = rng.choice([2.0**60, -(2.0**60), 1.0, -1.0, 2.0**53, 0.5, 0.0], shape)
    else:
        W = rng.normal(size=shape)
    power = {"wide scales": (-8, 8), "tiny": (-230, -140), "huge": (140, 230)}.get(regime)
    if power and rng.random() < 0.75:
        W = W * 10.0 ** rng.uniform(*power)
    if regime == "wide scales" and rng.random() < 0.5:
        W = W * 10.0 ** rng.uniform(-8, 8, shape)
    return np.where(rng.random(shape) < 0.12, 0.0, W)


def _offsets(rng: np.random.Generator, regime: str, act: Act, pre: np.ndarray) -> np.ndarray:
    n = len(pre)
    b = (
        rng.integers(-8, 9, n) / 4.0
        if regime in ("dyadic", "kinks by an ulp", "cancelling")
        else rng.normal(size=n) * abs(pre)
    )
    if rng.random() < 0.4:
        b = np.zeros(n)
    for j in range(n):
        if (regime == "kinks by an ulp" and rng.random() < 0.8) or rng.random() < 0.08:
            b[j] = pick(rng, KINKS.get(act[0], (0.0,))) / act[1] - pre[j]
            if rng.random() < 0.7:
                b[j] = (
                    np.nextafter(b[j], pick(rng, (-np.inf, np.inf)))
                    if b[j]
                    else pick(rng, (-1.0, 1.0)) * pick(rng, (2.0**-54, 2.0**-60, 5e-324))
                )
    return np.where(np.isfinite(b), b, 0.0)


def case(seed: int, index: int) -> Case:
    rng = np.random.default_rng([seed, index, 7])
    regime = REGIMES[index % len(REGIMES)]
    depth, d, m, n = pick(rng, (1, 2, 2, 3)), pick(rng, (1, 1, 2)), pick(rng, (1, 1, 2, 3)), pick(rng, (1, 1, 2))
    widest = pick(rng, (2, 3, 3, 4))
    widths = [d, *(int(rng.integers(1, widest + 1)) for _ in range(depth)), m]
    X = (
        rng.integers(-4, 5, (n, d)) / 2.0
        if regime in ("dyadic", "kinks by an ulp", "cancelling")
        else rng.normal(size=(n, d))
    )
    weights, biases, acts, y = [], [], [], X[0]
    with np.errstate(all="ignore"):
        for layer in range(1, depth + 2):
            act = _act(rng, regime) if layer <= depth or rng.random() < 0.15 else ("identity", 1.0, None)
            W = _table(rng, regime, (widths[layer], widths[layer - 1]))
            pre = np.nan_to_num(W @ y, posinf=0.0, neginf=0.0)
            b = _offsets(rng, regime, act, pre)
            y = np.clip(act[1] * (pre + b), 0 if act[0] == "relu" else -np.inf, np.inf)
            weights.append(W)
            biases.append(b)
            acts.append(act)
    net = Net(tuple(weights), tuple(biases), tuple(acts[:-1]), acts[-1])
    while True:
        model = failures(rng, net, "dyadic" if regime != "gaussian" else "gaussian")
        configs = configurations(net, model, 4000)
        if len(configs) <= 40:
            break
    box = None
    if rng.random() < 0.15:
        radius = abs(X[0]) * pick(rng, (0.0, 0.5, 1.0))
        box = (X[0] - radius, X[0] + radius)
        X = np.vstack([X[:1], box[0], box[1]])
    return Case(
        f"{seed}:{index}", net, model, X, box, regime, bool(m > 1 and rng.random() < 0.35), {"seed": (seed, index)}
    )


class ExactTruth:
    """Largest error (or harm) of the runs tried: the truth of finite models at points, a lower estimate else."""

    def __init__(self, case: Case) -> None:
        machine, rng = Exact(case.net), case.rng("corners")
        configs = configurations(case.net, case.model, 4000)
        self.per_input: list[Fraction] = []
        self.per_output: list[Fraction | None] = [None] * case.net.widths[-1]
        self.classes: list[int] = []
        for x in case.X:
            nominal = machine.trace(x)
            c = max(range(len(nominal[-1])), key=lambda k: (nominal[-1][k], -k))
            self.classes.append(c)
            worst: Fraction | None = None
            for config in configs:
                for run in runs(case.net, case.model, config, rng, nominal):
                    out = machine.trace(x, run)[-1]
                    for k, v in enumerate(out):
                        if case.decisions and k == c:
                            continue
                        e = v - out[c] if case.decisions else abs(v - nominal[-1][k])
                        worst = e if worst is None or e > worst else worst
                        seen = self.per_output[k]
                        self.per_output[k] = e if seen is None or e > seen else seen
            assert worst is not None
            self.per_input.append(worst)
        self.worst = max(self.per_input)


def at_least(value: float, truth: Fraction | None) -> bool:
    """Whether a double is at least a rational, exactly; infinity is, nan is not."""
    if truth is None or value == math.inf:
        return True
    if math.isnan(value) or value == -math.inf:
        return False
    return Fraction(value) >= truth


def show(truth: Fraction | None) -> str:
    if truth is None:
        return "none"
    try:
        near = float(truth)
    except OverflowError:
        near = math.inf
    if near in (0.0, math.inf) and truth:
        digits = len(str(abs(truth.numerator))) - len(str(truth.denominator))
        return f"about 1e{digits:+d}"
    return f"{near!r} ({'+' if truth >= Fraction(near) else '-'}{float(abs(truth - Fraction(near))):.3g})"


def ask(case: Case, tally: Tally, questions: tuple[str, ...], started: Started) -> None:
    desk = Desk(case, tally, started)
    if not desk.takes():
        return
    truth = ExactTruth(case)
    floats = case.built.forward(case.X)
    if case.decisions and (not np.isfinite(floats).all() or floats.argmax(1).tolist() != truth.classes):
        return  # which class is the intact one is a matter of rounding
    for method in METHODS:
        desk.open(f"bound {method}")
        call = f"ws.bound(net, failures, domain, method={method!r}" + (", spec=spec)" if case.decisions else ")")
        answer = desk.ask(
            call, lambda m=method: ws.bound(case.built, case.failures, case.domain, method=m, spec=case.spec, threads=1)
        )
        if answer is not None:
            _covers(case, desk, call, answer, truth)
    if "worst_case" in questions:
        _search(case, desk, truth, floats)


def _covers(case: Case, desk: Desk, call: str, answer: ws.Bound, truth: ExactTruth) -> None:
    desk.check(
        at_least(answer.value, truth.worst),
        f"below the real truth, {case.family}",
        call,
        answer.value,
        show(truth.worst),
    )
    right = all(at_least(v, t) for v, t in zip(answer.per_output.tolist(), truth.per_output, strict=True))
    desk.check(
        right,
        "per_output below the real truth",
        call,
        answer.per_output.tolist(),
        str([show(t) for t in truth.per_output]),
    )
    if case.box is None:
        right = all(at_least(v, t) for v, t in zip(answer.per_input.tolist(), truth.per_input, strict=True))
        desk.check(
            right,
            "per_input below the real truth",
            call,
            answer.per_input.tolist(),
            str([show(t) for t in truth.per_input]),
        )


def _search(case: Case, desk: Desk, truth: ExactTruth, floats: np.ndarray) -> None:
    desk.open("worst_case")
    call = "ws.worst_case(net, failures, domain, node_limit=200" + (", spec=spec)" if case.decisions else ")")
    answer: Any = desk.ask(
        call, lambda: ws.worst_case(case.built, case.failures, case.domain, spec=case.spec, threads=1, node_limit=200)
    )
    if answer is None:
        return
    desk.check(
        not (math.isnan(answer.lower) or math.isnan(answer.upper)),
        "nan",
        call,
        (answer.lower, answer.upper, answer.status),
        show(truth.worst),
    )
    desk.check(
        at_least(answer.upper, truth.worst),
        f"upper below the real truth, {case.family}",
        call,
        (answer.upper, answer.status),
        show(truth.worst),
    )
    _witness(case, desk, call, answer)
    if answer.status == "exact" and case.finite and case.box is None:
        _exact(case, desk, call, answer, truth, floats)


def _witness(case: Case, desk: Desk, call: str, answer: Any) -> None:
    w = answer.witness
    if w is None:
        return
    numbers = np.isfinite(list(w.values.values())).all()
    if not desk.check(numbers, "witness values are no numbers", call, w, "finite"):
        return
    again = replayed(case, w.input, w.values)
    if np.isfinite(again).all() or (case.decisions and not np.isnan(again).any()):
        same = float(again.max()) == answer.lower
        desk.check(same, "lower is no canonical evaluation", call, answer.lower, again.tolist())


def _exact(case: Case, desk: Desk, call: str, answer: Any, truth: ExactTruth, floats: np.ndarray) -> None:
    if not np.isfinite([answer.upper, *floats.ravel()]).all():
        return
    values = (*floats.ravel().tolist(), *case.X.ravel().tolist(), 1.0)
    top = abs(truth.worst) + max(abs(Fraction(v)) for v in values)
    gap = Fraction(answer.upper) - truth.worst
    desk.check(
        gap <= top * Fraction(1, 10**6) or case.family in ("cancelling", "tiny", "huge", "wide scales"),
        "exact, but upper is far above the real truth",
        call,
        (answer.lower, answer.upper),
        show(truth.worst),
    )


play = Game(case, ask)
