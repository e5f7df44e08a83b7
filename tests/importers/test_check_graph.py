# SPDX-License-Identifier: MIT
"""Graphs that were read from objects are compared with these."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read
from withstand.importers.check_graph import compare_graph

pytestmark = pytest.mark.filterwarnings("ignore")


def network(graph: Any, change: Any = None) -> Any:
    """What the comparison uses of a network: its outputs, changed."""
    change = change or (lambda y: y)
    return SimpleNamespace(outputs=graph.outputs, forward=lambda x: change(evaluate(graph, x)))


def off(y: np.ndarray) -> np.ndarray:
    """One output of one input, off by a thousandth of the largest."""
    y = y.copy()
    y[3, -1] += 1e-3 * np.abs(y[3]).max()
    return y


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    return pytest.importorskip("keras")


def models(keras: Any) -> list[Any]:
    from keras_models import MODELS, randomised

    keras.utils.set_random_seed(0)
    return [randomised(make()) for make in MODELS]


def test_keras(keras: Any) -> None:
    compared = 0
    for model in models(keras):
        graph = read(model)
        if hasattr(graph, "activations"):
            continue
        compare_graph(network(graph), graph, model, "keras")
        with pytest.raises(
            UnsupportedModel, match=r"input \d of the check: output \d+ is .* as loaded, but .*check=False"
        ):
            compare_graph(network(graph, off), graph, model, "keras")
        compared += 1
    assert compared >= 12


def test_a_normalisation_that_cancels_a_large_bias(keras: Any) -> None:
    layers = keras.layers
    x = keras.Input((5, 5, 2))
    conv, norm = layers.Conv2D(3, 3), layers.BatchNormalization()
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.ReLU()(norm(conv(x))))))
    kernel, bias = conv.get_weights()
    conv.set_weights([kernel, bias + 3e4])
    norm.set_weights([np.ones(3), np.zeros(3), np.full(3, 3e4), np.full(3, 0.5)])
    graph = read(model)
    compare_graph(network(graph), graph, model, "keras")


def test_sklearn() -> None:
    pytest.importorskip("sklearn")
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    for network_, y in (
        (MLPRegressor, X[:, 0]),
        (MLPClassifier, X[:, 0] > 0),
        (MLPClassifier, rng.integers(3, size=60)),
    ):
        mlp = network_(hidden_layer_sizes=(5,), max_iter=20, random_state=0)
        model = make_pipeline(MinMaxScaler(clip=True), mlp).fit(X, y)
        graph = read(model)
        compare_graph(network(graph), graph, model, "sklearn")
        with pytest.raises(UnsupportedModel, match="which rounding does not explain"):
            compare_graph(network(graph, lambda y: y * (1 + 1e-9)), graph, model, "sklearn")
