# SPDX-License-Identifier: MIT
"""Arrays in the core's memory: what a network is made of is held once, and shown to both sides."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from withstand import _core
from withstand._types import FloatArray

Block = TypeVar("Block", _core.Held, _core.HeldIndices)


def held(array: NDArray[Any]) -> FloatArray:
    """Return real numbers as doubles in the core's memory, read-only and in C order: the array itself if it is that."""
    return shared(array).array.reshape(array.shape)


def held_indices(array: NDArray[Any]) -> NDArray[np.int32]:
    """Return numbers of neurons likewise, in 32 bits."""
    return shared_indices(array).array.reshape(array.shape)


def shared(array: NDArray[Any]) -> _core.Held:
    """Return the block of the core's memory that has an array's rows, which are copied if they lie elsewhere."""
    return _block(array, _core.Held)


def shared_indices(array: NDArray[Any]) -> _core.HeldIndices:
    """Return the block that has numbers of neurons likewise."""
    return _block(array, _core.HeldIndices)


def empty(rows: int, columns: int) -> _core.Held:
    """Return a block of the core's memory to write a matrix into, by `room`."""
    return _core.Held(rows, columns)


def _block(array: NDArray[Any], kind: type[Block]) -> Block:
    shape = (*array.shape[:1], math.prod(array.shape[1:])) if array.ndim else (1, 1)
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, kind) and array.flags.c_contiguous:
        whole = base.array
        if (_start(array), shape) == (_start(whole), whole.shape):
            return base
    block = kind(*shape)
    block.room.reshape(array.shape)[...] = array
    return block


def _start(array: NDArray[Any]) -> int:
    """Return where an array's memory begins."""
    address: int = array.__array_interface__["data"][0]
    return address
