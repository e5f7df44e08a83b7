# SPDX-License-Identifier: MIT
"""Every format, against words that are packed and unpacked bit by bit."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest
import withstand as ws
from oracle import formats as oracle

INTEGERS = [name for name in oracle.BITS if not oracle.is_float(name)]
FLOATS = [name for name in oracle.BITS if oracle.is_float(name)]


def same(computed, expected):
    """Equal numbers of equal signs; NaN is NaN."""
    numbers = ~np.isnan(expected)
    signs = np.array_equal(np.signbit(computed)[numbers], np.signbit(expected)[numbers])
    return signs and np.array_equal(computed, expected, equal_nan=True)


def test_golden_words():
    assert ws.Format("int8").flips(5).tolist() == [4, 7, 1, 13, 21, 37, 69, -123]
    one = ws.Format("float32").flips(1.0)
    assert one[[0, 22, 23, 24, 29, 30, 31]].tolist() == [1 + 2**-23, 1.5, 0.5, 0.25, 2.0**-64, math.inf, -1]
    assert ws.Format("float16").flips(1.0)[14] == math.inf
    assert ws.Format("bfloat16").flips(1.0)[14] == math.inf
    assert ws.Format("float32").flips(0.1)[30] == pytest.approx(3.4028237e37, rel=1e-7)
    assert np.isnan(ws.Format("float32").flips(1.5)[30])


@pytest.mark.parametrize("name", [name for name in INTEGERS if name != "int32"])
@pytest.mark.parametrize(("scale", "zero"), [(1.0, 0), (0.1, 3), (np.float32(0.0037), 5), (2.0**-20, 7)])
def test_every_word_of_narrow_integers(name, scale, zero):
    bits, scale = oracle.BITS[name], float(scale)
    some = range(1 << bits) if bits <= 8 else range(0, 1 << bits, 97)
    form = ws.Format(name, scale, zero)
    for word in some:
        value = scale * float(oracle.decode(name, word) - zero)
        assert form.is_word(value)
        assert form.flips(value).tolist() == [oracle.flip(name, value, (b,), scale, zero) for b in range(bits)]


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_every_word_of_narrow_floats(name):
    words = range(1 << 16)
    values = np.array([oracle.decode(name, word) for word in words])
    kept = np.isfinite(values)
    form = ws.Format(name)
    assert form.is_word(values[kept]).all()
    expected = np.array([[oracle.decode(name, w ^ 1 << b) for b in range(16)] for w in np.flatnonzero(kept).tolist()])
    assert same(form.flips(values[kept]), expected)


def numbers(name):
    """Numbers of every size, words, their neighbours, and what lies in the middle of two."""
    rng = np.random.default_rng(3)
    spread = np.ldexp(rng.uniform(-1, 1, 400), rng.integers(-160, 135, 400))
    words = ws.Format(name).round(rng.normal(size=200) * 2.0 ** rng.integers(-20, 20, 200))
    words = words[np.isfinite(words)]
    near = np.nextafter(words, np.inf)
    half = (words + np.nextafter(words.astype("f4"), np.float32(np.inf))) / 2
    ends = [0.0, -0.0, 65504, 65519.99, 65520, 3.3895e38, 3.4028235677973366e38, 1e300, -1e300, 5e-324, 2.0**-133,
            2.0**-134, 1.5 * 2.0**-134, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-40, 2.0**-24, 2.0**-25]  # fmt: skip
    return np.concatenate([spread, words, near, half, ends])


@pytest.mark.parametrize("name", FLOATS)
def test_numbers_are_rounded_to_floats_once(name):
    form = ws.Format(name)
    values = numbers(name)
    words = [oracle.encode(name, value) for value in values.tolist()]
    expected = np.array([oracle.decode(name, word) for word in words])
    assert same(form.round(values), expected)
    assert np.array_equal(form.is_word(values), expected == values)
    ways = [[oracle.decode(name, word ^ 1 << b) for b in range(form.bits)] for word in words]
    assert same(form.flips(values), np.array(ways))


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize(("scale", "zero"), [(1.0, 0), (0.25, 6), (2.0**-12, 1)])
def test_numbers_are_rounded_to_integers(name, scale, zero):
    """Powers of two as scales, so that the oracle's exact quotients are those of doubles."""
    form = ws.Format(name, scale, zero)
    rng = np.random.default_rng(8)
    codes = np.concatenate([rng.uniform(-40, 40, 300), np.arange(-20, 20) / 2, rng.uniform(-(2**33), 2**33, 50)])
    values = np.concatenate([codes * scale, [1e308, -1e308, form.low, form.high]])
    assert form.flips(values).tolist() == [
        [oracle.flip(name, v, (b,), scale, zero) for b in range(form.bits)] for v in values.tolist()
    ]
    assert form.round(values).tolist() == [oracle.flip(name, v, (), scale, zero) for v in values.tolist()]


