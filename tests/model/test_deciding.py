# SPDX-License-Identifier: MIT
"""Decisions by the smallest output, and by one output: every question against brute force."""

from __future__ import annotations

import pickle

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from hypothesis import given
from hypothesis import strategies as st
from withstand.model.deciding import class_of, decided

SHAPE = {"names": ("relu", "hard_tanh", "identity"), "width": (1, 4), "depth": (1, 2), "outputs": (1, 3),
         "output_activations": ("identity", "hard_tanh", "clip")}  # fmt: skip


def harm(intact, faulty, middle, lowest):
    """By the words of `Argmax`, one input."""
    sign = -1 if lowest else 1
    if len(intact) > 1:
        chosen = (sign * intact).argmax()
        return max(sign * (faulty[j] - faulty[chosen]) for j in range(len(intact)) if j != chosen)
    one = sign * intact[0] >= sign * middle
    return sign * (middle - faulty[0]) if one else sign * (faulty[0] - middle)


def worst(net, model, rows, lowest):
    middle = float(bridge.network(net).output_activation(np.zeros(1))[0])
    intact = oracle.forward(net, rows)
    return max(
        harm(a, b, middle, lowest)
        for config in oracle.configurations(net, model)
        for a, b in zip(intact, oracle.forward(net, rows, oracle.values(model, config)))
    )


@given(own.cases(n=2, cap=100, **SHAPE), st.booleans())
def test_every_question(case, lowest):
    net, model, rows = case
    built, failures, spec = bridge.network(net), bridge.model(model), ws.Argmax(lowest=lowest)
    truth = worst(net, model, rows, lowest)
    found = ws.worst_case(built, failures, rows, spec=spec)
    assert found.lower == pytest.approx(truth, abs=1e-12) and found.upper >= truth - 1e-12
    every = ws.enumerate_failures(built, failures, rows, spec=spec)
    assert every.worst == pytest.approx(truth, abs=1e-12)
    assert every.configurations == oracle.count(net, model) == failures.configurations(built)
    assert len(every.per_output) == built.widths[-1] and every.per_output.max() == every.worst
    bound = ws.bound(built, failures, rows, spec=spec)
    assert bound.value >= truth - 1e-12 and len(bound.per_output) == built.widths[-1]
    for witness in (found.witness, every.witness):
        assert witness.output < built.widths[-1]
        again = built.forward(witness.input, failed=witness.values)
        middle = float(built.output_activation(np.zeros(1))[0])
        assert harm(built.forward(witness.input), again, middle, lowest) == pytest.approx(witness.error, abs=1e-12)


@given(own.networks(**SHAPE), st.data(), st.booleans())
def test_tolerance_and_reliability(net, data, lowest):
    built, rows = bridge.network(net), data.draw(own.inputs_of(net, 2))
    n, spec = built.n_neurons, ws.Argmax(lowest=lowest)
    harmful = [worst(net, oracle.crash(k), rows, lowest) >= 0 for k in range(n + 1)]
    found = ws.tolerance(built, spec=spec, domain=rows, per_layer=False)
    assert found.guaranteed == (harmful.index(True) - 1 if any(harmful) else n)
    chance = sum(
        0.25 ** len(config) * 0.75 ** (n - len(config))
        for config in oracle.configurations(net, oracle.crash(n))
        if max(
            harm(a, b, float(built.output_activation(np.zeros(1))[0]), lowest)
            for a, b in zip(
                oracle.forward(net, rows), oracle.forward(net, rows, oracle.values(oracle.crash(n), config))
            )
        )
        >= 0
    )
    found = ws.reliability(built, 0.25, None, rows, spec=spec, samples=0)
    assert found.lower - 1e-9 <= chance <= found.upper + 1e-9


