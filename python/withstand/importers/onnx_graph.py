# SPDX-License-Identifier: MIT
"""Turns an ONNX graph into layers: fold what is constant, carry what is linear, stop at activations.

Every tensor of the graph is either a constant or a linear `Form` of earlier layers. The graph is
evaluated literally as ONNX defines it, at batch size one, so the batch axis needs no special case: a symbolic
leading axis has size 1, and `Shape`, `Flatten` and `Reshape` then mean what they mean at run time.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import onnx

from .budget import Account
from .errors import UnsupportedModel
from .form import INTEGER, SOFTMAX, Form
from .graph import Graph, GraphBuilder
from .layers import Layers
from .onnx_activations import ACTIVATIONS, activated
from .onnx_batch import Batch
from .onnx_extrema import EXTREMA, extremum
from .onnx_fold import fold, move, stored
from .onnx_gates import Gates
from .onnx_model import before_softmax, by_name, check_names, input_shape, needed, opsets, shared_tensors, values_of
from .onnx_moves import MOVES, VIEWS
from .onnx_node import INTEGERS, Node, Value, row, type_name
from .onnx_ops import LINEAR_OPS, WEIGHTED
from .onnx_quantised import WORDS, QuantisedWalk, is_quantised
from .onnx_rows import rows_are_apart
from .onnx_sizes import FOLDED
from .onnx_weights import Opened
from .quantised import QuantisedBuilder

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


#: Operators of ai.onnx.ml.
_ML = {"Scaler", "ZipMap"}


def read_graph(file: Opened, account: Account) -> Layers | Graph:
    """Walk the nodes that the outputs depend on, each behind those that make its inputs; the file is used up."""
    shapes = _inputs(file.model.graph)
    batch, why = _batch(list(shapes.values())), ""
    if batch is not None:
        single = {name: (1, *shape[1:]) for name, shape in shapes.items()}
        try:
            return _Walk(file.again(), single, account, batch).run()
        except (_NoBatch, UnsupportedModel) as error:
            why = str(error)
    try:
        walk = _Walk(file, shapes, account, None)
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


def _inputs(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs, by name."""
    constants = by_name(graph.initializer, "initializer")
    inputs = by_name([value for value in graph.input if value.name not in constants], "input")
    check_names(graph, {*inputs, *constants})
    return {name: input_shape(value) for name, value in inputs.items()}


def _fixed(size: int, why: str) -> str:
    return f"the leading axis of fixed size {size} is read as part of the input, since it is no batch: {why}"


class _NoBatch(Exception):
    """The leading axis is not shown to be a batch."""


