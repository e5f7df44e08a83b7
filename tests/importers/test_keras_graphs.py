# SPDX-License-Identifier: MIT
"""Keras models with convolutions, pooling and branches: read live and from files, against Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, load, read

h5py = pytest.importorskip("h5py")
from keras_models import MODELS, L, close, image, keras, randomised  # noqa: E402

# Keras converts its own weights in a way that NumPy 2 deprecates, and calls .h5 files legacy.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_live_and_from_files(make: Callable[[], Any], tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = randomised(make())
    close(read(model), model)
    load(model)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        close(read(tmp_path / f"model{suffix}"), model)


@pytest.mark.parametrize("size", [2, (2, 3)])
def test_means_at_uneven_edges(size: Any, tmp_path: Path) -> None:
    """Where windows reach over one edge further, backends and versions of Keras differ."""
    pool = L.AveragePooling2D(size, strides=1, padding="same")
    model = keras.Sequential([keras.Input((6, 5, 2)), pool, L.Flatten(), L.Dense(3, activation="relu"), L.Dense(2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(UnsupportedModel, match="of a file that does not say its backend with padding"):
        read(tmp_path / "model.keras")
    if keras.backend.backend() == "torch":
        with pytest.raises(UnsupportedModel, match=r"takes means of Keras \S+ on torch with padding .*0, 1"):
            read(model)
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        file.attrs["backend"] = "tensorflow"
    x = np.random.default_rng(0).normal(size=(3, 6, 5, 2))
    found = evaluate(read(tmp_path / "model.h5"), x.reshape(3, -1))
    high, wide = np.broadcast_to(size, 2)
    before = (high - 1) // 2, (wide - 1) // 2
    means = np.zeros_like(x)
    for i, j in np.ndindex(6, 5):
        top, left = i - before[0], j - before[1]
        means[:, i, j] = x[:, max(top, 0) : top + high, max(left, 0) : left + wide].mean(axis=(1, 2))
    (kernel, bias), (last, end) = (layer.get_weights() for layer in model.layers[2:])
    wanted = np.maximum(means.reshape(3, -1) @ kernel.astype(float) + bias, 0) @ last.astype(float) + end
    assert np.abs(found - wanted).max() <= 1e-10


@pytest.mark.parametrize("mode", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 3)])
def test_windows(size: Any, stride: int, mode: str) -> None:
    around = {"strides": stride, "padding": mode}
    means = [L.AveragePooling2D(size, **around)] if mode == "valid" or (size, stride) == (3, 1) else []
    for layer in (
        L.Conv2D(3, size, **around),
        L.DepthwiseConv2D(size, depth_multiplier=2, **around),
        L.SeparableConv2D(3, size, depth_multiplier=2, **around),
        L.MaxPooling2D(size, **around),
        *means,
    ):
        model = randomised(image(layer, L.Activation("tanh"), shape=(6, 5, 2)))
        close(read(model), model)


def test_gelu_of_operations_is_its_tanh_form() -> None:
    """Which is its default there, and not in `keras.activations`; both have one name."""
    for function, name in ((keras.ops.gelu, "gelu_tanh"), (keras.activations.gelu, "gelu")):
        model = keras.Sequential([keras.Input((3,)), L.Dense(4, activation=function), L.Dense(2)])
        layers = read(model)
        assert [phi.name for phi in layers.activations] == [name]
        close(layers, model)
    x = keras.Input((3,))
    for approximate, name in ((True, "gelu_tanh"), (False, "gelu")):
        model = keras.Model(x, L.Dense(2)(keras.ops.gelu(L.Dense(4)(x), approximate=approximate)))
        assert [phi.name for phi in read(model).activations] == [name]
        close(read(model), model)
