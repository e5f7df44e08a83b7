# SPDX-License-Identifier: MIT
"""Quantised ONNX graphs: QDQ, operators on words, and QONNX; see `quantised` and docs/quantised.md.

Words are carried as the real numbers that they stand for, in forms that are closed: only what moves them, reads words
or makes numbers of them may follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import onnx

from withstand.model.formats import Format

from .form import INTEGER, SOFTMAX, Form
from .layers import Phi
from .onnx_activations import ACTIVATIONS
from .onnx_node import Node, Value, constant, live
from .onnx_ops import LINEAR_OPS
from .onnx_words import grid, numbers, option, quant, steps
from .quantised import NOTHING, Grid, QuantisedBuilder, Stored

__all__ = ["WORDS", "QuantisedWalk", "is_quantised"]

WORDS: Final = "holds words, of which DequantizeLinear makes numbers"
_DYNAMIC: Final = {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul",
                   "MatMulIntegerToFloat", "DynamicQuantizeLSTM", "MatMulNBits", "BipolarQuant", "Trunc"}  # fmt: skip
_WEIGHTED: Final = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1, "Gemm": 1}
_PASSED: Final = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


def is_quantised(nodes: Sequence[onnx.NodeProto]) -> bool:
    """Whether computed tensors are quantised."""
    kinds = {node.op_type for node in nodes}
    return bool(kinds & {"QuantizeLinear", "Quant", *_DYNAMIC}) or any(kind in _READERS for kind in kinds)


class QuantisedWalk:
    """The quantised nodes of a walk through a graph, and the formats of constants and products by their names."""

    def __init__(self, builder: QuantisedBuilder) -> None:
        self.builder = builder
        self.constants: dict[str, tuple[Format, int]] = {}
        self.stored: dict[str, Stored] = {}

    def step(self, node: Node, values: list[Value]) -> Value:
        """Return what a node makes of words or makes words; None if it is none of these."""
        if node.op in _DYNAMIC:
            raise ValueError("is refused: what it computes depends on the rest of its batch, or is no rounding")
        if node.op == "QuantizeLinear" and isinstance(values[0], Form):
            return self._words(values[0], self._grid(node, values), node, self.stored.get(node.proto.input[0], NOTHING))
        if node.op == "DequantizeLinear":
            return self._numbers(node, values)
        if node.op == "Quant":
            return self._quant(node, values)
        if node.op == "MaxPool" and isinstance(values[0], Form) and values[0].closed == WORDS:
            numbers_of = replace(values[0], closed="")
            return self._same(LINEAR_OPS["MaxPool"](node, [numbers_of], self.builder), values[0], node)
        if node.op in _READERS and node.domain in ("ai.onnx", "com.microsoft"):
            return _READERS[node.op](self, node, values)
        return None

    def note(self, node: Node, results: Sequence[Value]) -> None:
        """Remember in which formats the parameters are that a node's result was made with."""
        names = list(node.proto.input)
        known = [self.stored[name] for name in names if name in self.stored]
        if node.op in _WEIGHTED and len(names) > 1:
            bias = self.constants.get(names[2], (None, 0))[0] if len(names) > 2 else None
            found = Stored(self._weight(node, names[1]), bias)
        elif node.op == "Add" and known:
            found = known[0]._replace(bias=next((self.constants[n][0] for n in names if n in self.constants), None))
        elif (node.op in ACTIVATIONS or node.op in _PASSED) and known:
            found = known[0]
        else:
            return
        if found == NOTHING:
            return
        result = results[0]
        if node.op in ACTIVATIONS and isinstance(result, Form):
            self.builder.parameters[result.terms[0].source] = found
        self.stored[node.proto.output[0]] = found

    # -- QDQ and QONNX -------------------------------------------------------------------------------------------
    def _numbers(self, node: Node, values: list[Value]) -> Value:
        words, axis = values[0], node.attribute("axis", 1)
        if node.attribute("block_size", 0):
            raise ValueError("has scales per block, supported are one and one per channel")
        zero = values[2] if len(values) > 2 else None
        if isinstance(words, Form):
            return self._read(words, values[1], zero, node)
        if words is None or isinstance(zero, Form):
            raise ValueError("lacks an input")
        made, form = numbers(words, values[1], zero, axis)
        self.constants[node.proto.output[0]] = form, axis % max(words.ndim, 1)
        return made

    def _grid(self, node: Node, values: list[Value]) -> Grid:
        if node.attribute("block_size", 0):
            raise ValueError("has scales per block, supported are one and one per channel")
        kind = node.attribute("output_dtype", 0)
        name = onnx.TensorProto.DataType.Name(kind).lower() if kind else "uint8"
        return grid(values[1], values[2] if len(values) > 2 else None, name)

    def _quant(self, node: Node, values: list[Value]) -> Value:
        if node.domain not in ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"):
            raise ValueError(f"is of the domain '{node.domain}', supported is qonnx.custom_op.general")
        scale, zero, low, high, name = quant(node, values)
        form = values[0]
        if not isinstance(form, Form):
            words = np.clip(np.rint(constant(form) / scale + zero), low, high)
            if name is not None and scale.size == 1 and zero.size == 1:
                known = Format(name, float(scale.reshape(())), int(zero.reshape(())))
                self.constants[node.proto.output[0]] = known, 0
            made = scale * (words - zero)
            made.flags.writeable = False
            return np.asarray(made)
        if scale.size != 1 or zero.size != 1:
            raise ValueError("has scales per channel on a computed tensor, supported are those of weights")
        s, z = float(scale.reshape(())), float(zero.reshape(()))
        known_format = None if name is None else Format(name, s, int(z))
        own = Grid(s * (low - z), s * (high - z), s, known_format)
        stored = self.stored.get(node.proto.input[0], NOTHING)
        return self._words(form, own, node, stored).close("")

    # -- operators on words --------------------------------------------------------------------------------------
    def _conv(self, node: Node, values: list[Value]) -> Form:
        x, weight, form, product = self._factors(node, values, 0)
        bias = self._bias(values[8] if len(values) > 8 else None, product)
        made = self._made(node, "Conv", [x, weight, None if bias is None else bias[0]])
        return self._words(made, grid(values[6], values[7]), node, Stored(form, bias and bias[1]))

    def _matmul(self, node: Node, values: list[Value]) -> Form:
        x, weight, form, _ = self._factors(node, values, -1)
        return self._words(self._made(node, "MatMul", [x, weight]), grid(values[6], values[7]), node, Stored(form))

    def _gemm(self, node: Node, values: list[Value]) -> Form:
        if len(values) < 8 or values[7] is None:
            raise ValueError("makes floats of words, supported is QGemm with the scale of its result")
        turned = bool(option(node, "transB", 0))
        x, weight, form, product = self._factors(node, values, 0 if turned else 1)
        if option(node, "alpha", 1.0) != 1 or option(node, "transA", 0):
            raise ValueError("has alpha or transA, supported are 1 and 0")
        bias = self._bias(values[6], product)
        made = self._made(node, "Gemm", [x, weight, None if bias is None else bias[0]], transB=int(turned))
        own = grid(values[7], values[8] if len(values) > 8 else None)
        return self._words(made, own, node, Stored(form, bias and bias[1]))

    def _sum(self, node: Node, values: list[Value]) -> Form:
        pair: list[Value] = []
        for words, scale, zero in (values[:3], values[3:6]):
            if words is None or isinstance(words, Form):
                pair.append(self._read(live(words), scale, zero, node))
            else:
                pair.append(numbers(words, scale, zero, 0)[0])
        operator = node.op.removeprefix("QLinear")
        return self._words(self._made(node, operator, pair, bare=True), grid(values[6], values[7]), node)

    def _pool(self, node: Node, values: list[Value]) -> Form:
        if option(node, "channels_last", 0):
            raise ValueError("has its channels last, supported are channels first")
        x = self._read(live(values[0]), values[1], values[2], node)
        made = self._made(node, node.op.removeprefix("QLinear"), [x])
        return self._words(made, grid(values[3], values[4]), node)

    def _activation(self, node: Node, values: list[Value]) -> Form:
        x = self._read(live(values[0]), values[1], values[2], node)
        slope = float(option(node, "alpha", 0.01))
        phi = Phi("logistic") if node.op == "QLinearSigmoid" else Phi("leaky_relu", slope=slope)
        return self._words(self.builder.activate(x, phi, name=node.name), grid(values[3], values[4]), node)

    def _softmax(self, node: Node, values: list[Value]) -> Form:
        x = self._read(live(values[0]), values[1], values[2], node)
        if x.size != x.shape[option(node, "axis", -1)]:
            raise ValueError(f"runs over an axis of shape {x.shape}, supported is only the class axis")
        return x.close(SOFTMAX)

    def _factors(self, node: Node, values: list[Value], axis: int) -> tuple[Form, Value, Format, Value]:
        """Return the tensor and the weights of a product, the weights' format and the scale of its sums."""
        if not isinstance(values[0], Form) or values[3] is None or isinstance(values[3], Form):
            raise ValueError("multiplies other than a computed tensor with stored weights")
        x = self._read(values[0], values[1], values[2], node)
        weight, form = numbers(values[3], values[4], values[5], axis)
        return x, weight, form, constant(values[1]).reshape(()) * constant(values[4])

    def _bias(self, codes: Value, product: Value) -> tuple[Value, Format] | None:
        if codes is None or isinstance(codes, Form) or product is None or isinstance(product, Form):
            return None
        return numbers(codes, product, None, 0)

    def _made(self, node: Node, op: str, values: list[Value], bare: bool = False, **options: int) -> Form:
        """Run the operator on numbers that an operator on words is of."""
        kept = [value for value in values if value is not None]
        proto = onnx.helper.make_node(op, [f"x{n}" for n in range(len(kept))], [node.name])
        if not bare and op != "Gemm":
            proto.attribute.extend(a for a in node.proto.attribute if a.name != "channels_last")
        proto.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in options.items())
        plain = Node(proto, min(onnx.defs.onnx_opset_version(), 19))
        plain.check()
        return live(LINEAR_OPS[op](plain, list(kept), self.builder))

    # -- words and numbers ---------------------------------------------------------------------------------------
    def _words(self, form: Form, own: Grid, node: Node, stored: Stored = NOTHING) -> Form:
        shape = form.shape
        if form.closed == INTEGER:
            raise ValueError(INTEGER)
        flat = form.reshape(shape[1:]) if len(shape) > 1 and shape[0] == 1 else form
        if own.format is not None and self.builder.words(flat) == {own.format} and flat.is_light and flat.is_apart():
            return replace(form, closed=WORDS)
        made = self.builder.quantise(flat, own, steps(own), stored, node.name, in_single=True)
        return replace(made.reshape(shape), closed=WORDS)

    def _read(self, words: Form, scale: Value, zero: Value, node: Node) -> Form:
        """Return the numbers that computed words stand for, by the scale that their reader has for them."""
        own = grid(scale, zero)
        if words.closed == INTEGER and self.builder.is_input(words):
            return replace(self._words(replace(words, closed=""), own, node), closed="")
        if words.closed != WORDS:
            raise ValueError("reads numbers where words are expected")
        if self.builder.words(words) != {own.format}:
            raise ValueError("reads words by another scale or zero point than they were made with")
        return replace(words, closed="")

    def _same(self, made: Form, words: Form, node: Node) -> Form:
        """Return words that were chosen among others."""
        (known,) = self.builder.words(words)
        shape = made.shape
        result = self.builder.wire(made.reshape(shape[1:]), node.name)
        if known is not None:
            self.builder.knows(result, known)
        return replace(result.reshape(shape), closed=WORDS)

    def _weight(self, node: Node, name: str) -> Format | None:
        """Return the format of a product's weights; None where its scales are not those of the product's rows."""
        form, axis = self.constants.get(name, (None, 0))
        if form is None or form.channels is None:
            return form
        turned = node.op == "Gemm" and node.attribute("transB", 0)
        rows = 0 if turned or node.op == "Conv" else 1
        return form if axis == rows else None


_READERS: Final[dict[str, Callable[[QuantisedWalk, Node, list[Value]], Form]]] = {
    "QGemm": QuantisedWalk._gemm,
    "QLinearAdd": QuantisedWalk._sum,
    "QLinearAveragePool": QuantisedWalk._pool,
    "QLinearConv": QuantisedWalk._conv,
    "QLinearGlobalAveragePool": QuantisedWalk._pool,
    "QLinearLeakyRelu": QuantisedWalk._activation,
    "QLinearMatMul": QuantisedWalk._matmul,
    "QLinearSigmoid": QuantisedWalk._activation,
    "QLinearSoftmax": QuantisedWalk._softmax,
}
