# SPDX-License-Identifier: MIT
"""Smallest networks at which something once went wrong, with the right values worked out by hand.

Each stands for a kind, which the differential campaign draws at random; here are the numbers.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import withstand as ws

ULP = 2.0**-52
METHODS = ("at-most", "capped", "matrix", "signed", "adjoint", "linear", "tightest")

LEAKY = ws.Network([[[0.0]], [[-1.0]], [[1.0]]], [[1.0], [-1.0], [0.0]], activation=["identity", "leaky_relu"])
"""y1 = 1, s2 = -2, y2 = -0.02; a crash of y1 gives s2 = -1 and -0.01. Both ends lie on one line, up to an ulp."""

HINGE = ws.Network(
    [[[0.0], [0.0]], [[-1.0, 1.0], [0.0, -1.0]], [[-1.0, 1.0]]],
    [[0, 0], [0, -(2.0**-54)], [0]],
    activation=ws.Activation("leaky_relu", slope=0.25),
)
"""The second neuron stuck at -2: s2 = (-2, 2 - 2^-54), y2 = (-0.5, 2 - 2^-54), F^ = 2.5 - 2^-54; and F = -2^-56."""

STEEP = ws.Network([[[0], [0]], [[1e4, -6e-13]], [[1]]])
"""The first neuron stuck at 1: relu(1e4); both: a little less. A chord whose slope rounds to 1 is no straight line."""

APART = ws.Network([[[1.0, -1.0]], [[1.0], [1.0]]], [[0.0], [0.5, 0.0]])
"""At (1, 1): y = relu(0) = 0, outputs (1/2, 0). Without the second input y = 1; without the synapse into output 0 too
the outputs are (1/2, 1): class 1 leads by 1/2."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("net", "failures", "x", "truth"),
    [
        (LEAKY, ws.Crash((1, 0)), [[0.0]], 0.02 - 0.01),
        (HINGE, ws.StuckAt(1, value=-2.0), [[0.0]], 2.5 - 2.0**-54 + 2.0**-56),
        (STEEP, ws.StuckAt(2, value=1), [[0.0]], 1e4),
    ],
    ids=["leaky", "hinge", "steep"],
)
def test_lines_that_nearly_coincide(net, failures, x, truth, method):
    assert ws.bound(net, failures, x, method=method).value >= truth - 4 * ULP * truth
    found = ws.worst_case(net, failures, x)
    assert found.exact
    assert abs(found.lower - truth) <= 4 * ULP * max(1.0, truth)


def test_lines_that_nearly_coincide_bound_tightly():
    assert ws.bound(LEAKY, ws.Crash((1, 0)), [[0.0]]).value == pytest.approx(0.01, rel=1e-12)
    assert ws.bound(HINGE, ws.StuckAt(1, value=-2.0), [[0.0]]).value == pytest.approx(2.5, rel=1e-12)
    assert ws.bound(STEEP, ws.StuckAt(2, value=1), [[0.0]]).value == pytest.approx(1e4, rel=1e-12)
    assert ws.tolerance(LEAKY, 0.005, [[0.0]]).guaranteed == 0


@pytest.mark.parametrize("method", ["fep", *METHODS])
def test_pitfall_a_dead_synapse_parts_two_outputs(method):
    failures = ws.SynapseCrash((1, 1))
    harm = ws.bound(APART, failures, [[1.0, 1.0]], spec=ws.Argmax(), method=method).value
    assert harm >= 0.5
    if method in ("fep", "at-most", "capped"):
        assert harm == 0.5  # w e - w Y: |W_1 - W_0| = 0, and the dead product misses W (y + delta) = 1


def test_a_dead_synapse_parts_two_outputs_in_every_answer():
    failures = ws.SynapseCrash((1, 1))
    found = ws.worst_case(APART, failures, [[1.0, 1.0]], spec=ws.Argmax())
    assert found.exact
    assert found.lower == 0.5
    assert ws.enumerate_failures(APART, failures, [[1.0, 1.0]], spec=ws.Argmax()).worst == 0.5
    assert ws.tolerance(APART, 0, [[1.0, 1.0]], model=ws.SynapseCrash, spec=ws.Argmax()).guaranteed == 1


