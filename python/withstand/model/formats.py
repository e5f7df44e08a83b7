# SPDX-License-Identifier: MIT
"""Number formats: which numbers a stored word can be, and what it becomes when bits of it flip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import choice, real_array, shown, whole
from withstand._types import FloatArray

Words = npt.NDArray[np.int64]

#: Bits, least and largest code of the integers.
_INTEGERS = {
    "int4": (4, -8, 7),
    "int8": (8, -128, 127),
    "int16": (16, -(2**15), 2**15 - 1),
    "int32": (32, -(2**31), 2**31 - 1),
    "uint4": (4, 0, 15),
    "uint8": (8, 0, 255),
}
#: Bits, and largest finite value of the floats.
_FLOATS = {
    "float16": (16, 65504.0),
    "bfloat16": (16, (2 - 2.0**-7) * 2.0**127),
    "float32": (32, (2 - 2.0**-23) * 2.0**127),
    "float64": (64, (2 - 2.0**-52) * 2.0**1023),
}
FORMATS = (*_INTEGERS, *_FLOATS)


@dataclass(frozen=True)
class Format:
    """A number format: the values that a word of so many bits can have.

    An integer q stands for scale * (q - zero_point), computed as one product of doubles; integers are stored in two's
    complement. Floats are those of IEEE 754, and bfloat16 the upper half of a float32; they have neither scale nor
    zero point. Bit 0 is the least significant one, the last one the sign of floats and of signed integers.

    Parameters
    ----------
    name : {"int4", "int8", "int16", "int32", "uint4", "uint8", "float16", "bfloat16", "float32", "float64"}
    scale : float or sequence of float, default 1.0
        Positive; a sequence holds one per channel.
    zero_point : int or sequence of int, default 0
        The integer that stands for 0; a sequence holds one per channel. Beside scales per channel, equal ones are one.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, a scale that is not positive, a zero point that is no code, or either of a float.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Format("int8").flips(5.0)
    array([   4.,    7.,    1.,   13.,   21.,   37.,   69., -123.])
    >>> ws.Format("float16").flips(1.0)[-3:]
    array([ 0.00390625,         inf, -1.        ])
    >>> ws.Format("int8", scale=0.5, zero_point=-128).round([-1.0, 0.7, 0.75, 300.0])
    array([  0. ,   0.5,   1. , 127.5])
    """

    name: str
    scale: float | tuple[float, ...] = 1.0
    zero_point: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        choice(self.name, "Format: name", FORMATS)
        scales = real_array(self.scale, "Format: scale")
        zeros = np.asarray(self.zero_point)
        if scales.ndim > 1 or zeros.ndim > 1 or scales.size == 0 or zeros.size == 0:
            raise ValueError(f"Format: scale and zero_point must be numbers, or one per channel, got {shown(self)}")
        if scales.ndim and zeros.ndim and scales.size != zeros.size:
            raise ValueError(f"Format: {scales.size} scales and {zeros.size} zero points")
        low, high = (-(2**31), 2**31 - 1) if self.is_float else self._codes()
        codes = [whole(z, "Format: zero_point", least=low, most=high) for z in zeros.reshape(-1).tolist()]
        factors = scales.reshape(-1).tolist()
        if min(factors) <= 0:
            raise ValueError(f"Format: scale must be positive, got {min(factors)}")
        if self.is_float and (set(factors) != {1.0} or set(codes) != {0}):
            raise ValueError(f"Format: {self.name} has neither scale nor zero point, got {shown(self)}")
        if not np.isfinite(max(factors) * 2.0 ** (1 + self.bits if not self.is_float else 0)):
            raise ValueError(f"Format: scale {max(factors)} makes words that are no finite numbers")
        if scales.ndim and len(set(codes)) == 1:  # equal formats are equal, however they were written
            zeros = zeros.reshape(-1)[0]
        object.__setattr__(self, "scale", tuple(factors) if scales.ndim else factors[0])
        object.__setattr__(self, "zero_point", tuple(codes) if zeros.ndim else codes[0])

    @property
    def bits(self) -> int:
        """Number of bits of a word."""
        return (_FLOATS if self.is_float else _INTEGERS)[self.name][0]

    @property
    def is_float(self) -> bool:
        """Whether it is a float; else it is an integer."""
        return self.name in _FLOATS

    @property
    def channels(self) -> int | None:
        """Number of channels with a scale or zero point of their own; None where there is one for all."""
        several = [value for value in (self.scale, self.zero_point) if isinstance(value, tuple)]
        return len(several[0]) if several else None

    @property
    def low(self) -> float:
        """Least finite value."""
        return -_FLOATS[self.name][1] if self.is_float else float(self._value(np.array(self._codes()[0]), 0))

    @property
    def high(self) -> float:
        """Largest finite value."""
        return _FLOATS[self.name][1] if self.is_float else float(self._value(np.array(self._codes()[1]), 0))

    def channel(self, number: int) -> Format:
        """Return the format of one channel."""
        if self.channels is None:
            return self
        number = whole(number, "channel", most=self.channels - 1)
        scale = self.scale[number] if isinstance(self.scale, tuple) else self.scale
        zero = self.zero_point[number] if isinstance(self.zero_point, tuple) else self.zero_point
        return Format(self.name, scale, zero)

    def round(self, values: npt.ArrayLike, axis: int = 0) -> FloatArray:
        """Return the nearest words, of two equally near ones the even one.

        Integers saturate. Floats beyond the largest become infinite, as IEEE 754 rounds.

        Parameters
        ----------
        values : array_like
        axis : int, default 0
            Of the channels, where there is a scale or zero point for each.
        """
        array = real_array(values, "values")
        if not self.is_float:
            return self._value(self._coded(array, axis), axis, array.ndim)
        return _rounded(array, self.name)

    def is_word(self, values: npt.ArrayLike, axis: int = 0) -> npt.NDArray[np.bool_]:
        """Return which values are words of the format. Parameters as for `round`."""
        array = real_array(values, "values")
        return np.asarray(self.round(array, axis) == array)

    def flips(self, value: npt.ArrayLike) -> FloatArray:
        """Return what a value becomes when bit 0, 1, ..., bits - 1 of its word flips; infinite or NaN for some floats.

        A value that is no word is rounded first. Of an array, the bits are the last axis of the result.

        Raises
        ------
        ValueError
            If there is a scale or zero point per channel: see `channel`.
        """
        return self._flipped(value, [1 << b for b in range(self.bits)])

    def flip(self, value: npt.ArrayLike, bits: Iterable[int]) -> Any:
        """Return what a value becomes when several bits of its word flip together; see `flips`."""
        places = [whole(b, "bits: a bit", most=self.bits - 1) for b in bits]
        if len(set(places)) != len(places):
            raise ValueError(f"bits must differ, got {shown(places)}")
        return self._flipped(value, [sum(1 << b for b in places)])[..., 0]

    # -- helpers -------------------------------------------------------------------------------------------------

    def _codes(self) -> tuple[int, int]:
        return _INTEGERS[self.name][1:]

    def _flipped(self, value: npt.ArrayLike, masks: list[int]) -> FloatArray:
        self._single()
        array = real_array(value, "value")[..., None]
        if self.is_float:
            flipped = np.array(masks, np.uint64)
            return _unpacked(_packed(_rounded(array, self.name), self.name) ^ flipped, self.name)
        words = self._coded(array, 0) ^ np.array(masks, np.int64)
        low, high = self._codes()
        span = high - low + 1
        return self._value((words - low) % span + low, 0)  # the sign bit of a narrow word, in a wide one

    def _words(self, values: FloatArray) -> npt.NDArray[np.uint64]:
        """Return the words of numbers that are some, their bits as numbers without a sign."""
        if self.is_float:
            return _packed(values, self.name)
        return self._coded(values, 0).astype(np.uint64) & np.uint64((1 << self.bits) - 1)

    def _coded(self, array: FloatArray, axis: int) -> Words:
        """Return the code of the nearest word."""
        low, high = self._codes()
        scale, zero = self._along(array.ndim, axis)
        with np.errstate(over="ignore"):
            code = np.rint(array / scale)
        return np.clip(np.clip(code, low - high, high - low) + zero, low, high).astype(np.int64)

    def _value(self, codes: npt.NDArray[Any], axis: int, ndim: int | None = None) -> FloatArray:
        if ndim is None:
            self._single()
        scale, zero = self._along(codes.ndim, axis)
        return np.asarray(scale * (codes - zero).astype(np.float64))

    def _along(self, ndim: int, axis: int) -> tuple[FloatArray, Words]:
        """Return scales and zero points as they meet an array whose channels are on an axis."""
        if self.channels is not None and not -ndim <= axis < ndim:
            raise ValueError(f"axis must be one of the {ndim} of the values, got {axis}")
        shape = [1] * ndim
        if self.channels is not None:
            shape[axis] = -1
        scale, zero = np.asarray(self.scale, np.float64), np.asarray(self.zero_point, np.int64)
        return scale.reshape(shape if scale.ndim else ()), zero.reshape(shape if zero.ndim else ())

    def _single(self) -> None:
        if self.channels is not None:
            raise ValueError(f"{self.name} has {self.channels} channels of different scales: name a channel")


def _rounded(array: FloatArray, name: str) -> FloatArray:
    """Return the nearest floats, half to even; in one step, since two would round halves that are none."""
    with np.errstate(over="ignore"):
        if name != "bfloat16":
            return array.astype(name).astype(np.float64)
        _, exponent = np.frexp(array)  # |x| in [2^(e-1), 2^e): words are 2^(e-8) apart, at least 2^-133
        step = np.maximum(exponent - 8, -133)
        nearest = np.ldexp(np.rint(np.ldexp(array, -step)), step)
    return np.where(np.abs(nearest) > _FLOATS[name][1], np.copysign(np.inf, array), nearest)


def _packed(values: FloatArray, name: str) -> npt.NDArray[np.uint64]:
    """Return the words of floats that are some."""
    with np.errstate(over="ignore"):
        if name == "bfloat16":
            return values.astype(np.float32).view(np.uint32).astype(np.uint64) >> np.uint64(16)
        narrow = np.ascontiguousarray(values.astype(name))
    return narrow.view(f"u{narrow.itemsize}").astype(np.uint64)


def _unpacked(words: npt.NDArray[np.uint64], name: str) -> FloatArray:
    """Return the floats that words are."""
    size = 4 if name == "bfloat16" else _FLOATS[name][0] // 8
    whole_words = words << np.uint64(16) if name == "bfloat16" else words
    with np.errstate(invalid="ignore"):  # of NaN
        return np.asarray(whole_words.astype(f"u{size}").view(f"f{size}"), dtype=np.float64)
