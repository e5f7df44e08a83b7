# SPDX-License-Identifier: MIT
"""What each ONNX operator of linear arithmetic means for forms; anything not listed is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .affine import matmul_size
from .form import Form
from .graph import GraphBuilder
from .onnx_moves import pad
from .onnx_node import Node, Value, constant, live, weights
from .onnx_resize import resize
from .onnx_windows import WINDOW_OPS

__all__ = ["LINEAR_OPS", "WEIGHTED"]

#: Operators whose weights are widened where the layers hold them: constants may come in the file's own precision.
WEIGHTED: Final = frozenset({"Gemm", "MatMul"})

MINUS: Final = np.asarray(-1.0)


def _add(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    return live(reduce(lambda left, right: _sum(left, right, builder), _aligned(node, values)))


def _mean(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    return builder.divide(_add(node, values, builder), float(len(values)))


def _sub(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    left, right = _aligned(node, values)
    return live(_sum(left, right.times(MINUS) if isinstance(right, Form) else -constant(right), builder))


def _mul(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    left, right = _aligned(node, values)
    if isinstance(left, Form) and isinstance(right, Form):
        raise ValueError("multiplies two computed tensors, one must be constant")
    return left.times(constant(right)) if isinstance(left, Form) else live(right).times(constant(left))


def _div(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    left, right = _aligned(node, values)
    if isinstance(right, Form):
        raise ValueError("divides by a computed tensor, supported are constants only")
    return live(left).over(constant(right))


def _neg(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    return live(values[0]).times(MINUS)


def _matmul(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    left, right = values
    return _product(left, right, builder)


def _gemm(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    """Alpha A' B' + beta C, where A' and B' may be transposed; they are matrices."""
    ranks = [len(value.shape) if value is not None else 0 for value in values[:2]]
    if ranks != [2, 2]:
        raise ValueError(f"multiplies tensors of {ranks[0]} and {ranks[1]} axes, it takes matrices")
    left = _transposed(values[0]) if node.attribute("transA") else values[0]
    right = _transposed(values[1]) if node.attribute("transB") else values[1]
    product = _product(left, right, builder).times(np.asarray(node.attribute("alpha"), dtype=np.float64))
    if len(values) < 3 or values[2] is None:
        return product
    beta = np.asarray(node.attribute("beta"), dtype=np.float64)
    addend = values[2]
    result = live(_sum(product, addend.times(beta) if isinstance(addend, Form) else beta * constant(addend), builder))
    if result.shape != product.shape:
        raise ValueError(f"adds a bias of shape {addend.shape} to a product of shape {product.shape}")
    return result


def _batch_normalization(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, per channel of axis 1."""
    tensor = live(values[0])
    if node.attribute("training_mode", 0) or sum(map(bool, node.proto.output)) > 1:
        raise ValueError("is in training mode; export the network in inference mode")
    if not node.attribute("spatial", 1):
        raise ValueError("normalises every entry on its own (spatial=0), supported is per channel")
    per_channel = (-1, *(1 for _ in tensor.shape[2:]))
    scale, bias, mean, variance = (constant(value).reshape(per_channel) for value in values[1:5])
    variance = variance + node.attribute("epsilon")
    if not np.all(variance > 0):
        raise ValueError(f"has a variance plus epsilon of {variance.min()}, which must be positive")
    factor = scale / np.sqrt(variance)
    result = tensor.times(factor).plus(bias - mean * factor)
    if result.shape != tensor.shape:
        raise ValueError(f"has {scale.size} channels on a tensor of shape {tensor.shape}")
    return result


