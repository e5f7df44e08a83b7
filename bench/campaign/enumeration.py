# SPDX-License-Identifier: MIT
"""Questions to `ws.enumerate_failures`: every field against all configurations, each evaluated by `Network.forward`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import withstand as ws

from .plain import Case
from .space import Configuration, witness_values
from .tally import Desk
from .truth import Truth, U

CALL = "ws.enumerate_failures(net, failures, domain, epsilon={!r}, components=True{})"


def replayed(case: Case, x: np.ndarray, values: dict[Any, float]) -> np.ndarray:
    """Errors (or harms) of one faulty execution, by the canonical evaluation."""
    intact, faulty = case.built.forward(x), case.built.forward(x, failed=values)
    with np.errstate(all="ignore"):
        if not case.decisions:
            return abs(faulty - intact)
        c = int(intact.argmax())
        harm = faulty - faulty[c]
        harm[c] = -np.inf
        return harm


def canonical(case: Case, configs: list[Configuration]) -> np.ndarray:
    """(configurations, n, m) errors by `Network.forward`, one call per configuration."""
    intact = case.built.forward(case.X)
    out = np.empty((len(configs), *intact.shape))
    rows, c = np.arange(len(intact)), intact.argmax(1)
    with np.errstate(all="ignore"):
        for k, config in enumerate(configs):
            faulty = case.built.forward(case.X, failed=witness_values(case.model, config))
            if case.decisions:
                out[k] = faulty - faulty[rows, c][:, None]
                out[k, rows, c] = -np.inf
            else:
                out[k] = abs(faulty - intact)
    return out


def check_witness(case: Case, desk: Desk, call: str, witness: ws.Witness, allowed: set[tuple], error: float) -> None:
    """It is allowed, and it replays to the last bit."""
    components = tuple(sorted(witness.failed))
    desk.check(
        components == tuple(witness.failed) and components == tuple(sorted(witness.values)) and components in allowed,
        "witness outside the failure space",
        call,
        witness,
        f"one of {len(allowed)} sets",
    )
    again = replayed(case, witness.input, witness.values)
    best = float(again[witness.output])
    same = best == error == witness.error == float(again.max()) or (math.isinf(error) and not np.isfinite(again).all())
    desk.check(same, "witness does not replay", call, (witness, error), again.tolist())


def check_enumeration(case: Case, truth: Truth, desk: Desk) -> None:
    """All fields of one enumeration."""
    desk.open("enumerate")
    rng = case.rng("enumerate")
    errors = canonical(case, truth.configs)
    flat = errors.reshape(len(errors), -1).max(1)
    epsilon = _epsilon(rng, flat)
    call = CALL.format(epsilon, ", spec=spec" if case.decisions else "")
    answer = desk.ask(
        call,
        lambda: ws.enumerate_failures(
            case.built, case.failures, case.X, epsilon=epsilon, spec=case.spec, threads=1, components=True
        ),
    )
    if answer is None:
        return
    if not np.isfinite(flat).all() or not truth.finite or not np.isfinite(truth.slack).all():
        numbers = (answer.worst, answer.mean, answer.std)
        desk.check(not np.isnan(numbers).any(), "nan", call, numbers, "a refusal or inf")
        return
    close = bool((abs(flat - truth.per_config[0]) <= 2 * truth.per_config[1] + 1e-300).all())
    desk.open("forward")
    desk.check(close, "canonical evaluation off", "net.forward", flat.tolist(), truth.per_config[0].tolist())
    desk.open("enumerate worst")
    _worst(case, truth, desk, call, answer, errors, flat)
    # The statistics come from a batch that updates signals: where a failure sends far more than the network computes, a
    # later one that blocks it leaves the rounding behind. The answer says how much that may be; it counts where it is
    # much, and elsewhere some units in the last place of the largest value do.
    own = answer.rounding if answer.rounding > 1e-6 * abs(flat).max() else 0.0
    case.extra["slack"] = max(float(case.extra["slack"]), 2.0**-44 * abs(flat).max(), own)
    _statistics(case, desk, call, answer, flat, epsilon)
    _distribution(desk, call, answer, flat, rng)
    _top(case, truth, desk, call, answer, flat)
    if answer.components is not None:
        _components(desk, call, answer, truth.configs, flat)


def _epsilon(rng: np.random.Generator, flat: np.ndarray) -> float:
    finite = flat[np.isfinite(flat) & (flat >= 0)]
    if finite.size and rng.random() < 0.6:
        return float(rng.choice(finite))  # exactly an error
    return float(rng.uniform(0, 1.2) * (finite.max() if finite.size else 1.0))


def _worst(case: Case, truth: Truth, desk: Desk, call: str, answer: Any, errors: np.ndarray, flat: np.ndarray) -> None:
    n = len(case.X)
    desk.check(
        (answer.status, answer.done, answer.configurations, answer.evaluations)
        == ("complete", len(flat), len(flat), len(flat) * n),
        "counts",
        call,
        (answer.status, answer.done, answer.configurations, answer.evaluations),
        (len(flat), len(flat) * n),
    )
    desk.check(answer.worst == flat.max(), "worst", call, answer.worst, flat.max())
    per_output = errors.max((0, 1))
    desk.check(
        bool((answer.per_output == per_output).all()),
        "per_output",
        call,
        answer.per_output.tolist(),
        per_output.tolist(),
    )
    allowed = {tuple(c for c, _ in config) for config in truth.configs}
    check_witness(case, desk, call, answer.witness, allowed, answer.worst)
    ties = [c for c, e in zip(truth.configs, flat, strict=True) if e == flat.max()]
    if len({len(c) for config in truth.configs for c, _ in config}) <= 1:
        first = min(ties, key=lambda config: (len(config), [c for c, _ in config]))
        desk.check(
            tuple(answer.witness.failed) == tuple(c for c, _ in first),
            "witness is not the first of equals",
            call,
            answer.witness.failed,
            first,
        )


def _statistics(case: Case, desk: Desk, call: str, answer: Any, flat: np.ndarray, epsilon: float) -> None:
    desk.open("enumerate moments")
    total = sum(map(Fraction, flat.tolist()))
    mean = total / len(flat)
    variance = sum((Fraction(e) - mean) ** 2 for e in flat.tolist()) / len(flat)
    # All but the worst come from a batched evaluation: each is off by the rounding of two, as the answer says.
    slack = float(case.extra["slack"]) + answer.rounding
    near = abs(Fraction(answer.mean) - mean) <= Fraction(slack) + Fraction(abs(float(mean)) * 2 * U + 5e-324)
    desk.check(near, "mean", call, answer.mean, float(mean))
    std = _root(variance)
    desk.check(abs(answer.std - std) <= slack + 4 * U * std + 5e-324, "std", call, answer.std, std)
    share = (flat >= 0).mean() if case.decisions else (flat > epsilon).mean()
    desk.open("enumerate exceeding")
    desk.check(
        answer.exceeding is not None and abs(answer.exceeding - share) <= 2 * U,
        "exceeding",
        call,
        answer.exceeding,
        share,
    )


def _root(v: Fraction) -> float:
    """Square root of a rational, also where it lies outside the range of doubles."""
    if v == 0:
        return 0.0
    shift = 2 * ((v.numerator.bit_length() - v.denominator.bit_length()) // 2 - 60)
    scaled = v / Fraction(2) ** shift
    return math.ldexp(math.isqrt(int(scaled)) * 1.0, shift // 2)


def _distribution(desk: Desk, call: str, answer: Any, flat: np.ndarray, rng: np.random.Generator) -> None:
    desk.open("enumerate quantile")
    slack = float(desk.case.extra["slack"])
    ordered, r, edges = np.sort(flat), answer.resolution, answer.histogram.edges
    for q in (0.0, 0.25, 0.5, float(rng.random()), 1.0):
        got = float(answer.quantile(q))
        low = ordered[max(math.ceil(q * len(flat) - 1e-9) - 1, 0)]
        high = ordered[min(max(math.ceil(q * len(flat) + 1e-9) - 1, 0), len(flat) - 1)]
        edge = edges[np.searchsorted(edges, max(high, 0.0), side="right") :][:1]
        top = (
            max([high + r * abs(high), *edge]) if high >= 0 else high + r * abs(high)
        )  # 0 shares a bin with what is tiny
        tiny = 2.0**-63 if abs(low) < 2.0**-64 or abs(high) < 2.0**-64 else 0.0  # one bin on each side of 0, documented
        right = low - r * abs(low) - slack - tiny <= got <= top + slack + tiny
        desk.check(bool(right), "quantile", f"{call}.quantile({q!r})", got, (float(low), float(high), r))
    desk.open("enumerate histogram")
    edges, counts = answer.histogram.edges, answer.histogram.counts
    desk.check(
        int(counts.sum()) == len(flat) and len(edges) == len(counts) + 1 and bool((np.diff(edges) > 0).all()),
        "histogram total or edges",
        call,
        (edges.tolist(), counts.tolist()),
        len(flat),
    )
    below = np.concatenate([[0], np.cumsum(counts)])
    surely = (flat[None, :] < edges[:, None] - slack).sum(1)
    maybe = (flat[None, :] < edges[:, None] + slack).sum(1)
    right = bool((surely[:-1] <= below[:-1]).all() and (below[:-1] <= np.maximum(maybe, surely)[:-1]).all())
    desk.check(right, "histogram counts", call, (edges.tolist(), counts.tolist()), ordered.tolist())


def _top(case: Case, truth: Truth, desk: Desk, call: str, answer: Any, flat: np.ndarray) -> None:
    desk.open("enumerate top")
    ordered = sorted(flat.tolist(), reverse=True)
    got = [w.error for w in answer.top]
    desk.check(bool(got) and got == ordered[: len(got)], "top errors", call, got, ordered[: len(got)])
    allowed = {tuple(c for c, _ in config) for config in truth.configs}
    w = answer.top[int(case.rng("top").integers(len(answer.top)))]
    check_witness(case, desk, call, w, allowed, w.error)


def _components(desk: Desk, call: str, answer: Any, configs: list[Configuration], flat: np.ndarray) -> None:
    desk.open("enumerate components")
    slack = float(desk.case.extra["slack"])
    having: dict[tuple, list[float]] = {}
    for config, error in zip(configs, flat.tolist(), strict=True):
        for c, _ in config:
            having.setdefault(c, []).append(error)
    got = answer.components
    desk.check(set(got) == set(having), "components", call, sorted(got), sorted(having))
    for c in set(got) & set(having):
        e, mean = got[c], math.fsum(having[c]) / len(having[c])
        right = e.configurations == len(having[c]) and e.worst == max(having[c])
        desk.check(right, "component worst or count", call, (c, e), (max(having[c]), len(having[c])))
        size = max(map(abs, having[c]))
        known = slack + answer.rounding + 4 * U * size * len(having[c])
        desk.check(abs(e.mean - mean) <= known, "component mean", call, (c, e), mean)
