# SPDX-License-Identifier: MIT
"""Exact affine forms of tensors: what lies between two activations of a file, in one value.

Between two activations a file may multiply, add, normalise, reshape, transpose and slice in any order. All
of it is affine, so a tensor is held as ``scale * (matrix @ s)[index] + shift``, where s is the vector that
the last layer of neurons (or the input) transmits. Moving data touches only `index`, arithmetic with
constants only `scale` and `shift`; a product is made only where the file has one, so the weights of an
ordinary dense layer arrive unrounded. Keeping `index` and `scale` apart from `matrix` also spares the dense
diagonal matrix that the normalisation of an image would otherwise cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .budget import Account
from .form import INTEGER, SOFTMAX
from .layers import Array
from .unit_tensors import matrix_of

__all__ = ["INTEGER", "SOFTMAX", "Affine", "concatenate", "matmul_size"]



@dataclass(frozen=True, eq=False)
class Affine:
    """A tensor that is an affine function of one layer's transmitted vector s.

    Parameters
    ----------
    source : int
        The layer that transmits s: 0 the inputs, l the hidden layer l.
    width : int
        The size of s.
    matrix : array of shape (rows, width), or None
        None is the identity.
    index : int array of the tensor's shape, in 0..rows-1
    scale, shift : float64 arrays of the tensor's shape
    closed : str
        Why nothing but moving data may follow, or empty.
    account : Account
        What reading the file has computed so far; every array is charged before it is made.
    """

    source: int
    width: int
    matrix: Array | None
    index: NDArray[np.intp]
    scale: Array
    shift: Array
    closed: str = ""
    account: Account = field(default_factory=Account)

    @classmethod
    def identity(
        cls, source: int, width: int, shape: tuple[int, ...], start: int = 0, account: Account | None = None
    ) -> Affine:
        """Return the entries start, start + 1, ... of s itself, in the given shape."""
        account = account or Account()
        account.array(math.prod(shape), copies=3)
        index = start + np.arange(math.prod(shape), dtype=np.intp).reshape(shape)
        return cls(source, width, None, index, np.ones(shape), np.zeros(shape), account=account)

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.index.shape

    @property
    def size(self) -> int:
        """The number of entries of the tensor."""
        return int(self.index.size)

    def take(self, positions: NDArray[np.intp]) -> Affine:
        """Return the tensor whose entries are those at the flat (C order) `positions` of this one."""
        self.account.array(int(positions.size), copies=3)
        return replace(
            self,
            index=self.index.reshape(-1)[positions],
            scale=self.scale.reshape(-1)[positions],
            shift=self.shift.reshape(-1)[positions],
        )

    def times(self, factor: Array) -> Affine:
        """Return the product with a constant, broadcast."""
        self._charge(factor, copies=2)
        return self._broadcast(self.scale * factor, self.shift * factor)

    def over(self, divisor: Array) -> Affine:
        """Return the quotient by a constant, broadcast."""
        if not np.all(divisor):
            raise ValueError("divides by zero")
        self._charge(divisor, copies=2)
        return self._broadcast(self.scale / divisor, self.shift / divisor)

    def plus(self, constant: Array) -> Affine:
        """Return the sum with a constant, broadcast."""
        self._charge(constant)
        shift = self.shift + constant
        return self._broadcast(np.broadcast_to(self.scale, shift.shape), shift)

    def add(self, other: Affine) -> Affine:
        """Return the sum with another tensor of the same source, broadcast."""
        shape = np.broadcast_shapes(self.shape, other.shape)
        self.account.array(math.prod(shape), copies=2)
        self.account.matrix(math.prod(shape), self.width)
        parts = [tensor.plus(np.zeros(shape)) for tensor in joinable([self, other])]
        (matrix, shift), (more, extra) = (part.dense() for part in parts)
        return self.with_dense(matrix + more, shift + extra, shape)

    def apply(self, matrix: Array, shape: tuple[int, ...]) -> Affine:
        """`matrix` times this tensor, flattened in C order; the result has the given shape."""
        self.account.matrix(len(matrix), self.size)
        self.account.matrix(len(matrix), self.width)
        index = self.index.reshape(-1)
        if self.matrix is not None:
            self.account.matrix(self.size, self.width)
            self.account.work(2 * len(matrix) * self.size * self.width)
            product = (matrix * self.scale.reshape(-1)) @ self.matrix[index]
        else:
            columns = matrix * self.scale.reshape(-1)
            product = np.zeros((len(columns), self.width))
            if len(np.unique(index)) == len(index):
                product[:, index] = columns
            else:
                np.add.at(product.T, index, columns.T)
        return self.with_dense(product, matrix @ self.shift.reshape(-1), shape)

    def linear(self, function: Callable[[Array], Array], operations: int = 0) -> Affine:
        """Return a linear function of this tensor, found by its values on the unit tensors.

        `operations` is what one value costs beyond reading and writing.
        """
        matrix, shape = matrix_of(function, self.shape, self.account, operations)
        return self.apply(matrix, shape)

    def matmul(self, constant: Array) -> Affine:
        """``self @ constant`` with the broadcasting of numpy.matmul."""
        if constant.ndim == 2 and self.shape[-1:] == (self.size,) == constant.shape[:1]:
            return self.apply(constant.T, (*self.shape[:-1], constant.shape[1]))
        entries, operations = matmul_size(self.shape, constant.shape)
        self.account.array(entries)
        return self.linear(lambda tensor: np.matmul(tensor, constant), operations)

    def rmatmul(self, constant: Array) -> Affine:
        """``constant @ self`` with the broadcasting of numpy.matmul."""
        column = self.shape in ((self.size,), (self.size, 1))
        if constant.ndim == 2 and column and constant.shape[1] == self.size:
            return self.apply(constant, (len(constant), *self.shape[1:]))
        entries, operations = matmul_size(constant.shape, self.shape)
        self.account.array(entries)
        return self.linear(lambda tensor: np.matmul(constant, tensor), operations)

    def dense(self) -> tuple[Array, Array]:
        """Return the flattened tensor's weights of shape (size, width) and biases of shape (size,)."""
        index, scale = self.index.reshape(-1), self.scale.reshape(-1)
        self.account.matrix(self.size, self.width, copies=1 if self.matrix is None else 2)
        if self.matrix is not None:
            return self.matrix[index] * scale[:, None], self.shift.reshape(-1).copy()
        weights = np.zeros((self.size, self.width))
        weights[np.arange(self.size), index] = scale
        return weights, self.shift.reshape(-1).copy()

    def with_dense(self, weights: Array, biases: Array, shape: tuple[int, ...]) -> Affine:
        """Return a tensor of the same source given by its weights and biases."""
        tensor = Affine.identity(self.source, self.width, shape, account=self.account)
        return replace(tensor, matrix=weights, shift=biases.reshape(shape))

    def filled(self, constant: Array) -> Affine:
        """Return a constant as a tensor of the same source, to stand beside this one."""
        self.account.array(int(constant.size), copies=2)
        nothing = np.zeros(constant.shape)
        return replace(self, index=nothing.astype(np.intp), scale=nothing, shift=constant)

    def close(self, reason: str) -> Affine:
        """Return the same tensor, which nothing but moving data may follow."""
        return replace(self, closed=reason)

    def is_transmitted(self) -> bool:
        """Whether every entry is an entry of s itself."""
        return self.matrix is None and bool(np.all(self.scale == 1) and not np.any(self.shift))

    def _charge(self, constant: Array, copies: int = 1) -> None:
        """Charge for arrays of this tensor's shape, broadcast with a constant's."""
        self.account.array(math.prod(np.broadcast_shapes(self.shape, np.shape(constant))), copies)

    def _broadcast(self, scale: Array, shift: Array) -> Affine:
        return replace(self, index=np.broadcast_to(self.index, shift.shape), scale=scale, shift=shift)


