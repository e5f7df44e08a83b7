# SPDX-License-Identifier: MIT
"""Activations as the certificate checker sees them: values with error bounds, and lines above and below.

Everything is rounded outward: a line returned here is a line of the real function, not only of its floating-point one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray

EPS = float(np.finfo(np.float64).eps)
TINY = 1e-300
_ROOM = 1e-13  # of the sizes that enter a line: more than all roundings of its construction


@dataclass(frozen=True)
class Phi:
    """phi(gain * s), nondecreasing."""

    name: str
    gain: float
    slope: float

    def __call__(self, s: FloatArray) -> FloatArray:
        """Return approximate values; `error` says how far off they may be."""
        return _shape(self.name, self.slope, self.gain * s)

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant, rounded up."""
        steepest = {"logistic": 0.25, "leaky_relu": max(1.0, self.slope), "elu": max(1.0, self.slope)}
        return self.gain * steepest.get(self.name, 1.0) * (1 + 4 * EPS)

    def error(self, s: FloatArray, value: FloatArray) -> FloatArray:
        """Return a bound of |computed - real| at the floating-point argument `s`."""
        if self.gain == 1.0 and self.name in ("relu", "identity", "hard_tanh"):
            return np.zeros_like(s)
        t = self.gain * s
        off = 4 * EPS * np.abs(t)  # saturated, the rounding of the argument does not matter
        ends = _shape(self.name, self.slope, t + off), _shape(self.name, self.slope, t - off)
        moved = np.maximum(ends[0] - value, value - ends[1])
        size = np.maximum(np.abs(value), 1.0) if self.name in ("logistic", "clip") else np.abs(value)  # those add 1/2
        return np.asarray(moved + 32 * EPS * size + TINY)

    def below(self, s: FloatArray) -> FloatArray:
        """Return lower bounds of the values."""
        value = self(s)
        return value - self.error(s, value)

    def above(self, s: FloatArray) -> FloatArray:
        """Return upper bounds of the values."""
        value = self(s)
        return value + self.error(s, value)


def _shape(name: str, slope: float, t: FloatArray) -> FloatArray:
    if name == "logistic":
        return 0.5 + 0.5 * np.tanh(t / 2)
    if name == "tanh":
        return np.tanh(t)
    if name == "relu":
        return np.maximum(t, 0.0)
    if name == "leaky_relu":
        return np.where(t >= 0, t, slope * t)
    if name == "hard_tanh":
        return np.clip(t, -1.0, 1.0)
    if name == "clip":
        return np.clip(t + 0.5, 0.0, 1.0)
    if name == "elu":
        return np.where(t >= 0, t, slope * np.expm1(np.minimum(t, 0.0)))
    if name == "softplus":
        return np.logaddexp(0.0, t)
    if name == "identity":
        return t
    raise ValueError(f"unknown activation {name!r}")


@dataclass(frozen=True)
class Lines:
    """phi(s) <= upper_slope s + upper_offset and >= lower_slope s + lower_offset on [low, high]; slopes >= 0."""

    upper_slope: FloatArray
    upper_offset: FloatArray
    lower_slope: FloatArray
    lower_offset: FloatArray


def lines(phi: Phi, low: FloatArray, high: FloatArray) -> Lines:
    """Return lines for every range: the envelope where phi bends one way, else tangents or constants."""
    name, slope = phi.name, phi.slope
    t = phi.gain * low, phi.gain * high
    width = np.maximum(t[1] - t[0], TINY)
    chord = (_shape(name, slope, t[1]) - _shape(name, slope, t[0])) / width
    chord = np.clip(np.nan_to_num(chord), 0.0, max(1.0, slope))
    if name in ("relu", "leaky_relu", "identity", "softplus", "elu"):
        inside = _bend(name, slope, t)
        if name in ("relu", "leaky_relu", "identity"):  # one straight piece: its slope, without rounding
            chord = np.where((t[0] < 0) & (t[1] > 0) & (name != "identity"), chord, inside)
        convex = name in ("identity", "softplus", "relu") or slope <= 1
        up, down = (chord, inside) if convex else (inside, chord)
        if not convex and name == "elu":  # neither: parallels with the smallest slope
            up = down = np.where(t[1] > 0, np.minimum(1.0, slope * np.exp(np.minimum(t[0], 0.0))), inside)
    else:
        up, down = _tangent(name, t[0], t[1], chord), _tangent(name, -t[1], -t[0], chord)
    return Lines(*_offset(phi, up, t, 1.0), *_offset(phi, down, t, -1.0))


