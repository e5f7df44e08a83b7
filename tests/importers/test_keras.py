# SPDX-License-Identifier: MIT
"""Keras 3 models and files, against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, load, read

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
    "hard_sigmoid": ("hard_sigmoid", 1.0, None),
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


def test_a_layer_called_twice_is_read_twice() -> None:
    assert agrees(shared()).weights[1].shape == (3, 3)
    layer, act = L.Dense(3), L.ReLU()
    layers = agrees(keras.Sequential([keras.Input((3,)), layer, act, layer, act, layer]))
    assert len(layers.activations) == 2
    assert np.array_equal(layers.weights[0], layers.weights[2])


def test_models_inside_one_another() -> None:
    x = keras.Input((3,))
    inner = keras.Sequential([keras.Input((3,)), L.Dense(4, activation="relu"), L.Dense(4)])
    outer = keras.Model(x, L.Activation("tanh")(inner(x)))
    agrees(keras.Sequential([keras.Input((3,)), outer, L.Dense(2)]))
    wrong = keras.Sequential([keras.Input((4, 1)), L.Flatten(), L.Dense(2, activation="relu")])
    y = keras.Input((4,))
    with pytest.raises(UnsupportedModel, match=r"has input shape \(None, 4, 1\) for a tensor of shape \(4,\)"):
        read(keras.Model(y, wrong(y)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2), (6,)])
@pytest.mark.parametrize("first", ["channels_first", "channels_last"])
def test_flatten_moves_channels(shape: tuple[int, ...], first: str) -> None:
    before = [keras.Input(shape), L.Dense(3, activation="tanh"), L.Flatten(data_format=first)]
    agrees(keras.Sequential([*before, L.Dense(4, activation="relu"), L.Dense(1)]))
    agrees(keras.Sequential([keras.Input(shape), L.Flatten(first), L.Dense(4, activation="relu"), L.Dense(1)]))


def test_softmax_axes() -> None:
    def model(axis: Any) -> Any:
        return keras.Sequential([keras.Input((2, 3)), L.Dense(3, activation="relu"), L.Softmax(axis=axis)])

    x = keras.Input((3,))
    h = L.Dense(4, activation="tanh")(L.Dense(3, activation="relu")(x))
    both = keras.Model(x, L.Softmax(axis=[1, 2])(L.Reshape((2, 2))(h)))
    for axis in (1, 2, -1):
        with pytest.raises(UnsupportedModel, match=rf"\(Softmax\): runs over axis {axis} of shape \(2, 3\)"):
            read(model(axis))
    assert (read(both).output_activation.name, read(both).outputs) == ("tanh", "logits")


UNITS = st.integers(1, 4)
FLAGS = st.booleans()
NAMES = st.sampled_from([None, *ACTIVATIONS])
FIRST = st.sampled_from(["channels_first", "channels_last"])
#: A class and its arguments: layers are made in the test, as Keras draws random numbers for them.
LAYERS = st.one_of(
    st.tuples(st.just(L.Dense), st.fixed_dictionaries({"units": UNITS, "activation": NAMES, "use_bias": FLAGS})),
    st.tuples(st.just(L.Activation), st.fixed_dictionaries({"activation": st.sampled_from(sorted(ACTIVATIONS))})),
    st.tuples(st.just(L.LeakyReLU), st.fixed_dictionaries({"negative_slope": st.floats(0.01, 2)})),
    st.tuples(st.just(L.ReLU), st.fixed_dictionaries({"negative_slope": st.floats(0, 2)})),
    st.tuples(st.just(L.ELU), st.fixed_dictionaries({"alpha": st.floats(0, 2)})),
    st.tuples(
        st.just(L.BatchNormalization),
        st.fixed_dictionaries({"center": FLAGS, "scale": FLAGS, "epsilon": st.sampled_from([1e-3, 0.1])}),
    ),
    st.tuples(st.just(L.Flatten), st.fixed_dictionaries({"data_format": FIRST})),
    st.tuples(st.just(L.Dropout), st.fixed_dictionaries({"rate": st.floats(0, 0.9)})),
    st.tuples(st.just(L.Rescaling), st.fixed_dictionaries({"scale": st.floats(-2, 2), "offset": st.floats(-2, 2)})),
)


@settings(max_examples=40)
@given(
    st.sampled_from([(3,), (2, 3), (3, 2)]),
    st.lists(LAYERS, max_size=6),
    st.sampled_from([None, "softmax"]),
    FLAGS,
    FLAGS,
)
def test_any_stack(shape: Any, drawn: Any, last: Any, functional: bool, repeat: bool) -> None:
    keras.utils.set_random_seed(0)
    layers = [L.Dense(3), *[kind(**arguments) for kind, arguments in drawn], L.Dense(3, activation="tanh")]
    if repeat:
        twice, act = L.Dense(3, activation="tanh"), L.Activation("relu")
        layers += [twice, act, twice, L.Dense(3), act]
    layers += [L.Flatten(), L.Dense(2, activation=last)]
    if functional:
        y = x = keras.Input(shape)
        for layer in layers:
            y = layer(y)
        model = keras.Model(x, y)
    else:
        model = keras.Sequential([keras.Input(shape), *layers])
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, size=array.shape) for array in layer.get_weights()])
    agrees(model)
    load(model)
