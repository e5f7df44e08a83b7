# SPDX-License-Identifier: MIT
"""One node of an ONNX graph, with the defaults of its operator's definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from .form import Form
from .layers import Array

__all__ = [
    "FLOATS", "INTEGERS", "Node", "Value", "constant", "is_float", "live", "row", "type_name", "weights", "widen",
]  # fmt: skip

FLOATS = frozenset({"FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE"})
INTEGERS = frozenset(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))

_TYPES: dict[int, str] = {number: name for name, number in onnx.TensorProto.DataType.items()}

#: What a tensor of the graph is: linear in earlier layers, constant, or an optional input left out.
Value: TypeAlias = Form | NDArray[Any] | None


@dataclass(frozen=True)
class Node:
    """A node and the version of the operator set it belongs to."""

    proto: onnx.NodeProto
    opset: int

    @property
    def op(self) -> str:
        """The operator's name."""
        return str(self.proto.op_type)

    @property
    def domain(self) -> str:
        """The operator's domain, "ai.onnx" for the standard one."""
        return self.proto.domain or "ai.onnx"

    @property
    def where(self) -> str:
        """How messages name this node; many exporters leave nodes unnamed, outputs never are."""
        if self.proto.name:
            return f"node '{self.proto.name}' ({self.op})"
        return f"node with output '{', '.join(self.proto.output)}' ({self.op})"

    @property
    def name(self) -> str:
        """What the layers that it makes are called: the tensor that they transmit, by which runtimes know it too."""
        return str(self.proto.output[0] or self.proto.name)

    @property
    def schema(self) -> Any:
        """The operator's definition in this version of the operator set."""
        try:
            return onnx.defs.get_schema(self.op, max_inclusive_version=self.opset, domain=self._registered)
        except onnx.defs.SchemaError as error:
            raise ValueError(f"is no operator of version {self.opset} of {self.domain}") from error

    @property
    def _registered(self) -> str:
        return "" if self.domain == "ai.onnx" else self.domain

    def check(self) -> None:
        """Refuse inputs and attributes that the operator does not take: ignoring them might be wrong."""
        least, most = self.schema.min_input, self.schema.max_input
        if not least <= len(self.proto.input) <= most:
            raise ValueError(f"has {len(self.proto.input)} inputs, it takes {least} to {most}")
        if len(self.proto.output) > self.schema.max_output:
            raise ValueError(f"has {len(self.proto.output)} outputs, it makes at most {self.schema.max_output}")
        if len({attribute.name for attribute in self.proto.attribute}) < len(self.proto.attribute):
            raise ValueError("has an attribute twice")
        for attribute in self.proto.attribute:
            if attribute.ref_attr_name:
                raise ValueError(f"takes its attribute '{attribute.name}' from a function, and stands in none")
            declared = self.schema.attributes.get(attribute.name)
            if declared is None or int(declared.type.value) != attribute.type:
                raise ValueError(f"has an attribute '{attribute.name}' of a name or type it does not take")

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute: the file's value, else the operator's default, else `default`.

        Defaults come from the operator's definition, where they are single precision as in files.
        """
        for attribute in self.proto.attribute:
            if attribute.name == name:
                return onnx.helper.get_attribute_value(attribute)
        declared = self.schema.attributes.get(name)
        if declared is None or not declared.default_value.name:
            return default
        return onnx.helper.get_attribute_value(declared.default_value)

    def casts_to_float(self, values: list[Value]) -> bool:
        """Whether this Cast or CastLike makes floats."""
        if self.op == "CastLike":
            target = values[1]
            return isinstance(target, Form) or (target is not None and target.dtype == np.float64)
        target = self.attribute("to")
        if isinstance(target, bytes):  # before version 6 types were strings
            return target.decode() in FLOATS
        return type_name(target) in FLOATS


def type_name(element: int) -> str:
    """Return the name of a tensor's element type, "type 99" for a number that is none."""
    return _TYPES.get(element, f"type {element}")


def row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its leading axis of one row."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def widen(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in double precision if it holds floats a file may store, else unchanged."""
    return array.astype(np.float64, copy=False) if is_float(array) else array


def is_float(array: NDArray[Any]) -> bool:
    """Whether an array holds floats that a file may store."""
    return type_name(onnx.helper.np_dtype_to_tensor_dtype(array.dtype)) in FLOATS


def constant(value: Value) -> Array:
    """Return the value as finite constants in double precision, for arithmetic."""
    return np.asarray(weights(value), dtype=np.float64)


def weights(value: Value) -> NDArray[Any]:
    """Return the value as finite constants in the file's own precision, for what holds them in double precision."""
    if value is None:
        raise ValueError("lacks an input")
    if isinstance(value, Form):
        raise ValueError("needs a constant where a computed tensor stands")
    if value.dtype.kind not in "fiu":
        raise ValueError(f"has a constant of type {value.dtype}, supported are real numbers")
    if not np.all(np.isfinite(value)):
        bad = value[~np.isfinite(value)][0]
        raise ValueError(f"has a constant that holds {bad}, where numbers must be finite")
    return value


def live(value: Value) -> Form:
    """Return the value as a computed tensor."""
    if not isinstance(value, Form):
        raise ValueError("needs a computed tensor where a constant stands")
    return value
