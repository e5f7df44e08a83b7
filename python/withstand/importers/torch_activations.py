# SPDX-License-Identifier: MIT
"""ATen's activations, whole or as decompositions leave them, and the softmax behind the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .layers import Phi
from .torch_moves import chosen
from .torch_values import Closed, Pending, Signal, Tracer, is_constant

__all__ = ["ACTIVATIONS"]

_SELU: Final = (1.6732632423543772, 1.0507009873554805)
#: Beyond it torch returns the argument of a softplus itself and drops a term of at most 2.1e-9.
_THRESHOLD: Final = 20


def hardtanh(t: Tracer, self: Any, min_val: float = -1, max_val: float = 1) -> Pending:
    """A clip."""
    return t.clip(self, min_val, max_val)


def clamp(t: Tracer, self: Any, min: Any = None, max: Any = None) -> Any:
    """A clip at none, one or two limits."""
    limits = [limit if limit is None else np.ravel(limit) for limit in (min, max)]
    if any(limit is not None and len(limit) != 1 for limit in limits):
        raise ValueError("clips to limits that differ between entries, which is not supported")
    lower, upper = (default if limit is None else float(limit[0])
                    for limit, default in zip(limits, (-math.inf, math.inf), strict=True))  # fmt: skip
    if is_constant(self):
        return np.clip(self, lower, upper).astype(np.asarray(self).dtype)
    return t.clip(self, lower, upper)


def threshold(t: Tracer, self: Any, threshold: float, value: float) -> Pending:
    """A rectifier, where both numbers are 0."""
    if threshold != 0 or value != 0:
        raise ValueError(f"jumps at {threshold} to {value}, supported is a threshold of 0 with the value 0")
    return t.clip(self, 0.0, math.inf)


def elu(t: Tracer, self: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Pending:
    """An exponential linear unit, or a scaled one with the numbers of selu."""
    if np.allclose((alpha, scale), _SELU, rtol=1e-12, atol=0) and input_scale == 1:
        return t.activation(self, Phi("selu"))
    if (scale, input_scale) != (1, 1):
        raise ValueError(f"has scale = {scale} and input_scale = {input_scale}, supported are 1 and the scale of selu")
    return t.activation(self, _sloped("elu", alpha))


def leaky_relu(t: Tracer, self: Any, negative_slope: float = 0.01) -> Pending:
    """A rectifier with a slope below 0."""
    return t.activation(self, _sloped("leaky_relu", negative_slope))


def prelu(t: Tracer, self: Any, weight: Any) -> Pending:
    """A rectifier with a stored slope below 0, one for all channels."""
    slopes: Any = np.unique(weight) if is_constant(weight) else []
    if len(slopes) != 1:
        raise ValueError(f"has slopes {slopes}, supported is one slope >= 0 for all neurons")
    return t.activation(self, _sloped("leaky_relu", float(slopes[0])))


def gelu(t: Tracer, self: Any, approximate: str = "none") -> Pending:
    """A Gaussian error linear unit."""
    return t.activation(self, Phi("gelu" if approximate == "none" else f"gelu_{approximate}"))


def softplus(t: Tracer, self: Any, beta: float = 1, threshold: float = 20) -> Pending:
    """log(1 + exp(self))."""
    if beta != 1:
        raise ValueError(f"has beta = {beta}, supported is beta = 1")
    if threshold < _THRESHOLD:
        raise ValueError(f"has threshold = {threshold}, supported are thresholds >= {_THRESHOLD}")
    return t.activation(self, Phi("softplus"))


def exponential(t: Tracer, self: Any) -> Any:
    """exp, of stored numbers, or as a part of a softplus."""
    return np.exp(self) if is_constant(self) else t.part(self, "exp")


def log1p(t: Tracer, self: Any) -> Any:
    """log(1 + self), of stored numbers, or as a part of a softplus."""
    if is_constant(self):
        return np.log1p(self)
    if t.is_part(self, "exp"):
        return t.part(self.source, "log1p exp")
    raise ValueError("takes the logarithm of a computed tensor, which is no supported activation")


def greater(t: Tracer, self: Any, other: Any) -> Any:
    """A comparison, of stored numbers, or as a part of a softplus or a rectifier."""
    return _compared(t, self, other, "gt", np.greater)


def at_most(t: Tracer, self: Any, other: Any) -> Any:
    """A comparison, of stored numbers, or as a part of a rectifier."""
    return _compared(t, self, other, "le", np.less_equal)


def where(t: Tracer, condition: Any, self: Any, other: Any) -> Any:
    """A choice between stored numbers, or what decompositions make of a softplus and of rectifiers."""
    if is_constant(condition) and is_constant(self) and is_constant(other):
        t.room(np.shape(condition), np.shape(self), np.shape(other))
        return np.where(condition, self, other)
    if is_constant(condition):
        return chosen(t, condition, self, other)
    if isinstance(condition, Pending) and condition.parameters[0] in ("gt", "le"):
        (kind, limit), argument = condition.parameters, condition.source
        if kind == "le" and other is argument and limit == 0 and is_constant(self) and not np.any(self):
            return t.clip(argument, 0.0, math.inf)
        if kind == "gt" and self is argument:
            if t.is_part(other, "log1p exp") and other.source is argument and limit >= _THRESHOLD:
                return t.activation(argument, Phi("softplus"))
            factor = other.made_by("*", argument) if isinstance(other, Signal) else None
            if limit == 0 and factor is not None:
                return prelu(t, argument, factor)
    raise ValueError("chooses between tensors by a computed condition, which no layer does")


def _compared(t: Tracer, value: Any, other: Any, kind: str, of_numbers: Callable[..., Any]) -> Any:
    if is_constant(value) and is_constant(other):
        t.room(np.shape(value), np.shape(other))
        return of_numbers(value, other)
    if not is_constant(other) or np.ndim(other) != 0:
        raise ValueError("compares computed tensors, which no layer does")
    return t.part(value, kind, float(other))


def absolute(t: Tracer, self: Any) -> Any:
    """The absolute value, of stored numbers, or as a part of a softsign."""
    return np.abs(self) if is_constant(self) else t.part(self, "abs")


def softmax(t: Tracer, self: Any, dim: int, dtype: Any = None, half_to_float: bool = False) -> Closed:
    """A softmax or its logarithm, behind the outputs only."""
    signal = t.signal(self)
    axis, shape = dim % max(1, len(signal.shape)), signal.shape
    if shape[axis] != math.prod(shape):
        raise ValueError(f"runs over axis {dim} of a tensor of shape {shape}, supported is only the class axis")
    return Closed(signal)


def _sloped(name: str, slope: float) -> Phi:
    if not slope >= 0:
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi(name, slope=float(slope))


def _plain(phi: Phi) -> Callable[..., Pending]:
    return lambda t, self: t.activation(self, phi)


ACTIVATIONS: Final[dict[str, Callable[..., Any]]] = {
    "_log_softmax": softmax,
    "_prelu_kernel": prelu,
    "_softmax": softmax,
    "abs": absolute,
    "clamp": clamp,
    "clamp_max": lambda t, self, max: clamp(t, self, None, max),
    "clamp_min": lambda t, self, min: clamp(t, self, min),
    "clip": clamp,
    "elu": elu,
    "exp": exponential,
    "gelu": gelu,
    "gt": greater,
    "hardsigmoid": _plain(Phi("hard_sigmoid")),
    "hardswish": _plain(Phi("hard_swish")),
    "hardtanh": hardtanh,
    "le": at_most,
    "leaky_relu": leaky_relu,
    "log1p": log1p,
    "log_sigmoid": _plain(Phi("log_sigmoid")),
    "log_softmax": softmax,
    "mish": _plain(Phi("mish")),
    "prelu": prelu,
    "relu": lambda t, self: t.clip(self, 0.0, math.inf),
    "relu6": lambda t, self: t.clip(self, 0.0, 6.0),
    "selu": _plain(Phi("selu")),
    "sigmoid": _plain(Phi("logistic")),
    "silu": _plain(Phi("silu")),
    "softmax": softmax,
    "softplus": softplus,
    "tanh": _plain(Phi("tanh")),
    "threshold": threshold,
    "where": where,
}
