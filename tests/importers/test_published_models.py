# SPDX-License-Identifier: MIT
"""Published networks, against outputs that others computed, intact and with failed neurons."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from layers_oracle import evaluate, sizes
from withstand.importers import UnsupportedModel, read

pytest.importorskip("onnx")


def models() -> Path | None:
    """The folder of published models: WITHSTAND_MODELS, or shared/models beside a folder above this file."""
    named = os.environ.get("WITHSTAND_MODELS")
    folders = [Path(named)] if named else [parent / "shared" / "models" for parent in Path(__file__).parents]
    return next((folder for folder in folders if (folder / "manifest.json").exists()), None)


def entries() -> list[dict[str, object]]:
    folder = models()
    if folder is None:
        return []
    return [entry for entry in json.loads((folder / "manifest.json").read_text())["entries"] if "reference_io" in entry]


CHAINS = [entry for entry in entries() if "hidden_layers" in entry]
#: Those of int8 are held against their runtimes elsewhere.
OTHERS = [entry for entry in entries() if "hidden_layers" not in entry and not str(entry["format"]).endswith("int8")]


@pytest.mark.skipif(models() is None, reason="the published models are not here")
@pytest.mark.parametrize("entry", CHAINS, ids=lambda entry: entry["id"])
def test_equals_published_outputs(entry: dict[str, str]) -> None:
    folder = models()
    assert folder is not None
    layers = read(folder / entry["file"])
    assert list(sizes(layers)[1:-1]) == [layer["size"] for layer in entry["hidden_layers"]]
    with np.load(folder / entry["reference_io"]) as reference:
        close(evaluate(layers, reference["x"]), reference["y_f64"])
        table = reference["fault_table"]
        for case, expected in enumerate(reference["fault_y_f64"]):
            rows = table[table[:, 0] == case]
            failed = {(int(layer) + 1, int(neuron)): value for _, _, layer, neuron, value in rows}
            close(evaluate(layers, reference["x"][[int(rows[0, 1])]], failed)[0], expected)
        if layers.input_box is not None:
            assert np.array_equal(layers.input_box, [reference["box_lo"], reference["box_hi"]])


@pytest.mark.parametrize("entry", OTHERS, ids=lambda entry: entry["id"])
def test_other_files_are_read_right_or_refused_by_name(entry: dict[str, str]) -> None:
    folder = models()
    assert folder is not None
    needed = {".h5": "h5py", ".tflite": "tflite"}.get(Path(entry["file"]).suffix)
    if needed is not None:
        pytest.importorskip(needed)
    try:
        layers = read(folder / entry["file"])
    except UnsupportedModel as refused:
        assert entry["file"] in str(refused)
        return
    with np.load(folder / entry["reference_io"]) as reference:
        x = reference["x"].reshape(len(reference["x"]), -1)
        expected = reference["y"].reshape(len(x), -1)
        computed = evaluate(layers, x)
        if layers.outputs == "logits":
            computed = np.exp(computed - computed.max(axis=1, keepdims=True))
            computed /= computed.sum(axis=1, keepdims=True)
        assert np.abs(computed - expected).max() <= 1e-5 * np.abs(expected).max()


def close(computed: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(computed - expected).max() <= 1e-9 * np.abs(expected).max()
