# SPDX-License-Identifier: MIT
"""Failures of stored words: flipped bits of signals and of parameters, parameters that become 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy.typing as npt

from withstand._coerce import flag, shown
from withstand._types import Weight
from withstand.model.failure_arguments import Counts, components_of, counts_of
from withstand.model.failures import Failures
from withstand.model.formats import Format
from withstand.model.parameters import as_weight
from withstand.model.term import Term
from withstand.model.words import flips_of

#: A bit, or several that flip together.
Bit = int | Sequence[int]
Scale = float | Sequence[npt.ArrayLike]


class BitFlip(Failures):
    """Neurons that transmit their word with bits flipped.

    The word is that of the signal as it is in the execution, failures upstream included; only the signals that fail are
    rounded to the format.

    Parameters
    ----------
    counts, exactly, among
        As for `Crash`.
    format : {"int4", "int8", "int16", "int32", "uint4", "uint8", "float16", "bfloat16", "float32", "float64"}, optional
        By default that of the signals of a quantised file (`Network.formats`), whose words have no other; else "int8".
    scale : float or sequence, optional
        Of integers: a word q stands for scale * q. One number, or one entry for each hidden layer, a number or one per
        channel. By default what the file says (`Network.formats`); else the largest word stands for the largest
        value of the activation, or, where that is unbounded, of the intact network at the inputs asked about.
    bits : sequence of int or tuple of int, optional
        Ways to fail: bits by their numbers from the least significant one, 0; a tuple flips together. Every
        single bit by default.
    to : {0, 1}, optional
        Only flips to this value: cells that are stuck at it.
    clamp : (float, float), optional
        The value that replaces the signal is restricted to this range; NaN becomes its lower end.

    Raises
    ------
    TypeError, ValueError
        As for `Crash`, and for arguments that no format has; when used with a network, for another format than its
        signals have, or, where these have several, without `among` that names layers of one.

    Notes
    -----
    A component fails once, in one way. A way that makes a float infinite or NaN does infinite harm by convention;
    exclude it by `bits` or `clamp` it. Theory: docs/theory.md 16 and 17.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]], [[1.0]]])
    >>> ws.enumerate_failures(net, ws.BitFlip(1, format="int8", scale=1.0), [[5.0]]).worst  # 5 becomes -123
    128.0
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        *,
        format: str | Format | None = None,
        scale: Scale | None = None,
        bits: Iterable[Bit] | None = None,
        to: int | None = None,
        clamp: tuple[float, float] | None = None,
        exactly: bool = False,
        among: Iterable[Sequence[int]] | None = None,
    ) -> None:
        values, total = counts_of(counts, "BitFlip")
        flips = flips_of("BitFlip", format, scale, bits, to, clamp)
        exact, sites = flag(exactly, "exactly"), components_of(among, 2, "BitFlip")
        super().__init__([Term("bit_flip", (), values, total, exact, among=sites, flips=flips)])


class WeightFlip(Failures):
    """Stored parameters with bits flipped; one of a convolution is used at many places, all of which change.

    Parameters
    ----------
    counts : int or sequence of int
        At most this many among all parameters; or one count per layer 1..L+1.
    format, bits, to, clamp
        As for `BitFlip`. Every parameter must be a word of the format: see `Network.rounded`.
    scale : float or sequence, optional
        One number, or one entry for each layer 1..L+1, a number or one per channel of its outputs. By default what the
        file says (`Network.formats`); else the largest word stands for the largest weight of the layer.
    biases : bool, default False
        Whether biases may fail, too, with the scale that the file says, else one of their own.
    exactly : bool, default False
        Exactly that many fail, instead of at most.
    among : iterable of (layer, name, index), optional
        Candidates, named as in `Network.layers`: ``(1, "weight", (0, 2))``.

    Raises
    ------
    TypeError, ValueError
        As for `BitFlip`; when used with a network, for a parameter that is no word of the format.

    Notes
    -----
    What files fold into weights, such as batch normalisation, is part of the words that flip. Theory:
    docs/theory.md 16.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[3.0]], [[1.0]]])
    >>> found = ws.enumerate_failures(net, ws.WeightFlip(1, format="int8", scale=1.0), [[1.0]])
    >>> found.worst, found.witness.failed, found.witness.ways  # 1 becomes -127: 3 times 128
    (384.0, ((2, 'weight', (0, 0)),), {(2, 'weight', (0, 0)): 7})
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        *,
        format: str | Format = "float32",
        scale: Scale | None = None,
        bits: Iterable[Bit] | None = None,
        to: int | None = None,
        clamp: tuple[float, float] | None = None,
        biases: bool = False,
        exactly: bool = False,
        among: Iterable[Sequence[Any]] | None = None,
    ) -> None:
        values, total = counts_of(counts, "WeightFlip")
        flips = flips_of("WeightFlip", _named(format), scale, bits, to, clamp, biases)
        exact, sites = flag(exactly, "exactly"), _weights("WeightFlip", among)
        super().__init__([Term("weight_flip", (), values, total, exact, among=sites, flips=flips)])


class WeightCrash(Failures):
    """Stored weights that become 0; in a dense layer that is a crashed synapse, in a convolution many.

    Parameters
    ----------
    counts, exactly, among
        As for `WeightFlip`.
    """

    __slots__ = ()

    def __init__(
        self, counts: Counts, *, exactly: bool = False, among: Iterable[Sequence[Any]] | None = None
    ) -> None:
        values, total = counts_of(counts, "WeightCrash")
        exact, sites = flag(exactly, "exactly"), _weights("WeightCrash", among)
        super().__init__([Term("weight_crash", (), values, total, exact, among=sites)])


def _named(format: str | Format) -> str | Format:
    if format is None:  # which only signals may leave to the network
        raise TypeError("WeightFlip: format must be a string, got None")
    return format


def _weights(who: str, among: Iterable[Sequence[Any]] | None) -> tuple[Weight, ...] | None:
    if among is None:
        return None
    if isinstance(among, (str, bytes)) or not isinstance(among, Iterable):
        raise TypeError(f"{who}: among must be a sequence of (layer, parameter, index), got {shown(among)}")
    named = tuple(map(as_weight, among))
    if len(set(named)) < len(named):
        raise ValueError(f"{who}: among names {next(weight for weight in named if named.count(weight) > 1)} twice")
    return named
