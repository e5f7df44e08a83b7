# SPDX-License-Identifier: MIT
"""The bounds per neuron: golden networks, the oracle's formulas, exact rationals, exactness where it is a theorem."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import combinations, product

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import model as as_model
from bridge import network as as_network

VECTOR = ("matrix", "signed", "adjoint")
EFFECTS = (*oracle.NEURON, *oracle.SYNAPSE)


def edge_gadget(vertices):
    """Error of crashing vertices = edges among them (a clip neuron per edge, 0 only if both ends are)."""
    edges = list(combinations(range(vertices), 2))
    incidence = np.zeros((len(edges), vertices))
    for e, ends in enumerate(edges):
        incidence[e, list(ends)] = 1
    biases = [np.full(vertices, -0.5), np.full(len(edges), -1.0), None]
    return ws.Network([np.ones((vertices, 1)), incidence, np.ones((1, len(edges)))], biases, activation="clip")


NETS = {
    "G1": ws.Network([np.ones((5, 1)), [[0.25, -0.25, 0.125, 0.25, -0.125]]]),
    "G2": ws.Network([[[1], [2]], [[1, 0.5], [0.25, -1], [-0.5, 1]], [[1, -0.5, 0.25]]], [None, [0, 2, 0], None]),
    "G4": ws.Network(
        [np.ones((3, 1)), np.full((4, 3), 0.5), np.full((1, 4), 0.25)], [[-0.5] * 3, [-1] * 4, None], activation="clip"
    ),
    "G5": ws.Network(
        [np.ones((2, 1)), np.ones((3, 2)), np.ones((1, 3))], [None, [-1] * 3, None], activation="hard_tanh"
    ),
    "G6": edge_gadget(4),
}
#: network, f, Fep (exactly), at-most, capped, matrix, adjoint, signed
GOLDEN = [
    ("G1", (2,), 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
    ("G2", (1, 0), 6, 6, 6, 2.5, 2.5, 19 / 8),
    ("G2", (1, 1), 6, 6, 6, 3.5, 4.5, 27 / 8),
    ("G4", (1, 1), 5 / 8, 5 / 8, 5 / 8, 5 / 8, 0.75, 5 / 8),
    ("G5", (2, 1), 5, 6, 6, 6, 7, 6),
    ("G6", (2, 0), 12, 12, 6, 6, 6, 6),
]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row[0]}{row[1]}")
def test_golden_networks(row):
    name, counts, fep, at_most, capped, matrix, adjoint, signed = row
    net, x = NETS[name], [1.0]
    assert ws.fep(net, ws.Crash(counts, exactly=True), x).value == fep
    for method, value in (("at-most", at_most), ("capped", capped), ("matrix", matrix), ("signed", signed)):
        assert ws.bound(net, ws.Crash(counts), x, method=method).value == value
    assert ws.bound(net, ws.Crash(counts), x, method="adjoint").value == adjoint
    assert ws.bound(net, ws.Crash(counts), x).value <= signed


def cases(count, first=0, **options):
    """Random networks, models and domains of the oracle's strategies."""
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        net = strategies.random_network(rng, width=(1, 5), **options)
        model = strategies.random_model(rng, net, effects=EFFECTS, cap=60)
        if rng.random() < 0.5:
            x = strategies.random_inputs(rng, net, 1)[0]
            yield net, model, (x, x), x
        else:
            lower, upper = strategies.random_box(rng, net)
            yield net, model, (lower, upper), ws.Box(lower, upper)


@pytest.mark.parametrize("method", VECTOR)
def test_no_looser_than_the_formula(method):
    for net, model, box, domain in cases(150):
        formula = oracle.bound(net, model, box, method)
        value = ws.bound(as_network(net), as_model(model), domain, method=method).per_output
        assert (value <= formula * (1 + 1e-9) + 1e-12).all()


@pytest.mark.parametrize("method", ["at-most", "capped"])
def test_scalar_bounds_are_the_formula(method):
    checked = 0
    for net, model, box, domain in cases(250, first=500, output_activations=("identity",)):
        if len(model) > 1 or model[0].effect not in oracle.NEURON or model[0].exactly or model[0].among:
            continue
        formula = oracle.bound(net, model, box, "at-most" if method == "at-most" else "modulus")
        value = ws.bound(as_network(net), as_model(model), domain, method=method).per_output
        assert (value >= formula * (1 - 1e-12)).all()
        assert value == pytest.approx(formula, rel=1e-9, abs=1e-12)
        checked += 1
    assert checked > 20


