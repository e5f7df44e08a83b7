# SPDX-License-Identifier: MIT
"""The oracle's bounds: soundness against brute force, order, equality cases."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest
import strategies as s

import oracle

INF = float("inf")


# soundness --------------------------------------------------------------------------------------------------
def interval_of(rng, net, points):
    if points:
        x = s.random_inputs(rng, net, 1)
        return (x[0], x[0]), x
    box = s.random_box(rng, net)
    return box, oracle.box_points(*box, corners=8, random=4, seed=int(rng.integers(1000)))


def check_sound(net, model, box, found, label):
    for method in ("at-most", "capped", "modulus", "matrix", "signed", "adjoint", "linear"):
        bound = oracle.bound(net, model, box, method).max()
        assert found <= bound + 1e-10 * max(1.0, found), (label, method, found, bound, net, model)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("points", [True, False], ids=["point", "box"])
def test_every_bound_is_above_brute_force(points, seed):
    rng = np.random.default_rng([seed, points])
    for trial in range(30):
        net = s.random_network(rng, width=(1, 4), depth=(1, 3), outputs=(1, 2))
        box, X = interval_of(rng, net, points)
        model = s.random_model(rng, net, cap=60)
        check_sound(net, model, box, oracle.worst(net, model, X), trial)
        effects = oracle.NEURON + oracle.SYNAPSE
        model = s.random_model(rng, net, effects=effects, cap=20)
        check_sound(net, model, box, oracle.adversary(net, model, X, limit=120, draws=4).error, trial)


def test_exact_counts_are_above_brute_force():
    rng = np.random.default_rng(11)
    for _ in range(300):
        net = s.random_network(rng, width=(1, 4), depth=(1, 3), outputs=(1, 2))
        box, X = interval_of(rng, net, True)
        effect = str(rng.choice(["crash", "stuck"]))
        term = s.random_term(rng, net, effect, 2)
        model = (oracle.Term(effect, term.count, term.size, True, term.among),)
        found = oracle.worst(net, model, X)
        for method in ("fep", "capped", "modulus", "matrix"):
            bound = oracle.bound(net, model, box, method, exactly=True).max()
            assert found <= bound + 1e-10 * max(1, found), method


def test_every_line_choice_is_sound_on_its_own():
    rng = np.random.default_rng(12)
    for trial in range(40):
        net = s.random_network(
            rng, width=(1, 4), depth=(2, 3), outputs=(1, 1), output_activations=("identity",)
        )
        box, X = interval_of(rng, net, trial % 2 == 0)
        model = s.random_model(rng, net, cap=40)
        known, intact = oracle.signed(net, model, box), oracle.forward(net, X)
        faulty = [
            oracle.forward(net, X, oracle.values(model, c)) - intact
            for c in oracle.configurations(net, model)
        ]
        low, high = min(d.min() for d in faulty), max(d.max() for d in faulty)
        for version in ("difference", "value"):
            for choice in oracle.CHOICES:
                assert high <= oracle.upper(net, model, box, np.ones(1), version, choice, known) + 1e-10
                assert -low <= oracle.upper(net, model, box, -np.ones(1), version, choice, known) + 1e-10


def test_every_line_is_above_its_function():
    rng = np.random.default_rng(20)
    for trial in range(600):
        act = s.random_activation(rng)
        net = oracle.network([[[1.0]], [[1.0]]], None, act)
        a, z = np.sort(rng.integers(-16, 17, 2) / 8) if trial % 2 else [float(rng.integers(-16, 17)) / 8] * 2
        low, high = np.sort(rng.integers(-16, 17, 2) / 8)
        lf, uf = a + low, z + high
        unknown = (np.zeros(1), np.zeros(1))

        def one(lower, upper, unknown=unknown):
            return [unknown, (np.array([lower]), np.array([upper]))]

        known = oracle.Signed(one(low, high), [], one(lf, uf), one(a, z), [])
        intact, eta = np.meshgrid(np.linspace(a, z, 25), np.linspace(low, high, 25))
        moved = act(intact + eta) - act(intact)
        faulty = np.linspace(lf, uf, 200)
        for c in (-1.5, 0.0, 0.75):
            for slope, start in oracle.difference_lines(net, 1, 0, c, known).values():
                assert (c * moved <= slope * eta + start + 1e-12).all()
            for slope, start in oracle.value_lines(net, 1, 0, c, known).values():
                assert (c * act(faulty) <= slope * faulty + start + 1e-12).all()


def test_intermediate_ranges_hold_in_every_faulty_execution():
    rng = np.random.default_rng(13)
    for trial in range(40):
        net = s.random_network(rng, width=(1, 4), depth=(1, 3))
        box, X = interval_of(rng, net, trial % 2 == 0)
        model = s.random_model(rng, net, cap=30)
        known, values = oracle.signed(net, model, box), oracle.interval(net, model, box)
        nominal = oracle.run(net, X)[0]
        for config in oracle.configurations(net, model):
            pre, _ = oracle.run(net, X, oracle.values(model, config))
            for layer in range(1, net.depth + 2):
                for low, high in (known.pre[layer], values.pre[layer]):
                    assert (low - 1e-10 <= pre[layer]).all()
                    assert (pre[layer] <= high + 1e-10).all()
                low, high = known.eta[layer]
                moved = pre[layer] - nominal[layer]
                assert (low - 1e-10 <= moved).all()
                assert (moved <= high + 1e-10).all()


def test_bounds_without_a_domain_use_the_range_of_the_activation():
    net = oracle.network([np.ones((2, 1)), np.ones((3, 2)), np.ones((1, 3))], None, "logistic")
    numbers = oracle.scalars((2, 3), (1.0, 1.0), 0.25, 1, (1, 1), 1)
    assert oracle.bound(net, oracle.crash((1, 1)), None, "fep")[0] == oracle.fep(numbers)
    assert oracle.bound(net, oracle.crash((1, 1)), None, "matrix")[0] == oracle.fep(numbers)
    assert oracle.bound(oracle.network([[[1.0]], [[1.0]]]), oracle.crash(1), None, "fep")[0] == INF


# order and equality -----------------------------------------------------------------------------------------
def test_proven_order_of_the_bounds():
    rng = np.random.default_rng(14)
    for trial in range(50):
        net = s.random_network(rng, width=(1, 4), depth=(1, 3))
        box, _ = interval_of(rng, net, trial % 2 == 0)
        # synapses are left out: a scalar bound counts them once, a bound per receiver once for every receiver
        model = s.random_model(rng, net, effects=("crash", "value", "deviation"), cap=10**6, terms=1)
        per_layer = not isinstance(model[0].count, int)
        value = {m: oracle.bound(net, model, box, m) for m in oracle.METHODS}
        slack = 1e-12 * (1 + value["matrix"])
        order = [("modulus", "capped"), ("capped", "at-most"), ("signed", "matrix"), ("linear", "signed")]
        for tighter, looser in order + ([("matrix", "capped")] if per_layer else []):
            if model[0].among is None or (tighter, looser) != ("matrix", "capped"):
                assert (value[tighter] <= value[looser] + slack).all(), (tighter, looser, value, model)
        assert all((value["tightest"] <= value[m] + slack).all() for m in oracle.VECTOR)


def test_at_a_point_signed_equals_interval_minus_output():
    rng = np.random.default_rng(15)
    for _ in range(60):
        net = s.random_network(rng, width=(1, 5), output_activations=("identity",))
        x = s.random_inputs(rng, net, 1)[0]
        model = s.random_model(rng, net, effects=("crash", "stuck", "value"), terms=1)
        low, high = oracle.signed(net, model, (x, x)).output
        values, out = oracle.interval(net, model, (x, x)).pre[-1], oracle.forward(net, x)
        assert np.allclose(low, values[0] - out, rtol=0, atol=1e-9 * (1 + abs(low)))
        assert np.allclose(high, values[1] - out, rtol=0, atol=1e-9 * (1 + abs(high)))


def equality_network(N, w, K):
    """Construction T: every neuron at its upper kink, all weights equal, so a crash set attains the capped
    Fep."""
    weights = [
        np.full((N[0], 1), Q(0)),
        *(np.full((b, a), v) for a, b, v in zip(N, (*N[1:], 1), w, strict=True)),
    ]
    into = [Q(0), *(a * v for a, v in zip(N, w, strict=False))]
    biases = [np.full(n, 1 / (2 * k) - total) for n, k, total in zip(N, K, into, strict=False)]
    acts = [oracle.Activation("clip", k, Q(0)) for k in K]
    return oracle.network(weights, [*biases, [Q(0)]], acts, oracle.Activation("identity", Q(1), Q(0)))


def test_construction_attains_capped_fep_exactly():
    rng = np.random.default_rng(16)
    for _ in range(40):
        L = int(rng.integers(1, 4))
        N = [int(n) for n in rng.integers(1, 4, L)]
        w = [Q(int(v), 8) for v in rng.integers(1, 9, L)]
        K = [Q(int(v), 4) for v in rng.integers(1, 7, L)]
        f = tuple(int(rng.integers(0, n + 1)) for n in N)
        net, x = equality_network(N, w, K), oracle.exact([0])
        assert all((y == 1).all() for y in oracle.trace(net, x)[1:-1])
        numbers = oracle.scalars(N, w, K, Q(1), f, Q(1))
        model = oracle.crash(f, exactly=True)
        assert oracle.worst(net, model, x) == oracle.capped(numbers, exactly=True)
        assert oracle.bound(net, model, (x, x), "capped", exactly=True)[0] == oracle.capped(
            numbers, exactly=True
        )


def test_last_layer_failures_are_exact_for_signed_and_linear():
    rng = np.random.default_rng(17)
    for _ in range(30):
        net = s.random_network(
            rng, width=(1, 5), depth=(1, 3), output_activations=("identity",), dyadic=False
        )
        x, L = s.random_inputs(rng, net, 1)[0], net.depth
        y, f, C = oracle.trace(net, x)[L], int(rng.integers(0, net.widths[L] + 1)), float(rng.uniform(0, 2))
        counts = (*(0,) * (L - 1), f)
        for model, closed in (
            (oracle.crash(counts), lambda row, f=f, y=y: oracle.crash_worst(row, y, f)),
            (oracle.byzantine(counts, C), lambda row, f=f, y=y, C=C: oracle.value_worst(row, y, f, C)),
            (
                oracle.byzantine(counts, C, "deviation"),
                lambda row, f=f, C=C: oracle.deviation_worst(row, f, C),
            ),
        ):
            truth = np.array([closed(row) for row in net.weights[-1]], float)
            found = oracle.adversary(net, model, x, limit=300).error
            assert found <= truth.max() + 1e-12
            if oracle.count(net, model) * 2**f <= 300:
                assert found == pytest.approx(truth.max(), rel=1e-12, abs=1e-12)
            for method in ("signed", "linear"):
                assert np.allclose(oracle.bound(net, model, (x, x), method), truth, rtol=1e-11, atol=1e-11)
        once = oracle.crash(counts, exactly=True)
        closed = max(oracle.crash_worst(row, y, f, exactly=True) for row in net.weights[-1])
        assert oracle.worst(net, once, x) == pytest.approx(closed, rel=1e-12, abs=1e-12)


def test_margins_bound_the_harm_and_the_flip_count_is_exact():
    rng = np.random.default_rng(18)
    for _ in range(40):
        net = s.random_network(
            rng, width=(1, 5), depth=(1, 2), outputs=(2, 4), output_activations=("identity",)
        )
        x = s.random_inputs(rng, net, 1)[0]
        model = s.random_model(rng, net, effects=("crash", "stuck"), cap=100)
        c = int(oracle.forward(net, x).argmax())
        margin, _ = oracle.margin_network(net, c)
        harm = oracle.worst(net, model, x, spec="argmax")
        for method in ("at-most", "matrix", "signed", "adjoint", "linear"):
            bound = (oracle.forward(margin, x) + oracle.bound(margin, model, (x, x), method)).max()
            assert harm <= bound + 1e-10 * max(1, abs(harm))
        # a synapse into one output is no synapse of a difference of outputs: keep the outputs and take a
        # difference row
        broken = s.random_model(rng, net, effects=("crash", "synapse-crash"), cap=100)
        known, unit = oracle.signed(net, broken, (x, x)), np.eye(net.widths[-1])
        rows = [unit[j] - unit[c] for j in range(len(unit)) if j != c]
        bound = max(
            row @ oracle.forward(net, x)
            + oracle.upper(net, broken, (x, x), row, "difference", "mixed", known)
            for row in rows
        )
        assert oracle.worst(net, broken, x, spec="argmax") <= bound + 1e-9
        last = net.widths[-2]
        flips = oracle.crashes_to_flip(net.weights[-1], net.biases[-1], oracle.trace(net, x)[-2], c)
        zeros = (0,) * (net.depth - 1)
        harms = [oracle.worst(net, oracle.crash((*zeros, k)), x, spec="argmax") for k in range(last + 1)]
        assert flips == next((k for k, h in enumerate(harms) if h >= 0), None)
