# SPDX-License-Identifier: MIT
"""ATen's sums, differences, products and quotients, and the activations that are written with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from .layers import Array, Phi
from .torch_values import Pending, Signal, Tracer, is_constant

__all__ = ["ARITHMETIC", "add", "multiply"]


def add(t: Tracer, self: Any, other: Any, alpha: float = 1) -> Any:
    """Return self + alpha other."""
    if is_constant(self) and is_constant(other):
        t.room(np.shape(self), np.shape(other))
        return self + alpha * other
    if is_constant(other):
        if t.is_part(self, "abs") and np.ndim(other) == 0 and alpha * other == 1:
            return t.part(self.source, "1 + abs")
        return _shifted(t, self, np.asarray(alpha * np.asarray(other, dtype=np.float64)))
    if is_constant(self):
        scaled = other if alpha == 1 else multiply(t, other, alpha)
        return add(t, scaled, self)
    left, right = t.signal(self), t.signal(other if alpha in (1, -1) else multiply(t, other, alpha))
    combine = t.builder.subtract if alpha == -1 else t.builder.add
    return Signal(combine(left.form, right.form), t.here)


def subtract(t: Tracer, self: Any, other: Any, alpha: float = 1) -> Any:
    """Return self - alpha other."""
    return add(t, self, other, -alpha)


def subtract_from(t: Tracer, self: Any, other: Any, alpha: float = 1) -> Any:
    """Return other - alpha self."""
    return add(t, other, self, -alpha)


def multiply(t: Tracer, self: Any, other: Any) -> Any:
    """A product of which one factor is stored, or x sigmoid(x)."""
    if is_constant(self) and is_constant(other):
        t.room(np.shape(self), np.shape(other))
        return self * other
    if is_constant(self):
        self, other = other, self
    if is_constant(other):
        return _scaled(t, self, np.asarray(other, dtype=np.float64))
    for argument, factor in ((self, other), (other, self)):
        gate = _gate(argument, factor)
        if gate is not None:
            name, scale = gate
            gated = t.activation(argument, Phi(name))
            return gated if scale == 1 else _scaled(t, gated, np.asarray(scale))
    raise ValueError("multiplies two computed tensors, which no layer does; gates as x * sigmoid(x) are activations")


def divide(t: Tracer, self: Any, other: Any, rounding_mode: str | None = None) -> Any:
    """A quotient by what is stored, or x / (1 + |x|)."""
    if rounding_mode is not None:
        raise ValueError(f"rounds a quotient ({rounding_mode}), which is no linear function")
    if is_constant(other):
        divisor = np.asarray(other, dtype=np.float64)
        if not np.all(divisor):
            raise ValueError("divides by zero")
        if is_constant(self):
            t.room(np.shape(self), divisor.shape)
            return self / divisor
        argument = _hard(self)
        if argument is not None and np.all(divisor == 6):
            return t.activation(argument, Phi("hard_sigmoid"))
        signal, own = _aligned(t, self, divisor)
        return t.like(t.builder.divide(t.inner(signal), own), signal, signal.shape)
    if t.is_part(other, "1 + abs") and other.source is self:
        return t.activation(self, Phi("softsign"))
    raise ValueError("divides by a computed tensor, which no layer does; x / (1 + |x|) is read as softsign")


def negate(t: Tracer, self: Any) -> Any:
    """Return -self."""
    return -self if is_constant(self) else multiply(t, self, -1.0)


def maximum(t: Tracer, self: Any, other: Any) -> Any:
    """The larger of two tensors, by layers that may not fail."""
    return _extreme(t, self, other, "maximum", np.maximum)


def minimum(t: Tracer, self: Any, other: Any) -> Any:
    """The smaller of two tensors, by layers that may not fail."""
    return _extreme(t, self, other, "minimum", np.minimum)


def _extreme(t: Tracer, self: Any, other: Any, name: str, of_numbers: Callable[..., Array]) -> Any:
    if is_constant(self) and is_constant(other):
        t.room(np.shape(self), np.shape(other))
        return of_numbers(self, other)
    if is_constant(self):
        self, other = other, self
    if is_constant(other):
        if np.ndim(other) == 0 or np.ptp(other) == 0:
            limit = float(np.ravel(other)[0])
            return t.clip(self, limit, np.inf) if name == "maximum" else t.clip(self, -np.inf, limit)
        raise ValueError(f"takes the {name} with stored numbers that differ, which is not supported")
    left, right = t.signal(self), t.signal(other)
    return Signal(getattr(t.builder, name)(left.form, right.form), t.here)


def _gate(argument: Any, factor: Any) -> tuple[str, float] | None:
    """Return the activation that a tensor's product with a function of itself is a multiple of, if it is one."""
    if not isinstance(factor, Pending):
        return None
    if factor.source is argument:
        names = {(Phi("logistic"),): "silu", (Phi("hard_sigmoid"),): "hard_swish"}
        return (names[factor.parameters], 1.0) if factor.parameters in names else None
    return ("hard_swish", 6.0) if _hard(factor) is argument else None


def _hard(value: Any) -> Any:
    """Return x where a value is relu6(x + 3), six times a hard sigmoid, else None."""
    if isinstance(value, Pending) and value.kind == "clip" and value.parameters == (0.0, 6.0):
        made = value.source.made if isinstance(value.source, Signal) else ()
        return made[1] if made[:1] == ("+",) and np.all(made[2] == 3) else None
    return None


def _scaled(t: Tracer, value: Any, factor: Array) -> Signal:
    if np.ndim(factor) == 0 and factor == 1:
        return t.signal(value)
    signal, own = _aligned(t, value, factor)
    result = t.like(t.builder.scale(t.inner(signal), own), signal, signal.shape)
    return replace(result, made=("*", value, factor))


def _shifted(t: Tracer, value: Any, constant: Array) -> Signal:
    signal, own = _aligned(t, value, constant)
    result = t.like(t.builder.shift(t.inner(signal), own), signal, signal.shape)
    return replace(result, made=("+", value, constant))


def _aligned(t: Tracer, value: Any, constant: Array) -> tuple[Signal, Array]:
    """Return both in shapes of which the constant's can be broadcast, the batch taken off where there is one."""
    signal = t.signal(value)
    shape = tuple(np.broadcast_shapes(signal.shape, constant.shape))
    if shape != signal.shape:
        signal = t.like(t.builder.broadcast(signal.form, shape), signal)
    if constant.ndim == len(shape) > 1 and shape[0] == 1:
        constant = constant.reshape(constant.shape[1:])
    return signal, constant


ARITHMETIC: Final[dict[str, Callable[..., Any]]] = {
    "add": add,
    "div": divide,
    "divide": divide,
    "maximum": maximum,
    "max.other": maximum,
    "min.other": minimum,
    "minimum": minimum,
    "mul": multiply,
    "multiply": multiply,
    "neg": negate,
    "reciprocal": lambda t, self: divide(t, 1.0, self),
    "rsub": subtract_from,
    "sub": subtract,
    "subtract": subtract,
    "true_divide": divide,
}