def graphs():
    rng = np.random.default_rng(3)
    kernel = ws.Conv(rng.normal(size=(2, 1, 3)), padding=1)
    hidden = [ws.Layer([(0, kernel)]), ws.Layer([(1, ws.Conv(rng.normal(size=(2, 2, 3)), padding=1)), (1, None)])]
    ends = {
        "dense": [(2, rng.normal(size=(3, 8)))],
        "dense, one": [(2, rng.normal(size=(1, 8)))],
        "select": [(2, ws.Select([0, 3, 5], weight=[1.0, -2.0, 0.5]))],
        "select, one": [(2, ws.Select([4]))],
        "conv": [(2, ws.Conv(rng.normal(size=(3, 2, 4))))],
        "conv, one": [(2, ws.Conv(rng.normal(size=(1, 2, 4))))],
        "wires": [(2, None)],
    }
    return {name: ws.Network(layers=[*hidden, ws.Layer(end, activation="identity")], shape=(1, 4))
            for name, end in ends.items()}  # fmt: skip


@pytest.mark.parametrize("lowest", [False, True])
@pytest.mark.parametrize("name", graphs())
def test_graphs(name, lowest):
    net, rows, spec = graphs()[name], np.random.default_rng(4).normal(size=(3, 4)), ws.Argmax(lowest=lowest)
    places = [(l, n) for l in (1, 2) for n in range(8)]
    intact = net.forward(rows)
    truth = max(
        harm(a, b, 0.0, lowest)
        for dead in [{}, *({c: 0.0} for c in places)]
        for a, b in zip(intact, net.forward(rows, failed=dead))
    )
    assert ws.worst_case(net, ws.Crash(1), rows, spec=spec).lower == pytest.approx(truth, abs=1e-12)
    assert ws.enumerate_failures(net, ws.Crash(1), rows, spec=spec).worst == pytest.approx(truth, abs=1e-12)
    right = class_of(net, intact, lowest)
    assert right.tolist() == [
        int((-out if lowest else out).argmax()) if len(out) > 1 else int(out[0] <= 0 if lowest else out[0] >= 0)
        for out in intact
    ]


def test_synapses_of_one_output_of_a_graph_are_named():
    net = graphs()["dense, one"]
    with pytest.raises(ValueError, match="name the synapses that may fail with among"):
        ws.worst_case(net, ws.SynapseCrash(1), np.ones(4), spec=ws.Argmax())
    found = ws.worst_case(net, ws.SynapseCrash(1, among=[(3, 0, 2)]), np.ones(4), spec=ws.Argmax())
    assert found.exact


def test_a_replaced_product_at_a_negated_output():
    """The value that a witness names is the network's own, not that of the one whose outputs were negated."""
    net = ws.Network([[[1.0]], [[1.0], [2.0]]])
    failures = ws.SynapseByzantine(1, capacity=3.0, convention="replace", among=[(2, 0, 0), (2, 1, 0)])
    found = ws.worst_case(net, failures, [[1.0]], spec=ws.Argmax(lowest=True), time_limit=2.0)
    outputs = net.forward([1.0], failed=found.witness.values)  # (1, 2) becomes (3, 2) or (1, -3)
    assert outputs[0] - outputs[1] == pytest.approx(found.lower) == pytest.approx(4.0)


def test_what_is_made_for_a_decision_travels():
    net = ws.Network([[[1.0]], [[1.0]]])
    judged, spec = decided(net, ws.Argmax(lowest=True))
    again = pickle.loads(pickle.dumps(judged))
    assert (spec, again._judged, again == judged) == (ws.Argmax(), (True, True), True)
    assert decided(judged, spec) == (judged, spec)
    assert decided(net, None) == (net, None)


def test_certificates_are_of_the_largest_of_several_outputs(tmp_path):
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match="certificates of decisions are of the largest of several outputs"):
        ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=tmp_path / "proof.json")
    net, path = ws.Network([[[1.0]], [[1.0], [2.0]]]), tmp_path / "proof.json"
    ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(), certificate=path)
    with pytest.raises(ValueError, match="not of the lowest"):
        ws.check_certificate(path, net, spec=ws.Argmax(lowest=True))


def test_outputs_that_cannot_be_turned_are_refused():
    net = ws.Network([[[1.0]], [[1.0], [2.0]]], output_activation="relu")
    for ask in (ws.worst_case, ws.bound, ws.enumerate_failures):
        with pytest.raises(ValueError, match=r"Argmax\(lowest=True\) takes outputs .*; .* behind relu"):
            ask(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(lowest=True))
