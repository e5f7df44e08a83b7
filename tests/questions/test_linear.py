# SPDX-License-Identifier: MIT
"""The linear bound: sound for every failure, restriction and domain; exact where everything is decided; golden."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import network as as_network
from oracle.brute import _noises, _perturb
from withstand import _core

EFFECTS = oracle.NEURON + oracle.SYNAPSE
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
    total = isinstance(term.count, int)
    counts = [term.count] if total else list(term.count)
    among = None if term.among is None else [_core.Site(*c) for c in term.among]
    effect = getattr(_core.Effect, CORE.get(term.effect, term.effect))
    return _core.Failure(effect=effect, amount=amount, counts=counts, total=total, exactly=term.exactly, among=among)


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
        self.space = _core.Space(self.core, [core_failure(t) for t in self.model])
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


@pytest.mark.parametrize("block", range(4))
def test_upper_bound_in_exact_arithmetic(block):
    """No tolerance: the worst pattern in rational arithmetic is below the double that is returned."""
    for seed in range(2000 + 25 * block, 2000 + 25 * (block + 1)):
        rng = np.random.default_rng(seed)
        piecewise = ("relu", "leaky_relu", "hard_tanh", "clip", "identity")
        net = strategies.random_network(
            rng, width=(1, 4), dyadic=False, activations=piecewise, output_activations=("identity",)
        )
        model = strategies.random_model(rng, net, effects=oracle.FINITE, cap=25, terms=1)
        x = strategies.random_inputs(rng, net, 1, dyadic=False)[0]
        core = as_network(net)._core
        space = _core.Space(core, [core_failure(t) for t in model])
        m = net.widths[-1]
        rows = np.vstack([np.eye(m), -np.eye(m)])
        result = _core.LinearBound(core, space, x, x)(_core.Restriction(space), rows, steps=int(rng.integers(0, 4)))
        nominal = oracle.exact_forward(net, x)
        for pattern in oracle.patterns(net, model):
            failed, _ = _perturb(net, model, pattern, [0.0] * len(pattern), None)
            faulty = oracle.exact_forward(net, x, failed)
            for k in range(m):
                deviation = faulty[k] - nominal[k]
                assert deviation <= Fraction(result.deviation[k])
                assert -deviation <= Fraction(result.deviation[m + k])


#: The hand-checked networks: weights, biases, activation, input, counts, the linear bound's range of F_failed - F.
G2 = ([[[1.0], [2.0]], [[1, 0.5], [0.25, -1], [-0.5, 1]], [[1, -0.5, 0.25]]], [[0, 0], [0, 2, 0], [0]], "relu")
GOLDEN = {
    "one layer": ([np.ones((5, 1)), [[0.25, -0.25, 0.125, 0.25, -0.125]]], None, "relu", 1.0, (2,), (-1 / 2, 3 / 8)),
    "one crash before a hidden layer": (*G2, 1.0, (1, 0), (-19 / 8, 1 / 10)),
    "one crash in each layer": (*G2, 1.0, (1, 1), (-27 / 8, 1 / 4)),
    "tight construction": (
        [np.ones((3, 1)), np.full((4, 3), 0.5), np.full((1, 4), 0.25)],
        [np.full(3, -0.5), np.full(4, -1.0), None],
        "clip",
        1.0,
        (1, 1),
        (-5 / 8, 0),
    ),
    "exactly is not at most": ([np.ones((2, 1)), np.ones((3, 2)), np.ones((1, 3))], [None, np.full(3, -1.0), None],
                               "hard_tanh", 1.0, (2, 1), (-6, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    weights, biases, activation, x, counts, (low, high) = GOLDEN[name]
    net = ws.Network(weights, biases, activation=activation)
    space = ws.Crash(counts)._space(net)
    result = _core.LinearBound(net._core, space, [x], [x])(_core.Restriction(space), np.array([[1.0], [-1.0]]))
    assert 0 <= result.deviation[0] <= high + 1e-12  # lines chosen by the range may do better than those of the table
    assert result.deviation[1] == pytest.approx(-low, abs=1e-12)


def small(counts=1, **options):
    net = ws.Network([[[1.0], [2.0]], [[1, 0.5], [0.25, -1], [-0.5, 1]], [[1, -0.5, 0.25]]], G2[1])
    space = ws.Crash(counts, **options)._space(net)
    return net, space, _core.LinearBound(net._core, space, [1.0], [1.0])


def test_no_failure_no_deviation():
    _, space, bound = small(0)
    assert bound(_core.Restriction(space), [[1.0]]).deviation[0] == 0


def test_selected_components_are_the_largest_gains():
    _, space, bound = small(2)
    result = bound(_core.Restriction(space), [[-1.0]])
    gains = sorted((g.value for g in result.gains(0)), reverse=True)
    assert [g.value for g in result.selected(0)] == gains[:2]


def test_restriction_that_allows_nothing():
    _, space, bound = small((0, 2), exactly=True)
    restriction = _core.Restriction(space)
    restriction.alive = [_core.Site(2, 0), _core.Site(2, 1)]
    assert bound(restriction, [[1.0]]).deviation[0] == -np.inf


def test_piece_that_cannot_be():
    _, space, bound = small(1)
    restriction = _core.Restriction(space)
    restriction.pieces = [_core.Piece(2, 0, -np.inf, -100.0)]
    assert bound(restriction, [[1.0]]).deviation[0] == -np.inf


def test_a_piece_tightens():
    net, space, bound = small((1, 0))
    free = bound(_core.Restriction(space), [[1.0], [-1.0]]).deviation
    restriction = _core.Restriction(space)
    restriction.pieces = [_core.Piece(2, 0, 1.5, np.inf)]  # rules out that (1, 1) fails
    decided = bound(restriction, [[1.0], [-1.0]]).deviation
    assert (decided <= free + 1e-12).all()
    assert -(net.forward([1.0], failed={(1, 0): 0.0}) - net.forward([1.0]))[0] <= decided[1] + 1e-12


def test_used_up_counts_are_refused():
    _, space, _ = small((1, 0))
    restriction = _core.Restriction(space)
    restriction.fail(space, _core.Site(1, 0))
    with pytest.raises(ValueError, match=r"no failure is left for component \(1, 1\)"):
        restriction.fail(space, _core.Site(1, 1))


def test_contradictory_decisions_are_refused():
    _, space, _ = small((1, 0))
    restriction = _core.Restriction(space)
    restriction.check(space)
    restriction.failed = [_core.Failed(_core.Site(3, 0), 0, 0.0, 0.0)]
    with pytest.raises(ValueError, match=r"component \(3, 0\) is no candidate of its term"):
        restriction.check(space)
    restriction.failed = [_core.Failed(_core.Site(1, 0), 0, 1.0, 0.0)]
    with pytest.raises(ValueError, match=r"component \(1, 0\) transmits an empty range"):
        restriction.check(space)
    restriction.failed = [_core.Failed(_core.Site(1, 0), 0, 0.0, 0.0)]
    restriction.alive = [_core.Site(1, 0)]
    with pytest.raises(ValueError, match=r"component \(1, 0\) is decided twice"):
        restriction.check(space)
    restriction.alive = []
    restriction.left = [[-1, 0]]
    with pytest.raises(ValueError, match="counts left must be at least 0, got -1"):
        restriction.check(space)


def test_objectives_of_the_wrong_length_are_refused():
    _, space, bound = small()
    with pytest.raises(ValueError, match="objectives have 2 columns, the network has 1 outputs"):
        bound(_core.Restriction(space), [[1.0, 0.0]])


def test_equivocal_failures_are_refused():
    net, _, _ = small()
    space = ws.Byzantine(1, capacity=1.0, equivocal=True)._space(net)
    with pytest.raises(ValueError, match="one transmitted value"):
        _core.LinearBound(net._core, space, [1.0], [1.0])


@pytest.mark.parametrize("size", [1e100, 1e200, 1e300])
def test_overflow_is_infinite_never_undefined(size):
    net = ws.Network([[[size], [-size]], [[size, 1.0], [1.0, size]], [[size, -size]]])
    space = ws.Crash(1)._space(net)
    result = _core.LinearBound(net._core, space, [0.5], [1.0])(_core.Restriction(space), [[1.0], [-1.0]])
    assert not np.isnan(result.deviation).any()
    assert (result.deviation >= 0).all()
