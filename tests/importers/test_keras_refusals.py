# SPDX-License-Identifier: MIT
"""What changes the function that a Keras model computes is refused by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import UnsupportedModel, load, read

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
keras = pytest.importorskip("keras")
L = keras.layers

# Keras converts its own weights in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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
        (two_heads(), "has 1 inputs and 2 outputs, so one does not read the layer before it alone: a branch"),
        (keras.Sequential([keras.Input((3,)), L.Dense(2), L.Dense(1)]), "has no hidden neurons"),
        (keras.Sequential([L.Dense(2, activation="relu"), L.Dense(1)]), "build it first"),
        (
            keras.Sequential([keras.Input((3,)), L.Dense(2, activation="celu"), L.Dense(1)]),
            "has the activation 'celu'",
        ),
        (keras.Sequential([keras.Input((3,)), L.Dense(2), L.ReLU(5.0), L.Dense(1)]), "has max_value 5.0"),
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


def small(**arguments: Any) -> Any:
    return keras.Sequential([keras.Input((3,)), L.Dense(4, activation="relu", **arguments), L.Dense(2)])


def changed(change: Any) -> Any:
    model = small()
    change(model)
    return model


def call(thing: Any) -> None:
    original = thing.call
    thing.call = lambda *args, **kwargs: original(*args, **kwargs) * 2


def relu(x: Any) -> Any:
    """Not what its name says."""
    return x


def monte_carlo(**arguments: Any) -> Any:
    x = keras.Input((3,))
    return keras.Model(x, L.Dense(2)(L.Dropout(0.5)(L.Dense(4, activation="relu")(x), **arguments)))


def last(layer: Any) -> Any:
    return keras.Sequential([keras.Input((3,)), L.Dense(4), layer, L.Dense(2)])


class Doubling(keras.Sequential):
    """A Sequential model with a call of its own."""

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return 2 * super().call(inputs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: changed(lambda model: model.quantize("int8")), "has the dtype policy 'int8_from_float32'"),
        (lambda: changed(lambda model: model.layers[0].enable_lora(2)), "has lora_rank = 2, supported is lora_rank ="),
        (lambda: changed(lambda model: call(model.layers[1])), r"\(Dense\): has its method 'call' replaced"),
        (lambda: changed(call), r"\(Sequential\): has its method 'call' replaced on the instance"),
        (
            lambda: changed(lambda model: model.layers[0].register_forward_hook(lambda m, i, output: output * 2)),
            r"\(Dense\): has forward hooks",
        ),
        (lambda: small(dtype="mixed_float16"), "has the dtype policy 'mixed_float16', supported are float32, float64"),
        (lambda: small(dtype="mixed_bfloat16"), "has the dtype policy 'mixed_bfloat16'"),
        (lambda: small(dtype="float16"), "has the dtype policy 'float16'"),
        (lambda: last(L.Activation("relu", dtype="mixed_float16")), r"\(Activation\): has the dtype policy"),
        (lambda: last(L.Activation(relu)), "has the activation 'relu', supported are linear, "),
        (lambda: last(L.Activation(lambda x: x)), "has the activation '<lambda>'"),
        (lambda: last(L.Dense(3, activation=L.LeakyReLU(0.3))), "has the activation '<LeakyReLU"),
        (lambda: last(L.Activation("mish")), "has the activation 'mish'"),
        (lambda: last(L.ReLU(threshold=0.5)), "has max_value None and threshold 0.5"),
        (lambda: last(L.BatchNormalization(renorm=True)), "has renorm = True, supported is renorm = False"),
        (lambda: last(L.Softmax()), r"\(Dense\): follows a softmax"),
        (lambda: last(L.Masking()), r"\(Masking\): is not supported"),
        (lambda: monte_carlo(training=True), r"\(Dropout\): is called with \{'training': True\}"),
        (lambda: keras.Sequential([keras.Input((3,)), L.ReLU(), L.Dense(2)]), r"\(ReLU\): clips the inputs"),
        (
            lambda: keras.Sequential(
                [keras.Input((3,), dtype="int32"), L.Rescaling(0.1), L.Dense(2, "relu"), L.Dense(1)]
            ),
            "casts its inputs to int32",
        ),
        (
            lambda: Doubling([keras.Input((3,)), L.Dense(2, activation="relu"), L.Dense(1)]),
            "Doubling: is not supported",
        ),
        (lambda: L.Dense(3), "Dense: is not supported; supported are keras.Sequential and Functional models"),
        (lambda: keras.Input((3,)), "KerasTensor: is not supported"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_everything_that_changes_the_function_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(make())


@pytest.mark.parametrize("training", [None, False])
def test_training_arguments_that_say_nothing(training: Any) -> None:
    load(monte_carlo(training=training))


def test_the_comparison_leaves_losses_alone() -> None:
    model = small(activity_regularizer="l2")
    load(model)
    assert model.losses == []
    model(np.ones((1, 3)))
    before = [float(loss.detach()) for loss in model.losses]
    load(model)
    assert [float(loss.detach()) for loss in model.losses] == before != []


def test_double_precision_models() -> None:
    x = keras.Input((3,), dtype="float64")
    h = L.Dense(4, activation="tanh", dtype="float64")(x)
    load(keras.Model(x, L.Dense(2, dtype="float64")(h)))
