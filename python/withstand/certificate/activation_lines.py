# SPDX-License-Identifier: MIT
"""Activations as the certificate checker sees them: values with error bounds, and lines above and below.

Everything is rounded outward: a line returned here is a line of the real function, not only of its floating-point one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.shapes import Corner, Ramp, Shape, Smooth, shape_named

EPS = float(np.finfo(np.float64).eps)
TINY = 1e-300
_ROOM = 1e-13  # of the sizes that enter a line: more than all roundings of its construction


@dataclass(frozen=True)
class Phi:
    """phi(gain * s)."""

    name: str
    gain: float
    slope: float

    @property
    def shape(self) -> Shape:
        """The function at gain 1."""
        return shape_named(self.name)

    def __call__(self, s: FloatArray) -> FloatArray:
        """Return approximate values; `error` says how far off they may be."""
        return self.shape(self.slope, self.gain * s)

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant, rounded up."""
        return self.gain * self.shape.steepest(self.slope) * (1 + 4 * EPS)

    @property
    def nondecreasing(self) -> bool:
        """Whether the function never falls."""
        return not (isinstance(self.shape, Smooth) and self.shape.turns)

    def error(self, s: FloatArray, value: FloatArray) -> FloatArray:
        """Return a bound of |computed - real| at the floating-point argument `s`."""
        shape = self.shape
        if self.gain == 1.0 and _unrounded(shape):
            return np.zeros_like(s)
        t = self.gain * s
        off = 4 * EPS * np.abs(t)  # saturated, the rounding of the argument does not matter
        if self.nondecreasing:
            ends = shape(self.slope, t + off), shape(self.slope, t - off)
            moved = np.maximum(ends[0] - value, value - ends[1])
        else:
            moved = shape.steepest(self.slope) * off
        adds = shape.adds if isinstance(shape, Smooth) else isinstance(shape, Ramp) and shape.at_zero != 0
        size = np.maximum(np.abs(value), 1.0) if adds else np.abs(value)
        return np.asarray(moved + 32 * EPS * size + TINY)

    def below(self, s: FloatArray) -> FloatArray:
        """Return lower bounds of the values."""
        value = self(s)
        return value - self.error(s, value)

    def above(self, s: FloatArray) -> FloatArray:
        """Return upper bounds of the values."""
        value = self(s)
        return value + self.error(s, value)

    def over(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds of the values on ranges: at the ends, and where the function turns."""
        least, most = self.below(low), self.above(high)
        if self.nondecreasing:
            return least, most
        assert isinstance(self.shape, Smooth)
        for s in (low, high, *(np.clip(turn / self.gain, low, high) for turn in self.shape.turns)):
            least, most = np.minimum(least, self.below(s)), np.maximum(most, self.above(s))
        return least, most


@dataclass(frozen=True)
class Wired:
    """phi on the first `own` entries, the others as they are: a layer with wires behind its neurons."""

    phi: Phi
    own: int

    @property
    def shape(self) -> Shape:
        """The function of the layer's own neurons, at gain 1."""
        return self.phi.shape

    @property
    def nondecreasing(self) -> bool:
        """Whether the function never falls."""
        return self.phi.nondecreasing

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant of all entries together, rounded up."""
        return max(1.0, self.phi.lipschitz)

    def __call__(self, s: FloatArray) -> FloatArray:
        """Return approximate values, as a `Phi` does."""
        return np.concatenate([self.phi(s[..., : self.own]), s[..., self.own :]], axis=-1)

    def error(self, s: FloatArray, value: FloatArray) -> FloatArray:
        """Return a bound of |computed - real|; wires have none."""
        of_phi = self.phi.error(s[..., : self.own], value[..., : self.own])
        return np.concatenate([of_phi, np.zeros_like(s[..., self.own :])], axis=-1)

    def over(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds of the values on ranges."""
        least, most = self.phi.over(low[..., : self.own], high[..., : self.own])
        wires = slice(self.own, None)
        return np.concatenate([least, low[..., wires]], axis=-1), np.concatenate([most, high[..., wires]], axis=-1)


def _unrounded(shape: Shape) -> bool:
    """Whether values are computed without rounding."""
    if isinstance(shape, Corner):
        return shape.left in (0.0, 1.0)
    return isinstance(shape, Ramp) and shape.slope == 1.0 and shape.at_zero == 0


@dataclass(frozen=True)
class Lines:
    """phi(s) <= upper_slope s + upper_offset and >= lower_slope s + lower_offset on [low, high]; slopes >= 0."""

    upper_slope: FloatArray
    upper_offset: FloatArray
    lower_slope: FloatArray
    lower_offset: FloatArray


def lines(phi: Phi | Wired, low: FloatArray, high: FloatArray) -> Lines:
    """Return lines for every range: the envelope where phi bends one way, else tangents or constants."""
    if isinstance(phi, Wired):
        own = lines(phi.phi, low[: phi.own], high[: phi.own])
        one, none = np.ones(len(low) - phi.own), np.zeros(len(low) - phi.own)
        ends = ((own.upper_slope, one), (own.upper_offset, none), (own.lower_slope, one), (own.lower_offset, none))
        return Lines(*map(np.concatenate, ends))
    shape, slope = phi.shape, phi.slope
    t = phi.gain * low, phi.gain * high
    width = np.maximum(t[1] - t[0], TINY)
    chord = (shape(slope, t[1]) - shape(slope, t[0])) / width
    chord = np.clip(np.nan_to_num(chord), 0.0, max(1.0, shape.steepest(slope)))
    if isinstance(shape, Corner):
        up, down = _corner(shape, slope, t, chord)
    elif isinstance(shape, Ramp):
        begin, end = shape.corners(slope)
        up, down = _climb(shape, slope, t[0], t[1], end), _climb(shape, slope, -t[1], -t[0], -begin)
    elif shape.form(slope) == "s":
        up, down = _tangent(shape, slope, t[0], t[1], chord), _tangent(shape, slope, -t[1], -t[0], chord)
    else:
        inside = np.maximum(shape.derivative(slope, (t[0] + t[1]) / 2), 0.0)
        up, down = chord, inside
        if shape.form(slope) == "other":  # parallels, of which one is never far from the best
            up, down = np.where(np.isfinite(chord), chord, 0.0), np.minimum(chord, inside)
    return Lines(*_offset(phi, up, t, 1.0), *_offset(phi, down, t, -1.0))


def _corner(
    shape: Corner, slope: float, t: tuple[FloatArray, FloatArray], chord: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the slopes above and below a corner at 0: the chord, and the side that leaves the smaller triangle."""
    left = slope if shape.left is None else shape.left
    inside = np.where((t[0] >= 0) | ((t[1] > 0) & (t[0] + t[1] > 0)), shape.right, left)
    chord = np.where((t[0] < 0) & (t[1] > 0) & (left != shape.right), chord, inside)  # one piece: without rounding
    return (chord, inside) if left <= shape.right else (inside, chord)


def _climb(shape: Ramp, slope: float, low: FloatArray, high: FloatArray, top: float) -> FloatArray:
    """Return the slope of the least line above a ramp that ends at `top`, through its left end."""
    begin, end = shape.corners(slope)
    bottom = top - (end - begin)
    reach = np.minimum(high, top)
    rise = reach - np.maximum(low, bottom)
    steep = np.maximum(rise, 0.0) / np.maximum(reach - low, TINY)
    return np.where(low >= top, 0.0, shape.rise(slope) * np.clip(steep, 0.0, 1.0))


def _tangent(shape: Smooth, slope: float, low: FloatArray, high: FloatArray, chord: FloatArray) -> FloatArray:
    """Return the slope of the least line above an odd S-shape through its left end: a tangent, or the chord."""
    near, far = np.maximum(low, 0.0), np.maximum(high, 0.0)
    value = shape(slope, low)
    for _ in range(40):
        middle = (near + far) / 2
        beyond = shape.derivative(slope, middle) * (middle - low) < shape(slope, middle) - value
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    touching = (shape(slope, far) - value) / np.maximum(far - low, TINY)
    middle = shape.derivative(slope, (low + high) / 2)
    return np.where(low >= 0, middle, np.where(high <= 0, chord, np.maximum(touching, 0.0)))


def _offset(
    phi: Phi, slope: FloatArray, t: tuple[FloatArray, FloatArray], sign: float
) -> tuple[FloatArray, FloatArray]:
    """Return the slope in s, and the offset that makes the line one above (sign 1) or below (sign -1).

    It is the extreme of phi - slope t: at the ends, at a kink, or where phi' = slope.
    """
    shape = phi.shape
    ends = [shape(phi.slope, e) - slope * e for e in t]
    extreme = np.maximum(*ends) if sign > 0 else np.minimum(*ends)
    for point in _critical(shape, phi.slope, slope, t, sign):
        at = np.clip(point, t[0], t[1])
        value = shape(phi.slope, at) - slope * at
        extreme = np.maximum(extreme, value) if sign > 0 else np.minimum(extreme, value)
    steepest = 1 + slope + phi.slope + shape.steepest(phi.slope)
    size = np.abs(ends[0]) + np.abs(ends[1]) + steepest * (np.abs(t[0]) + np.abs(t[1])) + np.abs(extreme)
    return phi.gain * slope, extreme + sign * (_ROOM * (size + (0.0 if isinstance(shape, Corner) else 1.0)) + TINY)


def _critical(
    shape: Shape, slope_of: float, slope: FloatArray, t: tuple[FloatArray, FloatArray], sign: float
) -> list[FloatArray]:
    """Return the points inside a range where phi - slope t may be extreme.

    Near such a point it is flat, so that an approximate one costs only the square of its error.
    """
    if isinstance(shape, Corner):
        return [np.zeros_like(slope)]
    if isinstance(shape, Ramp):
        return [np.full_like(slope, corner) for corner in shape.corners(slope_of)]
    points = [np.full_like(slope, at) for at in shape.breaks]
    with np.errstate(all="ignore"):
        points += shape.touching(slope_of, slope, sign) if shape.touching else _search(shape, slope_of, slope, t)
    return [np.nan_to_num(p, nan=0.0, posinf=1e300, neginf=-1e300) for p in points]


def _search(
    shape: Smooth, slope_of: float, slope: FloatArray, t: tuple[FloatArray, FloatArray]
) -> list[FloatArray]:
    """Return where phi' = slope, by bisection between breaks: there phi' is monotone."""
    found = []
    for begin, end in zip((-np.inf, *shape.breaks), (*shape.breaks, np.inf)):
        low, high = np.clip(t[0], begin, end), np.clip(t[1], begin, end)
        rises = shape.derivative(slope_of, high) > shape.derivative(slope_of, np.nextafter(low, np.inf))
        for _ in range(70):
            middle = low / 2 + high / 2
            beyond = (shape.derivative(slope_of, middle) > slope) == rises
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        found.append(high)
    return found
