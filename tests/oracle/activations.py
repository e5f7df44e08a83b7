# SPDX-License-Identifier: MIT
"""Activations phi(gain * s): values, Lipschitz constants, ranges, moduli of continuity, local slopes.

One entry of `TABLE` for each. Two definitions of the values: one for float arrays, one for single Fractions
(piecewise-linear activations only).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.special import ndtr

INF = math.inf
HALF = Fraction(1, 2)
SIXTH = Fraction(1 / 6)  # the double nearest to it
ALPHA, SCALE = 1.6732632423543772848, 1.0507009873554804934  # of selu


@dataclass(frozen=True)
class Entry:
    """A function of u = gain * s and of a = slope."""

    value: Callable[[Any, Any], Any]  # float arrays
    steepest: Callable[[Any], Any]
    range: Callable[[Any], tuple[Any, Any]]
    exact: Callable[[Any, Any], Any] | None = None  # one Fraction
    corners: Callable[[Any], tuple[Any, ...]] = lambda a: ()  # piecewise linear: where slopes change,
    slopes: Callable[[Any], tuple[Any, ...]] = lambda a: (1,)  # and what they are
    derivative: Callable[[Any, Any], Any] | None = None  # smooth: monotone between breaks, the left one at a kink
    breaks: tuple[float, ...] = ()
    turns: tuple[float, ...] = ()  # where the function is not monotone
    modulus: Callable[[Any, Any], Any] | None = None  # of a stretch of u; else min(steepest * h, length)
    default_slope: float | None = None
    draws: tuple[float, ...] = ()  # slopes that generators draw


def _logistic(u: Any) -> Any:
    e = np.exp(-np.abs(u))  # never overflows, either sign
    return np.where(u >= 0, 1 / (1 + e), e / (1 + e))


def _bell(u: float, _: Any) -> float:
    sigma = float(_logistic(np.float64(u)))
    return sigma * (1 - sigma)


def _gelu_slope(u: float, _: Any) -> float:
    return float(ndtr(u)) + u * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)


def _tanh_inside(u: Any) -> Any:
    return math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)


def _gelu_tanh(u: Any, _: Any) -> Any:
    return u * _logistic(2 * _tanh_inside(np.clip(u, -1e3, 1e3)))


def _gelu_tanh_slope(u: float, _: Any) -> float:
    inside = 2 * _tanh_inside(min(max(u, -1e3), 1e3))
    slope = 2 * math.sqrt(2 / math.pi) * (1 + 0.134145 * u * u)
    return float(_logistic(np.float64(inside))) + u * _bell(inside, None) * slope


def _hard_swish_slope(u: float, _: Any) -> float:
    return 0.0 if u <= -3 else 1.0 if u > 3 else (2 * u + 3) / 6


def _elu_modulus(h: Any, a: Any) -> Any:
    if a <= 1:
        return h
    # phi' = alpha e^u below 0 and 1 above: the best window [u, u+h] starts where alpha e^u = 1, or ends at 0
    u = max(-math.log(a), -h)
    return (u + h) + a * (1 - math.exp(u))


TABLE: dict[str, Entry] = {
    "logistic": Entry(
        lambda u, a: _logistic(u),
        lambda a: 0.25,
        lambda a: (0, 1),
        derivative=_bell,
        breaks=(0.0,),
        modulus=lambda h, a: math.tanh(h / 4),
    ),
    "tanh": Entry(
        lambda u, a: np.tanh(u),
        lambda a: 1,
        lambda a: (-1, 1),
        derivative=lambda u, a: 1 - math.tanh(u) ** 2,
        breaks=(0.0,),
        modulus=lambda h, a: 2 * math.tanh(h / 2),
    ),
    "relu": Entry(
        lambda u, a: np.maximum(u, 0.0),
        lambda a: 1,
        lambda a: (0, INF),
        exact=lambda u, a: u if u > 0 else Fraction(0),
        corners=lambda a: (0,),
        slopes=lambda a: (0, 1),
    ),
    "leaky_relu": Entry(
        lambda u, a: np.where(u >= 0, u, a * u),
        lambda a: max(1, a),
        lambda a: (0 if a == 0 else -INF, INF),
        exact=lambda u, a: u if u >= 0 else a * u,
        corners=lambda a: (0,),
        slopes=lambda a: (a, 1),
        default_slope=0.01,
        draws=(0.125, 0.5, 1.5),
    ),
    "hard_tanh": Entry(
        lambda u, a: np.minimum(1.0, np.maximum(-1.0, u)),
        lambda a: 1,
        lambda a: (-1, 1),
        exact=lambda u, a: min(Fraction(1), max(Fraction(-1), u)),
        corners=lambda a: (-1, 1),
        slopes=lambda a: (0, 1, 0),
    ),
    "clip": Entry(
        lambda u, a: np.minimum(1.0, np.maximum(0.0, u + 0.5)),
        lambda a: 1,
        lambda a: (0, 1),
        exact=lambda u, a: min(Fraction(1), max(Fraction(0), u + HALF)),
        corners=lambda a: (-HALF, HALF),
        slopes=lambda a: (0, 1, 0),
    ),
    "elu": Entry(
        lambda u, a: np.where(u >= 0, u, a * np.expm1(np.minimum(u, 0.0))),
        lambda a: max(1, a),
        lambda a: (-a, INF),
        derivative=lambda u, a: 1.0 if u > 0 else a * math.exp(u),
        breaks=(0.0,),
        modulus=_elu_modulus,
        default_slope=1.0,
        draws=(0.5, 1.0, 2.0),
    ),
    "softplus": Entry(
        lambda u, a: np.logaddexp(0.0, u),
        lambda a: 1,
        lambda a: (0, INF),
        derivative=lambda u, a: float(_logistic(np.float64(u))),
    ),
    "relu6": Entry(
        lambda u, a: np.minimum(6.0, np.maximum(0.0, u)),
        lambda a: 1,
        lambda a: (0, 6),
        exact=lambda u, a: min(Fraction(6), max(Fraction(0), u)),
        corners=lambda a: (0, 6),
        slopes=lambda a: (0, 1, 0),
    ),
    "selu": Entry(
        lambda u, a: np.where(u >= 0, SCALE * u, SCALE * ALPHA * np.expm1(np.minimum(u, 0.0))),
        lambda a: SCALE * ALPHA,
        lambda a: (-SCALE * ALPHA, INF),
        derivative=lambda u, a: SCALE if u > 0 else SCALE * ALPHA * math.exp(u),
        breaks=(0.0,),
        modulus=lambda h, a: SCALE * _elu_modulus(h, ALPHA),
    ),
    "silu": Entry(
        lambda u, a: u * _logistic(u),
        lambda a: 1.0998393201288670,
        lambda a: (-0.27846454276107385, INF),
        derivative=lambda u, a: float(_logistic(np.float64(u))) + u * _bell(u, a),
        breaks=(-2.3993572805154676678, 2.3993572805154676678),
        turns=(-1.2784645427610737951,),
    ),
    "softsign": Entry(
        lambda u, a: u / (1 + np.abs(u)),
        lambda a: 1,
        lambda a: (-1, 1),
        derivative=lambda u, a: 1 / (1 + abs(u)) ** 2,
        breaks=(0.0,),
        modulus=lambda h, a: h / (1 + h / 2),
    ),
    "hard_sigmoid": Entry(
        lambda u, a: np.minimum(1.0, np.maximum(0.0, u * (1 / 6) + 0.5)),
        lambda a: SIXTH,
        lambda a: (0, 1),
        exact=lambda u, a: min(Fraction(1), max(Fraction(0), u * SIXTH + HALF)),
        corners=lambda a: (-HALF / SIXTH, HALF / SIXTH),
        slopes=lambda a: (0, SIXTH, 0),
    ),
    "gelu": Entry(
        lambda u, a: u * ndtr(u),
        lambda a: 1.1289041451851548,
        lambda a: (-0.16997120747990366, INF),
        derivative=_gelu_slope,
        breaks=(-math.sqrt(2), math.sqrt(2)),
        turns=(-0.75179152469356445746,),
    ),
    "gelu_tanh": Entry(
        _gelu_tanh,
        lambda a: 1.1289930686587718,
        lambda a: (-0.17004075057125405, INF),
        derivative=_gelu_tanh_slope,
        breaks=(-1.4185040087908283555, 1.4185040087908283555),
        turns=(-0.75246142207101625795,),
    ),
    "hard_swish": Entry(
        lambda u, a: u * np.minimum(6.0, np.maximum(0.0, u + 3)) / 6,
        lambda a: 1.5,
        lambda a: (-0.375, INF),
        derivative=_hard_swish_slope,
        breaks=(-3.0, 3.0),
        turns=(-1.5,),
    ),
    "identity": Entry(lambda u, a: u, lambda a: 1, lambda a: (-INF, INF), exact=lambda u, a: u),
}

NAMES = tuple(name for name, entry in TABLE.items() if not entry.turns)  # the nondecreasing ones
ALL_NAMES = tuple(TABLE)
PIECEWISE_LINEAR = tuple(name for name, entry in TABLE.items() if entry.exact is not None)
DEFAULT_SLOPE = {name: entry.default_slope for name, entry in TABLE.items() if entry.default_slope is not None}
DRAWN_SLOPES = {name: entry.draws for name, entry in TABLE.items() if entry.draws}


@dataclass(frozen=True)
class Activation:
    """phi(gain * s), gain > 0; ``slope`` >= 0 is the parameter of those that have one."""

    name: str = "relu"
    gain: Any = 1.0
    slope: Any = None

    def __post_init__(self) -> None:
        if self.name not in TABLE:
            raise ValueError(f"unknown activation {self.name!r}")
        if self.slope is None:
            object.__setattr__(self, "slope", DEFAULT_SLOPE.get(self.name, 0.0))

    @property
    def entry(self) -> Entry:
        return TABLE[self.name]

    def __call__(self, s: Any) -> Any:
        s = np.asarray(s)
        if s.dtype != object:
            return self.entry.value(self.gain * s, self.slope)
        assert self.entry.exact is not None
        out = np.empty(s.shape, dtype=object)
        for index, value in np.ndenumerate(s):
            out[index] = self.entry.exact(self.gain * value, self.slope)
        return out

    def exact(self) -> Activation:
        """The same activation with Fraction gain and slope."""
        if self.entry.exact is None:
            raise ValueError(f"{self.name} has no exact rational values")
        return Activation(self.name, Fraction(self.gain), Fraction(self.slope))

    @property
    def lipschitz(self) -> Any:
        """K = gain * Lip(phi)."""
        return self.gain * self.entry.steepest(self.slope)

    @property
    def range(self) -> tuple[Any, Any]:
        """(inf phi, sup phi)."""
        return self.entry.range(self.slope)

    @property
    def length(self) -> Any:
        """R = sup phi - inf phi."""
        low, high = self.range
        return high - low

    def modulus(self, eta: Any) -> Any:
        """omega(eta) = sup_s |phi(s + eta) - phi(s)| for eta >= 0."""
        if self.entry.modulus is not None:
            return self.entry.modulus(self.gain * eta, self.slope)
        return min(self.lipschitz * eta, self.length)

    def slopes(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Smallest and largest slope of s -> phi(gain s) on [a, b]."""
        g, entry, found = self.gain, self.entry, []
        a, b = g * a, g * b
        if entry.derivative is not None:
            for u in (a, b, *(u for u in entry.breaks if a <= u <= b)):
                if u > a or u == b or u not in entry.breaks:
                    found.append(entry.derivative(u, self.slope))
                if u < b and u in entry.breaks:
                    found.append(entry.derivative(math.nextafter(u, INF), self.slope))
            return g * min(found), g * max(found)
        corners, slopes = entry.corners(self.slope), entry.slopes(self.slope)
        for k, slope in enumerate(slopes):  # pieces that have more than an end in common with [a, b]
            if (k == 0 or b > corners[k - 1]) and (k == len(corners) or a < corners[k]):
                found.append(g * slope)
        if not found:
            found.append(g * slopes[sum(a >= c for c in corners)])
        return min(found), max(found)
