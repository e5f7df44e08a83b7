# SPDX-License-Identifier: MIT
"""Files of Keras 1, 2 and 3: what the same names meant when they were written."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import UnsupportedModel, load
from withstand.importers.affine import Affine
from withstand.importers.keras_file import written_by
from withstand.importers.keras_layers import _hard_sigmoid
from withstand.importers.stack import Stack

# Keras' own reader warns of what it converts, and of NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(0)
KERNEL, BIAS = RNG.normal(size=(3, 4)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
LAST = RNG.normal(size=(4, 2)).astype(np.float32)
X = RNG.normal(size=(50, 3)) * 3


@pytest.mark.parametrize("version", ["1.2.2", "2.2.4", "2.15.0-tf"])
def test_hard_sigmoid_before_keras_3(version: str) -> None:
    assert _hard_sigmoid(version) == ("clip", 0.2, None)


def test_hard_sigmoid_of_keras_3() -> None:
    assert _hard_sigmoid("3.15.1") == ("hard_sigmoid", 1.0, None)


@pytest.mark.parametrize(("version", "words"), [("", "that does not say which Keras"), ("4.0", "of Keras 4.0")])
def test_hard_sigmoid_of_unknown_versions(version: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"has the activation 'hard_sigmoid' .*{words}"):
        _hard_sigmoid(version)


@pytest.mark.parametrize("version", ["3.0.0", "3.10.0", "unknown"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_are_not_read_by_a_keras_whose_safe_mode_a_file_can_switch_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, suffix: str
) -> None:
    keras = pytest.importorskip("keras")
    path = tmp_path / f"model{suffix}"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "tanh"), keras.layers.Dense(1)]).save(path)
    load(path)
    monkeypatch.setattr(keras, "__version__", version)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras read the file"))
    with pytest.raises(ImportError, match=f"needs Keras 3.11 or newer.*this is {version}"):
        load(path)


@pytest.mark.parametrize("version", ["3.11.0", "3.15.1", "4.0"])
def test_keras_is_asked_for_safe_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    keras = pytest.importorskip("keras")
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "tanh"), keras.layers.Dense(1)]).save(path)
    read, asked = keras.saving.load_model, []
    monkeypatch.setattr(keras, "__version__", version)
    monkeypatch.setattr(keras.saving, "load_model", lambda *args, **given: asked.append(given) or read(*args, **given))
    load(path)
    assert [given["safe_mode"] for given in asked] == [True]


def test_the_version_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    for metadata, version in (({"keras_version": "2.13.1"}, "2.13.1"), ({}, "")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps(metadata))
        assert written_by(path) == version


@pytest.mark.parametrize("version", [None, "2.2.4", b"2.11.0", "3.15.1"])
def test_the_version_of_an_hdf5_file(tmp_path: Path, version: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "model.h5", "w") as file:
        if version is not None:
            file.attrs["keras_version"] = version
    expected = version.decode() if isinstance(version, bytes) else version or ""
    assert written_by(tmp_path / "model.h5") == expected


def legacy(path: Path, version: str | None, *middle: tuple[str, dict[str, Any]], activation: Any = "linear") -> Path:
    """Write the model Dense(4), the middle layers, Dense(2) as Keras 2 does, with the given version."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    h5py = pytest.importorskip("h5py")
    dense = {"trainable": True, "dtype": "float32", "use_bias": True}
    layers: list[tuple[str, dict[str, Any]]] = [
        ("InputLayer", {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False, "name": "input"}),
        ("Dense", {**dense, "name": "first", "units": 4, "activation": activation}),
        *[(kind, {"name": f"middle{n}", "dtype": "float32", **config}) for n, (kind, config) in enumerate(middle)],
        ("Dense", {**dense, "name": "last", "units": 2, "activation": "linear", "use_bias": False}),
    ]
    weights = {"first": {"kernel": KERNEL, "bias": BIAS}, "last": {"kernel": LAST}}
    described = [{"class_name": kind, "config": config} for kind, config in layers]
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": described}}
    with h5py.File(path, "w") as file:
        file.attrs["backend"] = "tensorflow"
        if version is not None:
            file.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(model)
        root = file.create_group("model_weights")
        names = [config["name"] for _, config in layers]
        root.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            group, arrays = root.create_group(name), weights.get(name, {})
            group.attrs["weight_names"] = [f"{name}/{key}:0".encode() for key in arrays]
            for key, array in arrays.items():
                group.create_dataset(f"{name}/{key}:0", data=array)
    return path


