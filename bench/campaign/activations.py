# SPDX-License-Identifier: MIT
"""The activations that are drawn, one entry for each, of u = gain * s and the slope: written from the definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .plain import Act


@dataclass(frozen=True)
class Definition:
    """What the campaign knows of an activation.

    ``ramp`` is (low, high, value at 0) of min(high, max(low, rise u + value at 0)), ``left`` the slope left of a corner
    at 0 (None: the activation's), both for piecewise-linear ones, which are also followed in rationals.
    """

    value: Callable[[np.ndarray, float], np.ndarray]
    steepest: Callable[[float], float] = lambda a: 1.0
    range: tuple[float, float] | None = None  # where it is bounded
    default: float | None = None  # slope
    ramp: tuple[float, float, float] | None = None
    rise: float = 1.0
    left: float | None = None
    linear: bool = False
    kinks: tuple[float, ...] = ()
    bulge: Callable[[float], float] = lambda a: 1.0  # sizes that a smooth one adds up


def _logistic(u: np.ndarray, a: float) -> np.ndarray:
    e = np.exp(-np.abs(u))
    return np.where(u >= 0, 1 / (1 + e), e / (1 + e))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _gelu(u: np.ndarray, a: float) -> np.ndarray:
    return np.maximum(u, -1e3) * np.asarray(_erfc(-math.sqrt(0.5) * u), dtype=float) / 2


def _gelu_tanh(u: np.ndarray, a: float) -> np.ndarray:
    v = np.clip(u, -1e3, 1e3)
    return np.maximum(u, -1e3) * _logistic(2 * math.sqrt(2 / math.pi) * (v + 0.044715 * v**3), a)


def _ramp(low: float, high: float, at_zero: float, rise: float = 1.0) -> Definition:
    return Definition(lambda u, a: np.clip(rise * u + at_zero, low, high), lambda a: rise, (low, high), None,
                      (low, high, at_zero), rise, linear=True,
                      kinks=((low - at_zero) / rise, (high - at_zero) / rise))  # fmt: skip


RIGHT = 1.0507009873554804934  # of selu
LEFT = 1.6732632423543772848 * RIGHT

DEFINITIONS: dict[str, Definition] = {
    "logistic": Definition(_logistic, lambda a: 0.25, (0.0, 1.0)),
    "tanh": Definition(lambda u, a: np.tanh(u), range=(-1.0, 1.0)),
    "relu": Definition(lambda u, a: np.maximum(u, 0.0), left=0.0, linear=True, kinks=(0.0,)),
    "leaky_relu": Definition(lambda u, a: np.where(u >= 0, u, a * u), lambda a: max(1.0, a), default=0.01,
                             linear=True, kinks=(0.0,)),
    "hard_tanh": _ramp(-1.0, 1.0, 0.0),
    "clip": _ramp(0.0, 1.0, 0.5),
    "relu6": _ramp(0.0, 6.0, 0.0),
    "hard_sigmoid": _ramp(0.0, 1.0, 0.5, 1 / 6),
    "elu": Definition(lambda u, a: np.where(u >= 0, u, a * np.expm1(np.minimum(u, 0.0))), lambda a: max(1.0, a),
                      default=1.0, kinks=(0.0,), bulge=lambda a: a),
    "softplus": Definition(lambda u, a: np.logaddexp(0.0, u)),
    "selu": Definition(lambda u, a: np.where(u >= 0, RIGHT * u, LEFT * np.expm1(np.minimum(u, 0.0))), lambda a: LEFT,
                       kinks=(0.0,), bulge=lambda a: LEFT),
    "silu": Definition(lambda u, a: u * _logistic(u, a), lambda a: 1.0998393201288670),
    "gelu": Definition(_gelu, lambda a: 1.1289041451851551),
    "gelu_tanh": Definition(_gelu_tanh, lambda a: 1.1289930686587720),
    "hard_swish": Definition(lambda u, a: u * np.clip(u + 3, 0, 6) / 6, lambda a: 1.5, kinks=(-3.0, 3.0)),
    "softsign": Definition(lambda u, a: u / (1 + np.abs(u)), range=(-1.0, 1.0)),
    "identity": Definition(lambda u, a: u, left=1.0, linear=True),
}  # fmt: skip

NAMES = tuple(DEFINITIONS)
LINEAR = tuple(name for name, known in DEFINITIONS.items() if known.linear)
SLOPED = tuple(name for name, known in DEFINITIONS.items() if known.default is not None)
KINKS = {name: known.kinks for name, known in DEFINITIONS.items() if known.kinks}
RANGES = {name: known.range for name, known in DEFINITIONS.items() if known.range}
BOUNDED = {name: max(map(abs, limits)) for name, limits in RANGES.items()}


def slope_of(act: Act) -> float:
    """Return the slope of an activation, 0 where it has none."""
    name, _, slope = act
    default: Any = DEFINITIONS[name].default
    return float(slope if slope is not None else default or 0.0)


def apply(act: Act, s: np.ndarray) -> np.ndarray:
    """Return the values."""
    return DEFINITIONS[act[0]].value(act[1] * s, slope_of(act))


def lipschitz(act: Act) -> float:
    """Return the Lipschitz constant."""
    return act[1] * DEFINITIONS[act[0]].steepest(slope_of(act))
