# SPDX-License-Identifier: MIT
"""scikit-learn's perceptrons and pipelines, against their own predictions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read

pytest.importorskip("sklearn")

from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1, 10, 0.1, 3] + [0, 5, 1, -2]


def fitted(model: Any, y: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few iterations do not converge, and need not
        return model.fit(X, y)


def close(computed: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(computed - expected).max() <= 1e-12 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_regressor(activation: str, outputs: int) -> None:
    y = RNG.normal(size=(60, outputs)) if outputs > 1 else RNG.normal(size=60)
    model = fitted(MLPRegressor(hidden_layer_sizes=(5, 3), activation=activation, max_iter=20, random_state=0), y)
    layers = read(model)
    close(evaluate(layers, X), model.predict(X).reshape(60, outputs))
    assert [phi.name for phi in layers.activations] == [activation] * 2


def test_binary_classifier_gives_the_probability() -> None:
    model = fitted(MLPClassifier(hidden_layer_sizes=(5,), max_iter=20, random_state=0), RNG.integers(2, size=60))
    layers = read(model)
    close(evaluate(layers, X)[:, 0], model.predict_proba(X)[:, 1])
    assert (layers.outputs, layers.output_activation.name) == ("values", "logistic")


def test_classifier_of_several_classes_gives_logits() -> None:
    model = fitted(MLPClassifier(hidden_layer_sizes=(5,), max_iter=20, random_state=0), RNG.integers(3, size=60))
    layers = read(model)
    weights = np.exp(evaluate(layers, X))
    close(weights / weights.sum(axis=1, keepdims=True), model.predict_proba(X))
    assert layers.outputs == "logits"


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        MinMaxScaler((-1, 2)),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        "passthrough",
    ],
    ids=str,
)
def test_scalers_fold_into_the_first_layer(scaler: Any) -> None:
    network = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0)
    model = fitted(make_pipeline(scaler, StandardScaler(), network), RNG.normal(size=60))
    layers = read(model)
    close(evaluate(layers, X)[:, 0], model.predict(X))
    assert [w.shape for w in layers.weights] == [(5, 4), (1, 5)]


class Custom(MLPRegressor):
    """An estimator that may predict anything."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            LinearRegression(),
            "LinearRegression: LinearRegression is not supported; supported are MLPClassifier",
        ),
        (Custom(hidden_layer_sizes=(2,), max_iter=2), "Custom is not supported"),
        (
            make_pipeline(PCA(2), MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)),
            "Pipeline: PCA is not supported before a network",
        ),
        (
            make_pipeline(MinMaxScaler(clip=True), MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)),
            "MinMaxScaler is not supported before",
        ),
        (MLPRegressor(hidden_layer_sizes=(2,), activation="identity", max_iter=2), "has no hidden neurons"),
    ],
)
def test_refused(model: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        read(fitted(model, RNG.normal(size=60)))


def test_not_fitted() -> None:
    with pytest.raises(UnsupportedModel, match="MLPRegressor is not fitted"):
        read(MLPRegressor())
