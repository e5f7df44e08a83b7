# SPDX-License-Identifier: MIT
"""Files of Keras 1, 2 and 3: what the same names meant when they were written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import UnsupportedModel, load
from withstand.importers.affine import Affine
from withstand.importers.keras_activations import _hard_sigmoid
from withstand.importers.stack import Stack

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


def test_neither_keras_nor_a_backend_is_imported(tmp_path: Path) -> None:
    path = legacy(tmp_path / "old.h5", "2.4.0", activation="relu")
    code = (
        "import sys; sys.modules.update(keras=None, torch=None, tensorflow=None, jax=None)\n"
        "from withstand.importers import load; print(load(sys.argv[1]).widths)"
    )
    environment = {**os.environ, "KERAS_BACKEND": "none of them", "PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True, env=environment)
    assert printed.strip() == "(3, 4, 2)"


def test_h5py_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".h5", ".keras"):
        path = tmp_path / f"net{suffix}"
        path.write_bytes(b"anything")
        monkeypatch.setitem(sys.modules, "h5py", None)
        with pytest.raises(ImportError, match=r"reading Keras files needs the h5py package .*: pip install h5py"):
            load(path)


def legacy(path: Path, version: str | None, *middle: tuple[str, dict[str, Any]], activation: Any = "linear") -> Path:
    """Write the model Dense(4), the middle layers, Dense(2) as Keras 2 does, with the given version."""
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


def archive(path: Path, metadata: dict[str, Any], activation: str) -> Path:
    """Write the model Dense(4), Dense(2) as Keras 3 does, with the given metadata."""
    h5py = pytest.importorskip("h5py")
    dense = {"trainable": True, "dtype": "float32", "use_bias": True}
    layers: list[tuple[str, dict[str, Any]]] = [
        ("InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "input"}),
        ("Dense", {**dense, "name": "first", "units": 4, "activation": activation}),
        ("Dense", {**dense, "name": "last", "units": 2, "activation": "linear", "use_bias": False}),
    ]
    described = [{"module": "keras.layers", "class_name": kind, "config": config} for kind, config in layers]
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": described}}
    weights = path.with_suffix(".weights.h5")
    with h5py.File(weights, "w") as file:
        for name, arrays in (("dense", (KERNEL, BIAS)), ("dense_1", (LAST,))):
            for n, array in enumerate(arrays):
                file[f"layers/{name}/vars/{n}"] = array
        file["layers/dense/vars"].attrs["name"] = "first"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("metadata.json", json.dumps(metadata))
        packed.writestr("config.json", json.dumps(model))
        packed.write(weights, "model.weights.h5")
    return path


@pytest.mark.parametrize("version", FUNCTIONS)
def test_hard_sigmoid_of_an_archive_is_that_of_the_writer(tmp_path: Path, version: str) -> None:
    path = archive(tmp_path / "model.keras", {"keras_version": version}, "hard_sigmoid")
    assert np.allclose(load(path).forward(X), expected(FUNCTIONS[version]), rtol=0, atol=1e-12)


def test_an_archive_that_does_not_say_its_writer(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"layer 'first' \(Dense\): has the activation 'hard_sigmoid' of a file"):
        load(archive(tmp_path / "model.keras", {}, "hard_sigmoid"))


def test_weights_of_another_layer_in_the_place_of_one(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = archive(tmp_path / "model.keras", {"keras_version": "3.15.1"}, "relu")
    with h5py.File(path.with_suffix(".weights.h5"), "r+") as file:
        file["layers/dense/vars"].attrs["name"] = "other"
    with zipfile.ZipFile(path) as packed:
        texts = {name: packed.read(name) for name in ("metadata.json", "config.json")}
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in texts.items():
            packed.writestr(name, text)
        packed.write(path.with_suffix(".weights.h5"), "model.weights.h5")
    with pytest.raises(UnsupportedModel, match=r"layer 'first' \(Dense\): has the weights of a layer 'other'"):
        load(path)


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
        (("ThresholdedReLU", {"theta": 1.0}), r"layer 'middle0' \(ThresholdedReLU\): is not supported; supp"),
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
