# SPDX-License-Identifier: MIT
"""What failed components send, as the core says it, and the witnesses that are made of it."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from withstand import _core
from withstand.model.forcing import Forcing
from withstand.model.spec import output_harms

MODELS = [
    (ws.Crash(2), [0.0]),
    (ws.StuckAt(2, value=-0.75), [-0.75]),
    (ws.SynapseCrash(2), [0.0]),
    (ws.Byzantine(2, capacity=0.5), [-0.5, 0.5]),
]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def network(rng, outputs=3):
    sizes = [3, 5, 4, outputs]
    weights = [rng.normal(size=(n, m)) for m, n in zip(sizes, sizes[1:])]
    return ws.Network(weights, [rng.normal(size=n) for n in sizes[1:]], activation="relu")


def candidates(net, model):
    (term,) = model._terms
    if not term.on_synapses:
        return [(1, i) for i in range(5)] + [(2, i) for i in range(4)]
    return [(layer, to, source) for layer, w in enumerate(net.weights, 1) for to, source in np.ndindex(w.shape)]


@pytest.mark.parametrize(("model", "values"), MODELS, ids=lambda value: repr(value))
def test_the_core_sends_what_the_model_says(model, values, rng):
    net, inputs = network(rng), rng.normal(size=(4, 3))
    ways = _core.choices_of(model._terms[0].core())
    assert len(ways) == len(values)
    components = candidates(net, model)
    for way, value in zip(ways, values):
        chosen = [components[i] for i in rng.choice(len(components), size=2, replace=False)]
        failed = [way.at(_core.Site(*component)) for component in chosen]
        found = _core.forward_failed(net._core, model._space(net), inputs, failed)
        np.testing.assert_array_equal(found, net.forward(inputs, failed=dict.fromkeys(chosen, value)))


@pytest.mark.parametrize("model", [model for model, values in MODELS if len(values) == 1], ids=repr)
@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_witnesses_of_every_engine_replay(model, spec, rng):
    net, inputs = network(rng), rng.normal(size=(3, 3))
    every = ws.enumerate_failures(net, model, inputs, spec=spec)
    search = ws.worst_case(net, model, inputs, spec=spec)
    intact = net.forward(inputs)
    for witness in (*every.top, search.witness):
        faulty = net.forward(witness.input, failed=witness.values)
        off = output_harms(intact[witness.input_index], faulty, spec is not None)
        assert (off.max(), off.argmax()) == (witness.error, witness.output)
        goal = _core.Goal.error if spec is None else _core.Goal.argmax
        forced = Forcing(net, witness.values).at(witness.input)
        assert _core.replay(net._core, witness.input, forced, goal) == (off.max(), off.argmax())
    assert every.worst == search.lower


def test_a_sum_of_models_sends_what_each_term_says(rng):
    net, inputs = network(rng), rng.normal(size=(2, 3))
    model = ws.Crash(1, among=[(1, 0), (1, 1)]) + ws.StuckAt(1, value=2.5, among=[(1, 2), (2, 1)])
    for witness in ws.enumerate_failures(net, model, inputs).top:
        assert witness.values == {c: 2.5 if c in ((1, 2), (2, 1)) else 0.0 for c in witness.failed}


def test_replay_takes_the_first_of_equal_outputs():
    net = ws.Network([[[1.0]], [[1.0], [1.0], [1.0]]])
    crashed = Forcing(net, {(1, 0): 0.0}).at(np.zeros(net.widths[0]))
    assert _core.replay(net._core, np.array([2.0]), crashed, _core.Goal.error) == (2.0, 0)
    assert _core.replay(net._core, np.array([2.0]), crashed, _core.Goal.argmax) == (0.0, 1)


def test_what_is_no_candidate_is_refused(rng):
    net = network(rng)
    model = ws.Crash(1, among=[(1, 0)])
    space, (way,) = model._space(net), _core.choices_of(model._terms[0].core())
    with pytest.raises(ValueError, match="no candidate"):
        _core.forward_failed(net._core, space, np.zeros((1, 3)), [way.at(_core.Site(1, 1))])
    engine = _core.Enumerator(net._core, space, np.zeros((1, 3)), False, None, 1)
    other = _core.Enumerator(net._core, ws.Crash(1, among=[(1, 1)])._space(net), np.ones((1, 3)), False, None, 5)
    with pytest.raises(ValueError, match="no candidate"):
        engine.witnesses(other.run(0, other.batches))