def _bend(name: str, slope: float, t: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Return the slope of a tangent: at the middle, or at the kink the side that leaves the smaller triangle."""
    middle = (t[0] + t[1]) / 2
    if name == "softplus":
        return _shape("logistic", 0.0, middle)
    if name == "elu":
        return np.where(middle >= 0, 1.0, slope * np.exp(np.minimum(middle, 0.0)))
    if name == "identity":
        return np.ones_like(middle)
    left = slope if name == "leaky_relu" else 0.0
    return np.where((t[0] >= 0) | ((t[1] > 0) & (middle > 0)), 1.0, left)


def _tangent(name: str, low: FloatArray, high: FloatArray, chord: FloatArray) -> FloatArray:
    """Return the slope of the least line above an S-shape through its left end: a tangent, or the chord."""
    if name in ("hard_tanh", "clip"):
        top = 1.0 if name == "hard_tanh" else 0.5
        bottom = -top
        reach = np.minimum(high, top)
        rise = reach - np.maximum(low, bottom)
        slope = np.maximum(rise, 0.0) / np.maximum(reach - low, TINY)
        return np.where(low >= top, 0.0, np.clip(slope, 0.0, 1.0))
    near, far = np.maximum(low, 0.0), np.maximum(high, 0.0)
    value = _shape(name, 0.0, low)
    for _ in range(40):
        middle = (near + far) / 2
        beyond = _derivative(name, middle) * (middle - low) < _shape(name, 0.0, middle) - value
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    touching = (_shape(name, 0.0, far) - value) / np.maximum(far - low, TINY)
    middle = _derivative(name, (low + high) / 2)
    return np.where(low >= 0, middle, np.where(high <= 0, chord, np.maximum(touching, 0.0)))


def _derivative(name: str, t: FloatArray) -> FloatArray:
    if name == "tanh":
        return 1 - np.tanh(t) ** 2
    value = _shape("logistic", 0.0, t)
    return value * (1 - value)


def _offset(
    phi: Phi, slope: FloatArray, t: tuple[FloatArray, FloatArray], sign: float
) -> tuple[FloatArray, FloatArray]:
    """Return the slope in s, and the offset that makes the line one above (sign 1) or below (sign -1).

    It is the extreme of phi - slope t: at the ends, at a kink, or where phi' = slope.
    """
    ends = [_shape(phi.name, phi.slope, e) - slope * e for e in t]
    extreme = np.maximum(*ends) if sign > 0 else np.minimum(*ends)
    for point in _stationary(phi.name, phi.slope, slope, sign):
        at = np.clip(point, t[0], t[1])
        value = _shape(phi.name, phi.slope, at) - slope * at
        extreme = np.maximum(extreme, value) if sign > 0 else np.minimum(extreme, value)
    steepest = 1 + slope + phi.slope
    size = np.abs(ends[0]) + np.abs(ends[1]) + steepest * (np.abs(t[0]) + np.abs(t[1])) + np.abs(extreme)
    return phi.gain * slope, extreme + sign * (_ROOM * (size + (1.0 if _smooth(phi.name) else 0.0)) + TINY)


def _smooth(name: str) -> bool:
    return name in ("logistic", "tanh", "softplus", "elu")


def _stationary(name: str, slope_of: float, slope: FloatArray, sign: float) -> list[FloatArray]:
    """Return the points inside a range where phi - slope t may be extreme.

    Near such a point it is flat, so that an approximate one costs only the square of its error.
    """
    kinks = {"relu": [0.0], "leaky_relu": [0.0], "elu": [0.0], "hard_tanh": [-1.0, 1.0], "clip": [-0.5, 0.5]}
    points = [np.full_like(slope, k) for k in kinks.get(name, [])]
    with np.errstate(all="ignore"):
        if name == "tanh":
            points.append(sign * np.arctanh(np.sqrt(np.clip(1 - slope, 0.0, 1.0))))
        elif name == "logistic":
            points.append(sign * 2 * np.arctanh(np.sqrt(np.clip(1 - 4 * slope, 0.0, 1.0))))
        elif name == "softplus":
            points.append(np.log(slope / (1 - slope)))
        elif name == "elu":
            points.append(np.minimum(np.log(slope / slope_of), 0.0) if slope_of > 0 else np.zeros_like(slope))
    if name in ("tanh", "logistic"):  # where arctanh runs out of digits, the shape is flat to the last one
        points.append(np.full_like(slope, 20.0 * sign if name == "tanh" else 40.0 * sign))
    return [np.nan_to_num(p, nan=0.0, posinf=1e300, neginf=-1e300) for p in points]
