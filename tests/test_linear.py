# SPDX-License-Identifier: MIT
"""The linear bound: sound for every failure, restriction and domain; exact where everything is decided; golden."""

from __future__ import annotations

from itertools import product

import numpy as np
import oracle
import pytest
import strategies
from bridge import network as as_network
from oracle.brute import _noises, _perturb

from withstand import _core

EFFECTS = tuple(e for e in oracle.NEURON + oracle.SYNAPSE)
CORE = {
    "value": "byzantine",
    "synapse-crash": "synapse_crash",
    "product": "synapse_product",
    "signal": "synapse_signal",
    "replace": "synapse_replace",
}


def core_failure(term):
    amount = list(term.size) if np.ndim(term.size) else [float(term.size)]
    if term.effect in ("crash", "synapse-crash"):
        amount = []
    counts = [term.count] if isinstance(term.count, int) else list(term.count)
    among = None if term.among is None else [_core.Site(*c) for c in term.among]
    effect = getattr(_core.Effect, CORE.get(term.effect, term.effect))
    return _core.Failure(effect, amount, counts, len(counts) == 1, term.exactly, False, among)


def core_failure_of(net, term):
    """With a per-layer count of a network of one layer kept per layer."""
    failure = core_failure(term)
    if isinstance(term.count, int):
        return failure
    amount = [] if term.effect in ("crash", "synapse-crash") else [float(term.size)]
    among = None if term.among is None else [_core.Site(*c) for c in term.among]
    effect = getattr(_core.Effect, CORE.get(term.effect, term.effect))
    return _core.Failure(effect, amount, list(term.count), False, term.exactly, False, among)


def objectives(rng, m):
    return np.vstack([np.eye(m), -np.eye(m), rng.normal(size=(2, m))])


class Case:
    """A random network, model and domain, with everything that an adversary tries on it."""

    def __init__(self, seed, effects=EFFECTS, **options):
        self.rng = rng = np.random.default_rng(seed)
        self.net = strategies.random_network(rng, width=(1, 5), dyadic=bool(rng.random() < 0.5), **options)
        self.model = strategies.random_model(rng, self.net, effects=effects, cap=60)
        if rng.random() < 0.5:
            x = strategies.random_inputs(rng, self.net, 1, dyadic=False)[0]
            self.lower, self.upper, self.X = x, x, x[None]
        else:
            self.lower, self.upper = strategies.random_box(rng, self.net)
            self.X = oracle.box_points(self.lower, self.upper, corners=8, random=4, seed=seed)
        self.core = as_network(self.net)._core
        self.space = _core.Space(self.core, [core_failure_of(self.net, t) for t in self.model])
        self.bound = _core.LinearBound(self.core, self.space, self.lower, self.upper)
        self.rows = objectives(rng, self.net.widths[-1])
        self.patterns = oracle.patterns(self.net, self.model)
        self.runs = self._runs()

    def _runs(self):
        """(pattern, c (F_failed - F) per row, c F_failed per row), the worst over the inputs."""
        nominal = oracle.trace(self.net, self.X)
        finite = ("crash", "stuck", "synapse-crash")
        runs = []
        for pattern in self.patterns:
            levels = [(0.0,) if self.model[t].effect in finite else (-1.0, 1.0, 0.3) for _, t in pattern]
            tries = list(product(*levels))
            for chosen in [tries[k] for k in self.rng.permutation(len(tries))[:9]]:
                for noise in _noises(self.net, self.model, self.rng, 1):
                    failed, added = _perturb(self.net, self.model, pattern, chosen, nominal)
                    faulty = oracle.forward(self.net, self.X, failed, {**noise, **added})
                    deviation = (self.rows @ (faulty - nominal[-1]).T).max(axis=1)
                    runs.append((pattern, deviation, (self.rows @ faulty.T).max(axis=1)))
        return runs

    def worst(self, failed=frozenset(), alive=frozenset()):
        allowed = [
            (deviation, faulty)
            for pattern, deviation, faulty in self.runs
            if failed <= set(pattern) and not any(c in alive for c, _ in pattern)
        ]
        return [np.max([run[k] for run in allowed], axis=0) for k in (0, 1)] if allowed else None

    def check(self, result, failed=frozenset(), alive=frozenset()):
        worst = self.worst(failed, alive)
        assert not np.isnan(result.deviation).any()
        assert not np.isnan(result.faulty).any()
        if worst is None:
            return
        slack = 1e-11 * (1 + max(np.abs(w).max() for w in worst))
        assert (worst[0] <= result.deviation + slack).all(), (self.model, failed, alive)
        assert (worst[1] <= result.faulty + slack).all(), (self.model, failed, alive)


def restrict(case):
    """Decide some components as one of the patterns has them: a restriction that allows at least that pattern."""
    pattern = case.patterns[case.rng.integers(len(case.patterns))]
    failed = {item for item in pattern if case.rng.random() < 0.6}
    inside = {c for c, _ in pattern}
    others = {c for term in case.model if term.effect != "noise" for c in oracle.sites(case.net, term)} - inside
    alive = {c for c in others if case.rng.random() < case.rng.choice([0.1, 0.5, 1.0])}
    restriction = _core.Restriction(case.space)
    for component, t in sorted(failed):
        restriction.fail(case.space, _core.Site(*component), t)
    restriction.alive = [_core.Site(*c) for c in sorted(alive)]
    return restriction, failed, alive, pattern


@pytest.mark.parametrize("block", range(8))
def test_no_adversary_exceeds_the_bound(block):
    for seed in range(50 * block, 50 * (block + 1)):
        case = Case(seed)
        root = case.bound(_core.Restriction(case.space), case.rows)
        case.check(root)
        case.check(case.bound(_core.Restriction(case.space), case.rows, steps=5))
        for _ in range(3):
            restriction, failed, alive, _ = restrict(case)
            child = case.bound(restriction, case.rows, root.ranges)
            case.check(child, failed, alive)
            case.check(case.bound(restriction, case.rows), failed, alive)
            refined = case.bound(restriction, case.rows, root.ranges, 4)
            case.check(refined, failed, alive)
            assert (refined.deviation <= child.deviation).all()


@pytest.mark.parametrize("block", range(4))
def test_exact_where_everything_is_decided(block):
    """At a point, finite failures, all decided: nothing is relaxed, the bound is the value up to rounding."""
    for seed in range(1000 + 25 * block, 1000 + 25 * (block + 1)):
        case = Case(seed, effects=oracle.FINITE)
        pattern = case.patterns[case.rng.integers(len(case.patterns))]
        restriction = _core.Restriction(case.space)
        for component, t in pattern:
            restriction.fail(case.space, _core.Site(*component), t)
        restriction.left = [[0] * len(counts) for counts in restriction.left]
        if not (case.lower == case.upper).all():
            continue
        result = case.bound(restriction, case.rows)
        value = next(deviation for p, deviation, _ in case.runs if p == pattern)
        np.testing.assert_allclose(result.deviation, value, atol=1e-11 * (1 + np.abs(value).max()))
