# SPDX-License-Identifier: MIT
"""Every argument of every public function, with values that are none: one sentence says what is wrong, of the kinds
that the documentation names. An argument without a row in the table fails the test."""

from __future__ import annotations

import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import withstand as ws
from arguments_table import ELSEWHERE, FOREIGN, HUGE, NET, TABLE, X, call
from withstand._coerce import as_budget
from withstand.uses.curve import measure_curve
from withstand.uses.error_moments import last_layer_moments

ROWS = [
    pytest.param(function, arguments, name, *row, id=f"{function.__name__}-{name}-{n}")
    for function, arguments, names in TABLE
    for name, rows in names.items()
    for n, row in enumerate(rows or ())
]


@pytest.mark.parametrize(("function", "arguments", "name", "value", "error", "sentence"), ROWS)
def test_what_is_none_is_refused(function, arguments, name, value, error, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError)) as caught:
        call(function, arguments, name, value)
    assert isinstance(caught.value, error), caught.value
    said = str(caught.value)
    assert sentence.format(name) in said if "{}" in sentence else sentence in said
    assert not any(word in said for word in FOREIGN)
    assert len(said) < 500
    assert list(tmp_path.iterdir()) == []  # nothing is written before all is read


def test_every_argument_has_a_row():
    for function, _, names in TABLE:
        assert list(names) or function
        known = {name for name in inspect.signature(function).parameters if name != "self"}
        assert known == set(names), function
    functions = {function.__name__ for function, *_ in TABLE}
    assert functions.isdisjoint(ELSEWHERE)
    assert set(ws.__all__) <= functions | ELSEWHERE


@pytest.mark.parametrize(("function", "arguments"), [row[:2] for row in TABLE if row[0] not in (ws.check_certificate,)])
def test_the_arguments_of_the_table_are_taken(function, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if function is last_layer_moments:
        arguments = (*arguments,)
        assert last_layer_moments(*arguments, p=0.5)
    else:
        function(*arguments)


BUDGETED = {
    "tolerance": lambda e: ws.tolerance(NET, e, X).guaranteed,
    "reliability": lambda e: ws.reliability(NET, 0.1, e, X).upper,
    "harden": lambda e: ws.harden(NET, 1, e, X).protect,
    "precision": lambda e: ws.precision(NET, e, X).weight_bits,
    "quorum": lambda e: ws.quorum(NET, e, X, runs=2).missing,
    "replicas_needed": lambda e: ws.replicas_needed(NET, ws.Crash(1), e, X),
    "enumerate_failures": lambda e: ws.enumerate_failures(NET, ws.Crash(1), X, epsilon=e).exceeding,
    "report": lambda e: ws.report(NET, X, epsilon=e, most=1, samples=2).sections[3].rows,
}


@pytest.mark.parametrize("ask", BUDGETED.values(), ids=BUDGETED)
def test_a_budget_is_read_alike_everywhere(ask):
    values = (0.5, "0.5", " 0.5 ", "1/2", "5e-1", Fraction(1, 2), Decimal("0.5"), np.float32(0.5), np.array(0.5))
    found = [repr(ask(value)) for value in values]
    assert found == found[:1] * len(values)


@pytest.mark.parametrize(("text", "harmful"), [("0.1", 1.0), ("0.3", 0.0)])
def test_a_decimal_is_compared_exactly(text, harmful):
    """0.1 as a double is above the decimal, 0.3 below; an error of that double does exceed the one, not the other."""
    net = ws.Network([[[1.0]], [[float(text)]]])
    assert ws.enumerate_failures(net, ws.Crash(1, exactly=True), [[1.0]], epsilon=text).exceeding == harmful
    assert ws.tolerance(net, text, [[1.0]]).guaranteed == 1 - harmful
    assert ws.reliability(net, 0.5, text, [[1.0]]).lower == pytest.approx(harmful / 2)


def test_decisions_need_no_budget():
    spec = ws.Argmax()
    assert ws.tolerance(NET, spec=spec, domain=X).guaranteed == ws.tolerance(NET, 0, X, spec=spec).guaranteed
    assert ws.reliability(NET, 0.1, X=X, spec=spec).upper == ws.reliability(NET, 0.1, None, X, spec=spec).upper
    assert ws.harden(NET, 1, X=X, spec=spec).protect == ws.harden(NET, 1, None, X, spec=spec).protect
    with pytest.raises(TypeError, match="X must be an array"):
        ws.reliability(NET, 0.1, 0.5)
    with pytest.raises(TypeError, match="X must be an array"):
        ws.harden(NET, 1, 0.5)


def test_draws_without_end_are_refused():
    for ask in (lambda n: ws.reliability(NET, 0.1, 0.5, X, samples=n), lambda n: ws.precision(NET, 0.5, X, samples=n),
                lambda n: ws.quorum(NET, 0.5, X, runs=n), lambda n: measure_curve(NET, X, (1,), samples=n),
                lambda n: ws.tolerance(NET, 0.5, X, samples=n), lambda n: ws.report(NET, X, samples=n)):  # fmt: skip
        with pytest.raises(ValueError, match=r"(samples|runs) must be at most 100,000,000, got"):
            ask(2**40)


def test_numbers_beyond_the_core_are_limits_that_never_come():
    plain = ws.worst_case(NET, ws.Crash(1), X)
    for limits in ({"node_limit": 2**70}, {"node_limit": None}, {"time_limit": math.inf}, {"time_limit": 10**400}):
        found = ws.worst_case(NET, ws.Crash(1), X, **limits)
        assert (found.status, found.upper) == (plain.status, plain.upper)
    for limits in ({"node_limit": 2**70}, {"time_limit": math.inf}, {"time_limit": None}):
        assert ws.tolerance(NET, 0.5, X, **limits).exact


@pytest.mark.parametrize("build", [ws.Crash, ws.SynapseCrash, lambda n: ws.Byzantine((n,), capacity=1.0)])
def test_more_failures_than_anybody_counts(build):
    model = build(HUGE)
    assert str(HUGE) in repr(model)
    assert model == build(HUGE)
    for ask in (ws.worst_case, ws.bound):
        with pytest.raises(ValueError, match=f"can fail, not {HUGE}"):
            ask(NET, model, X)
    with pytest.raises(ValueError, match=rf": {NET.n_neurons if build is not ws.SynapseCrash else 12} components can"):
        model.configurations(NET)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64, np.uint8])
