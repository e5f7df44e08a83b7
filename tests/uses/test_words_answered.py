# SPDX-License-Identifier: MIT
"""Every other question about words, parameters, channels and groups: answers that enumeration confirms, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from withstand.uses.curve import measure_curve

NET = ws.Network(
    [[[1.0, 2.0], [-3.0, 0.5], [0.5, 0.5]], [[1.0, -2.0, 0.25], [2.0, 1.0, -1.0]]], [[1.0, 0.5, 0.0], [0.0, 0.25]]
).rounded("int4")
ROWS = np.array([[1.0, 2.0], [0.3, -1.0], [-0.5, 0.25]])
GROUPS = [[(1, 0), (1, 2)], [(1, 1)]]
MODELS = {
    "flips": lambda k: ws.WeightFlip(k, format="int4"),
    "stuck cells": lambda k: ws.WeightFlip(k, format="int4", to=1, biases=True),
    "signals": lambda k: ws.BitFlip(k),
    "weights": lambda k: ws.WeightCrash(k),
    "channels": lambda k: ws.Crash(k, unit="channel"),
    "groups": lambda k: ws.Crash(k, groups=GROUPS),
    "stuck groups": lambda k: ws.StuckAt(k, value=0.5, groups=GROUPS),
}
SIZES = {"flips": 12, "stuck cells": 17, "signals": 3, "weights": 12, "channels": 3, "groups": 2, "stuck groups": 2}


def worst(model, k, spec=None):
    return ws.enumerate_failures(NET, model(k), ROWS, spec=spec).worst


@pytest.mark.parametrize("name", MODELS)
def test_tolerance(name):
    model, size = MODELS[name], SIZES[name]
    most = min(2, size)
    errors = [0.0, *(worst(model, k) for k in range(1, most + 1))]
    for epsilon in (0.5 * errors[1], 1.01 * errors[1], 0.99 * errors[most]):
        found = ws.tolerance(NET, epsilon, ROWS, model=model)
        truth = sum(error <= epsilon for error in errors) - 1
        assert found.exact
        if truth == most:
            assert found.guaranteed >= truth
            continue
        assert (found.guaranteed, found.breaking) == (truth, truth + 1)
        assert found.frontier is None
        members = found.witness.groups or found.witness.failed
        assert len(members) == found.breaking
        off = np.abs(NET.forward(found.witness.input, failed=found.witness) - NET.forward(found.witness.input)).max()
        assert off == found.witness.error > epsilon
    assert found.breaking is not None or name in ("channels", "groups", "stuck groups")
    everything = ws.tolerance(NET, 1e6, ROWS, model=model)
    assert (everything.guaranteed, everything.breaking, everything.most) == (size, None, size)
    assert len(everything.per_layer) == {"groups": 0, "stuck groups": 0}.get(name, 2 if size > 3 else 1)


@pytest.mark.parametrize("name", ["flips", "signals", "weights", "channels"])
def test_tolerance_of_layers_alone(name):
    model, epsilon = MODELS[name], 3.0
    found = ws.tolerance(NET, epsilon, ROWS, model=model)
    for place, limit in enumerate(found.per_layer):
        counts = tuple(int(n == place) for n in range(len(found.per_layer)))
        harmful = ws.enumerate_failures(NET, model(counts), ROWS).worst > epsilon
        assert limit.breaking == 1 if harmful else limit.guaranteed >= 1


@pytest.mark.parametrize("name", MODELS)
def test_tolerance_of_decisions(name):
    rows, model = ROWS[:2], MODELS[name]
    found = ws.tolerance(NET, domain=rows, model=model, spec=ws.Argmax())
    assert found.exact
    harm = [ws.enumerate_failures(NET, model(k), rows, spec=ws.Argmax()).worst for k in (0, 1)]
    assert found.guaranteed >= 1 if harm[1] < 0 else found.breaking == 1
    tied = ws.Network([[[1.0]], [[1.0], [1.0]]]).rounded("int8")
    found = ws.tolerance(tied, domain=[[1.0]], model=lambda k: ws.WeightFlip(k, format="int8"), spec=ws.Argmax())
    assert (found.guaranteed, found.breaking) == (-1, 0)


def test_infinite_words_are_harm_also_where_outputs_are_bounded():
    net = ws.Network([[[1.0]], [[1.0]]], output_activation="logistic")
    found = ws.tolerance(net, 5.0, [[1.0]], model=lambda k: ws.WeightFlip(k, format="float32"))
    assert (found.guaranteed, found.breaking, found.witness.error) == (0, 1, float("inf"))
    found = ws.tolerance(net, 5.0, [[1.0]], model=lambda k: ws.WeightCrash(k))
    assert (found.guaranteed, found.method) == (2, "capped")


@pytest.mark.parametrize("name", MODELS)
def test_curves(name):
    curve = measure_curve(NET, ROWS, counts=(1, 2), model=MODELS[name], samples=20)
    assert curve.random.shape == (2, 20)
    for n, k in enumerate(curve.counts):
        exact = worst(MODELS[name], k)
        assert curve.random[n].max() <= exact <= curve.proved[n] * (1 + 1e-12)
        assert curve.proved[n] <= curve.paper[n]
        assert curve.lower[n] == pytest.approx(exact)


@pytest.mark.parametrize("name", MODELS)
def test_certified_accuracy(name):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(12, 2))
    y = NET.forward(rows).argmax(axis=1)
    y[3] = 1 - y[3]
    model = MODELS[name]
    found = ws.certified_accuracy(NET, rows, y, model(2))
    signals = [float(np.abs(layer).max()) for layer in NET.trace(rows)[1:-1]]  # the words are those of all inputs
    scale = [s / 127 for s in signals]
    for n, x in enumerate(rows):
        for k in range(3):
            asked = ws.BitFlip(k, scale=scale) if name == "signals" else model(k)
            harm = ws.enumerate_failures(NET, asked, x[None], spec=ws.Argmax()).worst
            assert (found.tolerated[n] >= k) == (harm < 0 and n != 3)
    assert found.lower == found.upper
    assert found.curve.lower[1] == np.mean(found.tolerated >= 1)
    assert any(found.witnesses) or name == "groups"


@pytest.mark.parametrize("name", MODELS)
def test_certificates(name, tmp_path):
    found = ws.worst_case(NET, MODELS[name](1), ROWS, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", NET, failures=MODELS[name](1), domain=ROWS)
    assert check.valid, check.reason
    assert check.lower == found.lower
    assert check.configurations == len(ROWS) * MODELS[name](1).configurations(NET)


def test_a_certificate_of_neurons_does_not_speak_of_groups(tmp_path):
    ws.worst_case(NET, ws.Crash(1), ROWS, certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", NET, failures=ws.Crash(1, groups=GROUPS))
    assert "the certificate speaks of Crash(1), not of Crash(1, groups=" in check.reason


@pytest.mark.parametrize("name", MODELS)
def test_copies_are_of_neurons_one_by_one(name):
    with pytest.raises(ValueError, match="copies are of neurons"):
        ws.replicas_needed(NET, MODELS[name](1), 0.5, ROWS)


@pytest.mark.parametrize("domain", [None, ws.Box([-1.0, -1.0], [1.0, 1.0])])
def test_words_of_unbounded_signals_need_inputs_or_a_scale(domain):
    with pytest.raises(ValueError, match="give scale, or ask about given inputs"):
        ws.tolerance(NET, 0.5, domain, model=MODELS["signals"])
    scaled = ws.tolerance(NET, 1e6, domain or ROWS, model=lambda k: ws.BitFlip(k, scale=0.25))
    assert scaled.guaranteed == 3


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda k: ws.WeightFlip(k, format="int4") + ws.Crash(k), "of one kind"),
        (lambda k: ws.WeightCrash(k, exactly=True), "leave out exactly"),
    ],
)
def test_what_tolerance_refuses(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        ws.tolerance(NET, 0.5, ROWS, model=model)
