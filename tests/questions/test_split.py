# SPDX-License-Identifier: MIT
"""Method "split": the first failures tried, set by set, the rest bounded."""

from __future__ import annotations

from fractions import Fraction as Q

import bridge
import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from hypothesis import given, settings
from random_graphs import evaluate, random_graph
from withstand.questions.bounds import bound_within

FINITE = ("crash", "stuck")
COVERED = (ws.Crash(1), ws.Crash((1, 1)), ws.StuckAt(2, value=0.5), ws.Crash(1) + ws.StuckAt(1, value=-1.0))


def split(net, failures, domain, **options):
    return ws.bound(net, failures, domain, method="split", **options)


@settings(max_examples=150, deadline=None)
@given(strategies.cases(n=2, cap=200, effects=FINITE))
def test_never_below_an_error_and_exact_where_all_are_tried(case):
    net, model, X = case
    X = np.asarray(X, dtype=float)
    built, failures = bridge.network(net), bridge.model(model)
    worst = float(oracle.enumerate_failures(net, model, X).worst)
    found = split(built, failures, X)
    size = 1 + abs(worst) + np.abs(built.forward(X)).max()
    assert found.value >= worst - 1e-12 * size
    assert found.covers == "at most"
    assert found.value >= ws.enumerate_failures(built, failures, X, threads=1).worst  # to the last bit
    if not any(t.exactly for t in model):  # at most so many, which "split" covers, may be too many sets for "tightest"
        assert found.value <= worst + 1e-9 * size
        assert ws.bound(built, failures, X).value <= found.value
    assert [split(built, failures, x).value for x in X] == found.per_input.tolist()


@settings(max_examples=60, deadline=None)
@given(strategies.cases(n=1, cap=150, effects=FINITE))
def test_decisions(case):
    net, model, X = case
    built, failures = bridge.network(net), bridge.model(model)
    if built.widths[-1] < 2:
        return
    worst = ws.enumerate_failures(built, failures, np.asarray(X, dtype=float), spec=ws.Argmax()).worst
    found = split(built, failures, np.asarray(X, dtype=float), spec=ws.Argmax())
    assert found.value >= worst - 1e-12 * (1 + abs(worst))


@pytest.mark.parametrize("seed", range(80))
def test_graphs_with_convolutions(seed):
    rng = np.random.default_rng(seed)
    net = random_graph(rng)
    k, x = min(int(rng.integers(1, 3)), net.n_neurons), rng.normal(size=net.widths[0])
    every = ws.enumerate_failures(net, ws.Crash(k), x, threads=1)
    values = {} if every.witness is None else every.witness.values
    harm = float(np.abs(evaluate(net, x, values) - evaluate(net, x)).max())
    found = split(net, ws.Crash(k), x).value
    room = 1e-9 * (1 + harm)
    assert harm - room <= found <= every.worst + room


@pytest.mark.parametrize("seed", range(40))
def test_no_less_with_more_failures_and_no_more_than_linear(seed):
    rng = np.random.default_rng(seed)
    widths = (3, *rng.integers(3, 7, size=int(rng.integers(1, 5))), 2)
    weights = [rng.normal(size=(n, m)) for m, n in zip(widths, widths[1:])]
    net = ws.Network(weights, activation=str(rng.choice(["relu", "tanh", "clip", "silu", "leaky_relu"])))
    x, before = rng.normal(size=3), 0.0
    for k in range(4):
        found = split(net, ws.Crash(k), x).value
        linear = ws.bound(net, ws.Crash(k), x, method="linear").value
        assert before <= found * (1 + 1e-12)
        assert found <= linear * (1 + 1e-9) + 1e-12
        before = found


def test_by_hand():
    # signals 1, then 2 and relu(-1 + 1) = 0, output 2; without the first neuron 0 and relu(0 + 1) = 1, output -4
    net = ws.Network([[[1.0]], [[2.0], [-1.0]], [[1.0, -4.0]]], [None, [0.0, 1.0], None], activation="relu")
    assert split(net, ws.Crash((1, 0)), [1.0]).value == pytest.approx(6, abs=1e-12)
    assert split(net, ws.Crash((0, 1)), [1.0]).value == pytest.approx(2, abs=1e-12)
    # the first and one behind it leave -4 or 0
    assert split(net, ws.Crash(2), [1.0]).value == pytest.approx(6, abs=1e-12)
    assert split(net, ws.Crash((1, 1), among=[(1, 0), (2, 1)]), [1.0]).value == pytest.approx(6, abs=1e-12)
    assert split(net, ws.StuckAt(1, value=3.0, among=[(2, 1)]), [1.0]).value == pytest.approx(12, abs=1e-12)


