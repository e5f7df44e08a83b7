# SPDX-License-Identifier: MIT
"""Turns an ONNX graph into layers: fold what is constant, carry what is affine, stop at activations.

Every tensor of the graph is either a constant or an `Affine` form of the last layer of neurons. The graph is
evaluated literally as ONNX defines it, at batch size one, so the batch axis needs no special case: a symbolic
leading axis has size 1, and `Shape`, `Flatten` and `Reshape` then mean what they mean at run time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import onnx

from .affine import INTEGER, Affine
from .budget import Account
from .errors import UnsupportedModel
from .layers import IDENTITY, Layers
from .onnx_activations import ACTIVATIONS
from .onnx_batch import Batch
from .onnx_fold import fold, move, stored
from .onnx_gates import Gates
from .onnx_node import FLOATS, INTEGERS, Node, Value, type_name
from .onnx_ops import AFFINE_OPS, MOVES, VIEWS
from .onnx_rows import rows_are_apart
from .onnx_sizes import FOLDED
from .stack import Stack

__all__ = ["read_graph"]

_RANDOM = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}
#: What inputs and attributes of the wrong number or type lead to.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError)


def read_graph(model: onnx.ModelProto, account: Account) -> Layers:
    """Walk the nodes that the outputs depend on, in file order."""
    graph = model.graph
    constants = _by_name(graph.initializer, "initializer")
    inputs = [value for value in graph.input if value.name not in constants]
    names = list(_by_name(inputs, "input"))
    _check_names(graph, {*names, *constants})
    shapes = [_input_shape(value) for value in inputs]
    batch, why = _batch(shapes), ""
    if batch is not None:
        single = [(1, *shape[1:]) for shape in shapes]
        try:
            return _Walk(model, dict(zip(names, single)), account, batch).run()
        except (_NoBatch, UnsupportedModel) as error:
            why = str(error)
    walk = _Walk(model, dict(zip(names, shapes)), account, None)
    try:
        layers = walk.run()
    except UnsupportedModel as error:
        if batch is None or str(error) == why:
            raise
        raise UnsupportedModel(f"{error}; {_fixed(batch.size, why)}") from error
    if batch is not None and walk.leading == {batch.size} and rows_are_apart(layers, batch.size):
        raise UnsupportedModel(
            f"computes with its fixed batch size of {batch.size}; export it with batch size 1 ({why})"
        )
    return layers


def _fixed(size: int, why: str) -> str:
    return f"the leading axis of fixed size {size} is read as part of the input, since it is no batch: {why}"


class _NoBatch(Exception):
    """The leading axis is not shown to be a batch."""


class _Walk:
    """The values of all tensors so far, by name.

    With a batch, the shapes are those of one row, and every node is checked to treat rows alike and apart.
    """

    def __init__(
        self, model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]], account: Account, batch: Batch | None
    ) -> None:
        self.graph, self.account, self.batch = model.graph, account, batch
        self.opsets = _opsets(model)
        self.initializers = _by_name(model.graph.initializer, "initializer")
        self.values: dict[str, Value] = {}
        self.leading: set[int] = set()  # the leading sizes of the outputs
        sizes = [math.prod(shape) for shape in shapes.values()]
        self.stack = Stack(sum(sizes), account)
        self.nodes = _needed(model.graph)
        self.gates = Gates(self.stack, self.nodes, [value.name for value in model.graph.output])
        kinds = {value.name: type_name(value.type.tensor_type.elem_type) for value in model.graph.input}
        start = 0
        for (name, shape), size in zip(shapes.items(), sizes, strict=True):
            try:
                tensor = self.stack.inputs(shape, start)
            except ValueError as error:
                raise UnsupportedModel(f"input '{name}' {error}") from error
            self.values[name] = replace(tensor, closed=INTEGER) if kinds[name] in INTEGERS else tensor
            start += size

    def run(self) -> Layers:
        """Walk the nodes that the outputs depend on, in file order."""
        for proto in self.nodes:
            self.step(proto)
        return self.finish([value.name for value in self.graph.output])

    def step(self, proto: onnx.NodeProto) -> None:
        """Give the outputs of one node their values."""
        node = Node(proto, self.opsets.get(proto.domain or "ai.onnx", 0))
        values = [self._value(name) for name in proto.input]
        try:
            results = self._compute(node, values)
            self._check_batch(node, values, results)
        except ValueError as error:
            raise UnsupportedModel(f"{node.where}: {error}") from error
        except _MALFORMED as error:
            raise UnsupportedModel(f"{node.where}: is malformed ({type(error).__name__}: {error})") from error
        for name, value in zip(proto.output, results, strict=False):
            if name:
                self.values[name] = value

    def finish(self, outputs: list[str]) -> Layers:
        """Return the network whose outputs are the named tensors."""
        if not outputs:
            raise UnsupportedModel("has no outputs")
        tensors = [self._value(name) for name in outputs]
        for name, tensor in zip(outputs, tensors, strict=True):
            if not isinstance(tensor, Affine):
                raise UnsupportedModel(f"output '{name}' does not depend on the inputs")
        self.leading = {tensor.shape[0] if tensor.shape else 0 for tensor in tensors if isinstance(tensor, Affine)}
        try:
            return self.stack.finish([tensor for tensor in tensors if isinstance(tensor, Affine)])
        except UnsupportedModel:
            raise
        except ValueError as error:
            raise UnsupportedModel(f"output '{outputs[-1]}': {error}") from error

    def _value(self, name: str) -> Value:
        if not name:
            return None
        if name not in self.values and name in self.initializers:
            try:
                self.values[name] = stored(self.initializers[name], self.account)
            except ValueError as error:
                raise UnsupportedModel(f"initializer '{name}' {error}") from error
        if name not in self.values:
            raise UnsupportedModel(f"tensor '{name}' is read, but no earlier node, input or initializer makes it")
        return self.values[name]

    def _check_batch(self, node: Node, values: list[Value], results: Sequence[Value]) -> None:
        """Raise `_NoBatch` where a node does not treat rows alike, and compute constants at the full batch size."""
        if self.batch is None:
            return
        full = [self.batch.at_full_size(name, value) for name, value in zip(node.proto.input, values, strict=True)]
        try:
            self.batch.check(node, values, results)
            if all(map(_same, full, values)) or any(isinstance(value, Affine) for value in values):
                return
            for name, value in zip(node.proto.output, self._compute(node, full), strict=False):
                self.batch.constants[name] = value
        except (ValueError, *_MALFORMED) as error:
            raise _NoBatch(f"{node.where} {error}") from error

    def _compute(self, node: Node, values: list[Value]) -> Sequence[Value]:
        live = [value for value in values if isinstance(value, Affine)]
        if node.domain != "ai.onnx":
            raise ValueError(f"is of the domain '{node.domain}', only operators of ai.onnx are supported")
        node.check()
        if node.op in _RANDOM:
            raise ValueError("is random, where a network must be a function")
        if not live and node.op != "Dropout":
            return fold(node, values, self.account)
        if node.op in MOVES:
            return move(node, values, self.account)
        if node.op in VIEWS:
            return [VIEWS[node.op](node, values)]
        if (made := self.gates.step(node, values)) is not None:
            return [made]
        closed = [tensor.closed for tensor in live if tensor.closed]
        if closed:
            raise ValueError(closed[0])
        if node.op in ACTIVATIONS:
            tensor, phi = ACTIVATIONS[node.op](node, values)
            return [tensor if phi is IDENTITY else self.stack.push(tensor, phi)]
        if node.op in AFFINE_OPS:
            return [AFFINE_OPS[node.op](node, values)]
        supported = ", ".join(sorted({*MOVES, *VIEWS, *ACTIVATIONS, *AFFINE_OPS}))
        raise ValueError(
            f"is not supported; supported are {supported}, and on constants also {', '.join(sorted(FOLDED))}"
        )


def _same(one: Value, other: Value) -> bool:
    return one is other


def _by_name(things: Sequence[Any], what: str) -> dict[str, Any]:
    named = {thing.name: thing for thing in things}
    if not all(isinstance(name, str) for name in named):
        raise UnsupportedModel(f"holds an {what} whose name is no UTF-8")
    if len(named) < len(things):
        names = [thing.name for thing in things]
        twice = next(name for name in named if names.count(name) > 1)
        raise UnsupportedModel(f"holds the {what} '{twice}' twice")
    return named


def _check_names(graph: onnx.GraphProto, known: set[str]) -> None:
    """Refuse a name that two nodes make, needed or not: which of them is meant, nothing says."""
    for proto in graph.node:
        for name in filter(None, proto.output):
            if name in known:
                raise UnsupportedModel(f"{Node(proto, 0).where}: makes tensor '{name}', which exists already")
            known.add(name)


def _opsets(model: onnx.ModelProto) -> dict[str, int]:
    opsets: dict[str, int] = {}
    for entry in model.opset_import:
        domain = entry.domain or "ai.onnx"
        if opsets.setdefault(domain, entry.version) != entry.version:
            raise UnsupportedModel(f"declares the versions {opsets[domain]} and {entry.version} of '{domain}'")
    newest = onnx.defs.onnx_opset_version()
    if opsets.get("ai.onnx", 0) > newest:
        raise UnsupportedModel(f"declares version {opsets['ai.onnx']} of ai.onnx, the onnx package knows {newest}")
    return opsets


def _batch(shapes: list[tuple[int, ...]]) -> Batch | None:
    """Return what may be a batch: a leading axis of more than one row that all data inputs share."""
    leading = {shape[0] for shape in shapes if len(shape) > 1}
    if len(leading) != 1 or min(map(len, shapes)) < 2 or max(leading) < 2:
        return None
    return Batch(leading.pop())


def _needed(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that the graph's outputs depend on, in file order."""
    wanted = {value.name for value in graph.output}
    needed = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted.update(node.input)
    return needed[::-1]


def _input_shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
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
