# SPDX-License-Identifier: MIT
"""How many failures are tolerated: exact budgets, and every set tried by the oracle."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import network as as_network
from hypothesis import given, settings
from hypothesis import strategies as st
from withstand._coerce import as_budget


def network(n=5, weight=0.125):
    return ws.Network([np.ones((n, 1)), np.full((1, n), weight)], activation="clip")


@pytest.mark.parametrize("epsilon", ["0.25", 0.25, Q(1, 4), " 1/4 "])
def test_budgets_met_with_equality_are_accepted(epsilon):
    result = ws.tolerance(network(), epsilon, None)
    assert (result.guaranteed, result.frontier, result.breaking) == (2, ((2,),), None)


def test_pitfall_floors_belong_in_rationals():
    assert (0.3 - 0.1) / 0.1 < 2
    net = network(weight=0.1)
    assert ws.tolerance(net, 0.2, None).guaranteed == 2  # twice the double 0.1 is the double 0.2
    assert ws.tolerance(net, Q("0.3") - Q("0.1"), None).guaranteed == 1  # which lies above the decimal 0.2
    assert as_budget("0.2") == Q(1, 5)
    assert as_budget("0.3") - as_budget("0.1") == as_budget("0.2")


def test_guaranteed_is_proved_and_raised_by_tighter_bounds():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(2, 5))])
    X = rng.normal(size=(3, 3))
    epsilon = 1.001 * ws.bound(net, ws.Crash(2), X).value
    result = ws.tolerance(net, epsilon, X)
    assert result.guaranteed >= 2
    assert ws.bound(net, ws.Crash(result.guaranteed), X).value <= epsilon
    assert ws.worst_case(net, ws.Crash(result.guaranteed), X).upper <= epsilon * (1 + 1e-12)
    assert result.method == "tightest"


def test_decisions():
    net = ws.Network([np.eye(2), [[4.0, 0.0], [0.0, 1.0]]], activation="clip")
    assert ws.tolerance(net, 0, [[0.5, 0.25]], spec=ws.Argmax()).guaranteed == 0  # without neuron 0 the class flips
    net = ws.Network([np.ones((4, 1)), [[1.0] * 4, [0.25] * 4]], activation="clip")
    assert ws.tolerance(net, 0, [[0.5]], spec=ws.Argmax()).guaranteed == 3  # 3 : 0.75 lost of each crash


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_what_is_proved_is_true(spec):
    rng = np.random.default_rng(4)
    proved = broken = 0
    for _ in range(60):
        net = strategies.random_network(rng, depth=(1, 2), width=(1, 4), outputs=(2, 3))
        X = strategies.random_inputs(rng, net, 2)
        epsilon = float(rng.choice([0.25, 1.0, 4.0]))
        result = ws.tolerance(as_network(net), epsilon, X, spec=spec)
        for counts in (*result.frontier, *([result.guaranteed] if result.guaranteed >= 0 else [])):
            worst = oracle.worst(net, oracle.crash(counts), X, spec and "argmax")
            assert worst < 1e-12 if spec else worst <= epsilon + 1e-12
            proved += np.sum(counts) > 0
        if result.breaking is not None:
            worst = oracle.worst(net, oracle.crash(result.breaking), X, spec and "argmax")
            assert worst >= -1e-12 if spec else worst > epsilon - 1e-12
            broken += 1
        assert result.exact
    assert min(proved, broken) > 10


def byzantine(counts):
    return ws.Byzantine(counts, capacity=1.0)


def test_byzantine_neurons():
    assert ws.tolerance(network(), "0.25", None, model=byzantine).guaranteed == 1
    found = ws.tolerance(network(), "0.25", [[0.5]], model=byzantine)  # -1 instead of 1: each is off by 1/4
    assert (found.guaranteed, found.breaking, found.exact) == (1, 2, True)
    assert set(found.witness.values.values()) == {-1.0}
    equivocal = lambda counts: ws.Byzantine(counts, capacity=1.0, equivocal=True)  # noqa: E731
    assert ws.tolerance(network(), "0.25", [[0.5]], model=equivocal).breaking is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda c: ws.Crash(c) + ws.StuckAt(c, value=1.0), "a sum of 2"),
        (lambda c: ws.Crash(c, exactly=True), "leave out exactly"),
        (lambda c: ws.Noise(0.1), "no count"),
        (lambda c: ws.Crash(c, among=[(0, 0), (1, 0)]), "among names an input"),
    ],
)
def test_models_without_one_count(model, message):
    with pytest.raises(ValueError, match=message):
        ws.tolerance(network(), "0.25", [[0.5]], model=model)


def test_everything_is_harmless_within_the_output_range():
    net = ws.Network([np.ones((5, 1)), np.full((1, 5), 9.0)], activation="clip", output_activation="logistic")
    assert ws.tolerance(net, 1, None).guaranteed == 5


# -- exact: every set tried by the oracle ----------------------------------------------------------------------------

#: No rounding anywhere: the oracle's doubles are the truth, also where epsilon is met with equality.
LINEAR = {"names": ("relu", "clip", "hard_tanh", "leaky_relu"), "output_activations": ("identity", "hard_tanh")}
NEURONS = {
    "crash": (ws.Crash, oracle.crash),
    "stuck": (lambda c: ws.StuckAt(c, value=-0.5), lambda c: oracle.stuck(c, -0.5)),
}


def smallest_breaking(net, model, X, budget, spec, most):
    """First count whose worst pattern does harm, by replaying all of them; the number of harmful errors seen."""
    for k in range(most + 1):
        worst = oracle.worst(net, model(k), X, spec and "argmax")
        if worst >= 0 if spec else Q(float(worst)) > budget:
            return k
    return None


def check(net, X, ours, theirs, budget, spec, sizes):
    found = ws.tolerance(as_network(net), budget, X, model=ours, spec=spec)
    breaking = smallest_breaking(net, theirs, X, budget, spec, sum(sizes))
    assert (found.breaking, found.exact) == (breaking, True)
    assert found.guaranteed == (sum(sizes) if breaking is None else breaking - 1)
    for place, (size, limit) in enumerate(zip(sizes, found.per_layer, strict=True)):
        alone = lambda k: theirs(tuple(k if n == place else 0 for n in range(len(sizes))))  # noqa: B023, E731
        breaking = smallest_breaking(net, alone, X, budget, spec, size)
        assert (limit.breaking, limit.exact) == (breaking, True)
        assert limit.guaranteed == (size if breaking is None else breaking - 1)
    for limit in (found, *found.per_layer):
        if limit.breaking is not None:
            replays(as_network(net), limit, budget, spec)


def replays(net, limit, budget, spec):
    """The witness has so many failures and does harm when it is run."""
    assert len(limit.witness.failed) == limit.breaking
    intact, faulty = (net.forward(limit.witness.input, failed=f) for f in (None, limit.witness.values))
    if spec is None:
        assert Q(float(abs(faulty - intact).max())) > budget
    else:
        assert max(np.delete(faulty, intact.argmax())) >= faulty[intact.argmax()]


def some_budget(data, net, X, model):
    """An error that occurs, or half of one: ties and strict cases."""
    errors = oracle.enumerate_failures(net, model, X).errors
    return Q(float(data.draw(st.sampled_from(sorted(set(errors)))))) * data.draw(st.sampled_from([Q(1), Q(1, 2)]))


@given(strategies.networks(depth=(1, 3), width=(1, 3), outputs=(2, 3), **LINEAR), st.data())
def test_smallest_breaking_count_is_that_of_every_set(net, data):
    X = data.draw(strategies.inputs_of(net))
    ours, theirs = NEURONS[data.draw(st.sampled_from(sorted(NEURONS)))]
    spec = data.draw(st.sampled_from([None, ws.Argmax()]))
    budget = some_budget(data, net, X, theirs(min(2, net.n_neurons)))
    check(net, X, ours, theirs, budget, spec, net.hidden)


@settings(max_examples=30)
@given(strategies.networks(depth=(1, 2), width=(1, 2), inputs=(1, 2), outputs=(2, 2), **LINEAR), st.data())
def test_smallest_breaking_count_of_synapses(net, data):
    X = data.draw(strategies.inputs_of(net, 1))
    spec = data.draw(st.sampled_from([None, ws.Argmax()]))
    budget = some_budget(data, net, X, oracle.synapse_crash(2))
    check(net, X, ws.SynapseCrash, oracle.synapse_crash, budget, spec, [W.size for W in net.weights])


@given(strategies.networks(depth=(1, 2), width=(1, 3), outputs=(2, 2), **LINEAR), st.data())
def test_byzantine_values_are_within_what_any_value_does(net, data):
    """Guaranteed counts survive every grid value that the oracle's adversary tries; breaking ones replay."""
    X = data.draw(strategies.inputs_of(net, 1))
    model = lambda k: oracle.byzantine(k, 1.0)  # noqa: E731
    budget = some_budget(data, net, X, oracle.stuck(1, 1.0))
    found = ws.tolerance(as_network(net), budget, X, model=byzantine)
    if found.guaranteed > 0:
        assert oracle.adversary(net, model(found.guaranteed), X, grid=(-1.0, 0.0, 1.0)).error <= float(budget)
    if found.breaking is not None:
        assert found.breaking > found.guaranteed
        replays(as_network(net), found, budget, None)


