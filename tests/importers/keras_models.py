# SPDX-License-Identifier: MIT
"""Keras models with convolutions, pooling and branches, and how they are compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch")
keras = pytest.importorskip("keras")
L = keras.layers


def randomised(model: Any) -> Any:
    """Give every weight a value that is not its starting one."""
    rng = np.random.default_rng(1)
    for layer in model._flatten_layers():
        if layer.weights and not isinstance(layer, keras.Model):
            arrays = [rng.normal(0, 0.4, size=array.shape) for array in layer.get_weights()]
            if isinstance(layer, L.BatchNormalization | L.Normalization):
                arrays[-1 if isinstance(layer, L.BatchNormalization) else 1] += 2.5  # variances
            layer.set_weights([np.abs(array) for array in arrays] if isinstance(layer, L.PReLU) else arrays)
    return model


def predictions(model: Any, x: list[np.ndarray]) -> np.ndarray:
    given = keras.tree.pack_sequence_as(model._inputs_struct, x) if len(x) > 1 else x[0]
    outputs = keras.tree.flatten(model(given))
    return np.concatenate([np.asarray(keras.ops.convert_to_numpy(y)).reshape(len(x[0]), -1) for y in outputs], axis=1)


def close(layers: Any, model: Any) -> None:
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(4, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    computed = evaluate(layers, np.concatenate([each.reshape(4, -1) for each in x], axis=1))
    if layers.outputs == "logits":
        computed = np.exp(computed - np.logaddexp.reduce(computed, axis=1, keepdims=True))
    expected = predictions(model, x)
    assert computed.shape == expected.shape
    assert np.abs(computed - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


def image(*layers: Any, shape: tuple[int, ...] = (9, 8, 3)) -> Any:
    return keras.Sequential([keras.Input(shape), *layers, L.Flatten(), L.Dense(3)])


def keyword_spotting() -> Any:
    blocks = [
        [L.DepthwiseConv2D(3, padding="same"), L.BatchNormalization(), L.ReLU(), L.Conv2D(6, 1), L.BatchNormalization(),
         L.ReLU()]
        for _ in range(2)
    ]  # fmt: skip
    first = [L.Conv2D(6, (5, 3), strides=(2, 2), padding="same"), L.BatchNormalization(), L.ReLU(), L.Dropout(0.2)]
    last = [L.Dropout(0.4), L.AveragePooling2D((4, 3)), L.Flatten(), L.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((12, 7, 1)), *first, *blocks[0], *blocks[1], *last])


def residual() -> Any:
    x = keras.Input((8, 8, 3))
    y = z = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(y))
    y = L.ReLU()(L.Add()([y, z]))
    z = L.Conv2D(6, 1, strides=2)(y)
    y = L.BatchNormalization()(L.Conv2D(6, 3, strides=2, padding="same")(y))
    y = L.Activation("relu")(L.Add()([z, y]))
    return keras.Model(x, L.Dense(5, activation="softmax")(L.GlobalAveragePooling2D()(y)))


def inception() -> Any:
    x = keras.Input((7, 7, 2))
    branches = [
        L.Conv2D(2, 1, activation="relu")(x),
        L.Conv2D(3, 3, padding="same", activation="tanh")(x),
        L.Conv2D(2, 1)(L.MaxPooling2D(3, strides=1, padding="same")(x)),
    ]
    y = L.Concatenate()(branches)
    return keras.Model(x, L.Dense(2)(L.GlobalMaxPooling2D()(L.LeakyReLU(negative_slope=0.2)(y))))


def one_dimension() -> Any:
    layers = [
        L.Normalization(),
        L.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu"),
        L.MaxPooling1D(2),
        L.SeparableConv1D(5, 3, depth_multiplier=2, padding="same", activation="elu"),
        L.AveragePooling1D(3, strides=2),
        L.ZeroPadding1D((1, 2)),
        L.DepthwiseConv1D(2, depth_multiplier=2, strides=2, activation="sigmoid"),
        L.GlobalAveragePooling1D(),
    ]
    return keras.Sequential([keras.Input((17, 2)), *layers, L.Dense(3)])


def moves() -> Any:
    x = keras.Input((6, 5, 2))
    y = L.Conv2D(3, 2, activation="relu")(x)
    y = L.UpSampling2D((1, 2))(L.Cropping2D(((1, 0), (0, 1)))(L.ZeroPadding2D((2, 1))(y)))
    y = L.Permute((3, 1, 2))(y)
    y = L.Reshape((3, -1))(L.SpatialDropout2D(0.2)(y))
    y = L.Conv1D(4, 2, activation="tanh")(y)
    return keras.Model(x, L.Dense(2)(L.Flatten()(y)))


def channels_first() -> Any:
    first = {"data_format": "channels_first"}
    x = keras.Input((3, 8, 7))
    y = L.Conv2D(4, 3, padding="same", strides=2, **first)(x)
    y = L.ReLU(max_value=6)(L.BatchNormalization(axis=1)(y))
    y = L.SeparableConv2D(6, 3, padding="same", **first)(y)
    y = L.MaxPooling2D(2, strides=1, **first)(L.Activation("relu")(y))
    y = L.ZeroPadding2D(((0, 1), (1, 0)), **first)(y)
    y = L.DepthwiseConv2D(2, activation="relu", **first)(y)
    return keras.Model(x, L.Dense(2)(L.Flatten(**first)(y)))


def groups() -> Any:
    return image(
        L.Conv2D(4, 1, activation="relu"),
        L.Conv2D(6, 3, groups=2, dilation_rate=(2, 1), activation="relu"),
        L.MaxPooling2D((2, 3), padding="same"),
    )


def nested() -> Any:
    convolution = [keras.Input((6, 6, 3)), L.Conv2D(3, 3, padding="same"), L.BatchNormalization()]
    inner = keras.Sequential(convolution, name="inner")
    y = keras.Input((6, 6, 3))
    block = keras.Model(y, L.ReLU()(L.Add()([y, inner(y)])), name="block")
    x = keras.Input((6, 6, 2))
    z = L.Conv2D(3, 1, activation="relu")(x)
    z = block(block(z))
    return keras.Model(x, L.Dense(2)(L.GlobalAveragePooling2D()(z)))


def nested_at_the_end() -> Any:
    y = keras.Input((4,))
    head = keras.Model(y, [L.Dense(2, activation="tanh")(y), L.Dense(1)(y)], name="head")
    x = keras.Input((3,))
    return keras.Model(x, head(L.Dense(4, activation="relu")(x)))


def shared() -> Any:
    """A twin network: one stack of layers for two inputs."""
    a, b = keras.Input((6, 2)), keras.Input((6, 2))
    conv, dense = L.Conv1D(3, 2, activation="relu"), L.Dense(4, activation="tanh")
    left, right = (dense(L.Flatten()(conv(each))) for each in (a, b))
    return keras.Model([a, b], L.Dense(1)(L.Concatenate()([L.Subtract()([left, right]), L.Average()([left, right])])))


def two_inputs() -> Any:
    a, b = keras.Input((5, 5, 2), name="image"), keras.Input((3,), name="rest")
    y = L.Flatten()(L.Conv2D(2, 3, activation="relu")(L.Rescaling(1 / 8, offset=-0.5)(a)))
    y = L.Concatenate()([y, L.Dense(3, activation="sigmoid")(b)])
    return keras.Model([a, b], [L.Dense(2)(y), L.Dense(1, activation="tanh")(y)])


def named() -> Any:
    """Keras has inputs and outputs with names in alphabetical order."""
    b, a = keras.Input((3,), name="b"), keras.Input((2,), name="a")
    y = L.Concatenate()([L.Dense(3, activation="relu")(b), a])
    inner = keras.Model({"b": b, "a": a}, {"z": L.Dense(2)(y), "y": L.Dense(1)(y)}, name="inner")
    d, c = keras.Input((3,), name="d"), keras.Input((2,), name="c")
    made = inner({"a": L.Dense(2, activation="tanh")(c), "b": d})
    return keras.Model({"d": d, "c": c}, {"last": made["y"], "first": L.Dense(2)(made["z"])})


def operations() -> Any:
    x = keras.Input((5, 2))
    y = 1.0 - L.Conv1D(3, 2)(x) * 0.5
    y = keras.ops.relu(y + 0.25) / 2 - L.Conv1D(3, 2, activation="relu")(x)
    y = keras.ops.reshape(keras.ops.leaky_relu(-y, 0.3), (-1, 12))
    return keras.Model(x, L.Dense(2)(keras.ops.tanh(y)))


def activation_objects() -> Any:
    return image(
        L.Conv2D(3, 2, activation=L.LeakyReLU(negative_slope=0.3)),
        L.Activation(L.ELU(alpha=0.5)),
        L.Conv2D(2, 2, activation=L.ReLU(max_value=6)),
        L.PReLU(shared_axes=[1, 2, 3]),
        L.Dense(3, activation=keras.activations.silu),
        L.Conv2D(2, 2, activation=keras.ops.softplus),
        L.Dense(3, activation="gelu"),
        L.Activation("softsign"),
        L.Dense(2, activation="hard_silu"),
    )


def linear_in_a_row() -> Any:
    """A bottleneck of two convolutions and a product without an activation between them, read twice."""
    x = keras.Input((6, 6, 2))
    y = L.Conv2D(2, 1)(L.Conv2D(4, 3, activation="relu")(x))
    y = L.Add()([L.Conv2D(3, 3, padding="same", activation="relu")(y), L.Dense(3)(y)])
    return keras.Model(x, L.Dense(2)(L.Flatten()(L.Maximum()([y, L.Dense(3, activation="tanh")(y)]))))


def normalisations() -> Any:
    known = L.Normalization(axis=(1, 3), mean=np.arange(10.0).reshape(5, 2), variance=np.full((5, 2), 0.7))
    layers = [
        known,
        L.Conv2D(3, 2),
        L.BatchNormalization(axis=2, scale=False, epsilon=0.1),
        L.ReLU(),
        L.Normalization(axis=None, mean=0.3, variance=2.0, invert=True),
        L.Rescaling([0.5, 1.0, 2.0], offset=[0.0, 1.0, -1.0]),
        L.Conv2D(2, 2, activation="selu"),
    ]
    return image(*layers, shape=(5, 6, 2))


MODELS: list[Callable[[], Any]] = [
    keyword_spotting,
    residual,
    inception,
    one_dimension,
    moves,
    channels_first,
    groups,
    nested,
    nested_at_the_end,
    shared,
    two_inputs,
    named,
    operations,
    activation_objects,
    linear_in_a_row,
    normalisations,
]
