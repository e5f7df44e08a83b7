# SPDX-License-Identifier: MIT
"""Exact statements about the last hidden layer: worst sets by sorting (8.6), and moments (8.7)."""

from __future__ import annotations

from typing import Any

import numpy as np


def top_sum(values: Any, count: int) -> Any:
    """Sum of the ``count`` largest positive values."""
    return sum(v for v in sorted(values, reverse=True)[:count] if v > 0)


def crash_worst(row: Any, y: Any, count: int, *, exactly: bool = False) -> Any:
    """Largest |change of row . y| when at most (or exactly) ``count`` of the y_i become 0."""
    t = sorted(w * v for w, v in zip(row, y, strict=True))
    if exactly:
        return max(sum(t[len(t) - count :]), -sum(t[:count]))
    return max(top_sum(t, count), top_sum([-v for v in t], count))


def value_worst(row: Any, y: Any, count: int, C: Any) -> Any:
    """Largest |change| when at most ``count`` of the y_i become any value in [-C, C]."""
    up = [abs(w) * C - w * v for w, v in zip(row, y, strict=True)]
    down = [abs(w) * C + w * v for w, v in zip(row, y, strict=True)]
    return max(top_sum(up, count), top_sum(down, count))


def deviation_worst(row: Any, count: int, C: Any) -> Any:
    """Largest |change| when at most ``count`` of the y_i move by at most C."""
    return top_sum([abs(w) * C for w in row], count)


def crashes_to_flip(W: Any, b: Any, y: Any, c: int, *, tie_flips: bool = True) -> int | None:
    """Fewest crashes after which some output j reaches (or, without ties, exceeds) output c; None if none
    does."""
    best = None
    for j in range(len(W)):
        if j == c:
            continue
        t = [(W[c][i] - W[j][i]) * y[i] for i in range(len(y))]
        margin = sum(t) + b[c] - b[j]
        for q in range(len(y) + 1):
            gain = top_sum(t, q)
            if gain > margin or (tie_flips and gain == margin):
                best = q if best is None else min(best, q)
                break
    return best


def subset_moments(t: Any, f: int) -> tuple[Any, Any]:
    """Mean and variance of sum_{i in F} t_i for F uniform among the sets of size f."""
    N, mean = len(t), sum(t) / len(t)
    if N == 1:
        return f * mean, 0 * mean
    return f * mean, sum((v - mean) ** 2 for v in t) / N * f * (N - f) / (N - 1)


def bernoulli_moments(t: Any, p: Any) -> tuple[Any, Any]:
    """Mean and variance of sum_{i in F} t_i when every i is in F independently with probability p."""
    return p * sum(t), p * (1 - p) * sum(v * v for v in t)


def expected_error(weights: Any, y: Any, K: Any, p: Any) -> np.ndarray:
    """8.7: a_k >= E |F_failed - F| under independent crashes; y, K, p of layers 1..L, weights of layers
    1..L+1."""
    a = 0 * abs(y[0])
    for W, y_l, K_l, p_l in zip(weights[1:], y, K, p, strict=True):
        a = abs(W) @ (p_l * abs(y_l) + (1 - p_l) * K_l * a)
    return a


def expected_square(weights: Any, y: Any, K: Any, p: Any) -> np.ndarray:
    """8.7: S_kk >= E (F_failed - F)^2 under independent crashes.

    a and S bound the first and the mixed second moments of the pre-activation errors of a layer.
    """
    a, n = 0 * abs(y[0]), len(y[0])
    S = np.zeros((n, n), dtype=a.dtype)
    for W, y_l, K_l, p_l in zip(weights[1:], y, K, p, strict=True):
        v, alive = abs(y_l), 1 - p_l
        Q = (
            p_l**2 * np.outer(v, v)
            + p_l * alive * K_l * (np.outer(v, a) + np.outer(a, v))
            + alive**2 * K_l**2 * S
        )
        for i in range(len(v)):  # the same neuron cannot be crashed and correct at once
            Q[i, i] = p_l * v[i] ** 2 + alive * K_l**2 * S[i, i]
        a = abs(W) @ (p_l * v + alive * K_l * a)
        S = abs(W) @ Q @ abs(W).T
    return np.diag(S)
