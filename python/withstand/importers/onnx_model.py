# SPDX-License-Identifier: MIT
"""What an ONNX file declares: names, versions, the shapes of its inputs, the order and the readers of its nodes."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import onnx

from .errors import UnsupportedModel
from .onnx_node import FLOATS, INTEGERS, Node, type_name

__all__ = ["by_name", "check_names", "input_shape", "needed", "opsets", "shared_tensors", "values_of"]

#: What may stand between a tensor and the product or choice that makes it an activation, as x * Sigmoid(x).
_GATES: Final = frozenset({"Add", "Clip", "Div", "Erf", "Greater", "HardSigmoid", "Mul", "Sigmoid", "Softplus"})
_JOINS: Final = frozenset({"Mul", "Where"})


def by_name(things: Sequence[Any], what: str) -> dict[str, Any]:
    """Return things by their names, which must be different ones."""
    named = {thing.name: thing for thing in things}
    if not all(isinstance(name, str) for name in named):
        raise UnsupportedModel(f"holds an {what} whose name is no UTF-8")
    if len(named) < len(things):
        names = [thing.name for thing in things]
        twice = next(name for name in named if names.count(name) > 1)
        raise UnsupportedModel(f"holds the {what} '{twice}' twice")
    return named


def check_names(graph: onnx.GraphProto, known: set[str]) -> None:
    """Refuse a name that two nodes make, needed or not: which of them is meant, nothing says."""
    for proto in graph.node:
        for name in filter(None, proto.output):
            if name in known:
                raise UnsupportedModel(f"{Node(proto, 0).where}: makes tensor '{name}', which exists already")
            known.add(name)


def opsets(model: onnx.ModelProto) -> dict[str, int]:
    """Return the declared version of every domain."""
    versions: dict[str, int] = {}
    for entry in model.opset_import:
        domain = entry.domain or "ai.onnx"
        if versions.setdefault(domain, entry.version) != entry.version:
            raise UnsupportedModel(f"declares the versions {versions[domain]} and {entry.version} of '{domain}'")
    newest = onnx.defs.onnx_opset_version()
    if versions.get("ai.onnx", 0) > newest:
        raise UnsupportedModel(f"declares version {versions['ai.onnx']} of ai.onnx, the onnx package knows {newest}")
    return versions


def input_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Return the shape of an input at batch size one."""
    where = f"input '{value.name}'"
    tensor = value.type.tensor_type
    kind = type_name(tensor.elem_type)
    if kind not in FLOATS | INTEGERS:
        raise UnsupportedModel(f"{where} is of type {kind}, supported are real numbers")
    if not tensor.HasField("shape"):
        raise UnsupportedModel(f"{where} has no declared shape")
    sizes = [dim.dim_value for dim in tensor.shape.dim]
    if len(sizes) > 1 and sizes[0] <= 0:
        sizes[0] = 1
    if any(size <= 0 for size in sizes):
        named = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
        raise UnsupportedModel(f"{where} has shape {named}, where only a leading batch axis may be unknown")
    return tuple(sizes)


def values_of(graph: onnx.GraphProto) -> tuple[list[str], list[str]]:
    """Return the names of the outputs that are numbers, and of those that are labels, where there are both."""
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.output}
    labels = [name for name, kind in kinds.items() if type_name(kind) in INTEGERS | {"STRING"}]
    numbers = [value.name for value in graph.output if value.name not in labels]
    return (numbers, labels) if numbers else ([value.name for value in graph.output], [])


def needed(graph: onnx.GraphProto, outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs depend on, in file order where it has every node behind its inputs."""
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    waiting: dict[int, set[int]] = {}
    found = [makers[name] for name in outputs if name in makers]
    while found:
        place = found.pop()
        if place not in waiting:
            waiting[place] = {makers[name] for name in graph.node[place].input if name in makers}
            found += waiting[place]
    readers = defaultdict(list)
    for place, before in waiting.items():
        for maker in before:
            readers[maker].append(place)
    ready = [place for place, before in waiting.items() if not before]
    heapq.heapify(ready)
    order = []
    while ready:
        order.append(heapq.heappop(ready))
        for reader in readers[order[-1]]:
            waiting[reader].discard(order[-1])
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(waiting):
        stuck = min(set(waiting) - set(order))
        raise UnsupportedModel(f"{Node(graph.node[stuck], 0).where}: depends on what it makes itself")
    return [graph.node[place] for place in order]


def shared_tensors(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> set[str]:
    """Return the names of tensors with several readers, but for those that all lead to one product or choice."""
    readers: dict[str, list[int]] = defaultdict(list)
    for place, node in enumerate(nodes):
        if node.op_type not in ("Shape", "Size"):
            for name in dict.fromkeys(node.input):
                readers[name].append(place)
    shared = set()
    for name, places in readers.items():
        if len(places) + (name in outputs) > 1 and (name in outputs or not _is_gated(places, nodes, readers)):
            shared.add(name)
    return shared


def _is_gated(places: list[int], nodes: Sequence[onnx.NodeProto], readers: dict[str, list[int]]) -> bool:
    """Whether all readers of a tensor lead to one and the same product or choice, through parts of an activation."""
    reached = [_path(place, nodes, readers) for place in places]
    common = set.intersection(*map(set, reached))
    return any(nodes[place].op_type in _JOINS for place in common)


def _path(place: int, nodes: Sequence[onnx.NodeProto], readers: dict[str, list[int]]) -> list[int]:
    path = [place]
    while nodes[path[-1]].op_type in _GATES and len(path) < 8:
        following = readers.get(nodes[path[-1]].output[0], [])
        if len(following) != 1:
            break
        path += following
    return path