@pytest.mark.parametrize("effect", ["replace", "product", "signal"])
def test_replaced_products_part_two_outputs_and_added_ones_do_not(effect):
    # y moves by 1 (its second input gone), then one product into an output is off by what its convention says.
    failures = ws.SynapseCrash((1, 0)) + ws.SynapseByzantine((0, 1), capacity=0.25, convention=effect)
    # replaced: output 0 holds v >= -1/4 instead of 1, so 1 - (1/2 - 1/4); added: 1 + 1/4 against 3/2
    truth = 1 - (0.5 - 0.25) if effect == "replace" else -0.5 + 0.25
    for method in METHODS:
        assert ws.bound(APART, failures, [[1.0, 1.0]], spec=ws.Argmax(), method=method).value >= truth
    found = ws.worst_case(APART, failures, [[1.0, 1.0]], spec=ws.Argmax())
    assert found.lower == pytest.approx(truth, abs=1e-9)
    assert found.upper == pytest.approx(truth, abs=1e-5)


def test_a_revived_neuron_may_fail():
    # -2.2 + 1 < 0: silent, until its synapse dies: relu(1) = 1. Then its crash is a failure, and it sends 0 after all.
    net = ws.Network([[[-2.0]], [[-2.0]]], [[1.0], [-1.0]])
    failures = ws.SynapseCrash((1, 0), exactly=True) + ws.Crash(1, exactly=True)
    found = ws.enumerate_failures(net, failures, [[1.1]], components=True)
    assert found.worst == 0.0
    assert [w.error for w in found.top] == [0.0]
    assert {e.worst for e in found.components.values()} == {0.0}
    assert ws.worst_case(net, failures, [[1.1]]).upper <= 1e-20


def test_the_upper_end_holds_in_real_arithmetic():
    huge = 2.0**60
    net = ws.Network([[[huge], [1.0], [huge]], [[1.0, 1.0, -1.0]]])
    failures = ws.Crash(1, among=[(1, 1)])
    assert net.forward([1.0]) == net.forward([1.0], failed={(1, 1): 0.0}) == 0.0  # 2^60 + 1 is 2^60
    found = ws.worst_case(net, failures, [[1.0]])
    assert (found.lower, found.upper, found.status) == (0.0, 1.0, "gap")
    assert not found.exact


def test_what_evaluations_cannot_tell_a_bound_may():
    # 1/2 beside 5e19 - 5e19, of which the logistic function leaves some hundred thousands uncertain; the difference of
    # both executions does not contain them.
    net = ws.Network([[[1.0], [1.0], [1.0]], [[1e20, -1e20, 1.0]]], activation="logistic")
    found = ws.worst_case(net, ws.Crash(1, among=[(1, 2)]), [[0.0]])
    assert found.lower == 0.5
    assert 0.5 <= found.upper <= 0.5 * (1 + 1e-12)
    assert found.rounding > 1e4


def worst_crash(net: ws.Network, x: np.ndarray) -> Fraction:
    """The worst single crash of a rectifier with one hidden layer and one output, in rationals."""
    W, V = (np.vectorize(Fraction, otypes=[object])(w) for w in net.weights)
    b = [Fraction(v) for v in net.biases[0]]
    y = [max(sum(w * Fraction(v) for w, v in zip(row, x)) + c, Fraction(0)) for row, c in zip(W, b)]
    return max([Fraction(0)] + [abs(v * s) for v, s in zip(V[0], y)])


def test_ordinary_upper_ends_are_not_an_ulp_short():
    rng = np.random.default_rng(7)
    for _ in range(60):
        net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(1, 6))], [rng.normal(size=6), rng.normal(size=1)])
        x = rng.normal(size=3)
        found = ws.worst_case(net, ws.Crash(1), x)
        truth = worst_crash(net, x)
        assert found.exact
        assert Fraction(found.upper) >= truth
        assert float(found.upper - truth) <= 2 * found.rounding <= 1e-13 * max(1.0, float(truth))


