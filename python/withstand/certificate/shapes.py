# SPDX-License-Identifier: MIT
"""Activations as data, for the checker alone: one entry of `SHAPES` for each, none shared with the search.

A function of t = gain * s and of the activation's slope `a`. What is not listed here the checker refuses by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from withstand._types import FloatArray

_Function = Callable[[float, FloatArray], FloatArray]


@dataclass(frozen=True)
class Corner:
    """Slope `left` of 0 and slope `right` beyond, 0 at 0; None is the activation's slope."""

    left: float | None
    right: float = 1.0

    def __call__(self, a: float, t: FloatArray) -> FloatArray:
        """Return the values."""
        left = a if self.left is None else self.left
        if left == self.right == 1.0:
            return t
        return np.maximum(t, 0.0) if left == 0.0 else np.asarray(np.where(t >= 0, t * self.right, left * t))

    def exact(self, a: float, t: Fraction) -> Fraction:
        """Return the value of a rational number."""
        return t * Fraction(self.right) if t >= 0 else t * Fraction(a if self.left is None else self.left)

    def steepest(self, a: float) -> float:
        """Return the largest slope."""
        return max(a if self.left is None else self.left, self.right)


@dataclass(frozen=True)
class Ramp:
    """min(high, max(low, slope t + at_zero)); a slope of None is the activation's."""

    low: float
    high: float
    at_zero: float
    slope: float | None = 1.0

    def rise(self, a: float) -> float:
        """Return the slope between the corners."""
        return a if self.slope is None else self.slope

    def corners(self, a: float) -> tuple[float, float]:
        """Return where the ramp begins and ends, rounded."""
        rise = self.rise(a)
        ends = (self.low - self.at_zero, self.high - self.at_zero)
        return (ends[0] / rise, ends[1] / rise) if rise else (-np.inf, np.inf)

    def __call__(self, a: float, t: FloatArray) -> FloatArray:
        """Return the values."""
        line = t if self.slope == 1.0 else self.rise(a) * t
        return np.clip(line + self.at_zero if self.at_zero else line, self.low, self.high)

    def exact(self, a: float, t: Fraction) -> Fraction:
        """Return the value of a rational number."""
        line = Fraction(self.rise(a)) * t + Fraction(self.at_zero)
        return min(max(line, Fraction(self.low)), Fraction(self.high))

    def steepest(self, a: float) -> float:
        """Return the largest slope."""
        return self.rise(a)


@dataclass(frozen=True)
class Smooth:
    """A function that bends; between the breaks its slope is monotone.

    Parameters
    ----------
    value, derivative : callable
        Of a and t; at a kink either slope.
    steepest : callable
        The Lipschitz constant, of a.
    form : {"convex", "s", "other"}
        Convex, convex up to 0 and concave beyond, or neither. "convex" may depend on a.
    breaks : tuple of float
        Kinks and inflections.
    turns : tuple of float
        Where the function turns: none where it is nondecreasing.
    touching : callable, optional
        Where the slope is a given one, of a, the slopes and 1 or -1 (concave or convex side); else it is searched for.
    adds : bool
        Values are sums that may cancel, with rounding errors of units of 1.
    """

    value: _Function
    derivative: _Function
    steepest: Callable[[float], float]
    form: Callable[[float], str]
    breaks: tuple[float, ...] = ()
    turns: tuple[float, ...] = ()
    touching: Callable[[float, FloatArray, float], list[FloatArray]] | None = None
    adds: bool = False

    def __call__(self, a: float, t: FloatArray) -> FloatArray:
        """Return the values."""
        return self.value(a, t)


def _logistic(t: FloatArray) -> FloatArray:
    return np.asarray(0.5 + 0.5 * np.tanh(t / 2))


def _bell(_: float, t: FloatArray) -> FloatArray:
    value = _logistic(t)
    return value * (1 - value)


def _elu(a: float, t: FloatArray) -> FloatArray:
    return np.where(t >= 0, t, a * np.expm1(np.minimum(t, 0.0)))


def _elu_slope(a: float, t: FloatArray) -> FloatArray:
    return np.where(t >= 0, 1.0, a * np.exp(np.minimum(t, 0.0)))


_SELU_RIGHT: Final = 1.0507009873554804934
_SELU_LEFT: Final = 1.6732632423543772848 * _SELU_RIGHT


def _selu(_: float, t: FloatArray) -> FloatArray:
    return np.where(t >= 0, _SELU_RIGHT * t, _SELU_LEFT * np.expm1(np.minimum(t, 0.0)))


def _selu_slope(_: float, t: FloatArray) -> FloatArray:
    return np.where(t >= 0, _SELU_RIGHT, _SELU_LEFT * np.exp(np.minimum(t, 0.0)))


def _silu(_: float, t: FloatArray) -> FloatArray:
    e = np.exp(-np.abs(t))
    values: FloatArray = np.where(t >= 0, t / (1 + e), np.maximum(t, -800.0) * e / (1 + e))
    return values


def _silu_slope(_: float, t: FloatArray) -> FloatArray:
    t = np.clip(t, -700.0, 700.0)
    e = np.exp(-np.abs(t))
    p, rest = np.where(t >= 0, 1.0, e) / (1 + e), np.where(t >= 0, e, 1.0) / (1 + e)
    return np.asarray(p * (1 + t * rest))


def _softsign(_: float, t: FloatArray) -> FloatArray:
    t = np.clip(t, -1e300, 1e300)
    return np.asarray(t / (1 + np.abs(t)))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _normal(t: FloatArray) -> FloatArray:
    return np.asarray(0.5 * _erfc(-math.sqrt(0.5) * np.asarray(t)), dtype=np.float64)


