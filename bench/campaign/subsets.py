# SPDX-License-Identifier: MIT
"""All sets of failed hidden neurons: tolerance, reliability, criticality and harden against every one of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import withstand as ws

from .enumeration import replayed
from .plain import Case, Term
from .space import sites
from .tally import Desk
from .truth import Truth, U

WIDEST = 8  # hidden neurons whose subsets are all tried


class Subsets:
    """Errors of all sets of crashed (or stuck) hidden neurons."""

    def __init__(self, case: Case, effect: str, size: float) -> None:
        self.case = case
        self.neurons = sites(case.net, Term(effect))  # or synapses
        self.truth = Truth(case, (Term(effect, len(self.neurons), size),), 2**WIDEST)
        self.known = self.truth.finite and (not case.decisions or self.truth.classes is not None)
        if self.known:
            self.error, self.slack = self.truth.per_config
        self.sets = [tuple(c for c, _ in config) for config in self.truth.configs]
        place = {c: b for b, c in enumerate(self.neurons)}
        self.member = np.zeros((len(self.sets), len(self.neurons)), bool)
        for r, chosen in enumerate(self.sets):
            self.member[r, [place[c] for c in chosen]] = True
        self.count = self.member.sum(1)
        layer = np.array([c[0] for c in self.neurons])
        layers = case.net.depth + (effect == "synapse-crash")
        self.per_layer = np.stack([self.member[:, layer == k].sum(1) for k in range(1, layers + 1)], 1)

    def harm(self, epsilon: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Sets that certainly do harm, and sets that may."""
        with np.errstate(all="ignore"):
            if epsilon is None:
                return self.error - self.slack >= 0, self.error + self.slack >= 0
            return self.error - self.slack > epsilon, self.error + self.slack > epsilon


def subsets_of(case: Case, effect: str = "crash", size: float = 0.0) -> Subsets | None:
    if len(sites(case.net, Term(effect))) > WIDEST:
        return None
    found = Subsets(case, effect, size)
    return found if found.known else None


def budget(case: Case, rng: np.random.Generator, error: np.ndarray) -> float | None:
    """None for decisions; else an error, often exactly one that occurs."""
    if case.decisions:
        return None
    if rng.random() < 0.5:
        return float(rng.choice(error))
    return float(rng.uniform(0, 1.1) * error.max())


def check_tolerance(case: Case, all_sets: Subsets, desk: Desk, effect: str, size: float) -> None:
    desk.open("tolerance")
    rng = case.rng("tolerance")
    epsilon = budget(case, rng, all_sets.error)
    model: Any = {"crash": ws.Crash, "synapse-crash": ws.SynapseCrash}.get(effect, lambda f: ws.StuckAt(f, value=size))
    text = {"crash": "ws.Crash", "synapse-crash": "ws.SynapseCrash"}.get(
        effect, f"lambda f: ws.StuckAt(f, value={size})"
    )
    more = {"model": model, "spec": case.spec, "threads": 1, "node_limit": 50000 if case.box is None else 300}
    decisions = ", spec=spec" if case.decisions else ""
    call = f"ws.tolerance(net, {epsilon!r}, domain, model={text}, node_limit={more['node_limit']}{decisions})"
    budgeted = 0.0 if epsilon is None else epsilon
    answer = desk.ask(call, lambda: ws.tolerance(case.built, budgeted, case.domain, **more))
    if answer is None:
        return
    sure, _ = all_sets.harm(epsilon)
    _limit(case, desk, call, answer, all_sets, sure, np.ones(len(sure), bool), epsilon)
    for layer, limit in enumerate(answer.per_layer, start=1):
        alone = all_sets.per_layer[:, layer - 1] == all_sets.count
        _limit(case, desk, f"{call}.per_layer[{layer - 1}]", limit, all_sets, sure, alone, epsilon)
    for f in answer.frontier or ():
        inside = (all_sets.per_layer <= np.array(f)).all(1)
        desk.check(not sure[inside].any(), "frontier holds a harmful tuple", call, f, all_sets.error[inside].max())


def _limit(
    case: Case,
    desk: Desk,
    call: str,
    limit: Any,
    all_sets: Subsets,
    sure: np.ndarray,
    space: np.ndarray,
    epsilon: float | None,
) -> None:
    total = int(all_sets.count[space].max())
    harmful = all_sets.count[sure & space]
    fewest = int(harmful.min()) if harmful.size else total + 1
    desk.check(limit.guaranteed < fewest, "guaranteed count does harm", call, limit.guaranteed, fewest)
    if limit.breaking is not None:
        w = limit.witness
        error = float(replayed(case, w.input, w.values).max())
        does = error >= 0 if epsilon is None else error > epsilon
        desk.check(
            does and len(w.failed) <= limit.breaking, "breaking witness does no harm", call, (limit.breaking, w), error
        )
        desk.check(
            limit.breaking > limit.guaranteed,
            "breaking and guaranteed",
            call,
            (limit.guaranteed, limit.breaking),
            "in order",
        )
    if limit.exact:
        right = limit.breaking == fewest if fewest <= total and (limit.breaking or 0) >= fewest else True
        desk.check(right, "exact, but not the fewest", call, (limit.guaranteed, limit.breaking), fewest)
        closed = limit.breaking == limit.guaranteed + 1 if limit.breaking is not None else limit.guaranteed == total
        desk.check(closed, "exact, but open", call, (limit.guaranteed, limit.breaking), total)
    elif case.box is None and all_sets.truth.exact:
        desk.check(False, "open although everything is exact", call, (limit.guaranteed, limit.breaking), fewest)


