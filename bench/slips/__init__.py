# SPDX-License-Identifier: MIT
"""Slips of the pen in the C++ core, made by hand: what `bench/mutants.py` plants one after the other."""

from __future__ import annotations

from . import core, enumeration, faults, linear, ranges, scalar, search, split, tree
from .slip import Slip

SLIPS: tuple[Slip, ...] = (
    *faults.SLIPS,
    *scalar.SLIPS,
    *ranges.SLIPS,
    *linear.SLIPS,
    *split.SLIPS,
    *enumeration.SLIPS,
    *search.SLIPS,
    *tree.SLIPS,
    *core.SLIPS,
)
