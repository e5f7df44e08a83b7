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

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from .affine import INTEGER, MAX_ENTRIES, Affine
from .errors import UnsupportedModel
from .layers import IDENTITY, Layers
from .onnx_activations import ACTIVATIONS
from .onnx_batch import is_batch
from .onnx_node import FLOATS, INTEGERS, Node, Value, type_name, widen
from .onnx_ops import AFFINE_OPS, MOVES, VIEWS
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


def read_graph(model: onnx.ModelProto) -> Layers:
    """Walk the nodes that the outputs depend on, in file order."""
    graph = model.graph
    constants = {tensor.name: _stored(tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    shapes = [_input_shape(value) for value in inputs]
    if is_batch(model, inputs):
        shapes = [(1, *shape[1:]) for shape in shapes]
    walk = _Walk(model, constants, list(zip(inputs, shapes, strict=True)))
    for proto in _needed(graph):
        walk.step(proto)
    return walk.finish([value.name for value in graph.output])


class _Walk:
    """The values of all tensors so far, by name."""

    def __init__(
        self,
        model: onnx.ModelProto,
        constants: dict[str, NDArray[Any]],
        inputs: list[tuple[onnx.ValueInfoProto, tuple[int, ...]]],
    ) -> None:
        self.opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
        self.values: dict[str, Value] = dict(constants)
        starts = np.cumsum([0, *(int(np.prod(shape)) for _, shape in inputs)])
        self.stack = Stack(int(starts[-1]))
        for (value, shape), start in zip(inputs, starts, strict=False):
            tensor = Affine.identity(0, self.stack.width, shape, int(start))
            kind = type_name(value.type.tensor_type.elem_type)
            self.values[value.name] = replace(tensor, closed=INTEGER) if kind in INTEGERS else tensor

    def step(self, proto: onnx.NodeProto) -> None:
        """Give the outputs of one node their values."""
        node = Node(proto, self.opsets.get(proto.domain or "ai.onnx", 0))
        try:
            results = self._compute(node, [self._value(name) for name in proto.input])
        except ValueError as error:
            raise UnsupportedModel(f"{node.where}: {error}") from error
        except _MALFORMED as error:
            raise UnsupportedModel(f"{node.where}: is malformed ({type(error).__name__}: {error})") from error
        for name, value in zip(proto.output, results, strict=False):
            if name in self.values:
                raise UnsupportedModel(f"{node.where}: makes tensor '{name}', which exists already")
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
        try:
            return self.stack.finish([tensor for tensor in tensors if isinstance(tensor, Affine)])
        except UnsupportedModel:
            raise
        except ValueError as error:
            raise UnsupportedModel(f"output '{outputs[-1]}': {error}") from error

    def _value(self, name: str) -> Value:
        if not name:
            return None
        if name not in self.values:
            raise UnsupportedModel(f"tensor '{name}' is read, but no earlier node, input or initializer makes it")
        return self.values[name]

    def _compute(self, node: Node, values: list[Value]) -> Sequence[Value]:
        live = [value for value in values if isinstance(value, Affine)]
        if node.domain != "ai.onnx":
            raise ValueError(f"is of the domain '{node.domain}', only operators of ai.onnx are supported")
        node.check()
        if node.op in _RANDOM:
            raise ValueError("is random, where a network must be a function")
        if not live:
            return _fold(node, values)
        if node.op in MOVES:
            return _move(node, values)
        if node.op in VIEWS:
            return [VIEWS[node.op](node, values)]
        closed = [tensor.closed for tensor in live if tensor.closed]
        if closed:
            raise ValueError(closed[0])
        if node.op in ACTIVATIONS:
            tensor, phi = ACTIVATIONS[node.op](node, values)
            return [tensor if phi is IDENTITY else self.stack.push(tensor, phi)]
        if node.op in AFFINE_OPS:
            return [AFFINE_OPS[node.op](node, values)]
        supported = ", ".join(sorted({*MOVES, *VIEWS, *ACTIVATIONS, *AFFINE_OPS}))
        raise ValueError(f"is not supported; supported are {supported}, and any operator on constants")


def _move(node: Node, values: list[Value]) -> Sequence[Value]:
    """Run an operator that only moves entries on their positions."""
    tensor, *rest = values
    if not isinstance(tensor, Affine) or any(isinstance(value, Affine) for value in rest):
        raise ValueError("is moved by a computed tensor, supported are constants only")
    positions = np.arange(tensor.size).reshape(tensor.shape)
    return [tensor.take(moved) for moved in _evaluate(node, [positions, *rest])]


def _fold(node: Node, values: list[Value]) -> Sequence[Value]:
    """Return the values of an operator on constants."""
    if node.op in ("Cast", "CastLike") and _is_float(values[0]) and node.casts_to_float(values):
        return values[:1]
    return [widen(result) for result in _evaluate(node, values)]


def _evaluate(node: Node, values: list[Any]) -> list[NDArray[Any]]:
    feeds = {name: value for name, value in zip(node.proto.input, values, strict=True) if name}
    unknown = onnx.TypeProto()
    graph = onnx.helper.make_graph(
        [node.proto],
        "fold",
        [onnx.helper.make_value_info(name, unknown) for name in feeds],
        [onnx.helper.make_value_info(name, unknown) for name in node.proto.output if name],
    )
    try:
        results = ReferenceEvaluator(graph, opsets={"": node.opset}).run(None, feeds)
    except Exception as error:  # the evaluator has no exception type of its own
        raise ValueError(f"cannot be evaluated ({type(error).__name__}: {error})") from error
    if not all(isinstance(result, np.ndarray | np.generic) for result in results):
        raise ValueError("makes a value that is no tensor")
    return [np.asarray(result) for result in results]


def _is_float(value: Value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def _needed(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that the graph's outputs depend on, in file order."""
    wanted = {value.name for value in graph.output}
    needed = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted.update(node.input)
    return needed[::-1]


def _stored(tensor: onnx.TensorProto) -> NDArray[Any]:
    try:
        return widen(numpy_helper.to_array(tensor))
    except (ValueError, *_MALFORMED) as error:
        raise UnsupportedModel(f"initializer '{tensor.name}' cannot be read: {error}") from error


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
    if math.prod(sizes) > MAX_ENTRIES:
        raise UnsupportedModel(f"{where} has shape {sizes}, at most {MAX_ENTRIES} entries are handled")
    return tuple(sizes)
