# SPDX-License-Identifier: MIT
"""Enumerations that several test files run, and what two runs of one must have in common: every bit."""

from __future__ import annotations

import numpy as np
import withstand as ws


def wave(*shape: int, shift: float = 0.0) -> np.ndarray:
    return np.sin(np.arange(float(np.prod(shape))) + shift).reshape(shape)


NET = ws.Network([wave(24, 5), wave(6, 24, shift=1.6), wave(3, 6)], activation="logistic")
X = wave(40, 5, shift=1.6)
#: A second of work or so: long enough to be killed or interrupted in the middle.
LONG_NET = ws.Network([wave(24, 5), wave(12, 24, shift=1.6), wave(3, 12)], activation="tanh")
LONG = ws.Crash(7)
LONG_X = wave(2, 5, shift=1.6)
#: More than anyone waits for: it ends by an interruption.
ENDLESS_NET = ws.Network([wave(60, 10), wave(10, 60, shift=1.6)])
ENDLESS = ws.Crash(12)


def numbers(found: ws.Enumeration) -> tuple[object, ...]:
    """Return everything that must not depend on threads, shards, executors, interruptions and kills."""
    same = ("status", "done", "configurations", "evaluations", "worst", "witness", "mean", "std", "top", "exceeding",
            "_least")  # fmt: skip
    arrays = (found.per_output, found.histogram.edges, found.histogram.counts, found.quantile([0.0, 0.1, 0.5, 0.999]))
    return (*(getattr(found, name) for name in same), *(array.tobytes() for array in arrays))