def _gelu(_: float, t: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(t, -1e3) * _normal(t))  # -inf times 0 has no value


def _gelu_slope(_: float, t: FloatArray) -> FloatArray:
    t = np.clip(t, -1e3, 1e3)
    return np.asarray(_normal(t) + t * np.exp(-t * t / 2) / math.sqrt(2 * math.pi))


def _gelu_tanh_inside(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the argument of tanh, and its slope."""
    t = np.clip(t, -1e3, 1e3)
    root = math.sqrt(2 / math.pi)
    return np.asarray(root * (t + 0.044715 * t**3)), np.asarray(root * (1 + 3 * 0.044715 * t**2))


def _gelu_tanh(_: float, t: FloatArray) -> FloatArray:
    inside, _slope = _gelu_tanh_inside(t)
    e = np.exp(-2 * np.abs(inside))
    return np.asarray(np.where(t >= 0, t, np.maximum(t, -1e3) * e) / (1 + e))


def _gelu_tanh_slope(_: float, t: FloatArray) -> FloatArray:
    inside, slope = _gelu_tanh_inside(t)
    e = np.exp(-2 * np.abs(inside))
    p, rest = np.where(t >= 0, 1.0, e) / (1 + e), np.where(t >= 0, e, 1.0) / (1 + e)
    return np.asarray(p * (1 + np.clip(t, -1e3, 1e3) * rest * 2 * slope))


def _hard_swish(_: float, t: FloatArray) -> FloatArray:
    inside = np.clip(t, -3.0, 3.0)
    return np.where(t >= 3, t, inside * (inside + 3) / 6)


def _hard_swish_slope(_: float, t: FloatArray) -> FloatArray:
    return np.where(t <= -3, 0.0, np.where(t > 3, 1.0, (2 * np.clip(t, -3.0, 3.0) + 3) / 6))


def _touch_logistic(_: float, slope: FloatArray, sign: float) -> list[FloatArray]:
    where = sign * 2 * np.arctanh(np.sqrt(np.clip(1 - 4 * slope, 0.0, 1.0)))
    return [where, np.full_like(slope, 40.0 * sign)]  # where arctanh runs out of digits, the shape is flat


def _touch_tanh(_: float, slope: FloatArray, sign: float) -> list[FloatArray]:
    return [sign * np.arctanh(np.sqrt(np.clip(1 - slope, 0.0, 1.0))), np.full_like(slope, 20.0 * sign)]


def _touch_elu(a: float, slope: FloatArray, _: float) -> list[FloatArray]:
    return [np.minimum(np.log(slope / a), 0.0) if a > 0 else np.zeros_like(slope)]


Shape = Corner | Ramp | Smooth

SHAPES: Final[Mapping[str, Shape]] = {
    "relu": Corner(0.0),
    "leaky_relu": Corner(None),
    "identity": Corner(1.0),
    "hard_tanh": Ramp(-1.0, 1.0, 0.0),
    "clip": Ramp(0.0, 1.0, 0.5),
    "relu6": Ramp(0.0, 6.0, 0.0),
    "hard_sigmoid": Ramp(0.0, 1.0, 0.5, 1 / 6),
    "logistic": Smooth(lambda a, t: _logistic(t), _bell, lambda a: 0.25, lambda a: "s", (0.0,),
                       touching=_touch_logistic, adds=True),
    "tanh": Smooth(lambda a, t: np.tanh(t), lambda a, t: 1 - np.tanh(t) ** 2, lambda a: 1.0, lambda a: "s", (0.0,),
                   touching=_touch_tanh),
    "softplus": Smooth(lambda a, t: np.logaddexp(0.0, t), lambda a, t: _logistic(t), lambda a: 1.0,
                       lambda a: "convex", touching=lambda a, slope, sign: [np.log(slope / (1 - slope))]),
    "silu": Smooth(_silu, _silu_slope, lambda a: 1.0998393201288670, lambda a: "other",
                   (-2.3993572805154676678, 2.3993572805154676678), turns=(-1.2784645427610737951,)),
    "gelu": Smooth(_gelu, _gelu_slope, lambda a: 1.1289041451851551, lambda a: "other",
                   (-1.4142135623730950488, 1.4142135623730950488), turns=(-0.75179152469356445746,)),
    "gelu_tanh": Smooth(_gelu_tanh, _gelu_tanh_slope, lambda a: 1.1289930686587720, lambda a: "other",
                        (-1.4185040087908283555, 1.4185040087908283555), turns=(-0.75246142207101625795,)),
    "hard_swish": Smooth(_hard_swish, _hard_swish_slope, lambda a: 1.5, lambda a: "other", (-3.0, 3.0), turns=(-1.5,)),
    "softsign": Smooth(_softsign, lambda a, t: (1 / (1 + np.abs(t))) ** 2, lambda a: 1.0, lambda a: "s", (0.0,)),
    "elu": Smooth(_elu, _elu_slope, lambda a: max(1.0, a), lambda a: "convex" if a <= 1 else "other", (0.0,),
                  touching=_touch_elu),
    "selu": Smooth(_selu, _selu_slope, lambda a: _SELU_LEFT, lambda a: "other", (0.0,),
                   touching=lambda a, slope, sign: [np.minimum(np.log(slope / _SELU_LEFT), 0.0)]),
}  # fmt: skip


def shape_named(name: str) -> Shape:
    """Return the shape of an activation.

    Raises
    ------
    ValueError
        If the checker does not know it.
    """
    if name not in SHAPES:
        raise ValueError(f"the checker does not know the activation {name!r}, it knows {', '.join(SHAPES)}")
    return SHAPES[name]
