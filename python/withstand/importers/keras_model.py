# SPDX-License-Identifier: MIT
"""Reads Keras 3 models of dense layers: Sequential, or Functional where it is one chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from .affine import SOFTMAX, Affine
from .errors import UnsupportedModel
from .layers import Layers, Phi, as_array
from .stack import Stack

__all__ = ["read_keras", "read_keras_file"]


def read_keras_file(path: Path) -> Layers:
    """Read a `.keras` or `.h5` file.

    Raises
    ------
    ImportError
        If Keras 3 is missing.
    UnsupportedModel
        If Keras cannot read the file, and as in `read_keras`.
    """
    try:
        import keras
    except ImportError as error:
        install = 'pip install "withstand[keras]", and one of its backends'
        raise ImportError(f"reading Keras files needs the keras package ({error}): {install}") from error
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras passes on what its archive, HDF5 and configuration readers raise
        raise UnsupportedModel(f"is not a file that Keras reads: {error}") from error
    return read_keras(model)


def read_keras(model: Any) -> Layers:
    """Read a built Keras 3 model.

    Parameters
    ----------
    model : keras.Model
        Dense with any supported activation, Activation, ReLU, LeakyReLU, ELU, BatchNormalization, Rescaling,
        Flatten, Reshape, Dropout, and a trailing Softmax.

    Raises
    ------
    UnsupportedModel
        For any other layer, by its name, and where a layer reads another than the one before it.
    """
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if not layers or not model.built:
        raise UnsupportedModel("has no layers with weights yet; build it first")
    shape = model.input_shape
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise UnsupportedModel(f"has input shape {shape}, supported is one input of known size")
    if type(model).__name__ != "Sequential":
        _check_chain(model, layers)
    tensor = Affine.identity(0, int(np.prod(shape[1:])), (1, *shape[1:]))
    stack = Stack(tensor.size)
    for layer in layers:
        try:
            tensor = _step(stack, tensor, layer)
        except ValueError as error:
            raise UnsupportedModel(f"{_where(layer)}: {error}") from error
    return stack.finish([tensor])


def _check_chain(model: Any, layers: list[Any]) -> None:
    """Refuse a Functional model whose layers do not each read the one before, from input to output."""
    previous = model.inputs[0]
    for layer in layers:
        try:
            follows = layer.input is previous
        except AttributeError:  # it is called more than once
            follows = False
        if not follows:
            raise UnsupportedModel(f"{_where(layer)}: does not read the layer before it alone: a branch")
        previous = layer.output
    if len(model.outputs) != 1 or model.outputs[0] is not previous:
        raise UnsupportedModel("has other outputs than its last layer's")


def _where(layer: Any) -> str:
    return f"layer '{layer.name}' ({type(layer).__name__})"


def _step(stack: Stack, tensor: Affine, layer: Any) -> Affine:
    name = type(layer).__name__
    if not type(layer).__module__.startswith("keras."):  # a subclass may compute anything
        raise ValueError("is not a layer of Keras itself")
    if name in _MOVES:
        shape = (1, -1) if name == "Flatten" else (1, *layer.target_shape)
        return tensor.take(np.arange(tensor.size).reshape(shape))
    if name == "Dropout":
        return tensor
    if tensor.closed:
        raise ValueError(tensor.closed)
    if name in _AFFINE:
        return _activated(stack, _AFFINE[name](tensor, layer), getattr(layer, "activation", None))
    if name == "Activation":
        return _activated(stack, tensor, layer.activation)
    if name == "Softmax":
        return _softmax(tensor)
    if name in _ACTIVATIONS:
        return stack.push(tensor, _ACTIVATIONS[name](layer))
    supported = ", ".join(sorted({*_MOVES, *_AFFINE, *_ACTIVATIONS, "Activation", "Dropout", "Softmax"}))
    raise ValueError(f"is not supported; supported are {supported}")


def _activated(stack: Stack, tensor: Affine, function: Any) -> Affine:
    name = "linear" if function is None else getattr(function, "__name__", repr(function))
    if name == "linear":
        return tensor
    if name in ("softmax", "log_softmax"):
        return _softmax(tensor)
    if name not in _FUNCTIONS or not getattr(function, "__module__", "").startswith("keras."):
        raise ValueError(f"has the activation '{name}', supported are linear, softmax, {', '.join(_FUNCTIONS)}")
    return stack.push(tensor, _FUNCTIONS[name])


def _softmax(tensor: Affine) -> Affine:
    if tensor.shape[-1] != tensor.size:
        raise ValueError(f"runs over the last axis of shape {tensor.shape[1:]}, supported is only the class axis")
    return tensor.close(SOFTMAX)


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
    if layer.max_value is not None or layer.threshold:
        raise ValueError(f"has max_value {layer.max_value} and threshold {layer.threshold}, supported are None and 0")
    return Phi("leaky_relu", slope=float(layer.negative_slope)) if layer.negative_slope else Phi("relu")


_MOVES: Final = frozenset({"Flatten", "Reshape"})

_AFFINE: Final[dict[str, Callable[[Affine, Any], Affine]]] = {
    "BatchNormalization": _batch_normalization,
    "Dense": _dense,
    "Rescaling": _rescaling,
}

_ACTIVATIONS: Final[dict[str, Callable[[Any], Phi]]] = {
    "ELU": lambda layer: Phi("elu", slope=float(layer.alpha)),
    "LeakyReLU": lambda layer: Phi("leaky_relu", slope=float(layer.negative_slope)),
    "ReLU": _relu,
}

#: Activations by function: Keras' leaky_relu has a default slope of 0.2, its hard_sigmoid a gain of 1/6.
_FUNCTIONS: Final = {
    "elu": Phi("elu", slope=1.0),
    "hard_sigmoid": Phi("clip", gain=1 / 6),
    "hard_tanh": Phi("hard_tanh"),
    "leaky_relu": Phi("leaky_relu", slope=0.2),
    "relu": Phi("relu"),
    "sigmoid": Phi("logistic"),
    "softplus": Phi("softplus"),
    "tanh": Phi("tanh"),
}
