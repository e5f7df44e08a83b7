# SPDX-License-Identifier: MIT
"""Reads scikit-learn's multilayer perceptrons, alone or at the end of a pipeline, without importing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from .budget import Account
from .errors import UnsupportedModel
from .graph import Form, Graph, GraphBuilder
from .layers import IDENTITY, Array, Layers, Phi, as_array
from .objects import check_arguments, check_methods, is_own

__all__ = ["read_sklearn"]

_ACTIVATIONS: Final = {
    "identity": IDENTITY,
    "logistic": Phi("logistic"),
    "relu": Phi("relu"),
    "tanh": Phi("tanh"),
}


def read_sklearn(model: Any, account: Account | None = None) -> Graph | Layers:
    """Read a fitted `MLPClassifier` or `MLPRegressor`, or a `Pipeline` that ends in one.

    A classifier of two classes has one output, the probability of the second; of more classes, the logits.

    Parameters
    ----------
    model : object
        Before the network a pipeline may have StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler, PCA,
        TruncatedSVD, VarianceThreshold and SelectKBest. None of them is a layer of neurons: what is affine becomes
        part of the first layer, a clip is a layer whose neurons may not fail.

    Raises
    ------
    UnsupportedModel
        For any other estimator or activation, and for models that are not fitted.
    """
    *steps, network = _steps(model)
    name = type(network).__name__
    if name not in ("MLPClassifier", "MLPRegressor") or not is_own(network, "sklearn"):
        raise UnsupportedModel(
            f"{name} is not supported; supported are MLPClassifier, MLPRegressor and a Pipeline that ends in one"
        )
    _check(network, "coefs_")
    first = next((step for step in steps if type(step).__name__ in _STEPS and is_own(step, "sklearn")), network)
    if not hasattr(first, "n_features_in_"):
        raise UnsupportedModel(f"{type(first).__name__} is not fitted")
    build = GraphBuilder(account)
    form = build.input((int(first.n_features_in_),))
    for step in steps:
        form = _stepped(build, form, step)
    if network.n_layers_ != len(network.coefs_) + 1:
        raise UnsupportedModel(f"{name} has n_layers_ = {network.n_layers_} and {len(network.coefs_)} weight matrices")
    if form.shape != (len(network.coefs_[0]),):
        raise UnsupportedModel(f"{name} reads {len(network.coefs_[0])} features, and is given {form.size}")
    return _perceptron(build, form, network)


def _perceptron(build: GraphBuilder, form: Form, network: Any) -> Graph | Layers:
    hidden = _activation("activation", network.activation)
    last = len(network.coefs_) - 1
    for layer, (weights, biases) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        build.account.matrix(*np.shape(weights))
        form = build.dense(form, np.ascontiguousarray(as_array(weights).T), as_array(biases))
        if layer < last and hidden is not IDENTITY:
            form = build.activate(form, hidden, name=f"coefs_[{layer}]")
    name = f"coefs_[{last}]"
    if network.out_activation_ == "softmax":
        return build.finish([form], logits=True, name=name)
    output = _activation("out_activation_", network.out_activation_)
    return build.finish([form if output is IDENTITY else build.activate(form, output, name)], name=name)


def _steps(model: Any) -> Iterator[Any]:
    """Return the estimators that a model runs, in order."""
    if type(model).__name__ == "Pipeline" and is_own(model, "sklearn"):
        _check(model, "steps")
        for _, step in model.steps:
            yield from _steps(step)
    elif model is not None and not (isinstance(model, str) and model == "passthrough"):
        yield model


def _check(estimator: Any, fitted: str) -> None:
    """Refuse an estimator that is not fitted, or does not compute as its class says."""
    name = type(estimator).__name__
    try:
        check_methods(estimator)
        check_arguments(estimator, _ARGUMENTS[name])
    except ValueError as error:
        raise UnsupportedModel(f"{name} {error}") from error
    if not hasattr(estimator, fitted):
        raise UnsupportedModel(f"{name} is not fitted")


def _activation(attribute: str, name: str) -> Phi:
    if name not in _ACTIVATIONS:
        raise UnsupportedModel(f"has {attribute} = '{name}', supported are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _stepped(build: GraphBuilder, form: Form, step: Any) -> Form:
    """Apply a step as its `transform` does: what its `fit` found where its arguments still say so."""
    name = type(step).__name__
    if name not in _STEPS or not is_own(step, "sklearn"):
        raise UnsupportedModel(f"{name} is not supported before a network; supported are {', '.join(_STEPS)}")
    function, fitted = _STEPS[name]
    _check(step, fitted)
    if step.n_features_in_ != form.size:
        raise UnsupportedModel(f"{name} has n_features_in_ = {step.n_features_in_} before {form.size} inputs")
    return function(build, form, step)


def _found(step: Any, attribute: str, form: Form) -> Array:
    """Return what a fit found for every feature."""
    array = as_array(getattr(step, attribute))
    if array.shape[-1:] != form.shape:
        raise UnsupportedModel(f"{type(step).__name__} has {attribute} of shape {array.shape} for {form.size} features")
    return array


def _standard(build: GraphBuilder, form: Form, scaler: Any) -> Form:
    centred = build.shift(form, -_found(scaler, "mean_", form)) if scaler.with_mean else form
    return build.divide(centred, _found(scaler, "scale_", form)) if scaler.with_std else centred


def _robust(build: GraphBuilder, form: Form, scaler: Any) -> Form:
    centred = build.shift(form, -_found(scaler, "center_", form)) if scaler.with_centering else form
    return build.divide(centred, _found(scaler, "scale_", form)) if scaler.with_scaling else centred


def _min_max(build: GraphBuilder, form: Form, scaler: Any) -> Form:
    scaled = build.shift(build.scale(form, _found(scaler, "scale_", form)), _found(scaler, "min_", form))
    return _clipped(build, scaled, *scaler.feature_range) if scaler.clip else scaled


def _max_abs(build: GraphBuilder, form: Form, scaler: Any) -> Form:
    scaled = build.divide(form, _found(scaler, "scale_", form))
    return _clipped(build, scaled, -1.0, 1.0) if getattr(scaler, "clip", False) else scaled


def _clipped(build: GraphBuilder, form: Form, low: float, high: float) -> Form:
    """A clip of the inputs is no layer of neurons; of what a matrix made, there are neurons that it would clip."""
    if not build.is_input(form):
        raise UnsupportedModel("clips what a linear map made of the inputs, supported is a clip of the inputs alone")
    return build.clip_input(form, low, high, name="clip")


def _components(build: GraphBuilder, form: Form, step: Any) -> Form:
    """Project on principal components: a linear map, which is multiplied into the layer that follows."""
    components = _found(step, "components_", form)
    build.account.matrix(*components.shape)
    if getattr(step, "mean_", None) is not None:
        form = build.shift(form, -_found(step, "mean_", form))
    if getattr(step, "whiten", False):
        deviation = np.sqrt(as_array(step.explained_variance_))
        components = components / np.maximum(deviation, np.finfo(np.float64).eps)[:, None]
    return build.dense(form, components)


def _selected(build: GraphBuilder, form: Form, step: Any) -> Form:
    support = np.asarray(step.get_support())
    if support.shape != form.shape:
        raise UnsupportedModel(f"{type(step).__name__} selects from {support.size} features, and is given {form.size}")
    return build.take(form, form.positions()[support])


#: What may stand before a network, and the attribute that says it is fitted.
_STEPS: Final[dict[str, tuple[Callable[[GraphBuilder, Form, Any], Form], str]]] = {
    "MaxAbsScaler": (_max_abs, "scale_"),
    "MinMaxScaler": (_min_max, "scale_"),
    "PCA": (_components, "components_"),
    "RobustScaler": (_robust, "scale_"),
    "SelectKBest": (_selected, "scores_"),
    "StandardScaler": (_standard, "scale_"),
    "TruncatedSVD": (_components, "components_"),
    "VarianceThreshold": (_selected, "variances_"),
}

#: What only `fit` uses, but for the activation.
_PERCEPTRON: Final = (
    "loss hidden_layer_sizes activation solver alpha batch_size learning_rate learning_rate_init power_t max_iter "
    "shuffle random_state tol verbose warm_start momentum nesterovs_momentum early_stopping validation_fraction "
    "beta_1 beta_2 epsilon n_iter_no_change max_fun"
)

#: The arguments of each constructor that are read here, or that only `fit` uses.
_ARGUMENTS: Final = {
    "MaxAbsScaler": "copy clip",
    "MinMaxScaler": "feature_range copy clip",
    "MLPClassifier": _PERCEPTRON,
    "MLPRegressor": _PERCEPTRON,
    "PCA": (
        "n_components copy whiten svd_solver tol iterated_power n_oversamples power_iteration_normalizer random_state"
    ),
    "Pipeline": "steps transform_input memory verbose",
    "RobustScaler": "with_centering with_scaling quantile_range copy unit_variance",
    "SelectKBest": "score_func k",
    "StandardScaler": "copy with_mean with_std",
    "TruncatedSVD": "n_components algorithm n_iter n_oversamples power_iteration_normalizer random_state tol",
    "VarianceThreshold": "threshold",
}
