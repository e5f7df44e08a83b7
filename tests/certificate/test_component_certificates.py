# SPDX-License-Identifier: MIT
"""Certificates of flipped bits, groups, channels, crashed weights and synapses are confirmed, and say the truth."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest
import withstand as ws
from alterations import save
from component_alterations import FAILURES, NET, SIGNALS, X, proved
from random_failures import problem
from random_proofs import proved as proved_at_random
from withstand.certificate.budget import LIMITS
from withstand.model.quantisation import LayerFormat, Quantisation


@pytest.mark.parametrize("seed", range(12))
def test_every_certificate_says_the_truth(seed, tmp_path):
    found = [proved_at_random(problem(np.random.default_rng((40, seed, n)), limit=200), tmp_path) for n in range(12)]
    assert found.count("confirmed") > 3


def certified(path, net, failures, inputs, spec=None):
    """Return what a search found and what the checker says of its certificate."""
    found = ws.worst_case(net, failures, inputs, spec=spec, certificate=path)
    return found, ws.check_certificate(path, net, failures=failures, domain=inputs, spec=spec)


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_every_flip_of_a_network(tmp_path, spec):
    net = ws.load(files("withstand") / "models" / "digits_small.onnx").rounded("int8")
    inputs = ws.embedded("digits_small")[1][:1]
    found, check = certified(tmp_path / "proof.json", net, ws.WeightFlip(1, format="int8"), inputs, spec)
    assert check.valid, check.reason
    assert (check.configurations, check.enumerated) == (1 + 8 * net.n_weights, 1)
    assert check.lower == found.lower <= check.upper <= found.lower + 2e-9 * abs(found.lower) + 1e-9


def test_pairs_of_weights(tmp_path):
    rng = np.random.default_rng(3)
    net = ws.Network([rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]).rounded("int8")
    found, check = certified(tmp_path / "proof.json", net, ws.WeightFlip(2, format="int8"), rng.normal(size=(1, 3)))
    assert check.valid, check.reason
    assert check.configurations == 1 + 20 * 8 + 190 * 64
    assert check.lower == found.lower


@pytest.mark.parametrize("failures", [FAILURES, SIGNALS], ids=["stored", "signals"])
@pytest.mark.parametrize("spec", [None, ws.Argmax()])
def test_a_check_says_what_is_proved(tmp_path, failures, spec):
    found, check = certified(tmp_path / "proof.json", NET, failures, X, spec)
    assert check.valid, check.reason
    assert check.configurations == 2 * failures.configurations(NET)
    assert (check.lower, check.spec, check.inputs, check.nodes) == (found.lower, spec, 2, 0)
    assert "confirmed" in repr(check)


def test_the_file_states_scales_and_groups(tmp_path):
    proved(tmp_path / "proof.json")
    weights, groups, synapses = json.loads((tmp_path / "proof.json").read_text())["failures"]
    assert weights["words"] == {
        "format": "int8", "ways": [[0], [1], [0, 1]], "to": None, "clamp": [-2.0, 2.0], "scales": [[[0.25, 0]]] * 3,
        "biases": {"format": "int8", "ways": [[0], [1], [0, 1]], "scales": [[[1 / 256, 0]], [], []]},
    }  # fmt: skip
    assert (groups["value"], groups["groups"]) == (0.5, [[[1, 0], [1, 1]], [[2, 0]], [[2, 1], [1, 3]]])
    assert synapses["among"] == [[3, 0, 0], [3, 1, 2]]
    check = ws.check_certificate(tmp_path / "proof.json", NET)
    told = ("WeightFlip(1, format='int8', bits=(0, 1, (0, 1))", "3 groups", "SynapseCrash(1")
    assert all(part in repr(check) for part in told)


FLIPS = {"format": "int8", "scale": 0.25, "bits": [0, 1, (0, 1)], "clamp": (-2.0, 2.0), "biases": True}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scale": 0.125}, "scales differ"),
        ({"bits": [0, 2, (0, 1)]}, "speaks of WeightFlip(1, format='int8', bits=(0, 1, (0, 1)), clamp=(-2.0, 2.0)"),
        ({"bits": [0, 1]}, "not of WeightFlip(1, format='int8', scale=0.25, bits=(0, 1)"),
        ({"to": 0}, "not of WeightFlip"),
        ({"clamp": None}, "not of WeightFlip"),
        ({"biases": False}, "not of WeightFlip"),
        ({"format": "int16"}, "not of WeightFlip"),
    ],
)
def test_a_proof_of_other_words_is_rejected(tmp_path, change, reason):
    proved(tmp_path / "proof.json", ws.WeightFlip(1, **FLIPS))
    assert ws.check_certificate(tmp_path / "proof.json", NET, failures=ws.WeightFlip(1, **FLIPS)).valid
    check = ws.check_certificate(tmp_path / "proof.json", NET, failures=ws.WeightFlip(1, **{**FLIPS, **change}))
    assert not check.valid
    assert reason in check.reason


def test_the_same_words_by_another_name_are_the_same(tmp_path):
    """Channels as groups are the same failures, but not the same model; bits in another order are the same."""
    proved(tmp_path / "proof.json", ws.WeightFlip(1, **FLIPS))
    again = ws.WeightFlip(1, **{**FLIPS, "bits": [(1, 0), 1, 0], "scale": [0.25, 0.25, 0.25]})
    assert ws.check_certificate(tmp_path / "proof.json", NET, failures=again).valid
    proved(tmp_path / "proof.json", ws.Crash(1, unit="channel", among=[(1, 0), (1, 1)]))
    groups = ws.Crash(1, groups=[[(1, 0), (1, 1)], [(1, 2), (1, 3)]])
    assert not ws.check_certificate(tmp_path / "proof.json", NET, failures=groups).valid


def test_a_kernel_entry_and_a_shared_bias_are_one_parameter(tmp_path):
    """Theory 16.2: u - W times what is heard, at both places."""
    conv = ws.Layer([(0, ws.Conv([[[1.0, 2.0]], [[-1.0, 4.0]]]))], [0.5, -0.5], "relu")
    net = ws.Network(layers=[conv, ws.Layer([(1, [[1.0, 1.0, 2.0, -1.0]])], activation="identity")], shape=(1, 3))
    entry = ws.WeightCrash(1, among=[(1, "weight", (0, 0, 1))])
    _, check = certified(tmp_path / "proof.json", net, entry, [[1.0, 1.0, 3.0]])
    assert (check.valid, check.lower) == (True, 2.0 * (1.0 + 3.0))
    bias = ws.WeightFlip(1, format="float32", bits=[31], biases=True, among=[(1, "bias", (0,))])
    _, check = certified(tmp_path / "proof.json", net, bias, [[1.0, 1.0, 3.0]])
    assert (check.valid, check.lower) == (True, 2.0)


@pytest.mark.parametrize("seed", range(4))
def test_words_of_a_file_have_a_zero_point(tmp_path, seed):
    rng = np.random.default_rng(seed)
    net = ws.Network([rng.normal(size=(3, 2)), rng.normal(size=(2, 3))])
    form = ws.Format("int8", 0.05, -128) if seed % 2 else ws.Format("uint8", (0.05, 0.125, 0.3), (0, 3, 128))
    net._quantisation = Quantisation((LayerFormat(), LayerFormat(signal=form), LayerFormat()))
    found, check = certified(tmp_path / "proof.json", net, ws.BitFlip(1, format=form.name), rng.normal(size=(2, 2)))
    assert check.valid, check.reason
    assert check.lower == found.lower


def test_a_word_between_two_is_settled_without_rounding(tmp_path):
    """0.5 of scale 1 lies between 0 and 1: the even one, whose bit 0 makes 1."""
    net = ws.Network([[[1.0]], [[1.0]]], activation="identity")
    flip = ws.BitFlip(1, format="int8", scale=1.0, bits=[0])
    found, check = certified(tmp_path / "proof.json", net, flip, [[0.5]])
    assert (check.valid, check.lower, found.lower) == (True, 0.5, 0.5)
    assert "too close" not in check.reason


def test_a_word_that_rounding_hides_is_refused(tmp_path):
    net = ws.Network([[[1.0]], [[1.0]]], activation="tanh")
    scale = 2 * float(net.trace([1.0])[1][0])
    flip = ws.BitFlip(1, format="int8", scale=scale, bits=[0])
    with pytest.raises(ValueError, match="too close to be sure which words its signals are"):
        ws.worst_case(net, flip, [[1.0]], certificate=tmp_path / "proof.json")
    assert not (tmp_path / "proof.json").exists()


def test_the_command(tmp_path):
    runner = pytest.importorskip("click.testing").CliRunner()
    from withstand.cli.app import app

    path, model = str(tmp_path / "proof.json"), ["digits_small", "--rounded", "int8"]
    asked = ["--weight-flip", "1", "--format", "int8", "--bits", "7", "--rows", "0:2"]
    made = runner.invoke(app, ["worst-case", *model, *asked, "--certificate", path])
    assert made.exit_code == 0, made.output
    confirmed = runner.invoke(app, ["check", path, *model, "--json"])
    assert confirmed.exit_code == 0, confirmed.output
    told = json.loads(confirmed.output)
    assert (told["valid"], told["configurations"]) == (True, 2 * (1 + 3392))
    assert told["failures"] == "WeightFlip(1, format='int8', bits=(7,))"
    assert runner.invoke(app, ["check", path, "digits_small"]).exit_code == 1


# What is refused.


@pytest.mark.parametrize(
    ("failures", "inputs", "message"),
    [
        (ws.WeightFlip(1, format="float32", bits=[30]), 1, "infinite harm: name other bits, or clamp"),
        (ws.WeightFlip(3, format="float64", bits=range(52)), 1, "configurations of components, the limit is 1,000,000"),
        (ws.WeightFlip(1, format="float64", bits=range(52)), 2000, "1,042,000 configurations of components"),
    ],
)
def test_what_would_be_too_much_is_refused_before_any_search(tmp_path, failures, inputs, message):
    net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]] * 4])
    inputs = np.ones((inputs, 1))
    with pytest.raises(ValueError, match=message):
        ws.worst_case(net, failures, inputs, certificate=tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()


def test_every_kind_of_work_is_counted_before_it_is_done(tmp_path, monkeypatch):
    proved(tmp_path / "proof.json")
    needed = ("bytes", "ways to fail", "steps of counting configurations", "configurations of components",
              "multiply-adds of components", "multiply-adds")  # fmt: skip
    for kind in needed:
        with monkeypatch.context() as patch:
            patch.setitem(LIMITS, kind, 10)
            check = ws.check_certificate(tmp_path / "proof.json", NET)
            assert not check.valid
            assert f" {kind}, the limit is 10" in check.reason
            assert check.configurations == 0


def test_an_infinite_word_of_a_signal_is_no_proof(tmp_path):
    net = ws.Network([[[1.0]], [[1.0]]])
    with pytest.raises(ValueError, match="the search ended with the upper end inf: there is nothing to certify"):
        ws.worst_case(net, ws.BitFlip(1, format="float16", bits=[14]), [[1.0]], certificate=tmp_path / "none.json")
    path = tmp_path / "proof.json"
    ws.worst_case(net, ws.BitFlip(1, format="float16", bits=[13]), [[1.0]], certificate=path)
    wrong = json.loads(path.read_text())
    wrong["failures"][0]["words"]["ways"], wrong["claim"]["upper"] = [[14]], 1e300
    wrong["claim"]["witness"]["failed"], wrong["claim"]["lower"] = [], 0.0
    save(wrong, path)
    assert "do inf to within 0, above the claim" in ws.check_certificate(path, net).reason


def test_what_is_heard_in_two_ways_is_refused(tmp_path):
    """A product and the signal itself add up in one entry of the checker's matrix."""
    layers = [ws.Layer([(0, [[1.0], [0.5]])]), ws.Layer([(1, [[1.0, 2.0], [3.0, 4.0]]), (1, None)]),
              ws.Layer([(2, [[1.0, 1.0]])], activation="identity")]  # fmt: skip
    net = ws.Network(layers=layers, shape=(1,))
    with pytest.raises(ValueError, match=r"what \(2, 0, 0\) delivers is heard in another way, too"):
        ws.worst_case(net, ws.SynapseCrash(1), [[1.0]], certificate=tmp_path / "none.json")