def check_reliability(case: Case, all_sets: Subsets, desk: Desk) -> None:
    desk.open("reliability")
    rng = case.rng("reliability")
    epsilon = budget(case, rng, all_sets.error)
    chances = (0.0, 0.01, 0.1, 0.5, 1.0, float(rng.random()), 1e-9)
    form = rng.random()
    if form < 0.5:
        p: Any = float(rng.choice(chances))
        each = np.full(len(all_sets.neurons), p)
    elif form < 0.75:
        p = [float(rng.choice(chances)) for _ in range(case.net.depth)]
        each = np.array([p[k - 1] for k, _ in all_sets.neurons])
    else:
        p = [float(rng.choice(chances)) for _ in all_sets.neurons]
        each = np.array(p)
        if len(p) == case.net.depth:
            each = np.array([p[k - 1] for k, _ in all_sets.neurons])
    few = {"evaluations": int(rng.integers(1, 40)), "samples": 0} if rng.random() < 0.3 else {}
    more = "".join(f", {k}={v}" for k, v in few.items()) + (", spec=spec" if case.decisions else "")
    call = f"ws.reliability(net, {p!r}, {epsilon!r}, domain{more})"
    answer = desk.ask(call, lambda: ws.reliability(case.built, p, epsilon, case.X, spec=case.spec, threads=1, **few))
    if answer is None:
        return
    weight = np.where(all_sets.member, each, 1 - each).prod(1)
    sure, maybe = all_sets.harm(epsilon)
    rounding = (len(each) + 2) * 4 * U
    low, high = float(weight[sure].sum()) * (1 - rounding), float(weight[maybe].sum()) * (1 + rounding)
    low_, high_ = answer.proved
    desk.check(low_ <= high and high_ >= low, "proved interval misses the probability", call, answer, (low, high))
    if answer.confidence == 1.0:
        desk.check(
            answer.lower <= high and answer.upper >= low, "interval misses the probability", call, answer, (low, high)
        )
        desk.check(0 <= answer.lower <= answer.upper <= 1, "no interval", call, answer, (low, high))
    if not few and bool((sure == maybe).all()):
        desk.check(
            answer.upper - answer.lower <= 1e-9 * max(low, 1e-3),
            "wide although all sets can be tried",
            call,
            answer,
            (low, high),
        )


def check_criticality(case: Case, all_sets: Subsets, desk: Desk) -> None:
    desk.open("criticality")
    n = len(all_sets.neurons)
    k = min(n, int(case.rng("criticality").integers(1, 3)))
    call = f"ws.criticality(net, domain, k={k})"
    answer = desk.ask(call, lambda: ws.criticality(case.built, case.X, k=k, threads=1))
    if answer is None:
        return
    per_input, slack = all_sets.truth.errors.max(2), 2 * all_sets.truth.slack.max(2)  # (sets, inputs)
    scan = 0.0 if all_sets.truth.exact else all_sets.truth.rounding
    for b, (layer, i) in enumerate(all_sets.neurons):
        rows = all_sets.member[:, b] & (all_sets.count == k)
        worst, mean, off = per_input[rows].max(), per_input[rows].mean(), slack[rows].max()
        got = float(answer.worst[layer - 1][i]), float(answer.mean[layer - 1][i])
        right = abs(got[0] - worst) <= off + 5e-324 and abs(got[1] - mean) <= off + scan + 16 * U * worst + 5e-324
        desk.check(bool(right), "criticality", call, ((layer, i), got), (float(worst), float(mean)))


def check_harden(case: Case, all_sets: Subsets, desk: Desk) -> None:
    n = len(all_sets.neurons)
    if n > 6:
        return
    desk.open("harden")
    rng = case.rng("harden")
    k, epsilon = int(rng.integers(1, n + 1)), budget(case, rng, all_sets.error)
    call = f"ws.harden(net, {k}, {epsilon!r}, domain{', spec=spec' if case.decisions else ''})"
    answer = desk.ask(call, lambda: ws.harden(case.built, k, epsilon, case.X, spec=case.spec, threads=1))
    if answer is None:
        return
    sure, maybe = (h & (all_sets.count <= k) for h in all_sets.harm(epsilon))
    protected = np.array([c in answer.protect for c in all_sets.neurons])
    left = ~all_sets.member[:, protected].any(1)
    desk.check(
        not sure[left].any(),
        "the unprotected do harm",
        call,
        answer.protect,
        [all_sets.sets[r] for r in np.flatnonzero(sure & left)][:3],
    )
    if answer.exact:
        fewest = _hitting(all_sets.member[maybe], n)
        desk.check(len(answer.protect) <= fewest, "exact, but not the smallest", call, answer.protect, fewest)
        desk.check(
            answer.at_least <= _hitting(all_sets.member[maybe], n), "at_least too large", call, answer.at_least, fewest
        )


def _hitting(sets: np.ndarray, n: int) -> int:
    """Size of the smallest set that hits all rows; n + 1 where the empty set is among them."""
    for size in range(n + 1):
        for chosen in combinations(range(n), size):
            if sets[:, list(chosen)].any(1).all():
                return size
    return n + 1
