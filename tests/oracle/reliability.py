# SPDX-License-Identifier: MIT
"""Independent failures with probability p per neuron: the exact sum, brackets, and binomial confidence
(section 9)."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import comb, prod
from typing import Any

import numpy as np

from .brute import deviations
from .networks import Network, forward


def all_errors(net: Network, X: Any, most: int | None = None, spec: str | None = None) -> dict[Any, Any]:
    """{crash set: worst error over the inputs and outputs} for every set of at most ``most`` hidden
    neurons."""
    X = np.atleast_2d(np.asarray(X))
    neurons = [(layer, i) for layer in range(1, net.depth + 1) for i in range(net.widths[layer])]
    intact, most = forward(net, X), len(neurons) if most is None else most
    return {
        failed: deviations(intact, forward(net, X, dict.fromkeys(failed, 0)), spec).max()
        for size in range(most + 1)
        for failed in combinations(neurons, size)
    }


def weight(net: Network, failed: Any, p: Any) -> Any:
    """Probability that exactly this set fails; p is one number, or one per hidden layer."""
    p = p if isinstance(p, (tuple, list)) else (p,) * net.depth
    f = [sum(layer == k for k, _ in failed) for layer in range(1, net.depth + 1)]
    return prod(q**k * (1 - q) ** (n - k) for q, k, n in zip(p, f, net.hidden, strict=True))


def reliability(net: Network, p: Any, epsilon: Any, X: Any, spec: str | None = None) -> Any:
    """P(error > epsilon), or P(harm >= 0) with spec "argmax", by all 2^n crash sets."""
    errors = all_errors(net, X, None, spec)
    return sum(weight(net, S, p) for S, e in errors.items() if (e > epsilon if spec is None else e >= 0))


def truncated(net: Network, p: Any, epsilon: Any, X: Any, most: int) -> tuple[Any, Any]:
    """9.1: (lower, upper) from the sets of at most ``most`` failures; the rest is the tail."""
    errors = all_errors(net, X, most)
    low = sum(weight(net, S, p) for S, e in errors.items() if e > epsilon)
    return low, low + 1 - sum(weight(net, S, p) for S in errors)


def certified(N: Any, p: Any, bound: Any, epsilon: Any) -> Any:
    """9.2: upper bound 1 - mass of the count vectors f whose exactly-f bound is <= epsilon."""
    mass = 0
    for f in product(*(range(n + 1) for n in N)):
        if bound(f) <= epsilon:
            mass += prod(comb(n, k) * p**k * (1 - p) ** (n - k) for n, k in zip(N, f, strict=True))
    return 1 - mass


def binomial_above(n: int, p: Any, k: int) -> Any:
    """P(Bin(n, p) > k)."""
    return sum(comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1, n + 1))


def binomial_at_most(n: int, p: Any, k: int) -> Any:
    """P(Bin(n, p) <= k)."""
    return sum(comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1))


def clopper_pearson(k: int, m: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval for a proportion, k exceedances of m, from the exact binomial sums by bisection."""
    half = (1 - Fraction(str(confidence))) / 2
    low = 0.0 if k == 0 else _bisect(lambda p: 1 - binomial_at_most(m, p, k - 1) < half)
    high = 1.0 if k == m else _bisect(lambda p: binomial_at_most(m, p, k) > half)
    return low, high


def _bisect(below: Any, bits: int = 50) -> float:
    """Largest multiple of 2^-bits at which ``below`` still holds (true on an initial piece of [0, 1])."""
    low, high = 0, 2**bits
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(middle / 2**bits) else (low, middle)
    return low / 2**bits
