# SPDX-License-Identifier: MIT
"""Activations phi(gain * s): values, Lipschitz constants, ranges, moduli of continuity, local slopes.

Two definitions of the values: one for float arrays, one for single Fractions (piecewise-linear activations
only).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

INF = math.inf


def _logistic(u: Any) -> Any:
    e = np.exp(-np.abs(u))  # never overflows, either sign
    return np.where(u >= 0, 1 / (1 + e), e / (1 + e))


FLOAT = {  # phi(u), u = gain * s; a = slope
    "logistic": lambda u, a: _logistic(u),
    "tanh": lambda u, a: np.tanh(u),
    "relu": lambda u, a: np.maximum(u, 0.0),
    "leaky_relu": lambda u, a: np.where(u >= 0, u, a * u),
    "hard_tanh": lambda u, a: np.minimum(1.0, np.maximum(-1.0, u)),
    "clip": lambda u, a: np.minimum(1.0, np.maximum(0.0, u + 0.5)),
    "elu": lambda u, a: np.where(u >= 0, u, a * np.expm1(np.minimum(u, 0.0))),
    "softplus": lambda u, a: np.logaddexp(0.0, u),
    "identity": lambda u, a: u,
}

EXACT = {  # the piecewise-linear ones, on one Fraction
    "relu": lambda u, a: u if u > 0 else Fraction(0),
    "leaky_relu": lambda u, a: u if u >= 0 else a * u,
    "hard_tanh": lambda u, a: min(Fraction(1), max(Fraction(-1), u)),
    "clip": lambda u, a: min(Fraction(1), max(Fraction(0), u + Fraction(1, 2))),
    "identity": lambda u, a: u,
}

NAMES = tuple(FLOAT)
PIECEWISE_LINEAR = tuple(EXACT)
DEFAULT_SLOPE = {"leaky_relu": 0.01, "elu": 1.0}


@dataclass(frozen=True)
class Activation:
    """phi(gain * s), gain > 0, nondecreasing; ``slope`` >= 0 is leaky_relu's negative slope, elu's alpha."""

    name: str = "relu"
    gain: Any = 1.0
    slope: Any = None

    def __post_init__(self) -> None:
        if self.name not in FLOAT:
            raise ValueError(f"unknown activation {self.name!r}")
        if self.slope is None:
            object.__setattr__(self, "slope", DEFAULT_SLOPE.get(self.name, 0.0))

    def __call__(self, s: Any) -> Any:
        s = np.asarray(s)
        if s.dtype != object:
            return FLOAT[self.name](self.gain * s, self.slope)
        out = np.empty(s.shape, dtype=object)
        for index, value in np.ndenumerate(s):
            out[index] = EXACT[self.name](self.gain * value, self.slope)
        return out

    def exact(self) -> Activation:
        """The same activation with Fraction gain and slope."""
        if self.name not in EXACT:
            raise ValueError(f"{self.name} has no exact rational values")
        return Activation(self.name, Fraction(self.gain), Fraction(self.slope))

    @property
    def lipschitz(self) -> Any:
        """K = gain * Lip(phi)."""
        if self.name == "logistic":
            return self.gain / 4
        if self.name in ("leaky_relu", "elu"):
            return self.gain * max(1, self.slope)
        return self.gain

    @property
    def range(self) -> tuple[Any, Any]:
        """(inf phi, sup phi)."""
        if self.name in ("logistic", "clip"):
            return 0, 1
        if self.name in ("tanh", "hard_tanh"):
            return -1, 1
        if self.name in ("relu", "softplus"):
            return 0, INF
        if self.name == "elu":
            return -self.slope, INF
        if self.name == "leaky_relu" and self.slope == 0:
            return 0, INF
        return -INF, INF

    @property
    def length(self) -> Any:
        """R = sup phi - inf phi."""
        low, high = self.range
        return high - low

    def modulus(self, eta: Any) -> Any:
        """omega(eta) = sup_s |phi(s + eta) - phi(s)| for eta >= 0."""
        h = self.gain * eta
        if self.name == "logistic":
            return math.tanh(h / 4)
        if self.name == "tanh":
            return 2 * math.tanh(h / 2)
        if self.name in ("clip", "hard_tanh"):
            return min(h, self.length)
        if self.name == "elu" and self.slope > 1:
            # phi' = alpha e^u below 0 and 1 above: the best window [u, u+h] starts where alpha e^u = 1, or
            # ends at 0
            u = max(-math.log(self.slope), -h)
            return (u + h) + self.slope * (1 - math.exp(u))
        return self.lipschitz * eta

    def slopes(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Smallest and largest slope of s -> phi(gain s) on [a, b]."""
        g, alpha = self.gain, self.slope
        a, b = g * a, g * b
        if self.name in ("logistic", "tanh", "softplus"):
            low, high = sorted((self._derivative(a), self._derivative(b)))
            if self.name != "softplus" and a <= 0 <= b:
                high = self._derivative(0.0)
            return g * low, g * high
        if self.name == "identity":
            return g, g
        if self.name == "elu":
            if b <= 0:
                return g * alpha * math.exp(a), g * alpha * math.exp(b)
            return (g, g) if a >= 0 else (g * min(1, alpha * math.exp(a)), g * max(1, alpha))
        if self.name in ("relu", "leaky_relu"):
            left = 0 if self.name == "relu" else alpha
            if a >= 0:
                return g, g
            return (g * left, g * left) if b <= 0 else (g * min(1, left), g * max(1, left))
        half = Fraction(1, 2) if self.name == "clip" else 1  # the ramp is [-half, half]
        if -half <= a and b <= half:
            return g, g
        return (0 * g, 0 * g) if b <= -half or a >= half else (0 * g, g)

    def _derivative(self, u: float) -> float:
        if self.name == "tanh":
            return 1 - math.tanh(u) ** 2
        sigma = float(_logistic(np.float64(u)))
        return sigma if self.name == "softplus" else sigma * (1 - sigma)