OVER = ws.Network([[[1e200]], [[1e200]]])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ws.bound(OVER, ws.Crash(1), [[1.0]]),
        lambda: ws.bound(OVER, ws.Crash(1), [[1.0]], method="capped"),
        lambda: ws.worst_case(OVER, ws.Crash(1), [[1.0]], node_limit=50),
        lambda: ws.worst_case(OVER, ws.Byzantine(1, capacity=1.0), [[1.0]]),
        lambda: ws.worst_case(OVER, ws.Crash(1), ws.Box([0.0], [1.0])),
        lambda: ws.enumerate_failures(OVER, ws.Crash(1), [[1.0]]),
        lambda: ws.tolerance(OVER, 1.0, [[1.0]]),
        lambda: ws.reliability(OVER, 0.1, 1.0, [[1.0]]),
        lambda: ws.criticality(OVER, [[1.0]]),
        lambda: ws.harden(OVER, 1, 1.0, [[1.0]]),
        lambda: ws.precision(OVER, 1.0, [[1.0]]),
        lambda: ws.quorum(OVER, 1.0, [[1.0]]),
        lambda: ws.replicas_needed(OVER, ws.Crash(1), 1.0, [[1.0]]),
        lambda: ws.worst_case(ws.Network([[[1.0]], [[1.0]]]), ws.StuckAt(1, value=1e301), [[1.0]]),
    ],
)
def test_overflow_is_refused_at_once_by_every_question(ask):
    with pytest.raises(OverflowError, match=r"layer \d: .* may reach .* beyond 1e\+300"):
        ask()


@pytest.mark.parametrize("method", [*METHODS, "split"])
def test_what_underflows_is_not_nothing(method):
    tiny = ws.Network([[[1e-200]], [[1e-200]]])
    value = ws.bound(tiny, ws.Crash(1), [[1.0]], method=method).value
    assert Fraction(value) >= Fraction(1e-200) ** 2
    assert value <= 1e-290
    # scaled up again behind it, the truth is 1e-100, and what has been lost must come up with it
    again = ws.Network([[[1e-200]], [[1e-200]], [[1e300]]], activation="identity")
    truth = Fraction(1e-200) ** 2 * Fraction(1e300)
    assert Fraction(ws.bound(again, ws.Crash((0, 1)), [[1.0]], method=method).value) >= truth


def test_upper_ends_of_what_underflows():
    found = ws.worst_case(ws.Network([[[1e-200]], [[1e-200]]]), ws.Crash(1), [[1.0]])
    assert found.lower == 0.0
    assert Fraction(found.upper) >= Fraction(1e-200) ** 2


def test_nothing_is_still_nothing():
    # A floor for what underflows must not turn a failure without any effect into one.
    for net in (
        ws.Network([[[1.0], [2.0]], [[0.0, 0.0]]]),
        ws.Network([[[-1.0]], [[3.0]]]),
        ws.Network([[[0.0]], [[1.0], [2.0]], [[1.0, 1.0]]]),
    ):
        for method in (*METHODS, "split"):
            assert ws.bound(net, ws.Crash(1, among=[(1, 0)]), [[1.0]], method=method).value == 0.0
        assert ws.worst_case(net, ws.Crash(1, among=[(1, 0)]), [[1.0]]).upper == 0.0


@pytest.mark.parametrize("scale", [1e-13, 1e-30, 1e-100])
def test_small_networks_have_exact_answers(scale):
    # A tolerance that does not scale with the network would find nothing here.
    for net in (
        ws.Network([[[scale], [2 * scale]], [[1.0, 1.0]]]),
        ws.Network([[[1.0], [2.0]], [[scale, scale]]]),
    ):
        found = ws.worst_case(net, ws.Crash(1), [[1.0]])
        assert found.exact
        assert found.lower == pytest.approx(2 * scale, rel=4 * ULP)
        assert found.witness.failed == ((1, 1),)
        assert found.lower <= found.upper <= 2 * scale * (1 + 1e-12)
        assert ws.harden(net, 1, 1.5 * scale, [[1.0]]).protect == ((1, 1),)


def test_a_search_without_a_witness_goes_on():
    # The one hidden neuron must crash; that it might be stuck instead is a dead end which offers no execution.
    net = ws.Network([[[0.0, 0.0]], [[0.25]]])
    either = ws.StuckAt(1, value=1.0, among=[(1, 0)]) + ws.Crash(1, exactly=True)
    failures = ws.Byzantine(1, capacity=1.0, among=[(0, 1)]) + either
    found = ws.worst_case(net, failures, [[2.0, 0.0]])
    assert found.witness is not None
    assert (1, 0) in found.witness.failed
    assert (found.lower, found.upper) == (0.0, 0.0)