def test_what_cancels_along_two_paths_cancels():
    # x reaches the output twice, as +1 and as -1, so that a dead first neuron does nothing
    net = ws.Network([[[1.0]], [[1.0], [1.0]], [[1.0, -1.0]]], activation="relu")
    assert split(net, ws.Crash((1, 0)), [1.0]).value <= 1e-14
    assert ws.bound(net, ws.Crash((1, 0)), [1.0], method="signed").value == 1


@pytest.mark.parametrize("seed", range(60))
def test_no_less_than_the_error_in_rationals(seed):
    """Rounding is accounted for: the real error of rounded weights, to the last digit."""
    rng = np.random.default_rng(seed)
    net = strategies.random_network(
        rng, dyadic=False, activations=oracle.PIECEWISE_LINEAR, output_activations=("identity",)
    )
    model, x = oracle.crash(1), rng.normal(size=net.widths[0])
    exact = net.exact()
    intact = oracle.exact_forward(exact, [Q(v) for v in x])
    worst = Q(0)
    for config in oracle.configurations(net, model):
        failed = {site: Q(v) for site, v in oracle.values(model, config).items()}
        outputs = oracle.exact_forward(exact, [Q(v) for v in x], failed)
        worst = max(worst, *(abs(a - b) for a, b in zip(outputs, intact)))
    found = split(bridge.network(net), ws.Crash(1), x).value
    assert Q(found) >= worst
    assert found <= float(worst) * (1 + 1e-9) + 1e-13


def test_fewer_are_tried_than_may_fail():
    # five of 192 are too many to try; four and the fifth bounded would be, too: the first one is tried
    net, X, _ = ws.embedded("digits")
    found = split(net, ws.Crash(5), X[:1]).value
    pairs = ws.worst_case(net, ws.Crash(5), X[:1], time_limit=2.0)
    assert found >= pairs.lower
    assert found < ws.bound(net, ws.Crash(5), X[:1], method="linear").value


def test_inputs_that_fail_and_more_failures_than_neurons_that_count():
    rng = np.random.default_rng(3)
    net = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(70, 4)), rng.normal(size=(2, 70))], activation="relu")
    x = rng.normal(size=3)
    for failures in (
        ws.Crash(2, among=[(0, 0), (0, 2), (1, 1), (2, 3)]),
        ws.Crash(4, among=[(0, 0), (1, 1), (1, 2), (2, 3)]),
        ws.StuckAt(1, value=0.25, among=[(0, 1)]),
    ):
        every = ws.enumerate_failures(net, failures, x, threads=1)
        assert every.worst <= split(net, failures, x).value <= every.worst * (1 + 1e-12) + 1e-14
    # sets beyond counting: the first one is tried
    found = split(net, ws.Crash(70), x).value
    assert ws.worst_case(net, ws.Crash(70), x, time_limit=1.0).lower <= found
    assert found <= ws.bound(net, ws.Crash(70), x, method="linear").value


def test_the_least_of_all_has_less_patience_with_many_inputs():
    net, X, _ = ws.embedded("digits")
    together, alone = (ws.bound(net, ws.Crash(2), some).per_input for some in (np.repeat(X[:1], 400, axis=0), X[:1]))
    assert alone[0] == split(net, ws.Crash(2), X[:1]).value
    assert (together == together[0]).all()
    assert together[0] >= alone[0]


def test_several_inputs_on_several_threads():
    net, X, _ = ws.embedded("digits_small")
    one, many = (split(net, ws.Crash(2), X[:6], threads=n).per_output.tolist() for n in (1, 3))
    assert one == many


@pytest.mark.parametrize(
    ("failures", "domain", "words"),
    [
        (ws.Byzantine(1, capacity=1.0), [0.5], r"split: does not cover Byzantine\(1, capacity=1\), .*of an interval"),
        (ws.Noise(0.1), [0.5], r"split: does not cover Noise.*it covers Crash and StuckAt"),
        (ws.SynapseCrash(1), [0.5], "split: does not cover synapse failures, SynapseCrash"),
        (ws.WeightCrash(1), [0.5], "split: .* does not cover groups, bit flips or failed weights"),
        (ws.Crash(1), ws.Box([0.0], [1.0]), "split: needs inputs, not a Box"),
        (ws.Crash(1), None, "split: needs a domain, inputs$"),
    ],
    ids=["byzantine", "noise", "synapses", "weights", "box", "no domain"],
)
def test_refusals_by_name(failures, domain, words):
    net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]], activation="clip")
    with pytest.raises(ValueError, match=words):
        split(net, failures, domain)
    if domain is not None:
        ws.bound(net, failures, domain)  # the least of all goes without it


@pytest.mark.parametrize("failures", COVERED, ids=repr)
def test_a_limit_of_time_leaves_it_out(failures):
    net, X, _ = ws.embedded("digits_small")
    assert bound_within(net, failures, X[:1], 0.0).value >= bound_within(net, failures, X[:1], 60.0).value
    assert bound_within(net, failures, X[:1], 60.0).value <= split(net, failures, X[:1]).value
