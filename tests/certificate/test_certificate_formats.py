# SPDX-License-Identifier: MIT
"""The checker's words are those of the definition: packed and unpacked bit by bit by the oracle."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from oracle import formats
from withstand.certificate.formats import FORMATS, Flip

KNOWN = list(formats.BITS)


def values(name: str, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Signals of all sizes: words, what lies half-way between two, zeros and least numbers."""
    bits = formats.BITS[name]
    codes = [int(rng.integers(2**30)) % (1 << bits - 1) for _ in range(60)] + [0, 1, 2, 3]
    found = [formats.decode(name, code) for code in codes]
    words = np.array([v for v in map(float, found) if math.isfinite(v)])
    half = (words[:-1] + words[1:]) / 2 if not formats.is_float(name) else words * (1 + 2.0**-11)
    small = rng.normal(size=40) * 10.0 ** rng.uniform(-12, 6, size=40)
    return np.concatenate([words, -words, half, words + 0.5, small]) * (1.0 if formats.is_float(name) else scale)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("seed", range(3))
def test_nearest_words(name, seed):
    rng = np.random.default_rng(seed)
    form, whole = FORMATS[name], not formats.is_float(name)
    scale = float(2.0 ** rng.integers(-4, 3)) if whole else 1.0  # a quotient by a power of two is not rounded
    zero = int(rng.integers(0, 5)) if whole else 0
    x = values(name, rng, scale)
    expected = [formats.encode(name, float(v) + 0.0, scale, zero) for v in x]  # 0 is the one without a sign
    every = np.full_like(x, scale), np.full_like(x, float(zero))
    low, high = form.between(x, np.zeros_like(x), *every)
    assert low.tolist() == high.tolist() == expected
    assert [form.nearest(Fraction(v), scale, zero) for v in x.tolist()] == expected
    numbers = form.number(low, *every)
    told = [formats.decode(name, code) for code in expected]
    np.testing.assert_array_equal(numbers, [scale * float(q - zero) if whole else q for q in told])


@pytest.mark.parametrize("name", KNOWN)
def test_between_holds_the_word_of_what_is_between(name):
    rng = np.random.default_rng(7)
    form, scale = FORMATS[name], 0.3 if not formats.is_float(name) else 1.0
    x = rng.normal(size=300) * 10.0 ** rng.uniform(-6, 4, size=300)
    error = np.abs(x) * 10.0 ** rng.uniform(-17, -1, size=300)
    every = np.full_like(x, scale), np.zeros_like(x)
    low, high = (form.number(codes, *every) for codes in form.between(x, error, *every))
    for n, share in enumerate(rng.uniform(-1, 1, size=300)):
        real = Fraction(x[n]) + Fraction(error[n]) * Fraction(share)
        word = form.number(np.array([form.nearest(real, scale, 0)], dtype=np.uint64), every[0][:1], every[1][:1])[0]
        assert low[n] <= word <= high[n]


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("to", [None, 0, 1])
@pytest.mark.parametrize("clamp", [None, (-1.5, 2.0)])
def test_flips(name, to, clamp):
    rng = np.random.default_rng(5)
    whole, bits = not formats.is_float(name), formats.BITS[name]
    scale, zero = (0.3, 2) if whole else (1.0, 0)
    flip = Flip(name, to, clamp)
    for value in rng.normal(size=40) * 4:
        way = tuple(sorted(rng.permutation(bits)[: int(rng.integers(1, 4))].tolist()))
        word = formats.encode(name, float(value), scale, zero)
        moves = to is None or all((word >> bit & 1) != to for bit in way)
        expected = formats.flip(name, float(value), way if moves else (), scale, zero)
        if clamp is not None:
            expected = clamp[0] if math.isnan(expected) else min(max(expected, clamp[0]), clamp[1])
        found = flip.exactly(Fraction(value), sum(1 << bit for bit in way), scale, zero)
        np.testing.assert_array_equal(found, expected)
