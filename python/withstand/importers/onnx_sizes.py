# SPDX-License-Identifier: MIT
"""How many entries an ONNX operator makes of constants, known before it is run: what is not listed is not run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from .affine import matmul_size
from .budget import Account, extent
from .onnx_node import Node

__all__ = ["FOLDED", "charge"]

_Values: TypeAlias = list[Any]

#: Operators whose results have together no more entries than the first input.
_KEEPING: Final = frozenset(
    {"Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cast", "CastLike", "Ceil", "Celu", "Clip"}
    | {"Cos", "Cosh", "CumSum", "DepthToSpace", "Dropout", "Elu", "Erf", "Exp", "EyeLike", "Flatten", "Floor", "Gelu"}
    | {"HardSigmoid", "HardSwish", "Hardmax", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "LogSoftmax", "Mish"}
    | {"Neg", "Not", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"}
    | {"ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round", "Selu", "Shape"}
    | {"Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split"}
    | {"Sqrt", "Squeeze", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Transpose", "Trilu", "Unsqueeze"}
    | {"ArgMax", "ArgMin", "DequantizeLinear", "QuantizeLinear"}
)
#: Operators whose inputs are broadcast to one shape.
_BROADCAST: Final = frozenset(
    {"Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual"}
    | {"Less", "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Sum", "Where", "Xor"}
)


def charge(node: Node, values: _Values, account: Account) -> None:
    """Charge for the results of a node on constants, before it is run.

    Raises
    ------
    ValueError
        If the operator's size is not known here, its inputs are malformed, or the budget is exceeded.
    """
    rule = _RULES.get(node.op)
    if rule is None:
        raise ValueError(f"is not evaluated on constants; evaluated are {', '.join(sorted(FOLDED))}")
    entries = rule(node, values)
    account.steps(1)
    account.array(entries, copies=2)


def _size(value: Any) -> int:
    return extent(np.shape(value))


def _keeping(node: Node, values: _Values) -> int:
    return _size(values[0])


def _broadcast(node: Node, values: _Values) -> int:
    shapes = [np.shape(value) for value in values]
    if node.opset < 7:  # broadcasting was said by attributes then, to the shape of the first
        return max(map(extent, shapes))
    return extent(np.broadcast_shapes(*shapes))


def _constant(node: Node, values: _Values) -> int:
    (attribute,) = node.proto.attribute
    if attribute.name == "value":
        return extent(attribute.t.dims)
    if attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
        return max(1, len(attribute.floats) + len(attribute.ints))
    raise ValueError(f"is given by its attribute '{attribute.name}', supported are dense numbers")


def _constant_of_shape(node: Node, values: _Values) -> int:
    return extent(_ints(values[0]))


def _expand(node: Node, values: _Values) -> int:
    return _broadcast_size(np.shape(values[0]), _ints(values[1]))


def _broadcast_size(*shapes: Any) -> int:
    """Return the size of a broadcast, of shapes too large for NumPy too."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return math.prod(max(1, *sizes) for sizes in zip(*padded, strict=True))


def _tile(node: Node, values: _Values) -> int:
    repeats = values[1] if node.opset >= 6 else [np.max(np.asarray(values[1]), initial=1)]
    return _size(values[0]) * extent(_ints(repeats))


def _range(node: Node, values: _Values) -> int:
    start, limit, delta = (float(np.asarray(value).reshape(())) for value in values)
    if not (math.isfinite(start) and math.isfinite(limit) and math.isfinite(delta) and delta):
        raise ValueError(f"counts from {start} to {limit} in steps of {delta}")
    return max(1, math.ceil(min((limit - start) / delta, 1e18)) + 1)


def _concat(node: Node, values: _Values) -> int:
    return sum(map(_size, values))


def _gather(node: Node, values: _Values) -> int:
    data = list(np.shape(values[0]))
    axis = int(node.attribute("axis", 0))
    if not -len(data) <= axis < len(data):
        raise ValueError(f"gathers along axis {axis} of a tensor of shape {tuple(data)}")
    del data[axis]
    return extent(data) * _size(values[1])


def _gather_nd(node: Node, values: _Values) -> int:
    data, indices = np.shape(values[0]), np.shape(values[1])
    used = int(node.attribute("batch_dims", 0)) + (indices[-1] if indices else 0)
    return extent(indices[:-1]) * extent(data[used:])


def _scatter(node: Node, values: _Values) -> int:
    # The reference moves one entry after the other.
    return _size(values[0]) + 100 * _size(values[1])


def _pad(node: Node, values: _Values) -> int:
    pads = values[1] if len(values) > 1 else node.attribute("pads") or node.attribute("paddings") or ()
    sizes = _ints(pads)
    shape = np.shape(values[0])
    axes = values[3] if len(values) > 3 and values[3] is not None else range(len(shape))
    half = len(sizes) // 2
    grown = list(shape)
    for axis, before, after in zip(_ints(axes), sizes[:half], sizes[half:], strict=True):
        grown[axis] += max(0, before) + max(0, after)
    return extent(grown)


def _one_hot(node: Node, values: _Values) -> int:
    return _size(values[0]) * max(1, *_ints(values[1]))


def _matmul(node: Node, values: _Values) -> int:
    entries, operations = matmul_size(np.shape(values[0]), np.shape(values[1]))
    return max(entries, operations // 64)


def _gemm(node: Node, values: _Values) -> int:
    left, right = np.shape(values[0]), np.shape(values[1])
    rows, inner = left[::-1] if node.attribute("transA") else left
    columns = right[0] if node.attribute("transB") else right[1]
    addend = _size(values[2]) if len(values) > 2 else 0
    return int(max(rows * columns, rows * columns * inner // 64, addend))


def _non_zero(node: Node, values: _Values) -> int:
    return _size(values[0]) * max(1, np.ndim(values[0]))


def _ints(values: Any) -> list[int]:
    """Return a one-dimensional tensor as Python's integers, which do not overflow."""
    return [int(value) for value in np.asarray(values).reshape(-1)]


_RULES: Final[dict[str, Callable[[Node, _Values], int]]] = {
    **dict.fromkeys(_KEEPING, _keeping),
    **dict.fromkeys(_BROADCAST, _broadcast),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Gather": _gather,
    "GatherElements": lambda node, values: _size(values[1]),
    "GatherND": _gather_nd,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "NonZero": _non_zero,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "ScatterElements": _scatter,
    "ScatterND": _scatter,
    "Tile": _tile,
}

#: The operators that are run on constants.
FOLDED: Final = frozenset(_RULES)
