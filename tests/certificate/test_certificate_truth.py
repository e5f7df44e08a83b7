# SPDX-License-Identifier: MIT
"""What the checker bounds, nothing exceeds: neither doubles nor rational arithmetic."""

from __future__ import annotations

import json
from fractions import Fraction

import bridge
import numpy as np
import oracle
import pytest
import withstand as ws
from alterations import save
from hypothesis import given, settings
from hypothesis import strategies as st
from proofs import random_case
from withstand.certificate.activation_lines import Phi, lines
from withstand.certificate.budget import Budget
from withstand.certificate.components import Components
from withstand.certificate.leaf_bound import Judge
from withstand.certificate.lowering import Chain, lowered
from withstand.certificate.space import Space
from withstand.certificate.terms import described
from withstand.certificate.values import Values


def badly_scaled(seed):
    """Return a network, failures and inputs with factors from 1e-8 to 1e8 here and there."""
    net, model, X, rng = random_case(seed, depth=(1, 3), width=(1, 4), activations=PIECEWISE,
                                     output_activations=("identity", "relu", "hard_tanh"))  # fmt: skip
    scale = [10.0 ** rng.uniform(-8, 8, w.shape if rng.integers(2) else ()) for w in net.weights]
    weights = [w * s for w, s in zip(net.weights, scale)]
    if len(weights[-1]) > 1 and rng.integers(4) == 0:
        weights[-1][1] = weights[-1][0]
    plain = oracle.network(weights, net.biases, net.activations, net.output_activation)
    return bridge.network(plain), bridge.model(model), X * 10.0 ** rng.uniform(-3, 3, X.shape), rng


PIECEWISE = oracle.PIECEWISE_LINEAR


@pytest.mark.parametrize("seed", range(120))
def test_nothing_below_the_rational_truth_is_confirmed(seed, tmp_path):
    net, failures, X, rng = badly_scaled(seed)
    path = tmp_path / "proof.json"
    spec = ws.Argmax() if rng.integers(2) and net.widths[-1] > 1 else None
    ws.worst_case(net, failures, X, spec=spec, certificate=path)
    check = ws.check_certificate(path, net, failures=failures, domain=X, spec=spec)
    assert check.valid, check.reason
    space = Space(list(check.failures), net.widths)
    truth = max(rational_harm(net, x, failed, check) for x in X for failed in space.completions(space.root()))
    assert truth <= Fraction(check.upper)
    for less in (1e-15, 1e-9, 1e-3, 0.5):
        claim = float(truth - abs(truth) * Fraction(less))
        wrong = json.loads(path.read_text())
        wrong["nodes"], wrong["roots"] = [{"bounded": min(claim, -1e300)} for _ in X], list(range(len(X)))
        wrong["claim"] = {"lower": -1e300, "upper": claim, "witness": wrong["claim"]["witness"]}
        save(wrong, path)
        assert not ws.check_certificate(path, net, effort=300).valid or Fraction(claim) >= truth


def rational_harm(net, x, failed, check):
    """Evaluate without rounding, on the plain definition."""
    held = {neuron: Fraction(way.value) for neuron, way in failed}
    intact, faulty = rational_outputs(net, x, {}), rational_outputs(net, x, held)
    if check.spec is None:
        return max(abs(a - b) for a, b in zip(faulty, intact))
    c = intact.index(max(intact))
    return max(faulty[j] - faulty[c] for j in range(len(faulty)) if j != c)


def rational_outputs(net, x, held):
    y = [held.get((0, i), Fraction(v)) for i, v in enumerate(x)]
    for l, (w, b) in enumerate(zip(net.weights, net.biases), start=1):
        phi = (*net.activations, net.output_activation)[l - 1]
        value, a = oracle.TABLE[phi.name].exact, Fraction(phi.slope or 0.0)
        s = [sum(Fraction(a) * v for a, v in zip(row, y)) + Fraction(bias) for row, bias in zip(w, b)]
        y = [held.get((l, j), Fraction(value(Fraction(phi.gain) * t, a))) for j, t in enumerate(s)]
    return y


