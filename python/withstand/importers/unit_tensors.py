# SPDX-License-Identifier: MIT
"""The matrix of a linear function that is known by its values."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .budget import Account
from .layers import Array


def matrix_of(
    function: Callable[[Array], Array], shape: tuple[int, ...], account: Account, operations: int = 0
) -> tuple[Array, tuple[int, ...]]:
    """Return the matrix of a linear function of tensors of a shape, and the shape of its values.

    A column is its value on a unit tensor; `operations` is what one value costs beyond reading and writing.
    """
    size = math.prod(shape)
    account.steps(size)
    account.work(size * (2 * size + operations))
    unit = np.zeros(shape)
    result = np.shape(function(unit))
    account.matrix(math.prod(result), size)
    matrix = np.empty((math.prod(result), size))
    for column in range(size):
        unit.flat[column] = 1.0
        matrix[:, column] = np.reshape(function(unit), -1)
        unit.flat[column] = 0.0
    return matrix, result
