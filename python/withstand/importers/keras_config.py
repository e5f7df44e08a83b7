# SPDX-License-Identifier: MIT
"""Reads the configuration that a Keras file holds, of Keras 2 and 3, without Keras."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

from .keras_parts import Call, Input, Model, Part, Ref, refs
from .keras_weights import Weights

__all__ = ["MODELS", "model_of"]

#: Classes of models by what files call them, `Model` before Keras 2.3.
MODELS: Final = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}


def model_of(described: Any, weights: Weights, version: str) -> Model:
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
        return _sequential(described, weights, version)
    return _functional(described["config"], weights, version)


def _sequential(described: Any, weights: Weights, version: str) -> Model:
    config = described["config"]
    if isinstance(config, list):  # before Keras 2.2
        config = {"name": "sequential", "layers": config}
    parts = [_part(layer, weights, version) for layer in config["layers"]]
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
    return Model("Sequential", config.get("name", "sequential"), (given,), calls, (last,), config.get("dtype"))


def _functional(config: Any, weights: Weights, version: str) -> Model:
    parts = {layer["name"]: _part(layer, weights, version) for layer in config["layers"]}
    if len(parts) < len(config["layers"]):
        raise ValueError("has two layers of one name")
    nodes = {layer["name"]: _nodes(layer["name"], layer.get("inbound_nodes", [])) for layer in config["layers"]}
    calls: dict[Hashable, Call] = {}
    outputs = _listed(config["output_layers"])
    first = _first_calls(parts, nodes, outputs)
    for name, part in parts.items():
        for n, (arguments, keywords) in enumerate(nodes[name]):
            calls[name, first[name] + n] = Call(part, arguments, keywords)
    inputs = [ref.call[0] for ref in _listed(config["input_layers"])]
    given = [_input(parts[name]) for name in inputs]
    places = {(name, 0): n for n, name in enumerate(inputs)}
    calls = {key: Call(c.part, _renamed(c.arguments, places), _renamed(c.keywords, places)) for key, c in calls.items()}
    results = []
    for ref in outputs:
        name, number = ref.call
        # Keras 3 counts the calls of a Functional model from 1 here, and from 0 where layers read it.
        shift = isinstance(parts[name], Model) and parts[name].kind == "Functional" and first[name] == 0
        results.append(_renamed(Ref((name, number - shift), ref.tensor), places))
    return Model("Functional", config.get("name", "model"), tuple(given), calls, tuple(results), config.get("dtype"))


def _first_calls(parts: dict[str, Any], nodes: dict[str, Any], outputs: list[Ref]) -> dict[str, int]:
    """Return the number of the first call of each layer: Keras 2 counts those of a model that has inputs from 1.

    Each call is read by another, or is an output; so the number 0 is read where calls are counted from it.
    """
    read = {ref.call for ref in outputs} | {ref.call for node in nodes.values() for ref in refs(node)}
    first = dict.fromkeys(parts, 0)
    for name, part in parts.items():
        if isinstance(part, Model) and any(isinstance(node, _Legacy) for node in nodes[name]):
            first[name] = int((name, 0) not in read)
    return first


class _Legacy(tuple[Any, Any]):
    """The arguments of a call as Keras 2 writes them."""


def _nodes(name: str, inbound: Any) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Return the arguments of each call of a layer."""
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    for node in inbound:
        if isinstance(node, dict):
            found.append((tuple(_tensors(node["args"])), _tensors(node["kwargs"])))
            continue
        if not all(isinstance(entry, list) for entry in node):
            raise ValueError(f"layer '{name}': is called in a way that is not supported: {node}")
        tensors = [Ref((entry[0], entry[1]), entry[2]) for entry in node]
        keywords = {key: value for entry in node for key, value in (entry[3] if len(entry) > 3 else {}).items()}
        found.append(_Legacy(((tensors[0] if len(tensors) == 1 else tensors,), keywords)))
    return found


def _tensors(thing: Any) -> Any:
    """Return arguments as Keras 3 writes them, with what stands for tensors resolved."""
    if isinstance(thing, list):
        return [_tensors(each) for each in thing]
    if isinstance(thing, dict):
        if thing.get("class_name") == "__keras_tensor__":
            name, number, index = thing["config"]["keras_history"]
            return Ref((name, number), index)
        if thing.get("class_name") == "__tuple__":
            return [_tensors(each) for each in thing["config"]["items"]]
        return {key: _tensors(value) for key, value in thing.items()}
    return thing


def _renamed(thing: Any, places: dict[Any, int]) -> Any:
    """Return arguments in which the model's inputs are those of the call `inputs`."""
    if isinstance(thing, Ref):
        return Ref("inputs", places[thing.call]) if thing.call in places else thing
    if isinstance(thing, list | tuple):
        return type(thing)(_renamed(each, places) for each in thing)
    if isinstance(thing, dict):
        return {key: _renamed(each, places) for key, each in thing.items()}
    return thing


def _listed(tensors: Any) -> list[Any]:
    """Return the tensors that a model names as its inputs or outputs: one, or a list of them."""
    if isinstance(tensors, dict):
        raise ValueError(f"names its inputs or outputs ({', '.join(tensors)}), supported are lists of them")
    if len(tensors) == 3 and isinstance(tensors[0], str):
        tensors = [tensors]
    return [Ref((name, number), index) for name, number, index in tensors]


def _part(described: Any, weights: Weights, version: str) -> Part | Model:
    kind, config = described["class_name"], described["config"]
    name = described.get("name") or (config.get("name") if isinstance(config, dict) else None) or kind
    if not _is_own(described):
        raise ValueError(f"layer '{name}' ({kind}): is not a layer of Keras itself")
    if kind in MODELS:
        return model_of(described, weights.model(kind, name), version)
    operation = _is_operation(described, kind, version)
    arrays = list if operation else weights.layer(kind, name)
    return Part(kind, name, config, arrays, version, operation)


def _is_operation(described: Any, kind: str, version: str) -> bool:
    """Whether this is `x + 1` or another operation of `keras.ops`, and no layer: some have the names of layers.

    An `.h5` file of Keras 3 names the class alone, but only layers have these entries.
    """
    if "module" in described:
        return str(described["module"]).startswith(("keras.src.ops", "keras.ops"))
    plain = not {"trainable", "dtype", "batch_shape"} & set(described["config"])
    return plain and version.startswith("3.") and kind not in MODELS


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