class _Walk:
    """The values of all tensors so far, by name.

    With a batch, the shapes are those of one row, and every node is checked to treat rows alike and apart.
    """

    def __init__(
        self,
        file: Opened,
        shapes: dict[str, tuple[int, ...]],
        account: Account,
        batch: Batch | None,
    ) -> None:
        self.file, self.account, self.batch = file, account, batch
        graph = file.model.graph
        self.opsets = opsets(file.model)
        self.initializers = by_name(graph.initializer, "initializer")
        self.values: dict[str, Value] = {}
        self.leading: set[int] = set()  # the leading sizes of the outputs
        self.outputs, self.labels = values_of(graph)
        self.nodes = needed(graph, self.outputs)
        self.logits = [before_softmax(self.nodes, name) for name in self.outputs]
        self.waiting = Counter(name for node in self.nodes for name in node.input) + Counter(self.outputs)
        self.shared = shared_tensors(self.nodes, self.outputs)
        quantised = QuantisedBuilder(account) if is_quantised(self.nodes) else None
        self.builder = quantised or GraphBuilder(account)
        self.words = None if quantised is None else QuantisedWalk(quantised)
        self.gates = Gates(self.builder, self.nodes, self.outputs)
        kinds = {value.name: type_name(value.type.tensor_type.elem_type) for value in graph.input}
        for name, shape in shapes.items():
            try:
                form = self.builder.input(row(shape), name).reshape(shape)
            except ValueError as error:
                raise UnsupportedModel(f"input '{name}' {error}") from error
            self.values[name] = form.close(INTEGER) if kinds[name] in INTEGERS else form

    def run(self) -> Layers | Graph:
        """Walk the nodes that the outputs depend on."""
        while self.nodes:
            self.step(self.nodes.pop(0))
        result = self.finish(self.outputs)
        for name in self.labels:
            warnings.warn(f"output '{name}' holds labels, no numbers: it is left out", stacklevel=2)
        return result

    def step(self, proto: onnx.NodeProto) -> None:
        """Give the outputs of one node their values."""
        node = Node(proto, self.opsets.get(proto.domain or "ai.onnx", 0))
        values = [self._value(name, narrow=node.op in WEIGHTED) for name in proto.input]
        try:
            results = self._compute(node, values)
            self._check_batch(node, values, results)
            if self.words is not None:
                self.words.note(node, results)
            for name, value in zip(proto.output, results, strict=False):
                if name:
                    self.values[name] = self._once(value, node) if name in self.shared else value
            self._let_go(proto.input)
        except ValueError as error:
            raise UnsupportedModel(f"{node.where}: {error}") from error
        except _MALFORMED as error:
            raise UnsupportedModel(f"{node.where}: is malformed ({type(error).__name__}: {error})") from error

    def finish(self, outputs: list[str]) -> Layers | Graph:
        """Return the network whose outputs are the named tensors."""
        if not outputs:
            raise UnsupportedModel("has no outputs")
        tensors = [self._value(name) for name in outputs]
        self.initializers.clear()
        self.file.close()
        forms = [tensor for tensor in tensors if isinstance(tensor, Form)]
        for name, tensor in zip(outputs, tensors, strict=True):
            if not isinstance(tensor, Form):
                raise UnsupportedModel(f"output '{name}' does not depend on the inputs")
        self.leading = {form.shape[0] if form.shape else 0 for form in forms}
        if len({form.closed for form in forms}) != 1:
            raise UnsupportedModel("some outputs pass a softmax and some do not")
        if forms[0].closed not in ("", SOFTMAX, INTEGER, WORDS):
            raise UnsupportedModel(f"output '{outputs[0]}' {forms[0].closed}")
        logits = forms[0].closed == SOFTMAX
        name = ", ".join(self.logits if logits else outputs)
        try:
            if isinstance(self.builder, QuantisedBuilder):
                return self.builder.finished([form.reshape(row(form.shape)) for form in forms], logits, name)
            return self.builder.finish([form.reshape(row(form.shape)) for form in forms], logits, name=name)
        except UnsupportedModel:
            raise
        except ValueError as error:
            raise UnsupportedModel(f"output '{outputs[-1]}': {error}") from error

    def _once(self, value: Value, node: Node) -> Value:
        """Return a tensor that several nodes read, so that what it is made with is stored once."""
        if not isinstance(value, Form) or value.closed:
            return value
        return self.builder.shared(value.reshape(row(value.shape)), node.name).reshape(value.shape)

    def _let_go(self, names: Sequence[str]) -> None:
        """Forget tensors behind the last that reads them."""
        self.waiting.subtract(names)
        for name in names:
            if not self.waiting[name]:
                self.values.pop(name, None)

    def _value(self, name: str, narrow: bool = False) -> Value:
        if not name:
            return None
        if name in self.values:
            return self.values[name]
        if name not in self.initializers:
            raise UnsupportedModel(f"tensor '{name}' is read, but no earlier node, input or initializer makes it")
        try:
            alone = self.waiting[name] == 1
            value = stored(self.initializers[name], self.account, self.file.weights.pop(name, None), narrow and alone)
        except ValueError as error:
            raise UnsupportedModel(f"initializer '{name}' {error}") from error
        if not alone:  # a large array that one node reads is let go behind it
            self.values[name] = value
        return value

    def _check_batch(self, node: Node, values: list[Value], results: Sequence[Value]) -> None:
        """Raise `_NoBatch` where a node does not treat rows alike, and compute constants at the full batch size."""
        if self.batch is None:
            return
        full = [self.batch.at_full_size(name, value) for name, value in zip(node.proto.input, values, strict=True)]
        try:
            self.batch.check(node, values, results)
            if all(map(_same, full, values)) or any(isinstance(value, Form) for value in values):
                return
            for name, value in zip(node.proto.output, self._compute(node, full), strict=False):
                self.batch.constants[name] = value
        except (ValueError, *_MALFORMED) as error:
            raise _NoBatch(f"{node.where} {error}") from error

    def _compute(self, node: Node, values: list[Value]) -> Sequence[Value]:
        live = [value for value in values if isinstance(value, Form)]
        if self.words is not None and (made := self.words.step(node, values)) is not None:
            return [made]
        if node.domain != "ai.onnx" and not (node.domain == "ai.onnx.ml" and node.op in _ML):
            raise ValueError(
                f"is of the domain '{node.domain}', only operators of ai.onnx are supported, and of ai.onnx.ml "
                f"{' and '.join(sorted(_ML))}"
            )
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
        if node.op in EXTREMA and (made := extremum(node, values, self.builder)) is not None:
            return [made]
        if node.op in ACTIVATIONS:
            return [activated(self.builder, *ACTIVATIONS[node.op](node, values), node)]
        if node.op in LINEAR_OPS:
            return [LINEAR_OPS[node.op](node, values, self.builder)]
        supported = ", ".join(sorted({*MOVES, *VIEWS, *ACTIVATIONS, *LINEAR_OPS, *EXTREMA}))
        raise ValueError(
            f"is not supported; supported are {supported}, and on constants also {', '.join(sorted(FOLDED))}"
        )


def _same(one: Value, other: Value) -> bool:
    return one is other


def _batch(shapes: list[tuple[int, ...]]) -> Batch | None:
    """Return what may be a batch: a leading axis of more than one row that all data inputs share."""
    leading = {shape[0] for shape in shapes if len(shape) > 1}
    if len(leading) != 1 or min(map(len, shapes)) < 2 or max(leading) < 2:
        return None
    return Batch(leading.pop())