def test_an_epsilon_of_numpy_is_the_integer_that_it_is(kind):
    net, inputs, _ = ws.embedded("digits_small")
    for budget in (as_budget(kind(13)), as_budget(Fraction(kind(13), kind(1)))):
        assert budget == 13 and type(budget.numerator) is int and type(budget.denominator) is int
    found = ws.tolerance(net, kind(13), inputs[:2], per_layer=True)
    assert found.frontier == ws.tolerance(net, 13, inputs[:2], per_layer=True).frontier
    assert ws.replicas_needed(net, ws.Crash(1), kind(13), inputs[:2]) == ws.replicas_needed(
        net, ws.Crash(1), 13, inputs[:2]
    )


def test_an_epsilon_whose_square_is_no_double_is_answered():
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(2, 5))])
    inputs = rng.normal(size=(3, 3))
    found = ws.reliability(net, 0.1, 1e300, inputs)
    assert found.lower == 0 and 0 <= found.upper <= ws.reliability(net, 0.1, 1e3, inputs).upper
    assert ws.report(net, inputs, epsilon=1e300, most=2, samples=5).status == "complete"


ONE = ws.Network([[[1.0], [2.0]], [[1.0, 0.5], [0.5, -1.0]]])
AT = [[1.0], [0.5]]
ASKED = {
    "bound": lambda **at: ws.bound(ONE, ws.Crash(1), **at).value,
    "fep": lambda **at: ws.fep(ONE, ws.Crash(1, exactly=True), **at).value,
    "enumerate_failures": lambda **at: ws.enumerate_failures(ONE, ws.Crash(1), epsilon=1, **at).worst,
    "worst_case": lambda **at: ws.worst_case(ONE, ws.Crash(1), **at).upper,
    "tolerance": lambda **at: ws.tolerance(ONE, epsilon=1, **at).guaranteed,
    "reliability": lambda **at: ws.reliability(ONE, 0.1, epsilon=1, samples=0, **at).upper,
    "criticality": lambda **at: ws.criticality(ONE, **at).largest,
    "precision": lambda **at: ws.precision(ONE, epsilon=1, **at).bound,
    "quorum": lambda **at: ws.quorum(ONE, epsilon=3, runs=5, **at).bound,
    "harden": lambda **at: ws.harden(ONE, 1, epsilon=1, **at).protect,
    "certified_accuracy": lambda **at: ws.certified_accuracy(ONE, y=[0, 0], failures=ws.Crash(1), **at).lower,
    "campaign": lambda **at: ws.campaign(ONE, y=[0, 0], failures=ws.Crash(1), trials=5, **at).accuracy,
    "report": lambda **at: ws.report(ONE, epsilon=1, most=1, samples=5, **at).limits,
    "replicas_needed": lambda **at: ws.replicas_needed(ONE, ws.Crash(1), epsilon=1, **at),
    "measure_curve": lambda **at: measure_curve(ONE, counts=(1,), samples=5, **at).upper.tolist(),
}


@pytest.mark.parametrize("name", ASKED)
def test_inputs_go_by_either_word(name):
    assert ASKED[name](X=AT) == ASKED[name](domain=AT)
    with pytest.raises(TypeError, match=f"{name}: X and domain are both the inputs"):
        ASKED[name](X=AT, domain=AT)


def test_every_question_takes_its_inputs_by_either_word():
    taking = {name for name in ws.__all__ if name.islower() and inspect.isfunction(function := getattr(ws, name))
              and {"X", "domain"} & set(inspect.signature(function).parameters)}  # fmt: skip
    assert taking - {"check_certificate"} == set(ASKED) - {"measure_curve"}
