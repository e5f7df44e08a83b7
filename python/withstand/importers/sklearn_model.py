# SPDX-License-Identifier: MIT
"""Reads scikit-learn's multilayer perceptrons, alone or after scalers in a pipeline, without importing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from .affine import SOFTMAX, Affine
from .budget import Account
from .errors import UnsupportedModel
from .layers import IDENTITY, Layers, Phi, as_array
from .objects import check_arguments, check_methods, is_own
from .stack import Stack

__all__ = ["read_sklearn"]

_ACTIVATIONS: Final = {
    "identity": IDENTITY,
    "logistic": Phi("logistic"),
    "relu": Phi("relu"),
    "tanh": Phi("tanh"),
}


def read_sklearn(model: Any, account: Account | None = None) -> Layers:
    """Read a fitted `MLPClassifier` or `MLPRegressor`, or a `Pipeline` of scalers that ends in one.

    A classifier of two classes has one output, the probability of the second; of more classes, the logits.

    Parameters
    ----------
    model : object
        Scalers of a pipeline may be StandardScaler, RobustScaler, and MinMaxScaler and MaxAbsScaler without
        clipping: a clip is no affine map, and no layer whose neurons may fail.

    Raises
    ------
    UnsupportedModel
        For any other estimator or activation, and for models that are not fitted.
    """
    *scalers, network = _steps(model)
    name = type(network).__name__
    if name not in ("MLPClassifier", "MLPRegressor") or not is_own(network, "sklearn"):
        raise UnsupportedModel(
            f"{name} is not supported; supported are MLPClassifier, MLPRegressor and a Pipeline of scalers "
            "that ends in one"
        )
    _check(network, "coefs_")
    width = len(network.coefs_[0])
    stack = Stack(width, account)
    tensor = stack.inputs((1, width))
    for scaler in scalers:
        tensor = _scaled(tensor, scaler)
    if network.n_layers_ != len(network.coefs_) + 1:
        raise UnsupportedModel(f"{name} has n_layers_ = {network.n_layers_} and {len(network.coefs_)} weight matrices")
    hidden = _activation("activation", network.activation)
    last = len(network.coefs_) - 1
    for layer, (weights, biases) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        tensor = tensor.matmul(as_array(weights)).plus(as_array(biases))
        if layer < last and hidden is not IDENTITY:
            tensor = stack.push(tensor, hidden)
    if network.out_activation_ == "softmax":
        tensor = tensor.close(SOFTMAX)
    else:
        output = _activation("out_activation_", network.out_activation_)
        tensor = tensor if output is IDENTITY else stack.push(tensor, output)
    return stack.finish([tensor])


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


def _scaled(tensor: Affine, scaler: Any) -> Affine:
    """Apply a scaler as its `transform` does: what its `fit` found where its arguments still say so."""
    name = type(scaler).__name__
    if name not in _SCALERS or not is_own(scaler, "sklearn"):
        supported = "StandardScaler, RobustScaler, and MinMaxScaler and MaxAbsScaler without clipping"
        raise UnsupportedModel(f"{name} is not supported before a network; supported are {supported}")
    _check(scaler, "scale_")
    if scaler.n_features_in_ != tensor.size:
        raise UnsupportedModel(f"{name} has n_features_in_ = {scaler.n_features_in_} before {tensor.size} inputs")
    return _SCALERS[name](tensor, scaler)


def _standard(tensor: Affine, scaler: Any) -> Affine:
    centred = tensor.plus(-as_array(scaler.mean_)) if scaler.with_mean else tensor
    return centred.over(as_array(scaler.scale_)) if scaler.with_std else centred


def _robust(tensor: Affine, scaler: Any) -> Affine:
    centred = tensor.plus(-as_array(scaler.center_)) if scaler.with_centering else tensor
    return centred.over(as_array(scaler.scale_)) if scaler.with_scaling else centred


_SCALERS: Final[dict[str, Callable[[Affine, Any], Affine]]] = {
    "MaxAbsScaler": lambda tensor, scaler: tensor.over(as_array(scaler.scale_)),
    "MinMaxScaler": lambda tensor, scaler: tensor.times(as_array(scaler.scale_)).plus(as_array(scaler.min_)),
    "RobustScaler": _robust,
    "StandardScaler": _standard,
}

#: What only `fit` uses, but for the activation.
_PERCEPTRON: Final = (
    "loss hidden_layer_sizes activation solver alpha batch_size learning_rate learning_rate_init power_t max_iter "
    "shuffle random_state tol verbose warm_start momentum nesterovs_momentum early_stopping validation_fraction "
    "beta_1 beta_2 epsilon n_iter_no_change max_fun"
)

#: The arguments of each constructor that are read here, or that only `fit` uses.
_ARGUMENTS: Final = {
    "MaxAbsScaler": "copy",
    "MinMaxScaler": "feature_range copy",
    "MLPClassifier": _PERCEPTRON,
    "MLPRegressor": _PERCEPTRON,
    "Pipeline": "steps transform_input memory verbose",
    "RobustScaler": "with_centering with_scaling quantile_range copy unit_variance",
    "StandardScaler": "copy with_mean with_std",
}
