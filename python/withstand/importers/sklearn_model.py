# SPDX-License-Identifier: MIT
"""Reads scikit-learn's multilayer perceptrons, alone or after scalers in a pipeline, without importing it."""

from __future__ import annotations

from typing import Any, Final

from .affine import SOFTMAX, Affine
from .errors import UnsupportedModel
from .layers import IDENTITY, Layers, Phi, as_array
from .stack import Stack

__all__ = ["read_sklearn"]

_ACTIVATIONS: Final = {
    "identity": IDENTITY,
    "logistic": Phi("logistic"),
    "relu": Phi("relu"),
    "tanh": Phi("tanh"),
}


def read_sklearn(model: Any) -> Layers:
    """Read a fitted `MLPClassifier` or `MLPRegressor`, or a `Pipeline` of scalers that ends in one.

    A classifier of two classes has one output, the probability of the second; of more classes, the logits.

    Parameters
    ----------
    model : object
        Scalers of a pipeline may be StandardScaler, MinMaxScaler without clipping, MaxAbsScaler and
        RobustScaler.

    Raises
    ------
    UnsupportedModel
        For any other estimator or activation, and for models that are not fitted.
    """
    steps = [step for _, step in model.steps] if type(model).__name__ == "Pipeline" else [model]
    *scalers, network = steps
    if type(network).__name__ not in ("MLPClassifier", "MLPRegressor") or not _is_sklearn(network):
        raise UnsupportedModel(
            f"{type(network).__name__} is not supported; supported are MLPClassifier, MLPRegressor "
            "and a Pipeline of scalers that ends in one"
        )
    if not hasattr(network, "coefs_"):
        raise UnsupportedModel(f"{type(network).__name__} is not fitted")
    width = len(network.coefs_[0])
    stack = Stack(width)
    tensor = Affine.identity(0, width, (1, width))
    for scaler in scalers:
        tensor = _scaled(tensor, scaler)
    hidden = _activation(network.activation)
    last = len(network.coefs_) - 1
    for layer, (weights, biases) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        tensor = tensor.matmul(as_array(weights)).plus(as_array(biases))
        if layer < last and hidden is not IDENTITY:
            tensor = stack.push(tensor, hidden)
    if network.out_activation_ == "softmax":
        tensor = tensor.close(SOFTMAX)
    elif network.out_activation_ != "identity":
        tensor = stack.push(tensor, _activation(network.out_activation_))
    return stack.finish([tensor])


def _activation(name: str) -> Phi:
    if name not in _ACTIVATIONS:
        raise UnsupportedModel(f"has the activation '{name}', supported are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _scaled(tensor: Affine, scaler: Any) -> Affine:
    """Apply a scaler; those without centre or scale hold None there."""
    name = type(scaler).__name__
    if scaler is None or scaler == "passthrough":
        return tensor
    if name == "MinMaxScaler" and _is_sklearn(scaler) and not scaler.clip:
        return tensor.times(as_array(scaler.scale_)).plus(as_array(scaler.min_))
    centres = {"StandardScaler": "mean_", "RobustScaler": "center_", "MaxAbsScaler": None}
    if name not in centres or not _is_sklearn(scaler):
        raise UnsupportedModel(
            f"{name} is not supported before a network; supported are StandardScaler, MinMaxScaler "
            "without clipping, MaxAbsScaler and RobustScaler"
        )
    attribute = centres[name]
    centre = getattr(scaler, attribute) if attribute else None
    if centre is not None and getattr(scaler, "with_mean", True):
        tensor = tensor.plus(-as_array(centre))
    return tensor if scaler.scale_ is None else tensor.over(as_array(scaler.scale_))


def _is_sklearn(estimator: Any) -> bool:
    """Whether the class is scikit-learn's own: a subclass may predict anything."""
    return type(estimator).__module__.split(".")[0] == "sklearn"
