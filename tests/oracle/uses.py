# SPDX-License-Identifier: MIT
"""Uses of the theory: memory (section 3), quorums (4), replicas (6)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np

from .networks import Network, forward
from .reliability import binomial_at_most
from .scalar import Scalars, recursion


# memory -----------------------------------------------------------------------------------------------------
def coefficients(N: Any, w: Any, K: Any) -> list[Any]:
    """c_l = N_l w_{L+1} prod_{l' > l} K_l' N_l' w_l': the error is at most sum c_l lambda_l (3.1).

    N, K of layers 1..L, w of layers 1..L+1.
    """
    L = len(N)
    return [N[a] * w[L] * prod(K[b] * N[b] * w[b] for b in range(a + 1, L)) for a in range(L)]


def rounding_error(bits: Any) -> Fraction:
    """lambda = 2^-(b+1): round to multiples of 2^-b, the value 1 representable (3.2)."""
    return Fraction(1, 2 ** (bits + 1))


def uniform_bits(c: Any, B: Any) -> int:
    """Smallest common b >= 0 with sum c_l 2^-(b+1) <= B."""
    b = 0
    while sum(c) * rounding_error(b) > B:
        b += 1
    return b


def allocate(c: Any, words: Any, B: Any, most: int = 30) -> tuple[Any, tuple[int, ...]]:
    """(memory, bits): least sum M_l b_l with sum c_l 2^-(b_l+1) <= B, by the Pareto front of (memory, error).

    Ties: least error, then smallest bits.
    """
    front: list[tuple[Any, Any, tuple[int, ...]]] = [(0, 0, ())]
    for c_l, M in zip(c, words, strict=True):
        grown = sorted(
            (m + M * b, e + c_l * rounding_error(b), (*bits, b))
            for m, e, bits in front
            for b in range(most + 1)
        )
        front = []
        for candidate in grown:  # by memory, then error: keep what lowers the error
            if not front or candidate[1] < front[-1][1]:
                front.append(candidate)
    return next((m, bits) for m, e, bits in front if e <= B)


# quorums ----------------------------------------------------------------------------------------------------
def exponential_wait(N: int, f: int) -> Fraction:
    """E of the (N-f)-th smallest of N Exp(1) delays: H_N - H_f."""
    return sum((Fraction(1, i) for i in range(f + 1, N + 1)), Fraction(0))


def uniform_wait(N: int, f: int) -> Fraction:
    """E of the (N-f)-th smallest of N U(0,1) delays."""
    return Fraction(N - f, N + 1)


def expected_wait(N: int, f: int, cdf: Callable[[float], float], end: float, steps: int = 20000) -> float:
    """E of the (N-f)-th smallest of N delays: integral of P(Bin(N, G(t)) <= N-f-1) over [0, end], midpoint
    rule."""
    h = end / steps
    return h * sum(binomial_at_most(N, cdf((k + 0.5) * h), N - f - 1) for k in range(steps))


def quorum_worst(net: Network, x: Any, f: Any) -> Any:
    """Worst error when every receiver misses its own f_l signals of layer l: all choices, one input (tiny
    networks).

    A missing signal is a 0 in place of weight * signal at that receiver alone.
    """
    options = []
    for layer in range(2, net.depth + 2):
        for j in range(net.widths[layer]):
            missing = combinations(range(net.widths[layer - 1]), f[layer - 2])
            options.append([{(layer, j, i): 0 for i in chosen} for chosen in missing])
    intact, worst = forward(net, x), 0
    for parts in product(*options):
        failed = {c: v for part in parts for c, v in part.items()}
        worst = max(worst, abs(forward(net, x, failed) - intact).max())
    return worst


# replicas ---------------------------------------------------------------------------------------------------
def replicate(net: Network, r: Any) -> Network:
    """Neuron i of hidden layer l copied r_l times, outgoing weights divided by r_l (Theorem H)."""
    copies = [1, *r, 1]
    weights, biases = [], []
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        W = np.repeat(np.repeat(W, copies[layer], axis=0), copies[layer - 1], axis=1) / copies[layer - 1]
        weights.append(W)
        biases.append(np.repeat(b, copies[layer]))
    return Network(tuple(weights), tuple(biases), net.activations, net.output_activation)


def replicated(s: Scalars, r: Any) -> Scalars:
    """The scalars of the replicated network: N'_l = r_l N_l, w'_l = w_l / r_{l-1}; counts unchanged."""
    before = [1, *r]
    w = tuple(Fraction(v) / k for v, k in zip(s.w, before, strict=True))
    return Scalars(tuple(n * k for n, k in zip(s.N, r, strict=True)), w, s.K, s.faults, s.R)


def replicas_needed(s: Scalars, B: Any, most: int = 10000) -> int:
    """Smallest uniform r whose at-most bound is <= B."""
    for r in range(1, most + 1):
        if recursion(replicated(s, (r,) * len(s.N))) <= B:
            return r
    raise ValueError(f"no r <= {most}")