def expected(function: Any) -> np.ndarray:
    return function(X @ KERNEL.astype(float) + BIAS) @ LAST.astype(float)


FUNCTIONS = {
    "2.2.4": lambda s: np.clip(0.2 * s + 0.5, 0, 1),
    "2.15.0": lambda s: np.clip(0.2 * s + 0.5, 0, 1),
    "3.15.1": lambda s: np.clip(s / 6 + 0.5, 0, 1),
}


@pytest.mark.parametrize("version", FUNCTIONS)
@pytest.mark.parametrize("alone", [False, True])
def test_hard_sigmoid_is_that_of_the_writer(tmp_path: Path, version: str, alone: bool) -> None:
    path = tmp_path / "old.h5"
    if alone:
        legacy(path, version, ("Activation", {"activation": "hard_sigmoid"}))
    else:
        legacy(path, version, activation="hard_sigmoid")
    assert np.allclose(load(path).forward(X), expected(FUNCTIONS[version]), rtol=0, atol=1e-12)


def test_a_file_that_does_not_say(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"old\.h5: layer 'first' \(Dense\): has the activation 'hard_sigmoid'"):
        load(legacy(tmp_path / "old.h5", None, activation="hard_sigmoid"))
    tanh = load(legacy(tmp_path / "tanh.h5", None, activation="tanh"))
    assert np.allclose(tanh.forward(X), expected(np.tanh), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (("LeakyReLU", {"alpha": 0.25}), lambda s: np.where(s > 0, s, 0.25 * s)),
        (("LeakyReLU", {}), lambda s: np.where(s > 0, s, 0.3 * s)),
        (("ReLU", {"max_value": None, "negative_slope": 0.1, "threshold": 0.0}), lambda s: np.where(s > 0, s, 0.1 * s)),
        (("ELU", {"alpha": 0.5}), lambda s: np.where(s > 0, s, 0.5 * np.expm1(s))),
    ],
)
def test_layers_of_keras_2(tmp_path: Path, layer: Any, function: Any) -> None:
    net = load(legacy(tmp_path / "old.h5", "2.11.0", layer))
    assert np.allclose(net.forward(X), expected(function), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (("ReLU", {"max_value": 5.0, "negative_slope": 0.0, "threshold": 0.0}), "has max_value 5.0"),
        (("ReLU", {"max_value": None, "negative_slope": 0.0, "threshold": 1.0}), "threshold 1.0"),
        (("ThresholdedReLU", {"theta": 1.0}), "is not a file that Keras reads: .*ThresholdedReLU"),
        (("Softmax", {"axis": 0}), r"\(Softmax\): runs over axis 0"),
        (("Activation", {"activation": "tanh", "dtype": "float16"}), "has the dtype policy 'float16'"),
    ],
)
def test_layers_of_keras_2_that_are_refused(tmp_path: Path, layer: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(legacy(tmp_path / "old.h5", "2.11.0", layer))


def test_a_clip_of_any_gain_is_the_function_of_its_definition() -> None:
    stack = Stack(1)
    stack.push(Affine.identity(0, 1, (1,)).rmatmul(np.ones((1, 1))), _hard_sigmoid("2.0"))
    from layers_oracle import phi

    assert np.allclose(phi(stack.activations[0], X), np.clip(0.2 * X + 0.5, 0, 1), rtol=0, atol=1e-15)