def test_a_limit_on_nodes_leaves_a_true_interval():
    net, X, _ = ws.embedded("digits")
    truth = ws.tolerance(net, 13, X[:16])
    assert (truth.guaranteed, truth.breaking, truth.exact, truth.method) == (3, 4, True, "search")
    for limit in (0, 1, 10):
        found = ws.tolerance(net, 13, X[:16], node_limit=limit)
        assert 2 <= found.guaranteed <= 3
        assert found.breaking is None or found.breaking >= 4
        assert found.exact == (found.breaking == found.guaranteed + 1)


def test_unbounded_activations_need_a_domain():
    net = ws.Network([[[1.0]], [[1.0]]])
    for model in (ws.Crash, ws.SynapseCrash):
        with pytest.raises(ValueError, match="without a domain"):
            ws.tolerance(net, 1, None, model=model)


def test_over_a_box():
    net = ws.Network([np.ones((5, 1)), np.full((1, 5), 0.125)], activation="relu")
    found = ws.tolerance(net, "0.25", ws.Box([0.0], [1.0]))
    assert (found.guaranteed, found.breaking, found.exact) == (2, 3, True)


def test_the_curve_is_that_of_the_questions():
    net, X, _ = ws.embedded("digits_small")
    found = ws.tolerance(net, 14, X[:2], samples=20)
    assert found.curve.counts == tuple(range(1, found.breaking + 1))
    for k, search, proved, paper, drawn in zip(
        found.curve.counts, found.curve.searches, found.curve.proved, found.curve.paper, found.curve.random, strict=True
    ):
        assert drawn.max() <= search.lower <= search.upper <= proved <= paper
        assert (search.lower > 14) == (k >= found.breaking)
    decisions = ws.tolerance(net, 0, X[:2], spec=ws.Argmax(), samples=20).curve
    assert decisions.lower[-1] >= 0 > decisions.upper[-2]
    assert (decisions.random.max(axis=1) <= decisions.lower + 1e-9).all()