def _scaler(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    """(x - offset) * scale of ai.onnx.ml, one number for all columns or one for each."""
    tensor, width = live(values[0]), live(values[0]).shape[-1]
    offset, scale = (np.asarray(node.attribute(name), dtype=np.float64) for name in ("offset", "scale"))
    if not {offset.size, scale.size} <= {1, width}:
        raise ValueError(f"has {offset.size} offsets and {scale.size} scales on {width} columns")
    return tensor.plus(-offset).times(scale)


def _concat(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    like = next(value for value in values if isinstance(value, Form))
    parts = [value if isinstance(value, Form) else like.constant(constant(value)) for value in values]
    return builder.concat(parts, node.attribute("axis", 1))


def _reduction(name: str) -> Callable[[Node, list[Value], GraphBuilder], Form]:
    def reduced(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
        tensor = live(values[0])
        axes = values[1] if len(values) > 1 else node.attribute("axes")
        if axes is None and node.attribute("noop_with_empty_axes", 0):
            return tensor
        over = range(len(tensor.shape)) if axes is None else [int(axis) for axis in np.asarray(axes).reshape(-1)]
        keep = bool(node.attribute("keepdims", 1))
        if name == "smallest":
            return builder.largest(tensor.times(MINUS), over, keep, node.name).times(MINUS)
        if name == "largest":
            return builder.largest(tensor, over, keep, node.name)
        return builder.mean(tensor, over, keep) if name == "mean" else builder.sum(tensor, over, keep)

    return reduced


LINEAR_OPS: Final[dict[str, Callable[[Node, list[Value], GraphBuilder], Form]]] = {
    "Add": _add,
    "BatchNormalization": _batch_normalization,
    "Concat": _concat,
    "Div": _div,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Mean": _mean,
    "Mul": _mul,
    "Neg": _neg,
    "Pad": lambda node, values, builder: pad(node, values),
    "ReduceMax": _reduction("largest"),
    "ReduceMean": _reduction("mean"),
    "ReduceMin": _reduction("smallest"),
    "ReduceSum": _reduction("sum"),
    "Resize": lambda node, values, builder: resize(node, values),
    "Scaler": _scaler,
    "Sub": _sub,
    "Sum": _add,
    "Upsample": lambda node, values, builder: resize(node, values),
    **WINDOW_OPS,
}


def _sum(left: Value, right: Value, builder: GraphBuilder) -> Value:
    if isinstance(left, Form):
        return builder.add(left, right) if isinstance(right, Form) else left.plus(constant(right))
    return right.plus(constant(left)) if isinstance(right, Form) else constant(left) + constant(right)


def _product(left: Value, right: Value, builder: GraphBuilder) -> Form:
    if isinstance(left, Form):
        if isinstance(right, Form):
            raise ValueError("multiplies two computed tensors, one must be constant")
        return _times(left, weights(right), builder)
    return _times_on_the_left(weights(left), live(right), builder)


def _times(form: Form, matrix: NDArray[Any], builder: GraphBuilder) -> Form:
    """``form @ matrix`` with the broadcasting of numpy.matmul."""
    if form.shape and matrix.ndim in (1, 2) and matrix.shape[0] == form.shape[-1]:
        if matrix.ndim == 2:
            return builder.dense(form, matrix.T)
        return builder.dense(form, matrix[None]).reshape(form.shape[:-1])
    wide = np.asarray(matrix, dtype=np.float64)
    entries, operations = matmul_size(form.shape, matrix.shape)
    builder.account.array(entries)
    return builder.linear(form, lambda tensor: np.matmul(tensor, wide), operations)


def _times_on_the_left(matrix: NDArray[Any], form: Form, builder: GraphBuilder) -> Form:
    """``matrix @ form`` with the broadcasting of numpy.matmul."""
    if matrix.ndim == 2 and len(form.shape) == 1 and matrix.shape[1] == form.size:
        return builder.dense(form, matrix)
    if matrix.ndim == 2 and len(form.shape) > 1 and matrix.shape[1] == form.shape[-2]:
        order = (*range(len(form.shape) - 2), len(form.shape) - 1, len(form.shape) - 2)
        return builder.dense(form.transpose(order), matrix).transpose(order)
    wide = np.asarray(matrix, dtype=np.float64)
    entries, operations = matmul_size(matrix.shape, form.shape)
    builder.account.array(entries)
    return builder.linear(form, lambda tensor: np.matmul(wide, tensor), operations)


def _transposed(value: Value) -> Value:
    if isinstance(value, Form):
        return value.transpose((1, 0))
    return None if value is None else value.T


def _aligned(node: Node, values: list[Value]) -> list[Value]:
    """Return the operands, with the explicit broadcasting that operators had before version 7."""
    axis = node.attribute("axis") if node.opset < 7 and len(values) == 2 else None
    left, right = (values[0], values[-1])
    if axis is None or left is None or right is None:
        return values
    place = axis + len(left.shape) if axis < 0 else axis
    end = place + len(right.shape)
    aligned = 0 <= place <= end <= len(left.shape) and left.shape[place:end] == right.shape
    if not node.attribute("broadcast") or not aligned:
        said = f"axis = {axis} and broadcast = {node.attribute('broadcast')}"
        raise ValueError(f"cannot align {tuple(right.shape)} with {tuple(left.shape)} by {said}")
    return [left, right.reshape(right.shape + (1,) * (len(left.shape) - end))]