def concatenate(tensors: list[Affine], axis: int) -> Affine:
    """Tensors of one source, joined along an axis."""
    first = joinable(tensors)[0]
    account, entries = first.account, sum(tensor.size for tensor in tensors)
    account.array(entries, copies=3)
    if any(tensor.matrix is not first.matrix for tensor in tensors):
        account.matrix(entries, first.width)  # of all at once, before any is made
        tensors = [tensor.with_dense(*tensor.dense(), tensor.shape) for tensor in tensors]
        starts = np.cumsum([0] + [tensor.size for tensor in tensors])
        matrix = np.concatenate([tensor.matrix for tensor in tensors if tensor.matrix is not None])
        tensors = [
            replace(tensor, matrix=matrix, index=tensor.index + start)
            for tensor, start in zip(tensors, starts, strict=False)
        ]
    return replace(
        tensors[0],
        index=np.concatenate([tensor.index for tensor in tensors], axis),
        scale=np.concatenate([tensor.scale for tensor in tensors], axis),
        shift=np.concatenate([tensor.shift for tensor in tensors], axis),
    )


def joinable(tensors: list[Affine]) -> list[Affine]:
    """Return the tensors themselves, checked to read the same layer."""
    layers = sorted({tensor.source for tensor in tensors})
    if len(layers) > 1:
        names = " and ".join("the inputs" if layer == 0 else f"hidden layer {layer}" for layer in layers)
        raise ValueError(f"joins {names}: a branch, where every layer must read only the one before it")
    return tensors


def matmul_size(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, int]:
    """Return the entries of numpy.matmul of two shapes, and the operations that it takes."""
    rows, inner = (left[-2] if len(left) > 1 else 1), left[-1] if left else 1
    columns = right[-1] if len(right) > 1 else 1
    entries = math.prod(np.broadcast_shapes(left[:-2], right[:-2])) * rows * columns
    return entries, 2 * entries * inner
