# SPDX-License-Identifier: MIT
"""Constants of quantised ONNX files: scales and zero points, and the numbers that stored words stand for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from withstand.model.formats import FORMATS, Format

from .form import Form
from .layers import Array
from .onnx_node import Node, Value, constant
from .quantised import Grid

__all__ = ["grid", "numbers", "option", "quant", "steps"]

_KINDS: Final = {(bits, signed): f"{'' if signed else 'u'}int{bits}" for bits in (4, 8, 16) for signed in (True, False)}


def option(node: Node, name: str, default: Any) -> Any:
    """Return an attribute of an operator that the onnx package does not know."""
    import onnx

    found = {attribute.name: attribute for attribute in node.proto.attribute}
    return onnx.helper.get_attribute_value(found[name]) if name in found else default


def steps(form: Grid) -> float:
    """Return how far the nearest word is from x / s computed in single precision, and products scaled in it."""
    span = (form.high - form.low) / form.step
    return float(0.5 + 2 * span * 2.0**-22)


def grid(scale: Value, zero: Value, kind: str = "uint8") -> Grid:
    """Return the grid of a computed tensor."""
    factor = constant(scale)
    if factor.size != 1:
        raise ValueError(f"has {factor.size} scales on a computed tensor, supported is one")
    return Grid.of(Format(_kind(zero, kind), float(factor.reshape(())), int(_zero(zero, 1)[0])))


def numbers(words: NDArray[Any], scale: Value, zero: Value, axis: int) -> tuple[Array, Format]:
    """Return what stored words stand for, and their format."""
    factor = constant(scale)
    kind = words.dtype.name
    if kind not in FORMATS or kind.startswith("float"):
        raise ValueError(f"has words of type {kind}, supported are integers of 4, 8, 16 and 32 bits")
    if factor.size == 1:
        form = Format(kind, float(factor.reshape(())), int(_zero(zero, 1)[0]))
        shape = [1] * words.ndim
    else:
        if factor.ndim != 1 or not -words.ndim <= axis < words.ndim or words.shape[axis] != factor.size:
            raise ValueError(f"has scales of shape {factor.shape} along axis {axis} of words of shape {words.shape}")
        form = Format(kind, tuple(factor.tolist()), tuple(map(int, _zero(zero, factor.size))))
        shape = [1] * words.ndim
        shape[axis] = -1
    along = [np.asarray(each).reshape(shape) for each in (form.scale, form.zero_point)]
    result: Array = along[0] * (words.astype(np.int64) - along[1]).astype(np.float64)
    result.flags.writeable = False
    return result, form


def quant(node: Node, values: list[Value]) -> tuple[Array, Array, float, float, str | None]:
    """Return scale, zero point, least and largest word of a QONNX Quant, and the name of its format."""
    scale, zero, width = (constant(value) for value in values[1:4])
    mode = option(node, "rounding_mode", b"ROUND").decode()
    if mode != "ROUND":
        raise ValueError(f"rounds by {mode}, supported is ROUND, half to even")
    if width.size != 1 or width.reshape(()) != np.rint(width.reshape(())) or not 1 < width.reshape(()) <= 32:
        raise ValueError(f"has words of {width.reshape(-1).tolist()} bits, supported are 2 to 32")
    if np.any(zero != np.rint(zero)) or not np.all(scale > 0):
        raise ValueError("has a zero point that is no integer, or a scale that is not positive")
    signed, narrow, bits = bool(option(node, "signed", 1)), bool(option(node, "narrow", 0)), int(width.reshape(()))
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    return scale, zero, low, high, _KINDS.get((bits, signed))


def _kind(zero: Value, kind: str) -> str:
    if isinstance(zero, Form):
        raise ValueError("has a computed zero point, which is dynamic quantisation")
    return kind if zero is None else zero.dtype.name


def _zero(zero: Value, count: int) -> NDArray[Any]:
    if zero is None:
        return np.zeros(count, dtype=np.int64)
    if isinstance(zero, Form) or zero.size not in (1, count):
        raise ValueError("has zero points that do not fit its scales")
    return np.broadcast_to(zero.reshape(-1).astype(np.int64), (count,))
