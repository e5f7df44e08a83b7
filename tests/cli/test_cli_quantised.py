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
    assert f"{max(net.noise):.3g} (--noise file)" in said
    assert f"outputs by at most {net.output_rounding:.3g}" in said
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
    net = ws.load(path)
    assert code == 0
    assert json.loads(said)["value"] == ws.bound(net, ws.Noise(net.noise), np.load(inputs)).value
    code, said = run("bound", "digits", "--noise", "file")
    assert code == 2 and "the file is not quantised" in said
    code, said = run("bound", "digits", "--noise", "much")
    assert code == 2 and "'much' is neither a number nor 'file'" in said


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
