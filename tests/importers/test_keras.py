# SPDX-License-Identifier: MIT
"""Keras 3 models and files, against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
keras = pytest.importorskip("keras")
L = keras.layers

# Keras converts its own weights in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def agrees(model: Any, source: Any = None) -> Any:
    """Read the model (or a file of it) and compare with its own prediction, modulo a softmax."""
    layers = read(model if source is None else source)
    x = np.random.default_rng(0).normal(size=(8, *model.input_shape[1:])).astype(np.float32)
    expected = np.asarray(model(x).detach().cpu(), dtype=np.float64).reshape(8, -1)
    computed = evaluate(layers, x.reshape(8, -1))
    if layers.outputs == "logits":
        computed = np.exp(computed) / np.exp(computed).sum(axis=1, keepdims=True)
    assert np.abs(computed - expected).max() <= 1e-5 * max(1, np.abs(expected).max())
    return layers


ACTIVATIONS = {
    "relu": ("relu", 1.0, None),
    "sigmoid": ("logistic", 1.0, None),
    "tanh": ("tanh", 1.0, None),
    "elu": ("elu", 1.0, 1.0),
    "softplus": ("softplus", 1.0, None),
    "leaky_relu": ("leaky_relu", 1.0, 0.2),
    "hard_sigmoid": ("clip", 1 / 6, None),
    "hard_tanh": ("hard_tanh", 1.0, None),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    model = keras.Sequential([keras.Input((3,)), L.Dense(8, activation=name), L.Dense(2, activation=name)])
    layers = agrees(model)
    assert (layers.activations, layers.output_activation) == ((ACTIVATIONS[name],), ACTIVATIONS[name])


def randomise(layer: Any) -> None:
    """Give a BatchNormalization statistics that are not its starting values."""
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 2, size=array.shape) for array in layer.get_weights()])


def test_everything_that_is_no_layer_of_neurons(tmp_path: Path) -> None:
    norm, plain = L.BatchNormalization(), L.BatchNormalization(scale=False, center=False)
    first = [L.Rescaling(0.5, offset=-1.0), L.Dense(4), L.Flatten(), norm, L.ReLU(), L.Dropout(0.5)]
    second = [
        L.Dense(5, use_bias=False),
        plain,
        L.LeakyReLU(negative_slope=0.1),
        L.Dense(4),
        L.ELU(alpha=0.5),
    ]
    third = [L.Reshape((2, 2)), L.Activation("tanh"), L.Flatten(), L.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((2, 3)), *first, *second, *third])
    randomise(norm)
    randomise(plain)
    layers = agrees(model)
    assert [phi.name for phi in layers.activations] == ["relu", "leaky_relu", "elu", "tanh"]
    assert layers.outputs == "logits"
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        agrees(model, tmp_path / f"model{suffix}")


def test_functional_chain(tmp_path: Path) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(L.Dense(4, activation="relu")(x)))
    agrees(model)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        agrees(model, tmp_path / f"model{suffix}")


def shared() -> Any:
    x = keras.Input((3,))
    layer = L.Dense(3, activation="relu")
    return keras.Model(x, L.Dense(1)(layer(layer(x))))


def branch() -> Any:
    x = keras.Input((3,))
    h = L.Dense(3, activation="relu")(x)
    return keras.Model(x, L.Add()([x, h]))


def two_heads() -> Any:
    x = keras.Input((3,))
    h = L.Dense(3, activation="relu")(x)
    return keras.Model(x, [L.Dense(1)(h), L.Dense(1)(h)])


class Custom(L.Dense):
    """A Dense that may compute anything."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (branch(), r"Functional: layer 'add\S*' \(Add\): does not read the layer before it alone: a branch"),
        (shared(), r"\(Dense\): does not read the layer before it alone: a branch"),
        (two_heads(), "does not read the layer before it alone: a branch"),
        (keras.Sequential([keras.Input((3,)), L.Dense(2), L.Dense(1)]), "has no hidden neurons"),
        (keras.Sequential([L.Dense(2, activation="relu"), L.Dense(1)]), "build it first"),
        (
            keras.Sequential([keras.Input((3,)), L.Dense(2, activation="gelu"), L.Dense(1)]),
            "has the activation 'gelu'",
        ),
        (keras.Sequential([keras.Input((3,)), L.Dense(2), L.ReLU(6.0), L.Dense(1)]), "has max_value 6.0"),
        (
            keras.Sequential([keras.Input((3,)), Custom(2), L.ReLU(), L.Dense(1)]),
            r"\(Custom\): is not a layer of Keras",
        ),
        (
            keras.Sequential([keras.Input((4, 4, 1)), L.Conv2D(1, 2), L.ReLU()]),
            r"\(Conv2D\): is not supported; supp",
        ),
        (
            keras.Sequential([keras.Input((None, 3)), L.Dense(2, activation="relu"), L.Dense(1)]),
            "of known size",
        ),
    ],
)
def test_refused(model: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        read(model)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bad{suffix}"
    for data in (b"", b"PK", np.random.default_rng(0).bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(UnsupportedModel, match=f"bad{suffix}: is not a file that Keras reads"):
            read(path)