def test_a_lead_that_overflowed_to_no_number_bounds_nothing(monkeypatch):
    net = ws.Network([[[1.0], [1.0]], [[1.0, 0.0], [0.0, 0.5]]], output_activation="logistic")
    phis = [Phi("relu", 1.0, 0.0), Phi("logistic", 1.0, 0.0)]
    chain = Chain(net.weights, net.biases, phis, range(len(phis) + 1))
    judge = Judge(chain, Space([], net.widths), np.ones(1), "argmax")
    monkeypatch.setattr(judge, "_ranges", lambda *_: (np.zeros(2), np.ones(2)))
    assert np.isnan(judge._lead(phis[1], np.array([np.nan]), [], judge._space.root())).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_bounds_hold_under_decisions(seed):
    net, model, X, rng = random_case(seed, depth=(1, 3), width=(1, 5))
    network, failures = bridge.network(net), bridge.model(model)
    goal = "argmax" if rng.integers(2) and network.widths[-1] > 1 else "error"
    phis = [Phi(a.name, a.gain, a.slope or 0.0) for a in (*network.activations, network.output_activation)]
    space = Space(json.loads(json.dumps(described(failures))), network.widths)
    try:
        judge = Judge(Chain(network.weights, network.biases, phis, range(len(phis) + 1)), space, X[0], goal)
    except ValueError:
        return
    state = space.root()
    assert space.size(state) == failures.configurations(network)
    for _ in range(int(rng.integers(0, 4))):
        free = space.free(state)
        if free:
            children = list(space.children(state, free[int(rng.integers(len(free)))]).values())
            state = children[int(rng.integers(len(children)))]
    sets = list(space.completions(state))
    assert len(sets) == len({frozenset(s) for s in sets}) == space.size(state)
    bound = judge.bound(state).harm
    nominal = network.forward(X[0])
    c = int(np.argmax(nominal))
    for failed in sets:
        y = network.forward(X[0], failed={neuron: way.value for neuron, way in failed})
        harm = np.abs(y - nominal).max() if goal == "error" else np.delete(y, c).max() - y[c]
        found = judge.harms([failed])
        ((value,), (error,)) = found.harm, found.error
        assert not found.unsure.any()
        assert abs(harm - value) <= error + 1e-14 * max(1.0, float(np.abs(y).max()))
        assert harm <= bound + 1e-12 * max(1.0, float(np.abs(y).max()))


@pytest.mark.parametrize("name", oracle.ALL_NAMES)
def test_lines_are_above_and_below(name):
    rng = np.random.default_rng(0)
    for slope in (0.01, 0.5, 1.0, 2.0) if name in oracle.DEFAULT_SLOPE else (0.0,):
        for gain in (0.25, 1.0, 7.0):
            phi = Phi(name, gain, slope)
            low = rng.normal(size=300) * 10 ** rng.uniform(-6, 3, 300)
            high = low + np.abs(rng.normal(size=300)) * 10 ** rng.uniform(-9, 3, 300)
            high[:5] = low[:5]
            found = lines(phi, low, high)
            assert (found.upper_slope >= 0).all()
            assert (found.lower_slope >= 0).all()
            for share in np.linspace(0, 1, 101):
                s = np.clip(low + share * (high - low), low, high)
                rounding = 4e-16 * (np.abs(phi(s)) + np.abs(found.upper_slope * s) + np.abs(found.lower_slope * s))
                assert (found.upper_slope * s + found.upper_offset >= phi(s) - rounding).all()
                assert (found.lower_slope * s + found.lower_offset <= phi(s) + rounding).all()


@pytest.mark.parametrize("seed", range(40))
def test_values_of_changed_rows_are_within_their_errors(seed):
    """Errors that arrive from earlier layers count in rows that a failed weight changes, as they do in others."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) * 10.0 ** rng.uniform(-8, 8, size=(b, a)) for a, b in ((3, 4), (4, 3), (3, 2))]
    cancelling = rng.normal(size=4)
    weights[0][:, 1] = -weights[0][:, 0] * (1 + 1e-9 * cancelling)
    net, x = ws.Network(weights), np.array([0.1, 0.1, 0.1 * 10.0 ** rng.uniform(-9, 0)])
    failures = ws.WeightCrash(1) + ws.WeightFlip(1, format="float64", bits=[51, 63])
    components = Components(described(failures, net, x[None]), net, Budget())
    values = Values(lowered(net), x, "error", Budget(), components.components)
    sets = list(components.completions(components.root()))
    found = values.harms(sets)
    assert not found.unsure.any()
    for n, failed in enumerate(sets):
        off = abs(values.exact.harm(failed, "error") - Fraction(found.harm[n]))
        assert off <= Fraction(found.error[n])
