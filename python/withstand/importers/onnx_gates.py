# SPDX-License-Identifier: MIT
"""Activations that a file writes out, as x * Sigmoid(x), x * (1 + Erf(x / sqrt(2))) or x / (1 + Abs(x)).

A factor of such a product is no layer of neurons, though it is computed like one. It is held as its argument, closed to
everything but moving its entries and the product that it stands for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from .form import Form, Term, arrange
from .graph import GraphBuilder
from .layers import Array, Phi
from .onnx_activations import activated, is_hard_sigmoid
from .onnx_node import Node, Value, constant, live

__all__ = ["Gates"]

_ERF: Final = "is an erf, which is supported only in x * (1 + Erf(x / sqrt(2)))"
_ONE_ERF: Final = "is 1 + an erf, which is supported only in x * (1 + Erf(x / sqrt(2)))"
_ABS: Final = "is an absolute value, which is supported only in x / (1 + Abs(x))"
_ONE_ABS: Final = "is 1 + an absolute value, which is supported only in x / (1 + Abs(x))"
_LOGISTIC: Final = "is a logistic function, supported as a factor only in x * Sigmoid(x)"
_HARD: Final = "is a hard sigmoid, supported as a factor only in x * HardSigmoid(x)"
_LARGE: Final = "is a comparison, which is supported only in Where(x > 20, x, Softplus(x))"
_MAKING: Final = {"Abs": _ABS, "Erf": _ERF}
_ONE_MORE: Final = {_ABS: _ONE_ABS, _ERF: _ONE_ERF}
_SINGLE: Final = 2.0**-23  # what a constant may be off by that is written in single precision


class Gates:
    """The parts of activations that are written out, among the nodes of a graph.

    Parameters
    ----------
    builder : GraphBuilder
        Where finished activations go.
    nodes : sequence of onnx.NodeProto
        All that are walked.
    outputs : sequence of str
        The names of the graph's outputs.
    """

    def __init__(self, builder: GraphBuilder, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> None:
        self.builder = builder
        #: By layer of softplus neurons: what it receives, and what it transmits.
        self.softplus: dict[int, tuple[Form, Form]] = {}
        reads = Counter(name for node in nodes for name in node.input) + Counter(outputs)
        products = {frozenset(node.input) for node in nodes if node.op_type == "Mul"}
        #: What nothing reads but a product with what it was made of itself.
        self.factors = {
            node.output[0]
            for node in nodes
            if node.op_type in ("Sigmoid", "HardSigmoid")
            and (len(node.input), len(node.output)) == (1, 1)  # damaged files are refused when the node is reached
            and reads[node.output[0]] == 1
            and frozenset((node.input[0], node.output[0])) in products
        }

    def step(self, node: Node, values: list[Value]) -> Form | None:
        """Return what a node makes of such a part, None where it takes none and makes none.

        Raises
        ------
        ValueError
            If it is no activation that the parts make.
        """
        closed = {value.closed: value for value in values if isinstance(value, Form)}
        if node.op in _MAKING and "" in closed:
            return live(values[0]).close(_MAKING[node.op])
        if node.op in ("Sigmoid", "HardSigmoid") and node.proto.output[0] in self.factors and "" in closed:
            if node.op == "Sigmoid":
                return live(values[0]).close(_LOGISTIC)
            return live(values[0]).close(_HARD) if is_hard_sigmoid(node) else None
        if node.op == "Softplus" and "" in closed:
            return self._softplus(live(values[0]), node)
        if node.op == "Greater" and isinstance(values[0], Form) and "" in closed:
            return _large(values[0], values[1])
        if node.op == "Add" and len(closed) == 1 and {*closed} & {*_ONE_MORE}:
            (part,) = closed.values()
            return _one_more(part, *(value for value in values if value is not part))
        if node.op == "Div" and [live(value).closed for value in values if len(closed) == 2] == ["", _ONE_ABS]:
            return self._quotient(live(values[0]), live(values[1]), node)
        if node.op == "Mul" and len(closed) == 2 and "" in closed:
            tensor, (gate,) = closed.pop(""), closed.values()
            return self._product(tensor, gate, node)
        return self._where(node, *values) if node.op == "Where" and _LARGE in closed else None

    def _product(self, tensor: Form, gate: Form, node: Node) -> Form | None:
        """Make the activation that the product is; it may be a multiple of it."""
        for closed, name in ((_LOGISTIC, "silu"), (_HARD, "hard_swish")):
            if gate.closed == closed and _is_multiple(tensor, gate):
                return activated(self.builder, tensor, Phi(name), node)
        for half in (1.0, 0.5):  # a file may halve before the product or after it
            if gate.closed == _ONE_ERF and _is_multiple(tensor, gate, half * math.sqrt(2), _SINGLE):
                neurons = activated(self.builder, tensor.times(np.asarray(1 / half)), Phi("gelu"), node)
                return neurons.times(np.asarray(2 * half))
        return None

    def _quotient(self, tensor: Form, gate: Form, node: Node) -> Form | None:
        return activated(self.builder, tensor, Phi("softsign"), node) if _is_multiple(tensor, gate) else None

    def _softplus(self, tensor: Form, node: Node) -> Form:
        neurons = activated(self.builder, tensor, Phi("softplus"), node)
        self.softplus[neurons.terms[0].source] = tensor, neurons
        return neurons

    def _where(self, node: Node, large: Value, tensor: Value, otherwise: Value) -> Form:
        """Beyond 20 torch takes x for log(1 + e^x), which is up to 2.1e-9 more."""
        given = [live(value) for value in (large, tensor, otherwise)]
        known = self.softplus.get(given[2].terms[0].source)
        if known is not None and [form.closed for form in given] == [_LARGE, "", ""]:
            received, sent = known
            if all(map(_is_multiple, given, (received, received, sent))):
                self.builder.rename(sent, node.name)
                return sent
        raise ValueError("chooses between computed tensors, supported is only Where(x > 20, x, Softplus(x))")


def _large(tensor: Form, threshold: Value) -> Form:
    least = constant(threshold)
    if not np.all(least >= 20):
        raise ValueError(f"compares with {least.min()}, supported are the thresholds >= 20 of torch's Softplus")
    return tensor.plus(0 * least).close(_LARGE)


def _one_more(tensor: Form, *rest: Value) -> Form:
    if len(rest) != 1 or not np.all(constant(rest[0]) == 1):
        raise ValueError(tensor.closed)
    return tensor.plus(0 * constant(rest[0])).close(_ONE_MORE[tensor.closed])


def _is_multiple(tensor: Form, gate: Form, factor: float = 1.0, near: float = 0.0) -> bool:
    """Whether the tensor is `factor` times another one, up to rounding relative to its numbers."""
    if tensor.shape != gate.shape or len(tensor.terms) != len(gate.terms):
        return False
    tensor.account.array(tensor.size, copies=4)
    for own, other in zip(tensor.terms, gate.terms):
        if own.source != other.source or own.map is not other.map or not _reads_alike(own, other, tensor.size):
            return False
        close = _close(own.scale, other.scale, factor, near, default=1.0)
        if not np.all(close if own.reaches is None else close | ~own.reaches):
            return False
    return bool(np.all(_close(tensor.shift, gate.shift, factor, near, default=0.0)))


def _reads_alike(one: Term, other: Term, size: int) -> bool:
    """Whether every entry takes the same row in two terms of one map."""
    first, second = arrange(one.index, size), arrange(other.index, size)
    return first is second or (first is not None and second is not None and np.array_equal(first, second))


def _close(own: Array | None, other: Array | None, factor: float, near: float, default: float) -> NDArray[np.bool_]:
    one, two = (np.asarray(default if values is None else values) for values in (own, other))
    return np.asarray(np.abs(one - factor * two) <= near * np.abs(one))
