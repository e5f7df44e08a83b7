# SPDX-License-Identifier: MIT
"""What each supported layer of Keras means for affine forms; anything not listed here is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .affine import SOFTMAX, Affine
from .layers import Phi, as_array
from .stack import Stack

__all__ = ["ARGUMENTS", "step"]


def step(stack: Stack, tensor: Affine, layer: Any, version: str) -> Affine:
    """Return what a layer makes of a tensor, where its functions are those of that version of Keras.

    Raises
    ------
    ValueError
        If an argument or weight of the layer is not supported.
    """
    name = type(layer).__name__
    if name == "Dropout":
        return tensor
    if name in _MOVES:
        return tensor.take(_MOVES[name](np.arange(tensor.size).reshape(tensor.shape), layer))
    if tensor.closed:
        raise ValueError(tensor.closed)
    if name in _AFFINE:
        return _activated(stack, _AFFINE[name](tensor, layer), getattr(layer, "activation", None), version)
    if name == "Activation":
        return _activated(stack, tensor, layer.activation, version)
    if name == "Softmax":
        return _softmax(tensor, layer.axis)
    return stack.push(tensor, _ACTIVATIONS[name](layer))


def _activated(stack: Stack, tensor: Affine, function: Any, version: str) -> Affine:
    """Apply an activation, which is known by identity: another function may have the same name."""
    keras = sys.modules["keras"]
    name = "linear" if function is None else str(getattr(function, "__name__", repr(function)))
    own = any(getattr(module, name, None) is function for module in (keras.activations, keras.ops))
    if function is not None and not (own and name in ("linear", "softmax", "log_softmax", *_FUNCTIONS)):
        supported = f"linear, softmax, log_softmax, {', '.join(_FUNCTIONS)} of keras.activations"
        raise ValueError(f"has the activation '{name}', supported are {supported}")
    if name == "linear":
        return tensor
    if name in ("softmax", "log_softmax"):
        return _softmax(tensor, -1)
    if name == "hard_sigmoid":
        return stack.push(tensor, _hard_sigmoid(version))
    approximated = function is getattr(keras.ops, "gelu", None)  # where it is the default, unlike in activations
    return stack.push(tensor, Phi("gelu_tanh") if approximated else _FUNCTIONS[name])


def _hard_sigmoid(version: str) -> Phi:
    """Keras 3 clips s / 6 + 1/2, which Keras 1 and 2 had with a slope of 0.2."""
    known = {"1": Phi("clip", gain=0.2), "2": Phi("clip", gain=0.2), "3": Phi("hard_sigmoid")}
    major = version.split(".")[0]
    if major not in known:
        written = f"of Keras {version}" if version else "of a file that does not say which Keras wrote it"
        raise ValueError(f"has the activation 'hard_sigmoid' {written}, supported are those of Keras 1 to 3")
    return known[major]


def _softmax(tensor: Affine, axis: Any) -> Affine:
    axes = np.atleast_1d(axis)
    if int(np.prod([tensor.shape[i] for i in axes])) != tensor.size:
        raise ValueError(f"runs over axis {axis} of shape {tensor.shape[1:]}, supported is only the class axis")
    return tensor.close(SOFTMAX)


def _flatten(positions: Any, layer: Any) -> Any:
    """Channels that come first are moved last before the axes are joined."""
    if layer.data_format == "channels_first" and positions.ndim > 2:
        positions = np.moveaxis(positions, 1, -1)
    return positions.reshape(1, -1)


def _dense(tensor: Affine, layer: Any) -> Affine:
    weights = [as_array(array) for array in layer.get_weights()]
    if len(weights) != 1 + layer.use_bias:
        raise ValueError(f"has {len(weights)} arrays of weights, supported are a kernel and a bias")
    result = tensor.matmul(weights[0])
    return result.plus(weights[1]) if layer.use_bias else result


def _batch_normalization(tensor: Affine, layer: Any) -> Affine:
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if axis % len(tensor.shape) != len(tensor.shape) - 1:
        raise ValueError(f"normalises axis {axis}, supported is the last")
    weights = [as_array(array) for array in layer.get_weights()]
    variance, mean = weights.pop(), weights.pop()
    shift = weights.pop() if layer.center else 0.0
    factor = (weights.pop() if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    return tensor.plus(-mean).times(factor).plus(np.asarray(shift))


def _rescaling(tensor: Affine, layer: Any) -> Affine:
    return tensor.times(as_array(layer.scale)).plus(as_array(layer.offset))


def _relu(layer: Any) -> Phi:
    """Below a threshold t this ReLU is slope * (s - t), and it jumps from 0 to t there: no activation of ours."""
    if layer.max_value == 6 and not layer.threshold and not layer.negative_slope:
        return Phi("relu6")
    if layer.max_value is not None or layer.threshold:
        raise ValueError(f"has max_value {layer.max_value} and threshold {layer.threshold}, supported are None and 0")
    return _sloped("leaky_relu", layer.negative_slope) if layer.negative_slope else Phi("relu")


def _sloped(name: str, slope: Any) -> Phi:
    if not (np.ndim(slope) == 0 and slope >= 0):
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi(name, slope=float(slope))


_MOVES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "Flatten": _flatten,
    "Reshape": lambda positions, layer: positions.reshape(1, *layer.target_shape),
}

_AFFINE: Final[dict[str, Callable[[Affine, Any], Affine]]] = {
    "BatchNormalization": _batch_normalization,
    "Dense": _dense,
    "Rescaling": _rescaling,
}

_ACTIVATIONS: Final[dict[str, Callable[[Any], Phi]]] = {
    "ELU": lambda layer: _sloped("elu", layer.alpha),
    "LeakyReLU": lambda layer: _sloped("leaky_relu", layer.negative_slope),
    "ReLU": _relu,
}

#: Activations by function: Keras' leaky_relu has a default slope of 0.2; hard_sigmoid depends on the version.
_FUNCTIONS: Final = {
    "elu": Phi("elu", slope=1.0),
    "gelu": Phi("gelu"),
    "hard_sigmoid": Phi("hard_sigmoid"),
    "hard_silu": Phi("hard_swish"),
    "hard_tanh": Phi("hard_tanh"),
    "leaky_relu": Phi("leaky_relu", slope=0.2),
    "relu": Phi("relu"),
    "relu6": Phi("relu6"),
    "selu": Phi("selu"),
    "sigmoid": Phi("logistic"),
    "silu": Phi("silu"),
    "softplus": Phi("softplus"),
    "softsign": Phi("softsign"),
    "tanh": Phi("tanh"),
}

_TRAINING: Final = (
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
    "bias_constraint lora_alpha"
)

#: The arguments of each constructor that are read here, or that do not change a function in inference.
ARGUMENTS: Final = {
    "Activation": "activation",
    "BatchNormalization": (
        "axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer "
        "moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint synchronized "
        "renorm_clipping renorm_momentum"
    ),
    "Dense": f"units activation use_bias {_TRAINING}",
    "Dropout": "rate noise_shape seed",
    "ELU": "alpha",
    "Flatten": "data_format",
    "LeakyReLU": "negative_slope",
    "ReLU": "max_value negative_slope threshold",
    "Rescaling": "scale offset",
    "Reshape": "target_shape",
    "Softmax": "axis",
}