def test_a_failure_without_a_gain_is_decided_too():
    # y1 = d1, y2 = d2: the second layer's range reaches 1 by way of the first, so a bound gains nothing by failing it.
    net = ws.Network([[[1.0]], [[1.0]], [[1.0]]], activation="identity")
    found = ws.worst_case(net, ws.Byzantine((1, 1), capacity=1.0, convention="deviation"), [[0.0]])
    assert found.lower == pytest.approx(1.0, abs=1e-9)
    assert found.upper == pytest.approx(1.0, abs=1e-9)


def test_decided_synapses_into_the_outputs_are_not_closed_over():
    # y2 of the last neuron goes 1 -> 0.5 and gives 0.03 * 0.5, the two dead synapses 0.2 and 0.4: in all 0.615.
    net = ws.Network(
        [
            [[0.0], [0.0], [0.0]],
            [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]],
            [[-0.4, -0.8, 0.0, -0.03]],
        ],
        [[0.0, 0.0, 0.7], [0.0, 0.0, 0.0, 0.0], [0.0]],
        activation="clip",
    )
    synapses = ws.SynapseCrash((0, 1, 2), among=[(2, 3, 2), (3, 0, 0), (3, 0, 1)])
    found = ws.worst_case(net, ws.StuckAt((0, 0), value=0.0) + synapses, [[0.0]])
    assert found.exact
    assert found.lower == pytest.approx(0.615, abs=1e-12)


def test_what_is_idle_by_rounding_is_not_idle():
    # 1e18 * -2 + 0.8 loses the 0.8; without its synapse the neuron sends it, and the other neuron may crash instead.
    net = ws.Network([[[1e18], [0.0]], [[-1e18, 0.0]]], [[0.8, 0.0], [0.0]])
    failures = ws.SynapseCrash((1, 0)) + ws.Crash((1,), exactly=True)
    found = ws.worst_case(net, failures, ws.Box([-2.0], [-2.0]))
    assert found.lower == pytest.approx(8e17)
    assert Fraction(found.upper) >= Fraction(0.8) * 10**18


def test_smooth_outputs_that_nearly_tie():
    # softplus of -16/3 and a little more or less need not be monotone in its last digit; this once ended the process.
    net = ws.Network(
        [[[-0.42, -0.036]], [[-0.68]], [[-0.04], [0.47]]],
        [[0.042], [0.0], [-16.0, 0.0]],
        activation=["leaky_relu", "identity"],
        output_activation=ws.Activation("softplus", 1 / 3),
    )
    found = ws.worst_case(net, ws.Byzantine(1, capacity=1.0), [[0.6, 0.36]], spec=ws.Argmax())
    assert found.witness is not None
    assert found.lower <= found.upper < 0


def test_a_harm_on_the_edge_of_a_bin_is_in_the_bin_above():
    net = ws.Network([[[1.0]], [[1.0], [0.5]]])
    found = ws.enumerate_failures(net, ws.Crash(0), [[1.0]], spec=ws.Argmax())
    assert found.worst == -0.5
    edges, counts = found.histogram.edges, found.histogram.counts
    assert counts.tolist() == [1]
    assert edges[0] <= -0.5 < edges[1]


def test_a_first_witness_fails_in_ways_that_there_are():
    # Bit 1 of 2 is 1 already: only bit 2 can be stuck at 1, and makes up for the crash. It once was "exactly 4".
    net = ws.Network([[[1.0], [0.0]], [[1.0, 2.0]]], [[0.0, 1.0], [0.0]])
    stuck = {"format": "int4", "scale": 1.0, "bits": (1, 2), "to": 1, "among": [(2, "weight", (0, 1))]}
    failures = ws.Crash(1, exactly=True, groups=[[(1, 0)]]) + ws.WeightFlip(1, exactly=True, **stuck)
    found = ws.worst_case(net, failures, [4.0])
    assert found.exact and found.lower == 0.0 == ws.enumerate_failures(net, failures, [4.0]).worst


def test_an_output_that_nothing_moves_is_still():
    net = ws.Network([[[1.0], [2.0]], [[1.0, 1.0], [0.0, 0.0]]])
    assert ws.enumerate_failures(net, ws.Crash(1), [[1.0]]).per_output.tolist() == [2.0, 0.0]
    flips = ws.WeightFlip(1, format="int4", scale=1.0, among=[(2, "weight", (1, 0))])
    assert ws.enumerate_failures(net, flips, [[1.0]]).per_output.tolist() == [0.0, 8.0]
