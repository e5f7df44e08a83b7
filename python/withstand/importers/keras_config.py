# SPDX-License-Identifier: MIT
"""Reads the configuration that a Keras file holds, of Keras 2 and 3, without Keras."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from .keras_calls import first_calls, nodes_of, renumbered, tensors_of
from .keras_parts import Call, Input, Model, Part, Ref, Writer, refs
from .keras_weights import Weights

__all__ = ["MODELS", "model_of"]

#: Classes of models by what files call them, `Model` before Keras 2.3.
MODELS: Final = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}


def model_of(described: Any, weights: Weights, writer: Writer) -> Model:
    """Return the model that a configuration describes.

    Raises
    ------
    ValueError
        If it is no Sequential or Functional model, or its calls cannot be resolved.
    """
    kind = described["class_name"]
    if kind not in MODELS or not _is_own(described):
        raise ValueError(f"holds a {kind}, supported are keras.Sequential and Functional models")
    if MODELS[kind] == "Sequential":
        return _sequential(described, weights, writer)
    return _functional(described["config"], weights, writer)


def _sequential(described: Any, weights: Weights, writer: Writer) -> Model:
    config = described["config"]
    if isinstance(config, list):  # before Keras 2.2
        config = {"name": "sequential", "layers": config}
    parts = [_part(layer, weights, writer) for layer in config["layers"]]
    if not parts:
        raise ValueError("has no layers")
    first = parts[0]
    if isinstance(first, Model):
        given = first.inputs[0]
    else:
        built = config.get("build_input_shape")
        given = _input(first) if first.kind == "InputLayer" or not built else Input("", tuple(built))
    calls: dict[Hashable, Call] = {}
    last = Ref("inputs")
    for n, part in enumerate(parts):
        if isinstance(part, Part) and part.kind == "InputLayer":
            continue
        calls[n] = Call(part, (last,))
        last = Ref(n)
    return Model("Sequential", config.get("name", "sequential"), (given,), calls, (last,))


def _functional(config: Any, weights: Weights, writer: Writer) -> Model:
    parts = {layer["name"]: _part(layer, weights, writer) for layer in config["layers"]}
    if len(parts) < len(config["layers"]):
        raise ValueError("has two layers of one name")
    nodes = {layer["name"]: nodes_of(layer) for layer in config["layers"]}
    inputs, outputs = tensors_of(config["input_layers"]), tensors_of(config["output_layers"])
    places = {ref: Ref("inputs", n) for n, ref in enumerate(inputs)}
    inside, outside = {}, {}
    read = list(refs(list(nodes.values())))
    for name, part in parts.items():
        kind = part.kind if isinstance(part, Model) else ""
        inside[name], outside[name] = first_calls(name, kind, nodes[name], read, outputs)
    calls: dict[Hashable, Call] = {}
    for name, part in parts.items():
        for n, node in enumerate(nodes[name]):
            arguments = tuple(renumbered(each, inside, places) for each in node.arguments)
            calls[name, n] = Call(part, arguments, renumbered(node.keywords, inside, places))
    given = tuple(_input(parts[ref.call[0]]) for ref in inputs)
    results = tuple(renumbered(ref, outside, places) for ref in outputs)
    return Model("Functional", config.get("name", "model"), given, calls, results)


def _part(described: Any, weights: Weights, writer: Writer) -> Part | Model:
    kind, config = described["class_name"], described["config"]
    name = described.get("name") or (config.get("name") if isinstance(config, dict) else None) or kind
    if not _is_own(described):
        raise ValueError(f"layer '{name}' ({kind}): is not a layer of Keras itself")
    if kind in MODELS:
        return model_of(described, weights.model(kind, name), writer)
    operation = _is_operation(described, kind, writer)
    arrays = list if operation else weights.layer(kind, name)
    return Part(kind, name, config, arrays, writer, operation)


def _is_operation(described: Any, kind: str, writer: Writer) -> bool:
    """Whether this is `x + 1` or another operation of `keras.ops`, and no layer: some have the names of layers.

    An `.h5` file of Keras 3 names the class alone, but only layers have these entries.
    """
    if "module" in described:
        return str(described["module"]).startswith(("keras.src.ops", "keras.ops"))
    plain = not {"trainable", "dtype", "batch_shape"} & set(described["config"])
    return plain and writer.version.startswith("3.") and kind not in MODELS


def _is_own(described: Any) -> bool:
    """Whether a class is one of Keras: others say so, but for old files, which name classes alone."""
    module = described.get("module", "keras")
    return str(module).split(".")[0] == "keras" and ">" not in str(described.get("registered_name"))


def _input(part: Any) -> Input:
    if isinstance(part, Model):
        return part.inputs[0]
    shape = part.config.get("batch_shape") or part.config.get("batch_input_shape")
    dtype = part.config.get("dtype") if part.kind == "InputLayer" else None
    return Input(part.name, None if shape is None else tuple(shape), dtype if isinstance(dtype, str) else "float32")
