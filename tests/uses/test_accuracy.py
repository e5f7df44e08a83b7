# SPDX-License-Identifier: MIT
"""Certified accuracy is what every configuration says of every input."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from hypothesis import given
from hypothesis import strategies as st
from withstand.uses import accuracy_search

NET, X, Y = ws.embedded("digits_small")
#: Weights, signals and slopes are multiples of 1/8 or so, and nothing rounds: ties are ties.
EXACT = {"names": ("relu", "hard_tanh", "clip", "identity"), "output_activations": ("identity", "relu", "hard_tanh"),
         "outputs": (2, 3), "width": (1, 4), "depth": (1, 3)}  # fmt: skip


def truth(net, model, x, y):
    """Return whether an input keeps its class under every configuration."""
    if oracle.forward(net, x[None])[0].argmax() != y:
        return False
    return oracle.worst(net, model, x[None], "argmax") < 0


@given(own.cases(n=3, cap=200, **EXACT), st.data())
def test_against_every_configuration(case, data):
    net, model, rows = case
    known = st.integers(0, net.widths[-1] - 1)
    right = oracle.forward(net, rows).argmax(axis=1)
    y = [data.draw(st.one_of(st.just(int(c)), known)) for c in right]
    found = ws.certified_accuracy(bridge.network(net), rows, y, bridge.model(model))
    kept = [truth(net, model, x, c) for x, c in zip(rows, y)]
    assert [state == ws.Kept.PROVED for state in found.per_input] == kept
    assert [state == ws.Kept.REFUTED for state in found.per_input] == [not k for k in kept]
    assert found.lower == found.upper == pytest.approx(np.mean(kept))
    assert found.intact == pytest.approx(np.mean(right == y))
    assert found.status == "complete"


@given(own.networks(**EXACT), st.data())
def test_the_curve_is_that_of_each_count(net, data):
    rows = data.draw(own.inputs_of(net, 3))
    y = oracle.forward(net, rows).argmax(axis=1)
    most = data.draw(st.integers(0, min(3, sum(net.widths[1:-1]))))
    found = ws.certified_accuracy(bridge.network(net), rows, y, ws.Crash(most))
    kept = np.array([[truth(net, oracle.crash(k), x, c) for x, c in zip(rows, y)] for k in range(most + 1)])
    assert found.curve.counts == tuple(range(most + 1))
    assert found.curve.lower.tolist() == found.curve.upper.tolist() == kept.mean(axis=1).tolist()
    assert found.tolerated.tolist() == (kept.sum(axis=0) - 1).tolist()
    assert found.breaking.tolist() == [n if n <= most else -1 for n in kept.sum(axis=0)]


@given(own.networks(**{**EXACT, "depth": (1, 2)}), st.data())
def test_byzantine_values(net, data):
    """What is proved no adversary breaks; what is refuted a replayed witness does."""
    rows = data.draw(own.inputs_of(net, 2))
    y = oracle.forward(net, rows).argmax(axis=1)
    capacity = data.draw(st.sampled_from((0.0, 0.125, 1.0)))
    built = bridge.network(net)
    found = ws.certified_accuracy(built, rows, y, ws.Byzantine(1, capacity=capacity), time_limit=2.0)
    for n, state in enumerate(found.per_input):
        if state == ws.Kept.PROVED:
            assert oracle.adversary(net, oracle.byzantine(1, capacity), rows[n : n + 1], spec="argmax").error < 0
        elif state == ws.Kept.REFUTED:
            assert flips(built, found.witnesses[n], y[n])
    if net.depth == 1 and net.output_activation.name == "identity":  # linear: an end of the range is worst
        worst = [oracle.adversary(net, oracle.byzantine(1, capacity), x[None], spec="argmax").error for x in rows]
        assert all((e < 0) == (s == ws.Kept.PROVED) or abs(e) < 1e-9 for e, s in zip(worst, found.per_input))


def flips(net, witness, y):
    outputs = net.forward(witness.input, failed=witness.values)
    return np.delete(outputs, y).max() >= outputs[y]


def test_witnesses_break_where_it_is_said():
    found = ws.certified_accuracy(NET, X, Y, ws.Crash(3))
    assert {-1, 1} == set(found.per_input.tolist())
    wrong = NET.forward(X).argmax(axis=1) != Y
    for n, (witness, count) in enumerate(zip(found.witnesses, found.breaking)):
        assert (witness is None) == (count == -1 or wrong[n])
        if witness is not None:
            assert (witness.input_index, len(witness.failed)) == (n, count)
            assert (witness.input == X[n]).all()
            assert flips(NET, witness, int(Y[n]))
    assert (found.tolerated[~wrong] == np.where(found.breaking[~wrong] < 0, 3, found.breaking[~wrong] - 1)).all()
    for k in (0, 1, 2):
        alone = ws.certified_accuracy(NET, X, Y, ws.Crash(k))
        assert (alone.lower, alone.upper) == (found.curve.lower[k], found.curve.upper[k])


def test_against_enumeration_of_digits():
    found = ws.certified_accuracy(NET, X, Y, ws.Crash(2))
    chosen = [n for n in range(len(X)) if found.tolerated[n] >= 0][:40]
    for k in (1, 2):
        worst = [ws.enumerate_failures(NET, ws.Crash(k), X[n], spec=ws.Argmax()).worst for n in chosen]
        assert [w < 0 for w in worst] == [bool(found.tolerated[n] >= k) for n in chosen]
        assert len({w < 0 for w in worst}) == 2


def test_only_a_total_of_at_most_so_many_has_a_curve():
    cases = {
        ws.Crash(2): (0, 1, 2),
        ws.Crash(2) + ws.Noise(1e-6): (0, 1, 2),
        ws.SynapseCrash(1): (0, 1),
        ws.Crash(2, among=[(1, 0), (2, 3)]): (0, 1, 2),
        ws.Crash(2, exactly=True): (2,),
        ws.Crash((1, 2)): (3,),
        ws.Crash(1) + ws.StuckAt(1, value=1.0): (2,),
        ws.Noise(1e-6): (0,),
    }
    for failures, counts in cases.items():
        found = ws.certified_accuracy(NET, X[:3], Y[:3], failures, time_limit=20.0)
        assert (found.curve.counts, len(found.curve.lower)) == (counts, len(counts))
        assert (found.curve.lower[-1], found.curve.upper[-1]) == (found.lower, found.upper)


def test_a_tie_without_failures_is_refuted_for_none():
    net = ws.Network([[[1.0], [1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    found = ws.certified_accuracy(net, [[1.0]], [0], ws.Crash(1))
    assert (found.intact, found.curve.upper.tolist(), found.tolerated[0], found.breaking[0]) == (1.0, [0, 0], -1, 0)
    assert found.witnesses[0].failed == ()
    assert ws.certified_accuracy(net, [[1.0]], [1], ws.Crash(1)).intact == 0.0


@pytest.mark.parametrize("lowest", [False, True])
@pytest.mark.parametrize("activation", ["identity", "logistic"])
def test_one_output(lowest, activation):
    net = ws.Network([[[1.0], [-1.0]], [[1.0, -1.0]]], output_activation=activation)
    rows, y = np.array([[2.0], [-3.0], [0.0]]), np.array([1, 0, 1]) if not lowest else np.array([0, 1, 1])
    found = ws.certified_accuracy(net, rows, y, ws.Crash(1), spec=ws.Argmax(lowest=lowest))
    assert found.intact == 1.0
    assert found.per_input.tolist() == [-1, -1, -1]  # a crash makes them ties
    assert found.breaking.tolist() == [1, 1, 0]
    found = ws.certified_accuracy(net, rows[:2], y[:2], ws.StuckAt(1, value=2.0), spec=ws.Argmax(lowest=lowest))
    assert found.per_input.tolist() == [-1, 1]  # the output 2 becomes 2 or 2 - 2, the output -3 becomes 2 - 3 or -2
    for witness in found.witnesses:
        assert witness is None or witness.output == 0


def test_the_smallest_output():
    negated = ws.Network([*NET.weights[:-1], -NET.weights[-1]], [*NET.biases[:-1], -NET.biases[-1]])
    found = ws.certified_accuracy(negated, X[:30], Y[:30], ws.Crash(2), spec=ws.Argmax(lowest=True))
    plain = ws.certified_accuracy(NET, X[:30], Y[:30], ws.Crash(2))
    assert found.tolerated.tolist() == plain.tolerated.tolist()
    assert [w and w.failed for w in found.witnesses] == [w and w.failed for w in plain.witnesses]


class Losing(Executor):
    """Loses every third task, and dies."""

    def __init__(self):
        self.calls = 0

    def submit(self, call, /, *args, **kwargs):
        self.calls += 1
        future = Future()
        if self.calls > 6:
            raise BrokenExecutor("dead")
        if self.calls % 3 == 0:
            future.set_exception(OSError("lost"))
        else:
            future.set_result(call(*args, **kwargs))
        return future


def told(found):
    return found.tolerated.tolist(), found.breaking.tolist(), found.witnesses, found.lower, found.upper, found.status


@pytest.mark.filterwarnings("ignore:the executor lost:RuntimeWarning")  # with many tasks it loses some for good
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_executor_changes_nothing(monkeypatch, size):
    monkeypatch.setattr("withstand.uses.accuracy._TASK", size)
    whole = told(ws.certified_accuracy(NET, X[:24], Y[:24], ws.Crash(2)))
    with ThreadPoolExecutor(3) as pool:
        assert told(ws.certified_accuracy(NET, X[:24], Y[:24], ws.Crash(2), executor=pool)) == whole
    assert told(ws.certified_accuracy(NET, X[:24], Y[:24], ws.Crash(2), executor=Losing())) == whole


def test_processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = ws.certified_accuracy(NET, X, Y, ws.Crash(2), executor=pool)
    assert told(found) == told(ws.certified_accuracy(NET, X, Y, ws.Crash(2)))


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.2])
def test_a_limit_leaves_an_interval_that_holds(seconds):
    found = ws.certified_accuracy(NET, X, Y, ws.Crash(3), time_limit=seconds)
    whole = ws.certified_accuracy(NET, X, Y, ws.Crash(3))
    assert (found.curve.lower <= whole.curve.lower).all()
    assert (found.curve.upper >= whole.curve.upper).all()
    assert (found.status == "budget") == (found.lower < found.upper) or seconds > 0
    if seconds == 0:
        assert (found.status, found.lower, found.upper) == ("budget", 0.0, found.intact)
        assert "more time" in repr(found)


def test_ctrl_c_keeps_what_is_known(monkeypatch):
    asked = []

    def ask(*args, **options):
        asked.append(1)
        if len(asked) > 5:
            raise KeyboardInterrupt
        return ws.worst_case(*args, **options)

    monkeypatch.setattr(accuracy_search, "worst_case", ask)
    found = ws.certified_accuracy(NET, X, Y, ws.Crash(3))
    assert (found.status, len(asked)) == ("interrupted", 6)
    assert found.lower < found.upper


def test_a_search_that_ends_within_rounding_of_a_tie_tries_every_set():
    """The truth is a harm of -2^-52 beside outputs of size 1: no bound is as fine."""
    net = ws.Network([[[1.0]], [[1.0], [1.0 - 2.0**-52]]], [None, None], activation="tanh")
    found = ws.certified_accuracy(net, [[1.0]], [0], ws.Crash(0))
    assert found.per_input.tolist() == [ws.Kept.PROVED if np.subtract(*net.forward([1.0])) > 0 else ws.Kept.REFUTED]


def test_bounds_prove_without_a_search(monkeypatch):
    """Equivocal components are for bounds alone, and easy inputs need no search of others."""
    found = ws.certified_accuracy(NET, X, Y, ws.Byzantine(1, capacity=1e-3, convention="deviation", equivocal=True))
    assert 0.5 < found.lower <= found.upper
    monkeypatch.setattr(accuracy_search, "worst_case", None)
    rows = np.flatnonzero(ws.bound(NET, ws.Crash(1), X, spec=ws.Argmax()).per_input < -1e-6)
    assert len(rows) > 20
    found = ws.certified_accuracy(NET, X[rows], NET.forward(X[rows]).argmax(axis=1), ws.Crash(1))
    assert found.curve.lower.tolist() == [1.0, 1.0]


def test_what_is_refused():
    ask = ws.certified_accuracy
    with pytest.raises(ValueError, match=r"y has shape \(2,\), there are 3 inputs"):
        ask(NET, X[:3], Y[:2], ws.Crash(1))
    with pytest.raises(ValueError, match="y must hold classes 0 to 9, entry 1 is 10"):
        ask(NET, X[:2], [0, 10], ws.Crash(1))
    with pytest.raises(ValueError, match=r"y must hold classes 0 to 9, entry 0 is 0\.5"):
        ask(NET, X[:1], [0.5], ws.Crash(1))
    with pytest.raises(ValueError, match="64 neurons can fail, not 65"):
        ask(NET, X[:1], Y[:1], ws.Crash(65))
    with pytest.raises(TypeError, match="executor must be"):
        ask(NET, X[:1], Y[:1], ws.Crash(1), executor=3)
    with pytest.raises(ValueError, match="behind relu"):
        ask(ws.Network([[[1.0]], [[1.0]]], output_activation="relu"), [[1.0]], [1], ws.Crash(1))


def test_what_it_turns_into():
    found = ws.certified_accuracy(NET, X[:10], Y[:10], ws.Crash(1))
    stored = json.loads(json.dumps(found.to_dict()))
    assert stored["curve"]["lower"] == found.curve.lower.tolist()
    assert "Crash(1)" in repr(found) and "<table>" in found._repr_html_()
    axes = found.plot()
    assert len(axes.get_legend().get_texts()) == 2
