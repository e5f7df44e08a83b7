# SPDX-License-Identifier: MIT
"""Stored tensors, and operators run on constants: everything is charged before it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from withstand.model.held import held

from .budget import Account
from .form import Form
from .onnx_node import Node, Value, is_float, type_name, widen
from .onnx_sizes import charge

__all__ = ["fold", "move", "stored"]

_NO_NUMBERS = frozenset({"UNDEFINED", "STRING", "COMPLEX64", "COMPLEX128"})
_CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def stored(
    tensor: onnx.TensorProto, account: Account, own: NDArray[Any] | None = None, narrow: bool = False
) -> NDArray[Any]:
    """Return a tensor of the file, read-only, floats in double precision.

    Parameters
    ----------
    tensor : onnx.TensorProto
    account : Account
    own : array, optional
        Its numbers, where they lie apart.
    narrow : bool
        Leave what lies apart in the file's own precision, for what holds it in double precision at once.

    Raises
    ------
    ValueError
        If it is damaged, of a type that holds no numbers, or exceeds the budget.
    """
    kind = type_name(tensor.data_type)
    if kind in _NO_NUMBERS or kind.startswith("type "):
        raise ValueError(f"holds {kind}, supported are real numbers")
    if any(size < 0 for size in tensor.dims):
        raise ValueError(f"has shape {list(tensor.dims)}, sizes must be at least 0")
    # Not limited by the largest array that may be computed: these numbers are in the file.
    account.store(8 * math.prod(tensor.dims))
    try:
        array = numpy_helper.to_array(tensor) if own is None else own
        if is_float(array) and not (narrow and own is not None):
            array = held(array)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise ValueError(f"cannot be read: {error}") from error
    array.flags.writeable = False  # so that layers hold it without copying
    return array


def fold(node: Node, values: list[Value], account: Account) -> Sequence[Value]:
    """Return the values of an operator on constants."""
    if node.op in _CONTROL:
        raise ValueError("is control flow, which is not evaluated: export the graph with it resolved")
    if node.op == "Constant" and [a.name for a in node.proto.attribute] == ["value"]:
        return [stored(node.proto.attribute[0].t, account)]
    if node.op in ("Cast", "CastLike"):
        if _is_float(values[0]) and node.casts_to_float(values):
            return values[:1]
        if node.op == "Cast" and type_name(node.attribute("to")) in _NO_NUMBERS:
            raise ValueError(f"makes {type_name(node.attribute('to'))} of numbers")
    return [widen(result) for result in _evaluate(node, values, account)]


def move(node: Node, values: list[Value], account: Account) -> Sequence[Value]:
    """Run an operator that only moves entries on their positions."""
    tensor, *rest = values
    if not isinstance(tensor, Form) or any(isinstance(value, Form) for value in rest):
        raise ValueError("is moved by a computed tensor, supported are constants only")
    return [tensor.take(moved) for moved in _evaluate(node, [tensor.positions(), *rest], account)]


def _evaluate(node: Node, values: list[Any], account: Account) -> list[NDArray[Any]]:
    values = [widen(value) if isinstance(value, np.ndarray) else value for value in values]
    charge(node, values, account)
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
