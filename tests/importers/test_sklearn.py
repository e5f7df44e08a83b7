# SPDX-License-Identifier: MIT
"""scikit-learn's perceptrons and pipelines, against their own predictions."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, load, read

pytest.importorskip("sklearn")

from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1, 10, 0.1, 3] + [0, 5, 1, -2]


def fitted(model: Any, y: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few iterations do not converge, and need not
        return model.fit(X.copy(), y)  # a scaler without copy works in place


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
            make_pipeline(KernelPCA(2), MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)),
            "Pipeline: KernelPCA is not supported before a network; supported are MaxAbsScaler, MinMaxScaler, PCA,",
        ),
        (
            make_pipeline(PCA(2), MinMaxScaler(clip=True), MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)),
            "clips what a linear map made of the inputs",
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
    with pytest.raises(UnsupportedModel, match="StandardScaler is not fitted"):
        read(Pipeline([("scale", StandardScaler()), ("net", perceptron())]))
    with pytest.raises(UnsupportedModel, match="Pipeline"):
        read(Pipeline([("scale", "passthrough")]))


def perceptron(**arguments: Any) -> Any:
    network = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0, **arguments)
    return fitted(network, RNG.normal(size=60))


FLAGS = st.booleans()
SCALERS = st.one_of(
    st.builds(StandardScaler, with_mean=FLAGS, with_std=FLAGS, copy=FLAGS),
    st.builds(MinMaxScaler, st.sampled_from([(0, 1), (-3, 2)]), copy=FLAGS),
    st.builds(MaxAbsScaler, copy=FLAGS),
    st.builds(
        RobustScaler, with_centering=FLAGS, with_scaling=FLAGS, unit_variance=FLAGS, quantile_range=st.just((10, 80))
    ),
    st.sampled_from(["passthrough", None]),
)


@given(
    st.lists(SCALERS, max_size=3),
    st.sampled_from(["identity", "relu", "tanh", "logistic"]),
    st.sampled_from([None, 2, 3, (3,)]),
    st.booleans(),
)
def test_any_pipeline(scalers: list[Any], activation: str, classes: Any, nested: bool) -> None:
    arguments = {"hidden_layer_sizes": (4, 3), "activation": activation, "max_iter": 2, "random_state": 0}
    y = RNG.normal(size=60) if classes is None else RNG.integers(classes if isinstance(classes, int) else 2, size=60)
    if classes == (3,):
        y = RNG.integers(2, size=(60, 3))  # several labels at once
    y[:3] = [[0, 0, 0], [1, 1, 1], [0, 1, 0]] if classes == (3,) else range(3) if classes == 3 else [0, 1, 0]
    last = MLPRegressor(**arguments) if classes is None else MLPClassifier(**arguments)
    steps = [make_pipeline(*scalers)] if nested and scalers else scalers
    model = fitted(make_pipeline(*steps, last), y)
    if activation == "identity" and (classes is None or classes == 3):
        with pytest.raises(UnsupportedModel, match="has no hidden neurons"):
            load(model)
        return
    if activation == "identity":
        return  # what is left is one layer of logistic outputs
    ours = load(model).forward(X)
    if classes == 3:
        ours = np.exp(ours - np.logaddexp.reduce(ours, axis=1, keepdims=True))
    expected = model.predict(X.copy()) if classes is None else model.predict_proba(X.copy())
    expected = expected.reshape(60, -1)
    close(ours, expected[:, 1:] if classes == 2 else expected)


@pytest.mark.parametrize(
    ("scaler", "changes"),
    [
        (StandardScaler(), {"with_mean": False}),
        (StandardScaler(), {"with_std": False}),
        (RobustScaler(), {"with_centering": False}),
        (RobustScaler(), {"with_scaling": False}),
    ],
)
def test_arguments_are_read_as_transform_reads_them(scaler: Any, changes: dict[str, Any]) -> None:
    model = fitted(make_pipeline(scaler, MLPRegressor(hidden_layer_sizes=(3,), max_iter=2)), RNG.normal(size=60))
    before = model.predict(X)
    model[0].set_params(**changes)
    assert not np.allclose(model.predict(X), before)
    close(load(model).forward(X)[:, 0], model.predict(X))


def changed(attribute: str, value: Any) -> Any:
    model = fitted(make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(3,), max_iter=2)), X[:, 0])
    *where, name = attribute.split(".")
    setattr(model.named_steps[where[0]] if where else model, name, value)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (changed("predict", lambda X: X[:, 0]), "Pipeline has its method 'predict' replaced on the instance"),
        (changed("mlpregressor.predict", lambda X: X[:, 0]), "MLPRegressor has its method 'predict' replaced"),
        (changed("standardscaler.transform", lambda X: X), "StandardScaler has its method 'transform' replaced"),
        (changed("mlpregressor.out_activation_", "exp"), "has out_activation_ = 'exp', supported are identity, "),
        (changed("mlpregressor.activation", "softplus"), "has activation = 'softplus'"),
        (changed("mlpregressor.n_layers_", 2), "has n_layers_ = 2 and 2 weight matrices"),
        (changed("standardscaler.n_features_in_", 3), r"StandardScaler has mean_ of shape \(4,\) for 3 features"),
        (
            perceptron(loss="poisson") if hasattr(MLPRegressor(), "loss") else LinearRegression(),
            "has out_act|LinearReg",
        ),
        (fitted(TransformedTargetRegressor(perceptron()), X[:, 0]), "TransformedTargetRegressor is not supported"),
        (
            fitted(make_pipeline(FunctionTransformer(np.tanh), perceptron()), X[:, 0]),
            "FunctionTransformer is not supported before a network",
        ),
        (BaseEstimator(), "BaseEstimator is not supported"),
        (StandardScaler().fit(X), "StandardScaler is not supported"),
    ],
)
def test_everything_that_changes_the_function_is_refused(model: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(model)


CLIPS = [MinMaxScaler((-1, 2)), MaxAbsScaler()]


@pytest.mark.parametrize("scaler", CLIPS, ids=["MinMaxScaler", "MaxAbsScaler"])
@pytest.mark.parametrize("before", [[], [StandardScaler()]], ids=["alone", "scaled"])
def test_a_clip_is_a_layer_that_may_not_fail(scaler: Any, before: list[Any]) -> None:
    if not hasattr(scaler, "clip"):
        pytest.skip("this version of scikit-learn has no clip there")
    model = fitted(
        make_pipeline(*before, clone(scaler).set_params(clip=True), MLPRegressor(hidden_layer_sizes=(5,), max_iter=2)),
        X[:, 0],
    )
    graph = read(model)
    assert [layer.may_fail for layer in graph.layers][-2:] == [True, False]
    assert sum(layer.may_fail for layer in graph.layers) == 1
    load(model)
    far = X * 3
    assert not np.allclose(model.predict(far), fitted_without_clip(model).predict(far))
    close(evaluate(graph, far)[:, 0], model.predict(far))


def fitted_without_clip(model: Any) -> Any:
    plain = copy.deepcopy(model)
    plain[-2].set_params(clip=False)
    return plain


PIPELINES = {
    "classifier of two": (StandardScaler(), MLPClassifier(hidden_layer_sizes=(6, 4), random_state=0), 2),
    "classifier of three": (
        MinMaxScaler(),
        MLPClassifier(hidden_layer_sizes=(6,), activation="logistic", random_state=0),
        3,
    ),
    "regressor of one": (RobustScaler(), MLPRegressor(hidden_layer_sizes=(6, 4), activation="tanh", random_state=0), 0),
    "regressor of two": (MaxAbsScaler(), MLPRegressor(hidden_layer_sizes=(6,), random_state=0), -2),
    "several labels": (StandardScaler(), MLPClassifier(hidden_layer_sizes=(6,), activation="tanh", random_state=0), -3),
    "clipped": (MinMaxScaler(clip=True), MLPRegressor(hidden_layer_sizes=(6, 4), random_state=0), 0),
    "components": (PCA(3), MLPClassifier(hidden_layer_sizes=(5,), activation="tanh", random_state=0), 3),
    "white components": (
        make_pipeline(StandardScaler(), PCA(2, whiten=True)),
        MLPRegressor(hidden_layer_sizes=(5,), random_state=0),
        0,
    ),
    "singular values": (TruncatedSVD(2), MLPClassifier(hidden_layer_sizes=(5,), random_state=0), 2),
    "selected": (
        make_pipeline(VarianceThreshold(0.5), SelectKBest(f_regression, k=2)),
        MLPRegressor(hidden_layer_sizes=(5,)),
        0,
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines(name: str) -> None:
    step, network, kind = PIPELINES[name]
    rng = np.random.default_rng(1)
    y = {0: X[:, 0] - X[:, 3] ** 2, -2: X[:, :2] ** 2, -3: (X[:, :3] > [0, 5, 1]).astype(int)}.get(kind)
    labels = rng.integers(max(kind, 1), size=60)
    model = fitted(make_pipeline(clone(step), clone(network).set_params(max_iter=30)), labels if y is None else y)
    graph = read(model)
    load(model)
    inputs = rng.normal(size=(50, 4)) * [2, 20, 0.2, 6]
    ours = evaluate(graph, inputs)
    if graph.outputs == "logits":
        ours = np.exp(ours - np.logaddexp.reduce(ours, axis=1, keepdims=True))
    theirs = model.predict(inputs) if not hasattr(model, "predict_proba") else model.predict_proba(inputs)
    theirs = np.asarray(theirs).reshape(50, -1)
    close(ours, theirs[:, 1:] if kind == 2 else theirs)
