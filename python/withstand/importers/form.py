# SPDX-License-Identifier: MIT
"""Lazy linear forms: what a tensor between two activations of a graph is, as a sum over the layers it reads.

A form is a sum of terms and a shift. A term reads one earlier layer: entry e of the tensor receives
``scale[e] * (map @ y)[index[e]]``, where y is what the layer transmits and map a matrix, a convolution or the
identity. Moving data touches only `index`, arithmetic with constants only `scale` and the shift, so the parameters of
a file arrive unrounded where it does nothing else with them, and a convolution keeps its kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from withstand.model.maps import Conv

from .budget import Account
from .layers import Array

__all__ = ["INTEGER", "SOFTMAX", "Form", "Index", "Term", "arrange"]

#: Why nothing but moving data may follow.
SOFTMAX = "follows a softmax, which is supported only as the last stage"
INTEGER = "computes with integers, which is supported only after a cast to a float type"

Index: TypeAlias = NDArray[np.int32]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Term:
    """What a tensor reads of one earlier layer.

    Parameters
    ----------
    source : int
        The layer that is read: 0 the inputs.
    map : array of shape (rows, senders), Conv, or None
        None is the identity.
    index : int array of the tensor's shape, or None
        The row of the map's result, flat, that each entry takes; -1 for none. None: each entry its own.
    scale : float64 array of the tensor's shape, or None
        None is 1.
    """

    source: int
    map: Array | Conv | None
    index: Index | None = None
    scale: Array | None = None

    def take(self, index: Index) -> Term:
        """Return the term of the entries at flat positions `index`, -1 for none."""
        own, scale = index, self.scale
        if self.index is not None:
            own = np.where(index < 0, -1, self.index.reshape(-1)[index])
        if scale is not None:
            scale = np.where(index < 0, 1.0, scale.reshape(-1)[index])
        return replace(self, index=own, scale=scale)

    def reshape(self, shape: Shape) -> Term:
        """Return the term of the same entries in another shape."""
        index = None if self.index is None else self.index.reshape(shape)
        return replace(self, index=index, scale=None if self.scale is None else self.scale.reshape(shape))

    @property
    def reaches(self) -> NDArray[np.bool_] | None:
        """Which entries it contributes to; None for all."""
        if self.index is None or self.index.min(initial=0) >= 0:
            return None
        return self.index >= 0

    def rows(self) -> Array:
        """Return a matrix term's weights, one row for each of the tensor's entries in C order."""
        assert isinstance(self.map, np.ndarray)
        weights = self.map
        if self.index is not None:
            index = self.index.reshape(-1)
            weights = weights[index]
            weights[index < 0] = 0.0
        return weights if self.scale is None else weights * self.scale.reshape(-1, 1)


@dataclass(frozen=True, eq=False)
class Form:
    """A tensor that is a linear form of earlier layers' signals.

    Parameters
    ----------
    shape : tuple of int
    terms : tuple of Term
        At least one.
    account : Account
        What reading the file has computed so far; every array is charged before it is made.
    shift : float64 array of the tensor's shape, or None
        None is 0.
    closed : str
        Why nothing but moving data may follow, or empty; importers set and ask it.
    """

    shape: Shape
    terms: tuple[Term, ...]
    account: Account
    shift: Array | None = None
    closed: str = ""

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def is_light(self) -> bool:
        """Whether it reads no stored parameters: nothing but moves, scales, shifts and sums of signals."""
        return all(term.map is None for term in self.terms)

    def is_apart(self) -> bool:
        """Whether every entry reads at most one entry of its sources' maps: nothing is added up."""
        if len(self.terms) == 1:
            return True
        counts = np.zeros(self.shape, dtype=np.int32)
        for term in self.terms:
            counts += 1 if term.index is None else term.index >= 0
        return bool(np.all(counts <= 1))

    def close(self, reason: str) -> Form:
        """Return the same tensor, which nothing but moving data may follow."""
        return replace(self, closed=reason)

    def positions(self) -> Index:
        """Return the flat position of every entry."""
        self.account.array(self.size)
        return np.arange(self.size, dtype=np.int32).reshape(self.shape)

    def take(self, index: Index) -> Form:
        """Return the tensor whose entries are those at the flat (C order) positions `index`, and 0 where it is -1."""
        index = np.asarray(index, dtype=np.int32)
        if index.size == 0:
            raise ValueError("makes a tensor without entries")
        if index.size == self.size and index.min() >= 0 and np.array_equal(index.reshape(-1), np.arange(self.size)):
            return self.reshape(index.shape)
        self.account.array(int(index.size), copies=1 + 2 * len(self.terms))
        shift = None if self.shift is None else np.where(index < 0, 0.0, self.shift.reshape(-1)[index])
        terms = [term.take(index) for term in self.terms]
        read = [term for term in terms if term.index is not None and term.index.max() >= 0] or terms[:1]
        return replace(self, shape=index.shape, terms=tuple(read), shift=shift)

    def reshape(self, shape: Iterable[int]) -> Form:
        """Return the same entries in another shape."""
        shape = tuple(shape)
        if shape == self.shape:
            return self
        if math.prod(shape) != self.size or min(shape, default=1) < 1:
            raise ValueError(f"gives a tensor of shape {self.shape} the shape {shape}")
        shift = None if self.shift is None else self.shift.reshape(shape)
        return replace(self, shape=shape, terms=tuple(term.reshape(shape) for term in self.terms), shift=shift)

    def transpose(self, axes: Iterable[int]) -> Form:
        """Return the tensor with its axes in another order, as numpy.transpose."""
        return self.take(self.positions().transpose(tuple(axes)))

    def broadcast(self, shape: Shape) -> Form:
        """Return the tensor repeated along the axes that broadcasting stretches."""
        if shape == self.shape:
            return self
        return self.take(np.broadcast_to(self.positions(), shape))

    def pad(self, pairs: Iterable[tuple[int, int]]) -> Form:
        """Return the tensor with zeros before and after every axis; negative numbers cut entries off."""
        ends = tuple(pairs)
        grown = tuple(size + max(before, 0) + max(after, 0) for size, (before, after) in zip(self.shape, ends))
        self.account.array(math.prod(grown))
        added = [(max(before, 0), max(after, 0)) for before, after in ends]
        index = np.pad(self.positions(), added, constant_values=-1)
        cut = tuple(slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in zip(grown, ends))
        return self.take(index[cut])

    def times(self, factor: Array) -> Form:
        """Return the product with a constant, broadcast."""
        form = self._like(factor)
        terms = (replace(t, scale=_scaled(t.scale, factor, form.shape)) for t in form.terms)
        shift = None if form.shift is None else form.shift * factor
        return replace(form, terms=tuple(terms), shift=shift)

    def over(self, divisor: Array) -> Form:
        """Return the quotient by a constant, broadcast."""
        if not np.all(divisor):
            raise ValueError("divides by zero")
        form = self._like(divisor)
        terms = (
            replace(t, scale=_unless_one((1.0 if t.scale is None else t.scale) / divisor, form.shape))
            for t in form.terms
        )
        shift = None if form.shift is None else form.shift / divisor
        return replace(form, terms=tuple(terms), shift=shift)

    def plus(self, constant: Array) -> Form:
        """Return the sum with a constant, broadcast."""
        form = self._like(constant)
        shift = np.broadcast_to(constant, form.shape) if form.shift is None else form.shift + constant
        return replace(form, shift=shift)

    def constant(self, values: Array) -> Form:
        """Return a constant tensor that stands beside this one: it reads the same, with nothing."""
        self.account.array(int(values.size))
        term = replace(self.terms[0], map=None, index=np.full(values.shape, -1, dtype=np.int32), scale=None)
        return replace(self, shape=values.shape, terms=(term,), shift=values)

    def _like(self, constant: Array) -> Form:
        shape = np.broadcast_shapes(self.shape, np.shape(constant))
        self.account.array(math.prod(shape), copies=2)
        return self.broadcast(shape)


def arrange(index: Index | None, size: int) -> Index | None:
    """Return the index, or None where it names `size` rows each in its place."""
    if index is None or (index.size == size and np.array_equal(index.reshape(-1), np.arange(size))):
        return None
    return index


def _scaled(scale: Array | None, factor: Array, shape: Shape) -> Array | None:
    if np.all(factor == 1):
        return scale
    return _unless_one(factor if scale is None else scale * factor, shape)


def _unless_one(scale: Array, shape: Shape) -> Array | None:
    """Return a scale, or None where it is 1, as that of a half taken twice: then signals are what a layer transmits."""
    return None if np.all(scale == 1) else np.broadcast_to(scale, shape)
