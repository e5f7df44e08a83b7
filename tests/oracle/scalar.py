# SPDX-License-Identifier: MIT
"""Scalar bounds: one recursion over layers, generic in the number type (run it in Fractions for exact
values).

Every bound is the recursion of Theorem A with another spread: how far a *correct* neuron may move when its
pre-activation moves by eta (K eta; min(K eta, R); the modulus of continuity).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any


@dataclass(frozen=True)
class Scalars:
    """What the scalar bounds see of a network and its failures. Index l-1 stands for layer l.

    N widths (L); w largest weights (L+1); K Lipschitz constants (L); R range lengths (L);
    faults[l-1] list of (count, deviation bound Delta); noise (L); synapses[l-1] list of (count, M), L+1
    lists; first = e_0 = f_0 Delta_0, zero unless inputs fail; omega (L) moduli of continuity.
    """

    N: tuple[int, ...]
    w: tuple[Any, ...]
    K: tuple[Any, ...]
    faults: tuple[list[tuple[int, Any]], ...]
    R: tuple[Any, ...] | None = None
    noise: tuple[Any, ...] | None = None
    synapses: tuple[list[tuple[int, Any]], ...] | None = None
    first: Any = 0
    omega: tuple[Callable[[Any], Any], ...] | None = field(default=None, compare=False)


def scalars(N: Any, w: Any, K: Any, D: Any, f: Any, R: Any = None, **more: Any) -> Scalars:
    """One kind of failure; K, D, R may be one number for all layers; ``w`` may start at w_2 (w_1 is then
    0)."""
    L = len(N)
    K, D, R = (v if isinstance(v, (tuple, list)) or v is None else (v,) * L for v in (K, D, R))
    w = tuple(w) if len(w) == L + 1 else (0, *w)
    return Scalars(tuple(N), w, tuple(K), tuple([pair] for pair in zip(f, D, strict=True)), R, **more)


def times(n: Any, x: Any) -> Any:
    """n * x with 0 * inf = 0: no component, no error."""
    return 0 if n == 0 or x == 0 else n * x


def step(s: Scalars, layer: int, e: Any, counts: tuple[int, ...], cap: str | None) -> Any:
    """e_l from e_{l-1} for exactly ``counts`` failures of each kind in this layer (Theorems A and F, 2.3,
    2.6)."""
    correct = s.N[layer] - sum(counts)
    eta, K = times(s.w[layer], e), s.K[layer]
    c = s.omega[layer](eta) if cap == "modulus" else K * eta
    if cap == "range":
        c = min(c, s.R[layer])
    moved = times(correct, c) + K * pushed(s, layer)
    if cap is not None:
        moved = min(moved, times(correct, s.R[layer]))
    noisy = correct * s.noise[layer] if s.noise else 0
    return sum(times(f, D) for f, (_, D) in zip(counts, s.faults[layer], strict=True)) + moved + noisy


def pushed(s: Scalars, layer: int) -> Any:
    """Sum of g M over the failing synapses into this layer (Theorem F)."""
    return sum(g * M for g, M in s.synapses[layer]) if s.synapses else 0


def recursion(s: Scalars, *, cap: str | None = None, exactly: bool = False) -> Any:
    """w_{L+1} e_L + g_{L+1} M_{L+1}, per layer with all failures (exactly) or with the worst number up to
    them."""
    e = s.first
    for layer in range(len(s.N)):
        full = tuple(f for f, _ in s.faults[layer])
        choices = [full] if exactly else product(*(range(f + 1) for f in full))
        e = max(step(s, layer, e, counts, cap) for counts in choices if sum(counts) <= s.N[layer])
    return times(s.w[-1], e) + pushed(s, len(s.N))


def fep(s: Scalars) -> Any:
    """Theorem A, Forward Error Propagation: exactly these failures."""
    return recursion(s, exactly=True)


def fep_unrolled(N: Any, w: Any, K: Any, D: Any, f: Any) -> Any:
    """The paper's closed form, Fep = sum_l f_l D_l w_{L+1} prod_{l' > l} (N_l' - f_l') K_l' w_l'."""
    L = len(N)
    return sum(
        f[a] * D[a] * w[L] * math.prod((N[b] - f[b]) * K[b] * w[b] for b in range(a + 1, L)) for a in range(L)
    )


def at_most(s: Scalars) -> Any:
    """Theorem B: at most these failures, the maximum taken layer by layer."""
    return recursion(s)


def at_most_closed(N: Any, w: Any, K: Any, D: Any, f: Any) -> Any:
    """Theorem B in closed form: e_l = f_l max(D_l, c_l) + (N_l - f_l) c_l."""
    e = 0
    for n, w_in, k, d, count in zip(N, w, K, D, f, strict=False):
        c = k * w_in * e
        e = count * max(d, c) + (n - count) * c
    return w[len(N)] * e


def capped(s: Scalars, *, exactly: bool = False) -> Any:
    """Section 2.3: a correct neuron cannot leave the range of its activation."""
    return recursion(s, cap="range", exactly=exactly)


def modulus(s: Scalars, *, exactly: bool = False) -> Any:
    """Section 2.3 with the modulus of continuity, the sharpest of the three."""
    return recursion(s, cap="modulus", exactly=exactly)


def additive(N: Any, w: Any, K: Any, C: Any, f: Any) -> Any:
    """Section 2.6: failing neurons add at most C_l and keep relaying, e_l = f_l C_l + N_l K_l w_l e_{l-1}."""
    e = 0
    for n, w_in, k, c, count in zip(N, w, K, C, f, strict=False):
        e = count * c + n * k * w_in * e
    return w[len(N)] * e


def precision(N: Any, w: Any, K: Any, lam: Any, *, q: Any = None, beta: Any = None, Y: Any = None) -> Any:
    """Section 3.1. N, lam, Y of layers 0..L (lam the value errors, Y = sup |y|); w, q, beta of layers
    1..L+1."""
    L = len(N) - 1
    q, beta, Y = (v or (0,) * (L + 1) for v in (q, beta, Y))
    e = N[0] * lam[0]
    for a in range(L):  # into layer a + 1
        e = N[a + 1] * (K[a] * (w[a] * e + q[a] * N[a] * Y[a] + beta[a]) + lam[a + 1])
    return w[L] * e + q[L] * N[L] * Y[L] + beta[L]


# totals (section 5) -----------------------------------------------------------------------------------------
def distributions(N: Any, total: int) -> Iterator[tuple[int, ...]]:
    """All f with sum(f) = total and f_l <= N_l."""
    if not N:
        if total == 0:
            yield ()
        return
    for first in range(min(N[0], total) + 1):
        for rest in distributions(N[1:], total - first):
            yield (first, *rest)


def total_bounds(
    s: Scalars, most: int, best: Callable[..., Any] = max, *, cap: str | None = None, exactly: bool = False
) -> list[Any]:
    """bound[t], t = 0..most: the largest (best=max) or smallest (min) bound over all distributions of t
    failures.

    Dynamic programme over layers, exact because a step is nondecreasing in e. The counts in ``s`` are
    ignored.
    """
    E = {0: s.first}
    for layer in range(len(s.N)):
        after: dict[int, Any] = {}
        for t, e in E.items():
            for f in range(min(s.N[layer], most - t) + 1):
                e_next = max(step(s, layer, e, (g,), cap) for g in ([f] if exactly else range(f + 1)))
                after[t + f] = best(after.get(t + f, e_next), e_next)
        E = after
    return [times(s.w[-1], E[t]) + pushed(s, len(s.N)) for t in range(most + 1)]


def tolerated(s: Scalars, B: Any, *, cap: str | None = None) -> list[tuple[int, ...]]:
    """D(B): all f whose at-most bound is <= B, by trying every one. A down-set."""
    D = [column[0][1] for column in s.faults]
    found = []
    for f in product(*(range(n + 1) for n in s.N)):
        here = Scalars(s.N, s.w, s.K, tuple([(k, d)] for k, d in zip(f, D, strict=True)), s.R, omega=s.omega)
        if recursion(here, cap=cap) <= B:
            found.append(f)
    return found


def frontier(s: Scalars, B: Any, *, cap: str | None = None) -> list[tuple[int, ...]]:
    """Maximal elements of D(B), sorted."""
    D = tolerated(s, B, cap=cap)
    return [f for f in D if not any(g != f and all(x <= y for x, y in zip(f, g, strict=True)) for g in D)]


def max_total(s: Scalars, B: Any, *, cap: str | None = None) -> int:
    """Largest t such that some distribution of t failures is tolerated."""
    return max(t for t, bound in enumerate(total_bounds(s, sum(s.N), min, cap=cap)) if bound <= B)


def guaranteed_total(s: Scalars, B: Any, *, cap: str | None = None) -> int:
    """Largest t such that every distribution of at most t failures is tolerated."""
    bounds = total_bounds(s, sum(s.N), max, cap=cap)
    return next((t for t, bound in enumerate(bounds) if bound > B), len(bounds)) - 1
