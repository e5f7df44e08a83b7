# SPDX-License-Identifier: MIT
"""A quantised file on the command line: what it holds, in the layers and words that people know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("onnxruntime")

import withstand as ws
from click.testing import CliRunner
from onnxruntime.quantization import QuantType, quantize_static
from withstand.cli.commands import app
from withstand.model.quantisation import carried


class Calibration:
    def __init__(self, rows: np.ndarray) -> None:
        self._rows = iter(rows.astype(np.float32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        row = next(self._rows, None)
        return None if row is None else {"x": row[None]}


@pytest.fixture(scope="module")
def quantised(tmp_path_factory) -> tuple[str, str]:
    """The path of digits_small in int8, and that of inputs."""
    folder = tmp_path_factory.mktemp("quantised")
    _, X, _ = ws.embedded("digits_small")
    given = Path(ws.__file__).parent / "models" / "digits_small.onnx"
    path, inputs = folder / "int8.onnx", folder / "x.npy"
    quantize_static(given, path, Calibration(X), activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)
    np.save(inputs, X[:3])
    return str(path), str(inputs)


def run(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, list(arguments))
    return ran.exit_code, " ".join(ran.output.split())


def test_inspect_tells_words_and_roundings(quantised):
    net = ws.load(quantised[0])
    code, said = run("inspect", quantised[0])
    assert code == 0
    assert "int8 weights, int32 biases, int8 signals" in said
    neurons, _ = carried(net._described(), net.noise)
    assert f"moves what hidden neurons transmit by at most {max(neurons):.3g} " in said
    assert f"behind the last neurons it moves outputs by at most {net.output_rounding:.3g} " in said
    told = json.loads(CliRunner().invoke(app, ["inspect", quantised[0], "--json"]).output)
    assert told["words"] == [{"weight": "int8", "bias": "int32", "signal": "int8"}] * 3
    assert told["noise"] == list(net.noise) and told["output_rounding"] == net.output_rounding
    assert min(told["max_weights"]) > 0


def test_parameters_of_stages_are_those_of_layers(quantised):
    net = ws.load(quantised[0])
    each = [sum(int(np.prod(shape)) for shape in layer.parameters.values()) for layer in net.layers]
    assert each == [64 * 32 + 32, 32 * 32 + 32, 32 * 10 + 10]
    assert sum(each) == net.n_parameters
    assert [layer.kind for layer in net.layers] == ["dense"] * 3
    for number, layer in enumerate(net.layers, start=1):
        for name, shape in layer.parameters.items():
            weight = (number, name, (0,) * len(shape))
            assert np.isfinite(net.forward(np.ones(64), failed={weight: 9.0})).all()


def test_the_roundings_of_the_file_are_asked_about(quantised):
    path, inputs = quantised
    code, said = run("bound", path, "-x", inputs, "--noise", "file", "--json")
    net, told = ws.load(path), json.loads(said)
    alone = ws.bound(net, ws.Noise(net.noise), np.load(inputs))
    assert code == 0
    assert told["output_rounding"] == net.output_rounding > 0
    assert told["value"] == np.nextafter(alone.value + net.output_rounding, np.inf)
    assert told["per_output"] == [np.nextafter(v + net.output_rounding, np.inf) for v in alone.per_output]
    assert "what roundings do to an output" in told["rigor"] == told["statement"]["rigor"]
    code, said = run("bound", "digits", "--noise", "file")
    assert code == 2 and "the file is not quantised" in said
    code, said = run("bound", "digits", "--noise", "much")
    assert code == 2 and "'much' is neither a number nor 'file'" in said


def test_verdicts_about_roundings_are_of_the_file_as_it_runs(quantised):
    """A budget between the bound for signals alone and that of the run, which is larger by what outputs are off."""
    path, inputs = quantised
    net, X = ws.load(path), np.load(inputs)
    asked = ("-x", inputs, "--noise", "file")
    alone = ws.bound(net, ws.Noise(net.noise), X).value
    epsilon = str(alone + net.output_rounding / 2)
    assert run("bound", path, *asked, "-e", epsilon)[0] == 3
    code, said = run("bound", path, *asked, "-e", str(alone + 1.01 * net.output_rounding))
    assert code == 0 and "it holds for the file as a runtime runs it" in said
    found = ws.worst_case(net, ws.Noise(net.noise), X, node_limit=20)
    limited = ("worst-case", path, *asked, "--node-limit", "20")
    told = json.loads(run(*limited, "--json")[1])
    assert (told["lower"], told["witnessed"]) == (None, found.lower)
    assert told["upper"] == np.nextafter(found.upper + net.output_rounding, np.inf)
    assert not told["exact"]
    assert run(*limited, "-e", str(found.upper + net.output_rounding / 2))[0] == 3


def test_help_offers_the_roundings_of_the_file_where_they_are_taken():
    """The others refuse the word, so that their help does not name it."""
    offered = {name for name in app.commands if "by what the roundings" in " ".join(run(name, "--help")[1].split())}
    assert offered == {"bound", "worst-case"}


def test_each_of_two_outputs_of_a_decision_is_off(quantised):
    path, inputs = quantised
    net = ws.load(path)
    told = json.loads(run("bound", path, "-x", inputs, "--noise", "file", "--argmax", "--json")[1])
    alone = ws.bound(net, ws.Noise(net.noise), np.load(inputs), spec=ws.Argmax())
    assert told["value"] == np.nextafter(alone.value + 2 * net.output_rounding, np.inf)


def test_noise_that_is_a_number_adds_nothing(quantised):
    told = json.loads(run("bound", quantised[0], "-x", quantised[1], "--noise", "0.01", "--json")[1])
    assert told["output_rounding"] is None
    assert told["value"] == ws.bound(ws.load(quantised[0]), ws.Noise(0.01), np.load(quantised[1])).value


def test_commands_that_cannot_add_roundings_of_outputs_refuse_them(quantised, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(3))
    code, said = run("accuracy", quantised[0], "-x", quantised[1], "-y", str(tmp_path / "y.npy"), "--noise", "file")
    assert code == 2 and "which accuracy cannot add: ask withstand bound or withstand worst-case" in said
    code, said = run("enumerate", quantised[0], "-x", quantised[1], "--noise", "file")
    assert code == 2 and "Error: --noise file: a failed component may take any value" in said


@pytest.mark.parametrize("asked", [
    ("worst-case", "--weight-flip", "1", "--biases"), ("bound", "--weight-flip", "1"), ("enumerate", "--bit-flip", "1"),
    ("harden", "--weight-flip", "1", "-e", "3"), ("tolerance", "-e", "3"), ("reliability", "-e", "3", "-p", "0.1"),
])  # fmt: skip
def test_words_that_a_file_states_are_not_replaced(quantised, asked):
    code, said = run(asked[0], quantised[0], "-x", quantised[1], *asked[1:], "--rounded", "int8")
    assert code == 2
    assert "int8.onnx states, int8 weights, int32 biases, int8 signals: leave it out; --weight-flip" in said


def test_a_check_replaces_no_words_either(quantised, tmp_path):
    proof = str(tmp_path / "proof.json")
    asked = ("-x", quantised[1], "--rows", "0", "--weight-flip", "1", "--certificate", proof)
    assert run("worst-case", quantised[0], *asked)[0] == 0
    assert run("check", proof, quantised[0])[0] == 0
    code, said = run("check", proof, quantised[0], "--rounded", "int8")
    assert code == 2 and "--rounded int8 would replace the words" in said


@pytest.mark.parametrize("option", [("--scale", "0.1"), ("--format", "int16")])
def test_words_that_are_stated_are_not_rounded_again(quantised, option):
    code, said = run("worst-case", quantised[0], "-x", quantised[1], "--weight-flip", "1", *option)
    assert code == 2
    assert "of layer 1 is no word of" in said
    assert "the network states its own words: ask with --format int8, without --scale" in said
    assert "--rounded" not in said


def test_refusals_speak_of_layers_that_users_know(quantised):
    net = ws.load(quantised[0])
    for component, words in [((5, 1), r"\(5, 1\), failing neurons are in layers 0 \(inputs\) to 2"),
                             ((2, 99), r"\(2, 99\), layer 2 has 32 neurons")]:  # fmt: skip
        with pytest.raises(ValueError, match=words):
            ws.bound(net, ws.Crash(1, among=[component]), np.ones(64))
    with pytest.raises(ValueError, match=r"synapses enter layers 1 to 3"):
        ws.bound(net, ws.SynapseCrash(1, among=[(7, 1, 1)]), np.ones(64))
    with pytest.raises(ValueError, match=r"\(4, 1\) does not exist: layers have widths 64 32 32 10 and"):
        net.forward(np.ones(64), failed={(4, 1): 0.0})


def test_all_rows_of_a_short_file_are_named(quantised):
    _, said = run("worst-case", quantised[0], "-x", quantised[1], "--weight-flip", "1")
    assert "3 given inputs: rows 0:3 of x.npy" in said
    assert "bits 7 configurations" in said


def test_long_lists_of_words_are_cut(quantised):
    asked = ("harden", quantised[0], "-x", quantised[1], "--weight-flip", "1", "--epsilon", "3")
    code, said = run(*asked)
    whole = json.loads(run(*asked, "--json")[1])["protect"]
    assert code == 0 and len(whole) > 12
    assert f"and more {len(whole) - 12:,}, all of which --json lists" in said
    assert said.split("and more")[0].count(".weight") + said.split("and more")[0].count(", weight") == 12


@pytest.mark.parametrize("model", ["digits_small", "FILE"])
def test_a_model_where_a_certificate_is_expected(quantised, tmp_path, model):
    (tmp_path / "proof.json").write_text("{}")
    model = quantised[0] if model == "FILE" else model
    code, said = run("check", model, str(tmp_path / "proof.json"))
    assert code == 2
    assert f"{model} is a model, and the certificate comes first: withstand check CERTIFICATE MODEL" in said
    with pytest.raises(TypeError, match=r"the certificate comes first: check_certificate\(path, net\)"):
        ws.check_certificate(ws.load(quantised[0]), "proof.json")


def test_help_names_every_suffix_and_whole_summaries():
    from withstand.importers import SUFFIXES

    _, said = run("--help")
    assert all(suffix in said for suffix in SUFFIXES)
    assert "..." not in said.split("Commands:")[1]
