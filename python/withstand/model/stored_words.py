# SPDX-License-Identifier: MIT
"""The stored words of a network, and in which ways each of them may fail."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._types import FloatArray
from withstand.model.formats import Format
from withstand.model.layout import Layout
from withstand.model.maps import Conv
from withstand.model.network import Network
from withstand.model.parameters import BIAS, FIRST, bias_owners, kernel_entry, weight_names
from withstand.model.words import Flips, of_biases, of_weights

Ints = npt.NDArray[np.int64]
Bits = tuple[int, ...]


class StoredWords:
    """Parameters whose bits flip.

    Parameters
    ----------
    net : Network
    flips : Flips
    sites : ndarray of int, shape (n, 3)
        The parameters, as the core names them: (layer, to, from).

    Attributes
    ----------
    ways : ndarray of int, shape (n,)
        In how many ways each of them may fail: of cells that are stuck, those that held the other value.
    """

    def __init__(self, net: Network, flips: Flips, sites: Ints) -> None:
        self._net, self._flips, self._sites, self._layout = net, flips, sites, net._described()
        self._kinds = np.stack([sites[:, 0], sites[:, 2] == FIRST + BIAS], axis=1)
        kinds = np.unique(self._kinds, axis=0).tolist()
        self._all = {(place, bool(bias)): self._ways_of(place, bool(bias)) for place, bias in kinds}
        self.ways = np.array([len(self._all[self._kind(n)]) for n in range(len(sites))]) if flips.biases else np.full(
            len(sites), len(flips.bits)
        )
        self._offered = {} if flips.to is None else self._changing()

    def bits(self, number: int, way: int) -> tuple[int, Bits]:
        """Return the way that is some parameter's so many-th, as the core counts them, and the bits that flip."""
        way = int(self._offered[number][way]) if self._offered else way
        return way, self._all[self._kind(number)][way]

    def is_finite(self, number: int, bits: Bits) -> bool:
        """Return whether a parameter stays a number when bits of it flip."""
        place, bias = self._kind(number)
        words = Format(of_biases(self._flips, self._net, self._layout, place)[0] if bias else self._flips.format)
        if self._flips.clamp is not None or not words.is_float:
            return True
        (value,) = stored_values(self._net, self._layout, self._sites[number : number + 1])
        return bool(np.isfinite(words.flip(value, bits)))

    def _kind(self, number: int) -> tuple[int, bool]:
        place, bias = self._kinds[number].tolist()
        return place, bool(bias)

    def _ways_of(self, place: int, bias: bool) -> tuple[Bits, ...]:
        if not bias:
            return self._flips.bits
        return self._flips.ways(Format(of_biases(self._flips, self._net, self._layout, place)[0]).bits)

    def _changing(self) -> dict[int, Ints]:
        """Return the ways that change a cell, parameter after parameter; and count them."""
        found: dict[int, Ints] = {}
        for (place, bias), ways in self._all.items():
            rows = np.flatnonzero((self._kinds == (place, bias)).all(axis=1))
            masks = np.array([sum(1 << bit for bit in bits) for bits in ways], dtype=np.uint64)
            held = self._codes(rows, place, bias)[:, None] & masks
            changes = held == (masks if self._flips.to == 0 else np.zeros_like(masks))
            found.update((row, np.flatnonzero(change)) for row, change in zip(rows.tolist(), changes))
            self.ways[rows] = changes.sum(axis=1)
        return found

    def _codes(self, rows: Ints, place: int, bias: bool) -> npt.NDArray[np.uint64]:
        """Return words as numbers without a sign."""
        values = stored_values(self._net, self._layout, self._sites[rows])
        name, scaling = self._flips.format, of_weights(self._flips, self._net, self._layout, place)
        if bias:
            name, scaling = of_biases(self._flips, self._net, self._layout, place)
        to, codes = self._sites[rows, 1], np.zeros(len(rows), dtype=np.uint64)
        for own in np.unique(to).tolist() if len(scaling) > 1 else [None]:
            scale, zero = scaling[own or 0] if scaling else (1.0, 0.0)
            words = Format(name) if Format(name).is_float else Format(name, scale, int(zero))
            mine = slice(None) if own is None else to == own
            codes[mine] = words._words(values[mine])
        return codes


def stored_values(net: Network, layout: Layout, sites: Ints) -> FloatArray:
    """Return the parameters of a network that the core names so."""
    values = np.empty(len(sites))
    for place in np.unique(sites[:, 0]).tolist():
        rows = np.flatnonzero(sites[:, 0] == place)
        values[rows] = _of_stage(net._core, layout, place, sites[rows, 1], sites[rows, 2] - FIRST)
    return values


def _of_stage(core: _core.Network, layout: Layout, place: int, to: Ints, sender: Ints) -> FloatArray:
    layer, values = layout.given[place - 1], np.empty(len(to))
    biases = np.flatnonzero(sender == BIAS)
    if len(biases):
        assert layer.bias is not None
        values[biases] = layer.bias.reshape(-1)[np.array(bias_owners(layout, place))[to[biases]]]
    for _, n in weight_names(layout, place):
        read, kind = layer.reads[n]
        first, shape = core.offset(place - 1, read), layout.shapes[read]
        rows = np.flatnonzero((sender >= first) & (sender < first + math.prod(shape)))
        if isinstance(kind, Conv):
            entries = [kernel_entry(kind, shape, int(to[row]), int(sender[row]) - first) for row in rows]
            values[rows] = [kind.kernel[entry] for entry in entries]
        else:
            values[rows] = np.asarray(kind)[to[rows], sender[rows] - first]
    return values
