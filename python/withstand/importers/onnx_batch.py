# SPDX-License-Identifier: MIT
"""Whether a leading axis of fixed size B > 1 is a batch: the file does not say, but its nodes show it.

The graph is read at batch size one. Beside that, every node is checked to leave the leading axis of what it computes
alone at size B: then each row of the outputs is the same function of the same row of the inputs, and what was read is
that function. Nothing is evaluated at size B, so the cost does not depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .form import Form
from .onnx_activations import ACTIVATIONS
from .onnx_node import Node, Value

__all__ = ["Batch"]

#: Operators that treat every row alike, whatever their attributes are.
_APART: Final = frozenset(
    {"Abs", "AveragePool", "BatchNormalization", "Cast", "CastLike", "Conv", "ConvTranspose", "DepthToSpace", "Dropout"}
    | {"Erf", "GlobalAveragePool", "GlobalMaxPool", "Identity", "MaxPool", "Neg", "Resize", "Scaler", "SpaceToDepth"}
    | {"Upsample", *ACTIVATIONS}
) - {"Max", "PRelu"}


class Batch:
    """The leading axis of size B that all data inputs share, and the constants that were computed from it.

    Parameters
    ----------
    size : int
        B, at least 2.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.constants: dict[str, Any] = {}

    def at_full_size(self, name: str, value: Value) -> Value:
        """Return a constant as it is at batch size B, given what it is at batch size one."""
        return self.constants.get(name, value)

    def check(self, node: Node, values: list[Value], results: Sequence[Value]) -> None:
        """Refuse a node that does not keep rows apart and alike; note what it computes of the batch size.

        Parameters
        ----------
        node : Node
        values, results : sequences of Value
            At batch size one.

        Raises
        ------
        ValueError
        """
        if node.op in ("Shape", "Size"):
            self._measure(node, values[0])
            return
        if not any(isinstance(value, Form) for value in (*values, *results)):
            return  # constants: they are computed at size B in their turn
        full = [self.at_full_size(n, value) for n, value in zip(node.proto.input, values, strict=True)]
        tensors = [value for value in values if isinstance(value, Form)]
        shapes = [(self.size, *tensor.shape[1:]) for tensor in tensors]
        if not all(tensor.shape for tensor in tensors):
            raise ValueError("reads a tensor without a leading axis")
        made = [(self.size, *result.shape[1:]) for result in results if isinstance(result, Form)]
        if not made:
            raise ValueError("makes no tensor of what it reads")
        apart = node.op in _APART and not any(self._varies(n) for n in node.proto.input)
        if not (apart or _RULES.get(node.op, _never)(node, full, shapes[0], made[0])):
            raise ValueError(f"does not treat the {self.size} rows of a tensor of shape {shapes[0]} alike and apart")
        if node.op in _JOINING and any(len(shape) != len(shapes[0]) for shape in shapes):
            raise ValueError(f"joins tensors of shapes {shapes}")

    def _varies(self, name: str) -> bool:
        return name in self.constants

    def _measure(self, node: Node, value: Value) -> None:
        if not isinstance(value, Form):
            return
        shape = (self.size, *value.shape[1:])
        if node.op == "Size":
            self.constants[node.proto.output[0]] = np.array(math.prod(shape), dtype=np.int64)
        else:
            start, end = node.attribute("start", 0), node.attribute("end")
            self.constants[node.proto.output[0]] = np.array(shape[start:end], dtype=np.int64)


_Shape = tuple[int, ...]
_JOINING: Final = frozenset({"Add", "Sub", "Mul", "Div", "Sum", "Max", "Mean", "Min", "Concat", "Where"})


