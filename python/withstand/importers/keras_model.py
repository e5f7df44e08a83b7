# SPDX-License-Identifier: MIT
"""Reads Keras 3 models of dense layers: Sequential, or Functional where it is one chain, also inside one another."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .affine import Affine
from .budget import Account
from .errors import UnsupportedModel
from .keras_file import charge_file, written_by
from .keras_layers import ARGUMENTS, step
from .layers import Layers
from .objects import check_arguments, check_methods, is_own
from .stack import Stack

__all__ = ["read_keras", "read_keras_file"]

_FLOATS: Final = ("float32", "float64")
_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks")  # of torch, where that is the backend
_MODELS: Final = ("Functional", "Sequential")


def read_keras_file(path: Path, account: Account | None = None) -> Layers:
    """Read a `.keras` or `.h5` file.

    Raises
    ------
    ImportError
        If Keras 3 is missing.
    UnsupportedModel
        If Keras cannot read the file, and as in `read_keras`.
    """
    try:
        import h5py  # noqa: F401 - Keras keeps weights in HDF5
        import keras
    except ImportError as error:
        install = 'pip install "withstand[keras]", and one of its backends'
        raise ImportError(f"reading Keras files needs the keras and h5py packages ({error}): {install}") from error
    _require_safe_mode(keras.__version__)
    account = account or Account()
    try:
        charge_file(path, account)
        model, version = keras.saving.load_model(path, compile=False, safe_mode=True), written_by(path)
    except Exception as error:  # Keras passes on what its archive, HDF5 and configuration readers raise
        raise UnsupportedModel(f"is not a file that Keras reads: {error}") from error
    return _read(model, version, account)


def _require_safe_mode(version: str) -> None:
    """Refuse a Keras in which a file can switch safe mode off, and so run code of its author."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < (3, 11):
        needed = "Keras 3.11 or newer, where files cannot switch safe mode off"
        raise ImportError(f"reading Keras files needs {needed}: this is {version}")


def read_keras(model: Any, account: Account | None = None) -> Layers:
    """Read a built Keras 3 model.

    Parameters
    ----------
    model : keras.Model
        Dense with any supported activation, Activation, ReLU, LeakyReLU, ELU, BatchNormalization, Rescaling,
        Flatten, Reshape, Dropout, and a trailing Softmax.

    Raises
    ------
    UnsupportedModel
        For any other layer, by its name, where a layer reads another than the one before it, and for layers that
        are quantised, that compute in half precision, or whose methods are replaced.
    """
    return _read(model, sys.modules["keras"].__version__, account)


def _read(model: Any, version: str, account: Account | None) -> Layers:
    """Read a model whose functions are those of that version of Keras."""
    if type(model).__name__ not in _MODELS or not is_own(model, "keras"):
        raise UnsupportedModel(
            f"is not supported; supported are keras.Sequential and Functional models of {_supported()}"
        )
    if not model.layers or not model.built:
        raise UnsupportedModel("has no layers with weights yet; build it first")
    shape = model.input_shape
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise UnsupportedModel(f"has input shape {shape}, supported is one input of known size")
    stack = Stack(math.prod(shape[1:]), account)
    tensor = stack.inputs((1, *shape[1:]))
    for layer in _executed(model):
        try:
            if type(layer).__name__ in _MODELS:
                _check_model(layer, tensor)
            else:
                _check(layer)
                tensor = step(stack, tensor, layer, version)
        except ValueError as error:
            raise UnsupportedModel(f"{_where(layer)}: {error}") from error
    return stack.finish([tensor])


def _executed(model: Any) -> Iterator[Any]:
    """Return what a model runs, in order: each model before its own layers, a layer once for each call."""
    yield model
    layers = _chain(model) if type(model).__name__ == "Functional" else model.layers
    for layer in layers:
        if type(layer).__name__ in _MODELS and is_own(layer, "keras"):
            yield from _executed(layer)
        else:
            yield layer


def _chain(model: Any) -> list[Any]:
    """Return the layers of a Functional model from its input to its output; refuse it unless each reads one tensor."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        counts = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise UnsupportedModel(f"has {counts}, so one does not read the layer before it alone: a branch")
    tensor, layers = model.outputs[0], []
    while tensor is not model.inputs[0]:
        history = tensor._keras_history
        layer, call = history.operation, history.operation._inbound_nodes[history.node_index]
        if len(call.input_tensors) != 1:
            raise UnsupportedModel(f"{_where(layer)}: does not read the layer before it alone: a branch")
        plain = {"training": (None, False), "mask": (None,)}  # that is how a model runs anyway
        arguments = call.arguments.kwargs.items()
        given = {name: value for name, value in arguments if not any(value is p for p in plain.get(name, ()))}
        if given or len(call.arguments.args) != 1:
            raise UnsupportedModel(
                f"{_where(layer)}: is called with {given or call.arguments.args[1:]}, supported is its input alone"
            )
        layers.append(layer)
        tensor = call.input_tensors[0]
    return layers[::-1]


def _check_model(model: Any, tensor: Affine) -> None:
    """Refuse a model that does not just run its layers on what it is given."""
    _check_instance(model)
    dtypes = [value.dtype for value in model.inputs]
    if not set(dtypes) <= set(_FLOATS):
        raise ValueError(f"casts its inputs to {dtypes[0]}, supported are {', '.join(_FLOATS)}")
    if model.input_shape[1:] != tensor.shape[1:]:
        raise ValueError(f"has input shape {model.input_shape} for a tensor of shape {tensor.shape[1:]}")


def _check(layer: Any) -> None:
    """Refuse a layer that does not compute as its class says."""
    if not is_own(layer, "keras"):
        raise ValueError("is not a layer of Keras itself")
    if type(layer).__name__ not in ARGUMENTS:
        raise ValueError(f"is not supported; supported are {_supported()}")
    _check_instance(layer)
    check_arguments(layer, ARGUMENTS[type(layer).__name__])


def _check_instance(layer: Any) -> None:
    check_methods(layer, allowed=("build", "quantize"))
    if any(getattr(layer, hooks, None) for hooks in _HOOKS):
        raise ValueError("has forward hooks, which may change its values")
    policy = layer.dtype_policy
    if policy.name not in _FLOATS:
        raise ValueError(f"has the dtype policy '{policy.name}', supported are {', '.join(_FLOATS)}")


def _supported() -> str:
    return ", ".join(ARGUMENTS)


def _where(layer: Any) -> str:
    return f"layer '{layer.name}' ({type(layer).__name__})"
