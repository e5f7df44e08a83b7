# SPDX-License-Identifier: MIT
"""What each supported ONNX operator means for affine forms; anything not listed here is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Final

import numpy as np

from .affine import INTEGER, SOFTMAX, Affine, concatenate
from .layers import Array
from .onnx_conv import average_pool, conv, global_average_pool
from .onnx_node import Node, Value, constant, live

__all__ = ["AFFINE_OPS", "MOVES", "VIEWS"]


# -- moving and viewing ------------------------------------------------------------------------------------

#: Operators that only move entries of their first input: they are run on the entries' positions.
MOVES: Final = frozenset(
    {"DepthToSpace", "Expand", "Flatten", "Gather", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze"}
    | {"Tile", "Transpose", "Unsqueeze"}
)


def _cast(node: Node, values: list[Value]) -> Value:
    tensor = live(values[0])
    if not node.casts_to_float(values):
        raise ValueError("rounds a computed tensor to a type other than a float")
    return replace(tensor, closed="") if tensor.closed == INTEGER else tensor


def _dropout(node: Node, values: list[Value]) -> Value:
    training = values[2] if len(values) > 2 else None
    if training is not None and np.any(np.asarray(training)):
        raise ValueError("is in training mode; export the network in inference mode")
    return values[0]


def _identity(node: Node, values: list[Value]) -> Value:
    return values[0]


def _shape(node: Node, values: list[Value]) -> Value:
    start, end = node.attribute("start", 0), node.attribute("end")
    return np.array(live(values[0]).shape[start:end], dtype=np.int64)


def _size(node: Node, values: list[Value]) -> Value:
    return np.array(live(values[0]).size, dtype=np.int64)


def _softmax(node: Node, values: list[Value]) -> Value:
    """Taken off where it runs over all entries: it keeps their order, which is what a decision uses."""
    tensor = live(values[0])
    if tensor.closed:
        raise ValueError(tensor.closed)
    axis = node.attribute("axis") % max(len(tensor.shape), 1)
    # Before version 13 a softmax ran over all axes from the given one on.
    classes = tensor.shape[axis:] if node.opset < 13 else tensor.shape[axis : axis + 1]
    if int(np.prod(classes)) != tensor.size:
        raise ValueError(f"runs over axis {axis} of shape {tensor.shape}, supported is only the class axis")
    return replace(tensor, closed=SOFTMAX)


VIEWS: Final[dict[str, Callable[[Node, list[Value]], Value]]] = {
    "Cast": _cast,
    "CastLike": _cast,
    "Dropout": _dropout,
    "Identity": _identity,
    "LogSoftmax": _softmax,
    "Shape": _shape,
    "Size": _size,
    "Softmax": _softmax,
}


# -- affine operators --------------------------------------------------------------------------------------


def _add(node: Node, values: list[Value]) -> Affine:
    return live(reduce(_sum, _aligned(node, values)))


def _sub(node: Node, values: list[Value]) -> Affine:
    left, right = _aligned(node, values)
    return live(_sum(left, right.times(MINUS) if isinstance(right, Affine) else -constant(right)))


def _mul(node: Node, values: list[Value]) -> Affine:
    left, right = _aligned(node, values)
    if isinstance(left, Affine) and isinstance(right, Affine):
        raise ValueError("multiplies two computed tensors, one must be constant")
    return left.times(constant(right)) if isinstance(left, Affine) else live(right).times(constant(left))


def _div(node: Node, values: list[Value]) -> Affine:
    left, right = _aligned(node, values)
    if isinstance(right, Affine):
        raise ValueError("divides by a computed tensor, supported are constants only")
    return live(left).over(constant(right))


def _neg(node: Node, values: list[Value]) -> Affine:
    return live(values[0]).times(MINUS)


def _matmul(node: Node, values: list[Value]) -> Affine:
    left, right = values
    return _product(left, right)


def _gemm(node: Node, values: list[Value]) -> Affine:
    """Alpha A' B' + beta C, where A' and B' may be transposed; they are matrices."""
    ranks = [len(value.shape) if value is not None else 0 for value in values[:2]]
    if ranks != [2, 2]:
        raise ValueError(f"multiplies tensors of {ranks[0]} and {ranks[1]} axes, it takes matrices")
    left = _transposed(values[0]) if node.attribute("transA") else values[0]
    right = _transposed(values[1]) if node.attribute("transB") else values[1]
    product = _product(left, right).times(np.asarray(node.attribute("alpha"), dtype=np.float64))
    if len(values) < 3 or values[2] is None:
        return product
    beta = np.asarray(node.attribute("beta"), dtype=np.float64)
    addend = values[2]
    result = live(_sum(product, addend.times(beta) if isinstance(addend, Affine) else beta * constant(addend)))
    if result.shape != product.shape:
        raise ValueError(f"adds a bias of shape {addend.shape} to a product of shape {product.shape}")
    return result


def _batch_normalization(node: Node, values: list[Value]) -> Affine:
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


def _concat(node: Node, values: list[Value]) -> Affine:
    tensors = [value for value in values if isinstance(value, Affine)]
    if len(tensors) < len(values):
        like = tensors[0]
        parts = [value if isinstance(value, Affine) else like.filled(constant(value)) for value in values]
        return concatenate(parts, node.attribute("axis", 1))
    return concatenate(tensors, node.attribute("axis", 1))


def _reduction(function: Callable[..., Array]) -> Callable[[Node, list[Value]], Affine]:
    def reduced(node: Node, values: list[Value]) -> Affine:
        tensor = live(values[0])
        axes = values[1] if len(values) > 1 else node.attribute("axes")
        if axes is None and node.attribute("noop_with_empty_axes", 0):
            return tensor
        over = None if axes is None else tuple(int(axis) for axis in np.asarray(axes))
        keep = bool(node.attribute("keepdims", 1))
        return tensor.linear(lambda entries: function(entries, axis=over, keepdims=keep))

    return reduced


def _conv(node: Node, values: list[Value]) -> Affine:
    return conv(node, live(values[0]), [constant(value) for value in values[1:]])


AFFINE_OPS: Final[dict[str, Callable[[Node, list[Value]], Affine]]] = {
    "Add": _add,
    "AveragePool": lambda node, values: average_pool(node, live(values[0])),
    "BatchNormalization": _batch_normalization,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _div,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda node, values: global_average_pool(live(values[0])),
    "MatMul": _matmul,
    "Mul": _mul,
    "Neg": _neg,
    "ReduceMean": _reduction(np.mean),
    "ReduceSum": _reduction(np.sum),
    "Sub": _sub,
    "Sum": _add,
}

MINUS: Final = np.asarray(-1.0)


def _sum(left: Value, right: Value) -> Value:
    if isinstance(left, Affine):
        return left.add(right) if isinstance(right, Affine) else left.plus(constant(right))
    return right.plus(constant(left)) if isinstance(right, Affine) else constant(left) + constant(right)


def _product(left: Value, right: Value) -> Affine:
    if isinstance(left, Affine):
        if isinstance(right, Affine):
            raise ValueError("multiplies two computed tensors, one must be constant")
        return left.matmul(constant(right))
    return live(right).rmatmul(constant(left))


def _transposed(value: Value) -> Value:
    if isinstance(value, Affine):
        return value.take(np.arange(value.size).reshape(value.shape).T)
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
    missing = len(left.shape) - end
    if isinstance(right, Affine):
        positions = np.arange(right.size).reshape(right.shape + (1,) * missing)
        return [left, right.take(positions)]
    return [left, right.reshape(right.shape + (1,) * missing)]
