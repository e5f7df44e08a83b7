# SPDX-License-Identifier: MIT
"""Number formats as the checker sees them: which word a signal is stored as, and what number a word is.

Words are numbers without a sign. A signal is known to an error only: `between` returns the words of both ends, between
which that of the real signal lies. `nearest` returns the word of a rational number. Of 0 it is the one without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray

Codes = npt.NDArray[np.uint64]
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Integer:
    """The word q stands for scale * (q - zero), one product of doubles; two's complement where there is a sign."""

    bits: int
    signed: bool

    @property
    def ends(self) -> tuple[int, int]:
        """Least and largest q."""
        return (-(1 << self.bits - 1), (1 << self.bits - 1) - 1) if self.signed else (0, (1 << self.bits) - 1)

    def between(self, value: FloatArray, error: FloatArray, scale: FloatArray, zero: FloatArray) -> tuple[Codes, Codes]:
        """Return the least and the largest word that signals may have."""
        steps = value / scale
        exact = (error == 0) & (np.frexp(scale)[0] == 0.5)  # no quotient by a power of two is rounded
        off = np.where(exact, 0.0, error / scale * (1 + 4 * _EPS) + 4 * _EPS * np.abs(steps))
        return self._word(steps - off, zero), self._word(steps + off, zero)

    def nearest(self, value: Fraction, scale: float, zero: int) -> int:
        """Return the nearest word, of two the even one; beyond the ends the last one."""
        low, high = self.ends
        return min(max(round(value / Fraction(scale)) + zero, low), high) % (1 << self.bits)

    def number(self, codes: Codes, scale: FloatArray, zero: FloatArray) -> FloatArray:
        """Return what words stand for."""
        q = codes.astype(np.float64)
        if self.signed:
            q = np.where(q >= 2.0 ** (self.bits - 1), q - 2.0**self.bits, q)
        return np.asarray(scale * (q - zero))

    def _word(self, steps: FloatArray, zero: FloatArray) -> Codes:
        low, high = self.ends
        q = np.clip(np.rint(np.clip(steps, -(2.0**40), 2.0**40)) + zero, low, high)
        return (q.astype(np.int64) % (1 << self.bits)).astype(np.uint64)


@dataclass(frozen=True)
class Float:
    """A sign, so many bits of exponent and of fraction, as IEEE 754 reads them; without scale and zero point."""

    exponent: int
    fraction: int

    @property
    def bits(self) -> int:
        """Bits of a word."""
        return 1 + self.exponent + self.fraction

    @property
    def least(self) -> int:
        """Exponent of the least normal number."""
        return 2 - (1 << self.exponent - 1)

    def between(self, value: FloatArray, error: FloatArray, scale: FloatArray, zero: FloatArray) -> tuple[Codes, Codes]:
        """Return the words of both ends of what signals may be."""
        low, high = np.nextafter(value - error, -np.inf), np.nextafter(value + error, np.inf)
        known = error == 0
        return self._word(np.where(known, value, low)), self._word(np.where(known, value, high))

    def nearest(self, value: Fraction, scale: float, zero: int) -> int:
        """Return the nearest word, of two the even one; beyond the largest number infinity."""
        size = abs(value)
        power = size.numerator.bit_length() - size.denominator.bit_length()
        power -= size < Fraction(2) ** power
        power = max(power, self.least) if size else self.least
        word = (power - self.least << self.fraction) + round(size / Fraction(2) ** (power - self.fraction))
        return min(word, self._infinity) + ((value < 0) << self.bits - 1)

    def number(self, codes: Codes, scale: FloatArray, zero: FloatArray) -> FloatArray:
        """Return what words stand for; some are infinite or no number."""
        size = codes & np.uint64((1 << self.bits - 1) - 1)
        code = (size >> np.uint64(self.fraction)).astype(np.int64)
        special = code == (1 << self.exponent) - 1
        power = np.where(special, 1, code)
        part = (size & np.uint64((1 << self.fraction) - 1)).astype(np.float64)
        whole = part + np.where(power > 0, 2.0**self.fraction, 0.0)
        value = np.ldexp(whole, np.maximum(power - 1, 0) + (self.least - self.fraction))
        value = np.where(special, np.where(part == 0, np.inf, np.nan), value)
        return np.where(codes >> np.uint64(self.bits - 1) > 0, -value, value)

    @property
    def _infinity(self) -> int:
        return ((1 << self.exponent) - 1) << self.fraction

    def _word(self, values: FloatArray) -> Codes:
        """Return the nearest words: counted in steps of the last place, a carry goes to the next exponent by itself."""
        power = np.where(values == 0, self.least, np.maximum(np.frexp(values)[1] - 1, self.least))
        steps = np.rint(np.ldexp(np.abs(values), self.fraction - power)).astype(np.uint64)
        word = ((power - self.least).astype(np.uint64) << np.uint64(self.fraction)) + steps
        sign = (values < 0).astype(np.uint64) << np.uint64(self.bits - 1)
        return np.asarray(np.minimum(word, np.uint64(self._infinity)) + sign)


FORMATS: Final[Mapping[str, Integer | Float]] = {
    **{f"int{bits}": Integer(bits, True) for bits in (4, 8, 16, 32)},
    **{f"uint{bits}": Integer(bits, False) for bits in (4, 8)},
    "float16": Float(5, 10),
    "bfloat16": Float(8, 7),
    "float32": Float(8, 23),
    "float64": Float(11, 52),
}


@dataclass(frozen=True)
class Flip:
    """How bits flip: in words of a format, to one value only or to either, and the range that replaces are held in."""

    format: str
    to: int | None
    clamp: tuple[float, float] | None

    @property
    def words(self) -> Integer | Float:
        """The format."""
        return FORMATS[self.format]

    def changes(self, codes: Codes, masks: Codes) -> npt.NDArray[np.bool_]:
        """Return where all bits of the masks are ones that may flip."""
        if self.to is None:
            return np.ones(np.broadcast(codes, masks).shape, dtype=bool)
        return np.asarray((codes & masks) == (masks if self.to == 0 else np.uint64(0)))

    def replaced(self, codes: Codes, masks: Codes, scale: FloatArray, zero: FloatArray) -> FloatArray:
        """Return what words become: of cells that are stuck at what they hold, the words themselves."""
        flipped = np.where(self.changes(codes, masks), codes ^ masks, codes)
        value = self.words.number(flipped, scale, zero)
        if self.clamp is None:
            return value
        low, high = self.clamp
        return np.where(np.isnan(value), low, np.clip(value, low, high))

    def exactly(self, value: Fraction, mask: int, scale: float, zero: int) -> float:
        """Return what a signal becomes."""
        code = np.array([self.words.nearest(value, scale, zero)], dtype=np.uint64)
        word: Any = self.replaced(code, np.array([mask], dtype=np.uint64), np.array([scale]), np.array([float(zero)]))
        return float(word[0])
