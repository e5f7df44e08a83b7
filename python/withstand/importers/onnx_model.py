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

__all__ = ["before_softmax", "by_name", "check_names", "input_shape", "needed", "opsets", "shared_tensors", "values_of"]

#: What may stand between a tensor and the product, quotient or choice that makes it an activation, as x * Sigmoid(x).
_GATES: Final = frozenset(
    {"Abs", "Add", "Cast", "Div", "Erf", "Greater", "HardSigmoid", "Identity", "Mul", "Sigmoid", "Softplus"}
)
_JOINS: Final = frozenset({"Div", "Mul", "Where"})
_MOST: Final = 16  # nodes that an activation is written out as


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
    """Return the names of the outputs that are numbers, and of those that are labels, where there are both.

    Raises
    ------
    UnsupportedModel
        If an output is listed twice, or is neither.
    """
    outputs = by_name(graph.output, "output")
    kinds = {name: type_name(value.type.tensor_type.elem_type) for name, value in outputs.items()}
    for name, kind in kinds.items():
        if kind not in FLOATS | INTEGERS | {"BOOL", "STRING", "UNDEFINED"}:
            raise UnsupportedModel(f"output '{name}' is of type {kind}, supported are real numbers and labels")
    labels = [name for name, kind in kinds.items() if kind in INTEGERS | {"STRING"}]
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


def before_softmax(nodes: Sequence[onnx.NodeProto], name: str) -> str:
    """Return the tensor whose softmax an output is, through nodes that move it; the output itself where it is none."""
    makers = {output: node for node in nodes for output in node.output}
    found = name
    while found in makers and makers[found].input:
        node = makers[found]
        found = str(node.input[0])
        if node.op_type in ("LogSoftmax", "Softmax"):
            return found
    return name


def shared_tensors(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> set[str]:
    """Return the names of tensors with several readers, but for those that all make one activation."""
    readers: dict[str, list[int]] = defaultdict(list)
    for place, node in enumerate(nodes):
        if node.op_type not in ("Shape", "Size"):
            for name in dict.fromkeys(filter(None, node.input)):
                readers[name].append(place)
    ends = set(outputs)
    shared = set()
    for name, places in readers.items():
        if len(places) + (name in ends) > 1 and not _is_gated(name, nodes, readers, ends):
            shared.add(name)
    return shared


def _is_gated(name: str, nodes: Sequence[onnx.NodeProto], readers: dict[str, list[int]], ends: set[str]) -> bool:
    """Whether all that reads a tensor leads to one product, quotient or choice, through parts of an activation alone.

    Such a node is an activation of the tensor, or linear in it, or refused: no parameters are read twice.
    """
    reached: set[int] = set()  # the nodes whose outputs are still to follow
    made = [name]
    for _ in range(_MOST):
        for tensor in filter(None, made):
            if tensor in ends or len(readers.get(tensor, ())) > _MOST:
                return False
            reached.update(readers.get(tensor, ()))
        place = min(reached)
        reached.remove(place)
        if not reached:
            return nodes[place].op_type in _JOINS
        if nodes[place].op_type not in _GATES:
            return False
        made = list(nodes[place].output)
    return False
