# SPDX-License-Identifier: MIT
"""How files of Keras 2 and 3 write the calls of a Functional model's layers, and number them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .keras_parts import Ref

__all__ = ["Node", "first_calls", "nodes_of", "renumbered", "tensors_of"]


class Node(NamedTuple):
    """The arguments of a call; `legacy` where they are written as Keras 2 does."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    legacy: bool = False


def nodes_of(layer: Any) -> list[Node]:
    """Return the arguments of each call of a layer."""
    found = []
    for node in layer.get("inbound_nodes", []):
        if isinstance(node, dict):
            found.append(Node(tuple(_tensors(node["args"])), _tensors(node["kwargs"])))
            continue
        if not all(isinstance(entry, list) for entry in node):
            raise ValueError(f"layer '{layer['name']}': is called in a way that is not supported: {node}")
        tensors = [Ref((entry[0], entry[1]), entry[2]) for entry in node]
        keywords = {key: value for entry in node for key, value in (entry[3] if len(entry) > 3 else {}).items()}
        found.append(Node((tensors[0] if len(tensors) == 1 else tensors,), keywords, legacy=True))
    return found


def tensors_of(listed: Any) -> list[Any]:
    """Return the tensors that a model has as its inputs or outputs: one, a list of them, or by names.

    Those with names are in alphabetical order, as Keras has them in `model.inputs`.
    """
    if isinstance(listed, dict):
        listed = [listed[name] for name in sorted(listed)]
    if len(listed) == 3 and isinstance(listed[0], str):
        listed = [listed]
    return [Ref((name, number), tensor) for name, number, tensor in listed]


def renumbered(thing: Any, first: dict[str, int], places: dict[Ref, Ref]) -> Any:
    """Return arguments with the calls of every layer counted from 0, and the model's inputs in their places."""
    if isinstance(thing, Ref):
        if thing in places:
            return places[thing]
        name, number = thing.call
        return Ref((name, number - first.get(name, 0)), thing.tensor)
    if isinstance(thing, list):
        return [renumbered(each, first, places) for each in thing]
    if isinstance(thing, dict):
        return {key: renumbered(each, first, places) for key, each in thing.items()}
    return thing


#: Numbers of the first call of a model in a model, where layers read it and where it is an output, likeliest first.
_NUMBERINGS: Final = {
    (True, "Functional"): ((1, 1), (0, 0)),
    (True, "Sequential"): ((1, 1), (0, 0)),
    (False, "Functional"): ((0, 1), (1, 1), (0, 0)),
    (False, "Sequential"): ((0, 0), (1, 1)),
}


def first_calls(name: str, kind: str, nodes: list[Node], read: list[Ref], outputs: list[Ref]) -> tuple[int, int]:
    """Return the number that the first call of a layer has where layers read it, and where it is an output.

    A model that is a layer has a call of its own before all others. Keras 2 counts it, Keras 3 does so only in the
    outputs, and not that of a Sequential. Every call in a file is read, which tells a numbering that fits.

    Raises
    ------
    ValueError
        If none fits.
    """
    if not kind or not nodes:
        return 0, 0
    inside = {ref.call[1] for ref in read if ref.call[0] == name}
    outside = {ref.call[1] for ref in outputs if ref.call[0] == name}
    for first, last in _NUMBERINGS[any(node.legacy for node in nodes), kind]:
        if {n - first for n in inside} | {n - last for n in outside} == set(range(len(nodes))):
            return first, last
    numbers = sorted(inside | outside)
    raise ValueError(f"layer '{name}' ({kind}): is called {len(nodes)} times, but its calls {numbers} are read")


def _tensors(thing: Any) -> Any:
    """Return arguments as Keras 3 writes them, with what stands for tensors resolved."""
    if isinstance(thing, list):
        return [_tensors(each) for each in thing]
    if isinstance(thing, dict):
        if thing.get("class_name") == "__keras_tensor__":
            name, number, tensor = thing["config"]["keras_history"]
            return Ref((name, number), tensor)
        if thing.get("class_name") == "__tuple__":
            return [_tensors(each) for each in thing["config"]["items"]]
        return {key: _tensors(value) for key, value in thing.items()}
    return thing