def test_without_a_domain_the_ranges_are_the_activations_own():
    rng = np.random.default_rng(3)
    for _ in range(40):
        net = strategies.random_network(rng, width=(1, 5), activations=("logistic", "tanh", "clip", "hard_tanh"))
        f = tuple(int(rng.integers(0, n + 1)) for n in net.hidden)
        network, failures = as_network(net), ws.Crash(f)
        X = strategies.random_inputs(rng, net, 5)
        error = oracle.worst(net, oracle.crash(f), X) if oracle.count(net, oracle.crash(f)) < 300 else 0
        free = {m: ws.bound(network, failures, method=m) for m in ("capped", *VECTOR, "tightest")}
        for method, bound in free.items():
            assert error <= bound.value + 1e-12
            assert ws.bound(network, failures, X, method=method).value <= bound.value * (1 + 1e-9) + 1e-12
    with pytest.raises(ValueError, match="linear: needs a domain"):
        ws.bound(network, failures, method="linear")


def test_true_upper_bounds_in_exact_arithmetic():
    # weights that are not dyadic, activations that are piecewise linear: errors in rationals, no slack at all
    rng = np.random.default_rng(11)
    for _ in range(60):
        net = strategies.random_network(
            rng,
            depth=(1, 3),
            width=(1, 4),
            outputs=(1, 1),
            activations=("relu", "clip", "hard_tanh", "identity"),
            output_activations=("identity",),
            dyadic=False,
        )
        x = strategies.random_inputs(rng, net, 1, dyadic=False)[0]
        f = tuple(int(rng.integers(0, min(n, 2) + 1)) for n in net.hidden)
        nominal = oracle.exact_forward(net, x)[0]
        worst = max(
            abs(oracle.exact_forward(net, x, oracle.values(oracle.crash(f), config))[0] - nominal)
            for config in oracle.configurations(net, oracle.crash(f))
        )
        for method in ("at-most", "capped", *VECTOR, "linear", "tightest"):
            assert Q(ws.bound(as_network(net), ws.Crash(f), x, method=method).value) >= worst


def test_signed_is_exact_for_the_last_hidden_layer_at_a_point():
    rng = np.random.default_rng(5)
    for _ in range(60):
        net = strategies.random_network(rng, width=(1, 6), output_activations=("identity",))
        x = strategies.random_inputs(rng, net, 1)
        f = (0,) * (net.depth - 1) + (int(rng.integers(0, net.hidden[-1] + 1)),)
        for exactly in (False, True):
            model = oracle.crash(f, exactly=exactly)
            worst = oracle.worst(net, model, x)
            bound = ws.bound(as_network(net), ws.Crash(f, exactly=exactly), x, method="signed")
            assert worst - bound.slack <= bound.value <= worst * (1 + 1e-9) + 1e-12
            assert bound.covers == ("exactly" if exactly else "at most")


def test_argmax_bounds_the_harm():
    rng = np.random.default_rng(7)
    for seed in range(80):
        net = strategies.random_network(rng, width=(1, 5), outputs=(2, 4))
        model = strategies.random_model(rng, net, effects=("crash", "stuck"), cap=60)
        if rng.random() < 0.5:
            domain = inputs = strategies.random_inputs(rng, net, 2)
        else:
            lower, upper = strategies.random_box(rng, net)
            domain, inputs = ws.Box(lower, upper), oracle.box_points(lower, upper, corners=4, random=4, seed=seed)
        harm = oracle.worst(net, model, inputs, "argmax")
        for method in ("at-most", "capped", *VECTOR, "linear", "tightest"):
            bound = ws.bound(as_network(net), as_model(model), domain, method=method, spec=ws.Argmax())
            assert harm <= bound.value + bound.slack
            assert bound.per_output.shape == (net.widths[-1],)


def test_argmax_at_a_point_is_margin_plus_difference_row():
    net = ws.Network([np.eye(2), [[1.0, 0.0], [0.0, 1.0]]])
    bound = ws.bound(net, ws.Crash(1), [3.0, 1.0], method="signed", spec=ws.Argmax())
    # crash of neuron 0: 0 against 1, harm 1
    assert bound.value == 1
    assert bound.per_output.tolist() == [-np.inf, 1]
    assert ws.bound(net, ws.Crash(0), [3.0, 1.0], spec=ws.Argmax()).value == -2


# -- failures that tell everyone something else ----------------------------------------------------------------------