@pytest.mark.parametrize("name", oracle.BITS)
def test_bits_that_flip_together(name):
    form = ws.Format(name, *((0.1, 3) if name in INTEGERS else ()))
    given = (form.scale, form.zero_point) if name in INTEGERS else ()
    for bits in [*itertools.combinations(range(form.bits), 2), (), (0, 1, form.bits - 1)]:
        assert same(form.flip(0.73, bits), np.float64(oracle.flip(name, 0.73, bits, *given)))


def test_ends():
    assert (ws.Format("int8", 0.5, -128).low, ws.Format("int8", 0.5, -128).high) == (0, 127.5)
    assert (ws.Format("uint4", 0.1, 3).low, ws.Format("uint4", 0.1, 3).high) == (0.1 * -3.0, 0.1 * 12.0)
    for name in FLOATS:
        form = ws.Format(name)
        largest = max(w for w in range(1 << form.bits - 1) if math.isfinite(oracle.decode(name, w))) if form.bits < 32 \
            else (0x7F7FFFFF if form.bits == 32 else 0x7FEFFFFFFFFFFFFF)  # fmt: skip
        assert form.high == oracle.decode(name, largest) == -form.low


def test_channels():
    form = ws.Format("int8", [0.5, 0.1], (0, 3))
    assert form.channels == 2
    assert form.channel(1) == ws.Format("int8", 0.1, 3)
    values = np.array([[0.3, 90.0], [0.26, -90.0]])
    assert form.round(values).tolist() == [form.channel(n).round(values[n]).tolist() for n in (0, 1)]
    across = form.round(values, axis=-1)
    assert across.T.tolist() == [form.channel(n).round(values[:, n]).tolist() for n in (0, 1)]
    for wrong in (form.flips, lambda value: form.flip(value, (0,)), lambda _: form.low, lambda _: form.high):
        with pytest.raises(ValueError, match="int8 has 2 channels"):
            wrong(1.0)
    with pytest.raises(ValueError, match="axis must be one of the 1"):
        form.round([1.0, 2.0], axis=1)


def test_equal_formats_are_one_key():
    form = ws.Format("int8", np.array([0.5, 0.25]), np.array([1, 2]))
    assert form == ws.Format("int8", (0.5, 0.25), [1, 2])
    assert len({form, pickle.loads(pickle.dumps(form)), ws.Format("int8")}) == 2
    with pytest.raises(AttributeError):
        form.name = "int4"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("int7",), "name must be one of int4"),
        (("int8", 0.0), "scale must be positive, got 0"),
        (("int8", -1), "scale must be positive"),
        (("int8", math.inf), "scale must be finite"),
        (("int8", 1e307), "no finite numbers"),
        (("int8", 1.0, 128), "zero_point must be at most 127"),
        (("uint8", 1.0, -1), "zero_point must be at least 0"),
        (("int8", 1.0, 0.5), "zero_point must be an integer"),
        (("int8", [1.0, 2.0], [0]), "2 scales and 1 zero points"),
        (("int8", [[1.0]]), "or one per channel"),
        (("int8", []), "or one per channel"),
        (("float16", 2.0), "float16 has neither scale nor zero point"),
        (("float32", 1.0, 1), "float32 has neither scale nor zero point"),
    ],
)
def test_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ws.Format(*given)


@pytest.mark.parametrize("bits", [(8,), (-1,), (0, 0), (0.5,)])
def test_bits_that_no_word_has(bits):
    with pytest.raises((TypeError, ValueError), match="bit"):
        ws.Format("int8").flip(1.0, bits)


def test_numbers_that_are_none():
    with pytest.raises(ValueError, match="must be finite"):
        ws.Format("float32").flips(math.nan)


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "silu", "hard_swish"])
def test_the_word_of_a_signal_that_comes_to_0_from_below_has_a_sign(activation: str) -> None:
    net = ws.Network([[[1.0]], [[3.0]]], activation=activation)
    found = ws.enumerate_failures(net, ws.BitFlip(1, format="bfloat16", bits=[14], exactly=True), [-1000.0])
    assert found.witness is not None  # the word 0x8000 becomes 0xC000
    assert (found.worst, list(found.witness.values.values())) == (6.0, [-2.0])
