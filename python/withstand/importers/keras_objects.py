# SPDX-License-Identifier: MIT
"""Reads live Keras models, and refuses those that do not compute what their classes say."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from typing import Any, Final

import numpy as np

from .errors import UnsupportedModel
from .keras_activations import APPROXIMATED, known
from .keras_layers import FLOATS, KNOWN, supported
from .keras_parts import Call, Input, Model, Part, Ref, Writer
from .layers import Array, as_array
from .objects import check_arguments, check_methods, is_own

__all__ = ["model_of_object"]

_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks")  # of torch, where that is the backend
_MODELS: Final = ("Functional", "Sequential")


def model_of_object(model: Any) -> Model:
    """Return a built Keras model as it runs.

    Raises
    ------
    UnsupportedModel
        If it is no model of Keras itself, is not built, or a layer of it is quantised, computes in half precision,
        or has a method replaced.
    """
    if type(model).__name__ not in _MODELS or not is_own(model, "keras"):
        raise UnsupportedModel(
            f"is not supported; supported are keras.Sequential and Functional models of {supported()}"
        )
    keras = sys.modules["keras"]
    return _Reader(Writer(keras.__version__, keras.backend.backend())).model(model)


class _Reader:
    """What was read so far: a layer or model that is called twice is one part."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.parts: dict[int, Part | Model] = {}

    def model(self, model: Any) -> Model:
        if not model.layers or not model.built or not model.inputs:
            raise UnsupportedModel("has no layers with weights yet; build it first")
        try:
            _check_instance(model)
        except ValueError as error:
            raise UnsupportedModel(f"layer '{model.name}' ({type(model).__name__}): {error}") from error
        inputs = tuple(Input(t.name, tuple(t.shape), t.dtype) for t in model.inputs)
        calls, outputs = self._chain(model) if type(model).__name__ == "Sequential" else self._graph(model)
        return Model(type(model).__name__, model.name, inputs, calls, outputs)

    def _chain(self, model: Any) -> tuple[dict[Hashable, Call], tuple[Ref, ...]]:
        calls: dict[Hashable, Call] = {}
        last = Ref("inputs")
        for n, layer in enumerate(model.layers):
            calls[n] = Call(self._part(layer), (last,))
            last = Ref(n)
        return calls, (last,)

    def _graph(self, model: Any) -> tuple[dict[Hashable, Call], tuple[Ref, ...]]:
        """Follow the tensors of a Functional model back from its outputs."""
        places = {id(tensor): n for n, tensor in enumerate(model.inputs)}

        def resolved(thing: Any) -> Any:
            if hasattr(thing, "_keras_history"):
                if id(thing) in places:
                    return Ref("inputs", places[id(thing)])
                operation, number, index = thing._keras_history
                return Ref((id(operation), number), index)
            if isinstance(thing, list | tuple):
                return [resolved(each) for each in thing]
            if isinstance(thing, dict):
                return {key: resolved(value) for key, value in thing.items()}
            return thing

        calls: dict[Hashable, Call] = {}
        waiting = list(model.outputs)
        while waiting:
            tensor = waiting.pop()
            operation, number, _ = tensor._keras_history
            key = (id(operation), number)
            if id(tensor) in places or key in calls:
                continue
            node = operation._inbound_nodes[number]
            arguments = tuple(resolved(each) for each in node.arguments.args)
            calls[key] = Call(self._part(operation), arguments, resolved(dict(node.arguments.kwargs)))
            waiting += node.input_tensors
        return calls, tuple(resolved(tensor) for tensor in model.outputs)

    def _part(self, layer: Any) -> Part | Model:
        if id(layer) not in self.parts:
            if type(layer).__name__ in _MODELS and is_own(layer, "keras"):
                self.parts[id(layer)] = self.model(layer)
            else:
                self.parts[id(layer)] = self._leaf(layer)
        return self.parts[id(layer)]

    def _leaf(self, layer: Any) -> Part:
        operation = type(layer).__module__.startswith("keras.src.ops")
        kind = type(layer).__name__
        try:
            _check(layer, operation)
            config = dict(layer.get_config())
            if "activation" in config:
                config["activation"] = _activation(layer.activation, config["activation"])
        except ValueError as error:
            where = f"{'operation' if operation else 'layer'} '{layer.name}' ({kind})"
            raise UnsupportedModel(f"{where}: {error}") from error
        return Part(kind, layer.name, config, list if operation else _weights(layer), self.writer, operation)


def _weights(layer: Any) -> Callable[[], list[Array]]:
    def read() -> list[Array]:
        return [as_array(np.asarray(array)) for array in layer.get_weights()]

    return read


def _check(layer: Any, operation: bool) -> None:
    """Refuse a layer that does not compute as its class says."""
    if not is_own(layer, "keras"):
        raise ValueError("is not a layer of Keras itself")
    if operation:
        check_methods(layer)
        return
    if type(layer).__name__ not in KNOWN:
        raise ValueError(f"is not supported; supported are {supported()}")
    _check_instance(layer)
    check_arguments(layer, KNOWN[type(layer).__name__])


def _check_instance(layer: Any) -> None:
    check_methods(layer, allowed=("build", "quantize"))
    if any(getattr(layer, hooks, None) for hooks in _HOOKS):
        raise ValueError("has forward hooks, which may change its values")
    policy = layer.dtype_policy
    if policy.name not in FLOATS:
        raise ValueError(f"has the dtype policy '{policy.name}', supported are {', '.join(FLOATS)}")


def _activation(function: Any, written: Any) -> Any:
    """Return an activation as a configuration names it, if it is Keras' own: another may have the same name."""
    keras = sys.modules["keras"]
    if function is None:
        return None
    if isinstance(function, keras.layers.Layer):
        _check(function, operation=False)
        return {"module": "keras.layers", "class_name": type(function).__name__, "config": function.get_config()}
    name = str(getattr(function, "__name__", repr(function)))
    if not any(getattr(module, name, None) is function for module in (keras.activations, keras.ops)):
        raise ValueError(f"has the activation '{name}', supported are {known()}")
    if function is getattr(keras.ops, "gelu", None):
        return APPROXIMATED  # which it is by default, unlike the one of keras.activations
    return written if isinstance(written, str) else name