def test_equivocal_failures_are_covered_per_receiver():
    rng = np.random.default_rng(9)
    for _ in range(40):
        net = strategies.random_network(
            rng, depth=(2, 3), width=(1, 4), outputs=(2, 3), output_activations=("identity",)
        )
        network = as_network(net)
        x = strategies.random_inputs(rng, net, 1)[0]
        failures = ws.Byzantine((1, *(0,) * (net.depth - 1)), capacity=1.5, equivocal=True)
        nominal, receivers = network.forward(x), net.hidden[1]
        worst, harm = 0.0, -np.inf
        c = int(nominal.argmax())
        for i, told in product(range(net.hidden[0]), product((-1.5, 1.5), repeat=receivers)):
            values = {(2, j, i): net.weights[1][j, i] * v for j, v in enumerate(told)}
            faulty = network.forward(x, failed=values)
            worst = max(worst, abs(faulty - nominal).max())
            harm = max(harm, np.delete(faulty - faulty[c], c).max())
        for method in ("fep", "at-most", "capped", "matrix", "signed", "tightest"):
            if method != "fep":
                assert worst <= ws.bound(network, failures, x, method=method).value + 1e-9
                assert harm <= ws.bound(network, failures, x, method=method, spec=ws.Argmax()).value + 1e-9
        for method in ("adjoint", "linear"):
            with pytest.raises(ValueError, match=f"{method}.*equivocal"):
                ws.bound(network, failures, x, method=method)


def test_equivocal_decisions_see_two_values():
    # one neuron, two outputs with the same weight: one value moves both alike, two values tear them apart
    net = ws.Network([[[1.0]], [[1.0], [1.0]]], [None, [0.5, 0.0]], activation="clip")
    one = ws.bound(net, ws.Byzantine(1, capacity=1.0), [0.5], method="signed", spec=ws.Argmax())
    two = ws.bound(net, ws.Byzantine(1, capacity=1.0, equivocal=True), [0.5], method="signed", spec=ws.Argmax())
    assert one.value == -0.5
    assert two.value == 1.5


def test_pitfall_quorums_need_a_selection_per_receiver():
    # receiver 1 misses sender 1, receiver 2 misses sender 2: no common set of one crash does that
    net = ws.Network([np.ones((2, 1)), np.eye(2), np.ones((1, 2))], [None, [-0.5, -0.5], None], activation="clip")
    x = [0.5]
    missed = abs(net.forward(x, failed={(2, 0, 0): 0.0, (2, 1, 1): 0.0}) - net.forward(x)).max()
    assert missed == 2
    assert ws.bound(net, ws.Crash((1, 0)), x, method="adjoint").value == 1
    for method in ("at-most", "capped", "matrix", "signed"):
        assert ws.bound(net, ws.Crash((1, 0)), x, method=method).value == 2


def test_pitfall_the_worst_set_may_use_fewer_failures_than_allowed():
    net = ws.Network([np.ones((2, 1)), [[1.0, -1.0]]], activation="clip")
    assert ws.bound(net, ws.Crash(2), [0.5], method="signed").value == 1
    assert ws.bound(net, ws.Crash((2,), exactly=True), [0.5], method="signed").value == 0


def test_pitfall_only_the_class_attains_fep():
    net = ws.Network([np.ones((2, 1)), [[1.0, -1.0]]], activation="clip")
    assert ws.fep(net, ws.Crash((2,), exactly=True), [0.5]).value == 2
    assert abs(net.forward([0.5], failed={(1, 0): 0.0, (1, 1): 0.0}) - net.forward([0.5])).max() == 0


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_the_result_does_not_depend_on_threads():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(20, 8)), rng.normal(size=(20, 20)), rng.normal(size=(5, 20))], activation="tanh")
    X = rng.normal(size=(33, 8))
    for method in ("capped", "signed", "tightest"):
        results = [ws.bound(net, ws.Crash(2), X, method=method, threads=t) for t in (1, 2, 4)]
        for other in results[1:]:
            assert other.per_input.tobytes() == results[0].per_input.tobytes()
            assert other.per_output.tobytes() == results[0].per_output.tobytes()
        one = ws.bound(net, ws.Crash(2), X[7], method=method)
        assert one.value == results[0].per_input[7]


def test_overflow_is_refused_before_anything_is_bounded():
    net = ws.Network([np.full((3, 1), 1e200), np.full((3, 3), 1e200), np.full((2, 3), -1e200)])
    for method in ("at-most", "capped", *VECTOR, "linear", "tightest"):
        with pytest.raises(OverflowError, match="layer 2"):
            ws.bound(net, ws.Crash(1), [1e10], method=method)


def test_total_counts_say_what_was_relaxed():
    net = NETS["G2"]
    assert "relaxed" in ws.bound(net, ws.Crash(1), [1.0], method="signed").rigor
    assert "relaxed" not in ws.bound(net, ws.Crash((1, 0)), [1.0], method="signed").rigor
    assert "relaxed" not in ws.bound(net, ws.Crash(1), [1.0], method="adjoint").rigor
    assert ws.bound(net, ws.Crash(1), [1.0], method="adjoint").value <= 4.5