@pytest.mark.parametrize(
    ("epsilon", "error"),
    [
        ("x", ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (None, TypeError),
        (True, TypeError),
        ("1/0", ValueError),
    ],
)
def test_wrong_budgets(epsilon, error):
    with pytest.raises(error, match="epsilon must be"):
        ws.tolerance(network(), epsilon, None)


FRAGILE = ws.Network([np.eye(3), np.eye(3)])
CASES = (
    (FRAGILE, {"spec": ws.Argmax()}, [[1.0, 2.0, 3.0]], "Crash(1)", "violated"),
    (FRAGILE, {"epsilon": 1}, [[1.0, 2.0, 3.0]], "Crash(1)", "violated"),
    (FRAGILE, {"spec": ws.Argmax()}, [[1.0, 1.0, 1.0]], "Crash(1)", "violated"),  # a tie: not even a crash is needed
    (FRAGILE, {"epsilon": 3}, [[1.0, 2.0, 3.0]], "Crash(3)", "tolerated"),
    (network(), {"epsilon": "0.25"}, None, "Crash(2)", "tolerated"),
    (network(), {"epsilon": "0.1"}, None, "Crash(1)", "unknown"),  # nothing is searched without inputs
    (network(), {"epsilon": "0.1"}, [[1.0]], "Crash(1)", "violated"),
)


@pytest.mark.parametrize(("net", "harm", "X", "failures", "verdict"), CASES)
def test_what_is_stated_is_about_some_failure(net, harm, X, failures, verdict):
    """That no failure at all does no harm is true of every network, and says nothing."""
    found = ws.tolerance(net, domain=X, **harm)
    assert (found.statement.failures, found.statement.verdict) == (failures, verdict)
    assert f"asked: {failures}" in repr(found)


def test_a_harmful_flip_of_one_word_is_a_violation():
    net, flips = FRAGILE.rounded("int8"), lambda k: ws.WeightFlip(k, format="int8")
    said = ws.tolerance(net, 0.01, [[1.0, 2.0, 3.0]], model=flips).statement
    assert (said.failures, said.verdict) == (repr(flips(1)), "violated")
