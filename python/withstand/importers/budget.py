# SPDX-License-Identifier: MIT
"""How much reading one file may compute, checked before anything is allocated.

A file of a hundred bytes can declare a tensor of terabytes, and a chain of such nodes hours of work. Every array that
an importer makes is charged to one account beforehand, and the node that would exceed the budget is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Account", "Budget", "extent"]

#: Bytes of a double, and the operations that writing one is counted as.
_DOUBLE: Final = 8
#: Operations that one step of the interpreter is counted as.
_STEP: Final = 1000


@dataclass(frozen=True)
class Budget:
    """Limits of what reading one file may compute.

    Parameters
    ----------
    entries : int
        The largest array that is computed, in entries: 2^26 doubles are half a gibibyte.
    bytes : int
        All arrays together, made one after the other; not all of them exist at once.
    per_byte : int
        What the file's own size adds to `bytes`: a large model may compute more than a small one.
    operations : int
        Multiplications and additions; writing an entry counts as eight.
    nodes : int
        Nodes of a graph after its functions are unfolded.

    Examples
    --------
    >>> Budget().entries
    67108864
    """

    entries: int = 1 << 26
    bytes: int = 1 << 33
    per_byte: int = 64
    operations: int = 1 << 36
    nodes: int = 1 << 17


class Account:
    """What reading one file has computed so far, against its budget. Refusals are `ValueError`."""

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.limit = self.budget.bytes
        self.bytes = 0
        self.operations = 0

    def hold(self, size: int) -> None:
        """Count what the file holds: so much more may be computed from it."""
        self.limit += self.budget.per_byte * size

    def store(self, size: int) -> None:
        """Charge so many bytes that are about to be read or computed."""
        if self.bytes + size > self.limit:
            raise ValueError(f"needs {size} bytes, which with {self.bytes} so far exceeds the budget of {self.limit}")
        self.bytes += size

    def work(self, operations: int) -> None:
        """Charge so many operations."""
        if self.operations + operations > self.budget.operations:
            raise ValueError(
                f"needs {operations} operations, which with {self.operations} so far "
                f"exceeds the budget of {self.budget.operations}"
            )
        self.operations += operations

    def steps(self, count: int) -> None:
        """Charge so many steps of the interpreter."""
        self.work(_STEP * count)

    def array(self, entries: int, copies: int = 1) -> None:
        """Charge so many arrays of so many entries each."""
        if entries > self.budget.entries:
            raise ValueError(f"makes a tensor of {entries} entries, at most {self.budget.entries} are handled")
        self.store(_DOUBLE * copies * entries)
        self.work(_DOUBLE * copies * entries)

    def matrix(self, rows: int, columns: int, copies: int = 1) -> None:
        """Charge dense matrices of that shape."""
        if rows * columns > self.budget.entries:
            raise ValueError(f"is a {rows} x {columns} matrix, at most {self.budget.entries} entries are handled")
        self.array(rows * columns, copies)


def extent(shape: Sequence[int]) -> int:
    """Return the number of entries of a shape, an axis of size 0 counted as 1: reducing it makes the others real."""
    return math.prod(max(1, int(size)) for size in shape)