def _never(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    return False


def _elementwise(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    """A constant must not have rows of its own; before version 7 an axis may align it."""
    if node.opset < 7 and node.attribute("axis") is not None:
        return node.attribute("axis") % len(shape) > 0 and isinstance(values[0], Form)
    constants = [np.shape(value) for value in values if not isinstance(value, Form) and value is not None]
    return len(made) == len(shape) and all(len(c) < len(shape) or c[0] == 1 for c in constants)


def _prelu(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    return np.size(values[1]) == 1 and np.ndim(values[1]) <= len(shape)


def _matmul(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    left, right = values
    if isinstance(left, Form):
        return len(shape) >= 2 and np.ndim(right) <= 2
    return len(shape) >= 3 and np.ndim(left) == 2


def _gemm(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    addend = values[2] if len(values) > 2 else None
    plain = isinstance(values[0], Form) and not node.attribute("transA") and not isinstance(addend, Form)
    return plain and (addend is None or np.ndim(addend) < 2 or np.shape(addend)[0] == 1)


def _reshape(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    target = values[1] if len(values) > 1 else node.attribute("shape")
    sizes = [int(size) for size in np.asarray(target).reshape(-1)]
    if not node.attribute("allowzero", 0):
        sizes = [shape[axis] if size == 0 and axis < len(shape) else size for axis, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        others = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = math.prod(shape) // others if others else 0
    return tuple(sizes) == made and math.prod(made) == math.prod(shape)


def _flatten(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    return bool(node.attribute("axis") in (1, 1 - len(shape)))


def _transpose(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    order = node.attribute("perm")
    return order is not None and order[0] == 0


def _expand(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    sizes = [int(size) for size in np.asarray(values[1]).reshape(-1)]
    return len(made) == len(shape) and (len(sizes) < len(shape) or sizes[0] in (1, shape[0]))


def _tile(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    return node.opset >= 6 and int(np.asarray(values[1]).reshape(-1)[0]) == 1


def _pad(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    """The leading axis may have a border of nothing."""
    pads = values[1] if node.opset >= 11 else node.attribute("pads") or node.attribute("paddings")
    axes = values[3] if len(values) > 3 and values[3] is not None else range(len(shape))
    ends = np.asarray(pads).reshape(2, -1)
    return all(int(axis) % len(shape) or not np.any(ends[:, place]) for place, axis in enumerate(np.asarray(axes)))


def _axis(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    """One axis that is not the leading one, and no constants beside the tensors."""
    axis = node.attribute("axis", 1 if node.op == "Concat" else 0)
    if node.op == "Concat" and not all(isinstance(value, Form) for value in values):
        return False
    return bool(axis % len(shape) != 0) and node.proto.input[0] != "" and isinstance(values[0], Form)


def _softmax(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    return bool(node.attribute("axis") % len(shape) != 0)


def _axes(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    """Some axes, all of them given and none the leading one."""
    axes = values[1] if len(values) > 1 else node.attribute("axes")
    if axes is None:
        return bool(node.attribute("noop_with_empty_axes", 0))
    rank = len(made) if node.op == "Unsqueeze" else len(shape)
    listed = [int(axis) % rank for axis in np.asarray(axes).reshape(-1)]
    return bool(listed) and 0 not in listed


def _slice(node: Node, values: list[Any], shape: _Shape, made: _Shape) -> bool:
    """The leading axis may be sliced to all of itself."""
    given: list[Any] = [*values[1:], None, None, None, None] if node.opset >= 10 else [None] * 4
    if node.opset < 10:
        given[0], given[1], given[2] = (node.attribute(name) for name in ("starts", "ends", "axes"))
    starts, ends = (np.asarray(part).reshape(-1) for part in given[:2])
    axes = range(len(starts)) if given[2] is None else np.asarray(given[2]).reshape(-1)
    steps = [1] * len(starts) if given[3] is None else np.asarray(given[3]).reshape(-1)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        rows = slice(int(start), int(end), int(step)).indices(shape[0])
        if int(axis) % len(shape) == 0 and rows != (0, shape[0], 1):
            return False
    return True


_RULES: Final[dict[str, Callable[[Node, list[Any], _Shape, _Shape], bool]]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum", "Max", "Mean", "Min", "Greater", "Where"), _elementwise),
    **dict.fromkeys(("Concat", "Gather", "Split"), _axis),
    **dict.fromkeys(("LogSoftmax", "Softmax"), _softmax),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Squeeze", "Unsqueeze"), _axes),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "PRelu": _prelu,
    "Reshape": _reshape,
    "Slice": _slice,
    "Tile": _tile,
    "Transpose": _transpose,
}
