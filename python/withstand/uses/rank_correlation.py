# SPDX-License-Identifier: MIT
"""Whether two orders are the same."""

from __future__ import annotations

import math

import numpy as np

from withstand._types import FloatArray


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Spearman's correlation: Pearson's of the ranks, equal values sharing their mean rank."""
    x, y = (_ranks(v) - (len(v) - 1) / 2 for v in (a, b))
    norm = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / norm if norm else 0.0


def _ranks(values: FloatArray) -> FloatArray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[place], dtype=np.float64)
