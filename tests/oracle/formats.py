# SPDX-License-Identifier: MIT
"""Words of every format, packed and unpacked bit by bit; nearest words are looked for among all there are."""

from __future__ import annotations

import bisect
import functools
import math
import struct
from fractions import Fraction

BITS = {"int4": 4, "int8": 8, "int16": 16, "int32": 32, "uint4": 4, "uint8": 8, "float16": 16, "bfloat16": 16,
        "float32": 32, "float64": 64}  # fmt: skip


def is_float(name: str) -> bool:
    return "float" in name


@functools.lru_cache(1 << 16)
def decode(name: str, word: int) -> float:
    """The number that the bits of a word are, without scale and zero point."""
    bits = BITS[name]
    if name.startswith("uint"):
        return sum(1 << b for b in range(bits) if word >> b & 1)
    if name.startswith("int"):  # the sign bit counts negatively
        return sum((-1 if b == bits - 1 else 1) << b for b in range(bits) if word >> b & 1)
    if name == "bfloat16":
        return struct.unpack("<f", struct.pack("<I", word << 16))[0]
    code, integer = {"float16": ("e", "H"), "float32": ("f", "I"), "float64": ("d", "Q")}[name]
    return struct.unpack("<" + code, struct.pack("<" + integer, word))[0]


@functools.cache
def finite(name: str) -> list[Fraction]:
    """The numbers of the words 0, 1, 2, ... of a narrow float, ascending; the last one stands for infinity."""
    values = [decode(name, word) for word in range(1 << BITS[name] - 1)]
    numbers = [Fraction(value) for value in values if math.isfinite(value)]
    return [*numbers, 2 * numbers[-1] - numbers[-2]]


def encode(name: str, value: float, scale: float = 1.0, zero: int = 0) -> int:
    """The word nearest to a value: of two the even one."""
    return _encode(name, float(value), math.copysign(1, value) < 0, float(scale), zero)  # -0.0 == 0.0, other word


@functools.lru_cache(1 << 16)
def _encode(name: str, value: float, negative: bool, scale: float, zero: int) -> int:
    if not is_float(name):
        return _integer(name, value, scale, zero)
    sign = negative << BITS[name] - 1
    if name == "float64":
        return struct.unpack("<Q", struct.pack("<d", abs(value)))[0] | sign
    if name == "float32":
        try:
            return struct.unpack("<I", struct.pack("<f", abs(value)))[0] | sign
        except OverflowError:
            return sign | 0x7F800000
    numbers, exact = finite(name), abs(Fraction(value))
    if exact >= numbers[-1]:
        return sign | len(numbers) - 1
    above = bisect.bisect_left(numbers, exact)
    if numbers[above] == exact:
        return sign | above
    left, right = exact - numbers[above - 1], numbers[above] - exact
    near = above if right < left or (right == left and above % 2 == 0) else above - 1
    return sign | near


def _integer(name: str, value: float, scale: float, zero: int) -> int:
    bits = BITS[name]
    low = 0 if name.startswith("u") else -(1 << bits - 1)
    code = round(Fraction(value) / Fraction(scale)) + zero  # half to even
    return min(max(code, low), low + (1 << bits) - 1) % (1 << bits)


def flip(name: str, value: float, bits: tuple[int, ...], scale: float = 1.0, zero: int = 0) -> float:
    word = encode(name, value, scale, zero)
    for bit in bits:
        word = word & ~(1 << bit) if word >> bit & 1 else word | 1 << bit
    number = decode(name, word)
    return number if is_float(name) else scale * float(number - zero)
