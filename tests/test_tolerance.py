# SPDX-License-Identifier: MIT
"""Tolerated distributions: golden frontiers, brute force over tuples, exact comparisons."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import chain, combinations, product

import numpy as np
import oracle
import pytest
import strategies
import withstand as ws
from bridge import network as as_network
from hypothesis import given, settings
from hypothesis import strategies as st
from withstand._coerce import as_budget
from withstand.uses.frontier import Layers, Synapses, at_most, frontier, guaranteed_total, max_total
from withstand.uses.rational_bounds import margin, read, read_layers
from withstand.uses.tolerance import tolerance

EXAMPLE = Layers((4, 3), (Q(1, 2), Q(1, 4)), (1, 1), (1, 1), (None, None))
CAPPED = Layers((4, 3), (Q(1, 2), Q(1, 4)), (1, 1), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("budget", "plain", "capped", "most", "guaranteed"),
    [
        (Q(1, 4), ((0, 1),), ((0, 1),), 1, 0),
        (Q(1, 2), ((0, 2), (1, 1)), ((0, 2), (1, 1)), 2, 1),
        (Q(3, 4), ((2, 3),), ((4, 3),), 5, 2),
    ],
)
def test_golden_frontiers(budget, plain, capped, most, guaranteed):
    assert frontier(EXAMPLE, budget) == plain
    assert frontier(CAPPED, budget) == capped
    assert max_total(EXAMPLE, budget) == most
    assert guaranteed_total(EXAMPLE, budget) == guaranteed


def test_golden_quorums_in_rationals():
    layers = Layers((10, 10), (Q(1, 20), Q(1, 20)), (1, 1), (1, 1), (None, None))
    assert frontier(layers, Q(1, 5)) == ((0, 4), (2, 3), (5, 2), (6, 1), (8, 0))
    doubles = Layers((10, 10), (Q(0.05), Q(0.05)), (1, 1), (1, 1), (None, None))
    assert (5, 2) not in frontier(doubles, Q(1, 5))


@st.composite
def layers(draw):
    depth = draw(st.integers(1, 3))
    quarter = st.integers(0, 8).map(lambda k: Q(k, 4))
    column = lambda s: tuple(draw(s) for _ in range(depth))  # noqa: E731
    return Layers(
        column(st.integers(1, 4)), column(quarter), column(quarter), column(quarter), column(st.none() | quarter)
    )


@given(layers(), st.integers(0, 24).map(lambda k: Q(k, 8)))
def test_frontier_and_totals_are_those_of_brute_force(net, budget):
    tuples = list(product(*(range(n + 1) for n in net.widths)))
    harmless = [f for f in tuples if at_most(net, f) <= budget]
    maximal = [f for f in harmless if not any(g != f and all(a <= b for a, b in zip(f, g)) for g in harmless)]
    assert frontier(net, budget) == tuple(sorted(maximal))
    assert max_total(net, budget) == max((sum(f) for f in harmless), default=-1)
    bad = min((sum(f) for f in tuples if f not in harmless), default=sum(net.widths) + 1)
    assert guaranteed_total(net, budget) == bad - 1


@given(layers(), st.data())
def test_the_bound_is_nondecreasing(net, data):
    f = tuple(data.draw(st.integers(0, n)) for n in net.widths)
    g = tuple(data.draw(st.integers(0, a)) for a in f)
    assert at_most(net, g) <= at_most(net, f)


def test_a_frontier_too_large_is_not_listed():
    net = Layers((50,) * 6, (Q(1, 100),) * 6, (1,) * 6, (1,) * 6, (1,) * 6)
    assert frontier(net, Q(1, 4), limit=1000) is None


def test_agrees_with_the_floating_bound():
    rng = np.random.default_rng(1)
    net = ws.Network([rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(2, 3))], activation="clip")
    data = read_layers(net)
    for f in product(range(5), range(4)):
        value = ws.bound(net, ws.Crash(f), method="capped").value
        assert Q(value) >= at_most(data, f)
        assert value == pytest.approx(float(at_most(data, f)), rel=1e-12)


# -- ws.tolerance ----------------------------------------------------------------------------------------------------


def network(n=5, weight=0.125):
    return ws.Network([np.ones((n, 1)), np.full((1, n), weight)], activation="clip")


@pytest.mark.parametrize("epsilon", ["0.25", 0.25, Q(1, 4), " 1/4 "])
def test_budgets_met_with_equality_are_accepted(epsilon):
    result = tolerance(network(), epsilon, None)
    assert (result.guaranteed, result.frontier, result.breaking) == (2, ((2,),), None)


def test_pitfall_floors_belong_in_rationals():
    assert (0.3 - 0.1) / 0.1 < 2
    net = network(weight=0.1)
    assert tolerance(net, 0.2, None).guaranteed == 2  # twice the double 0.1 is the double 0.2
    assert tolerance(net, Q("0.3") - Q("0.1"), None).guaranteed == 1  # which lies above the decimal 0.2
    assert as_budget("0.2") == Q(1, 5)
    assert as_budget("0.3") - as_budget("0.1") == as_budget("0.2")


def test_guaranteed_is_proved_and_raised_by_tighter_bounds():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(2, 5))])
    X = rng.normal(size=(3, 3))
    epsilon = 1.001 * ws.bound(net, ws.Crash(2), X).value
    result = tolerance(net, epsilon, X)
    assert result.guaranteed >= 2
    assert ws.bound(net, ws.Crash(result.guaranteed), X).value <= epsilon
    assert ws.worst_case(net, ws.Crash(result.guaranteed), X).upper <= epsilon * (1 + 1e-12)
    assert result.method == "tightest"


def test_decisions():
    net = ws.Network([np.eye(2), [[4.0, 0.0], [0.0, 1.0]]], activation="clip")
    assert tolerance(net, 0, [[0.5, 0.25]], spec=ws.Argmax()).guaranteed == 0  # without neuron 0 the class flips
    net = ws.Network([np.ones((4, 1)), [[1.0] * 4, [0.25] * 4]], activation="clip")
    assert tolerance(net, 0, [[0.5]], spec=ws.Argmax()).guaranteed == 3  # 3 : 0.75 lost of each crash


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_what_is_proved_is_true(spec):
    rng = np.random.default_rng(4)
    proved = broken = 0
    for _ in range(60):
        net = strategies.random_network(rng, depth=(1, 2), width=(1, 4), outputs=(2, 3))
        X = strategies.random_inputs(rng, net, 2)
        epsilon = float(rng.choice([0.25, 1.0, 4.0]))
        result = tolerance(as_network(net), epsilon, X, spec=spec)
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
    assert tolerance(network(), "0.25", None, model=byzantine).guaranteed == 1
    found = tolerance(network(), "0.25", [[0.5]], model=byzantine)  # -1 instead of 1: each is off by 1/4
    assert (found.guaranteed, found.breaking, found.exact) == (1, 2, True)
    assert set(found.witness.values.values()) == {-1.0}
    equivocal = lambda counts: ws.Byzantine(counts, capacity=1.0, equivocal=True)  # noqa: E731
    assert tolerance(network(), "0.25", [[0.5]], model=equivocal).breaking is None


@pytest.mark.parametrize(
    ("counts", "value"), [((1, 0, 0), Q(1, 2)), ((0, 2, 0), Q(1, 4)), ((1, 1, 2), Q(9, 8))]
)
def test_golden_synapses(counts, value):
    net = Synapses((6, 12, 4), (3, 4, 1), (1, Q(1, 2), Q(1, 4)), (1, Q(1, 2), Q(1, 4)), (1, 1, 1), (None, None, None))
    assert at_most(net, counts) == value


@pytest.mark.parametrize("model", [ws.SynapseCrash, lambda c: ws.SynapseByzantine(c, 0.5, convention="signal"),
                                   lambda c: ws.SynapseByzantine(c, 0.5, convention="product"),
                                   lambda c: ws.SynapseByzantine(c, 0.5, convention="replace")])  # fmt: skip
def test_synapse_numbers_are_those_of_the_bound(model):
    rng = np.random.default_rng(2)
    net = ws.Network([rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(2, 3))])
    X = rng.normal(size=(1, 2))
    data = read(net, model, X)
    for f in product(range(3), repeat=3):
        value = ws.bound(net, model(f), X, method="at-most").value
        assert Q(value) >= at_most(data, f)
        assert value == pytest.approx(float(at_most(data, f)), rel=1e-9)


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
        tolerance(network(), "0.25", [[0.5]], model=model)


def test_everything_is_harmless_within_the_output_range():
    net = ws.Network([np.ones((5, 1)), np.full((1, 5), 9.0)], activation="clip", output_activation="logistic")
    assert tolerance(net, 1, None).guaranteed == 5


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
    found = tolerance(as_network(net), budget, X, model=ours, spec=spec)
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
    found = tolerance(as_network(net), budget, X, model=byzantine)
    if found.guaranteed > 0:
        assert oracle.adversary(net, model(found.guaranteed), X, grid=(-1.0, 0.0, 1.0)).error <= float(budget)
    if found.breaking is not None:
        assert found.breaking > found.guaranteed
        replays(as_network(net), found, budget, None)


def test_a_limit_on_nodes_leaves_a_true_interval():
    net, X, _ = ws.embedded("digits")
    truth = tolerance(net, 13, X[:16])
    assert (truth.guaranteed, truth.breaking, truth.exact, truth.method) == (3, 4, True, "search")
    for limit in (0, 1, 10):
        found = tolerance(net, 13, X[:16], node_limit=limit)
        assert 2 <= found.guaranteed <= 3
        assert found.breaking is None or found.breaking >= 4
        assert found.exact == (found.breaking == found.guaranteed + 1)


def test_unbounded_activations_need_a_domain():
    net = ws.Network([[[1.0]], [[1.0]]])
    for model in (ws.Crash, ws.SynapseCrash):
        with pytest.raises(ValueError, match="without a domain"):
            tolerance(net, 1, None, model=model)


def test_over_a_box():
    net = ws.Network([np.ones((5, 1)), np.full((1, 5), 0.125)], activation="relu")
    found = tolerance(net, "0.25", ws.Box([0.0], [1.0]))
    assert (found.guaranteed, found.breaking, found.exact) == (2, 3, True)


def test_the_curve_is_that_of_the_questions():
    net, X, _ = ws.embedded("digits_small")
    found = tolerance(net, 14, X[:2], samples=20)
    assert found.curve.counts == tuple(range(1, found.breaking + 1))
    for k, search, proved, paper, drawn in zip(
        found.curve.counts, found.curve.searches, found.curve.proved, found.curve.paper, found.curve.random, strict=True
    ):
        assert drawn.max() <= search.lower <= search.upper <= proved <= paper
        assert (search.lower > 14) == (k >= found.breaking)
    decisions = tolerance(net, 0, X[:2], spec=ws.Argmax(), samples=20).curve
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
        tolerance(network(), epsilon, None)


def test_a_synapse_into_one_output_parts_two_outputs_that_moved_together():
    # y = relu(x_1 - x_2) is 0, the outputs y + 1/2 and y. A crash into y makes it 1, one into output 0 flips the class.
    net = ws.Network([[[1.0, -1.0]], [[1.0], [1.0]]], [[0.0], [0.5, 0.0]])
    failed = {(1, 0, 1): 0.0, (2, 0, 0): 0.0}
    assert net.forward([1.0, 1.0], failed=failed).argmax() == 1
    scalar = read(net, ws.SynapseCrash, [[1.0, 1.0]], ws.Argmax())
    assert 1 <= at_most(scalar, (1, 1)) <= 1 + Q(1, 10**300)  # e = 1: the difference is told none, one output all
    assert ws.tolerance(net, 0, [[1.0, 1.0]], model=ws.SynapseCrash, spec=ws.Argmax()).frontier == ((0, 2), (2, 0))


def test_a_neuron_that_tells_each_output_something_else_parts_equal_rows():
    net = ws.Network([[[1.0]], [[1.0], [1.0]]], [[0.0], [0.5, 0.0]])  # told -5 and 5, the outputs are -9/2 and 5
    for equivocal, harmless in ((True, 0), (False, 1)):

        def model(counts, equivocal=equivocal):
            return ws.Byzantine(counts, capacity=5.0, equivocal=equivocal)

        found = ws.tolerance(net, 0, [[1.0]], model=model, spec=ws.Argmax())
        assert (found.guaranteed, found.frontier) == (harmless, ((harmless,),))


@pytest.mark.parametrize("seed", range(60))
def test_no_pattern_that_flips_a_class_is_below_the_frontier(seed):
    rng = np.random.default_rng(seed)
    plain = strategies.random_network(rng, depth=(1, 2), width=(1, 3), inputs=(1, 2), outputs=(2, 3),
                                      activations=("relu", "clip", "hard_tanh", "identity"),
                                      output_activations=("identity", "hard_tanh", "relu"))  # fmt: skip
    weights, biases = [w.copy() for w in plain.weights], [b.copy() for b in plain.biases]
    if rng.integers(2):
        weights[-1][1], biases[-1][0] = weights[-1][0], biases[-1][1] + 0.5
    net = as_network(oracle.network(weights, biases, plain.activations, plain.output_activation))
    X = strategies.random_inputs(rng, plain, 1)
    intact = net.forward(X[0])
    harmless = frontier(read(net, ws.SynapseCrash, X, ws.Argmax()), margin(net, X))
    sites = [(l, j, i) for l, w in enumerate(net.weights, 1) for j in range(w.shape[0]) for i in range(w.shape[1])]
    for failed in chain.from_iterable(combinations(sites, r) for r in range(3)):
        counts = [sum(site[0] == l for site in failed) for l in range(1, net.depth + 2)]
        if any(all(a <= b for a, b in zip(counts, most)) for most in harmless):
            assert net.forward(X[0], failed=dict.fromkeys(failed, 0.0)).argmax() == intact.argmax()
