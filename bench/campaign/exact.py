# SPDX-License-Identifier: MIT
"""Piecewise-linear networks in exact arithmetic.

Every double is an integer times a power of two, so the values of a layer are Python integers with one exponent: no
rounding, no overflow, no underflow.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from .activations import DEFINITIONS, slope_of
from .plain import Act, Component, Model, Net
from .space import Configuration

Scaled = tuple[list[int], int]  # values n * 2^-k


def scaled(values: Iterable[float]) -> Scaled:
    """Doubles as integers over one power of two."""
    ratios = [float(v).as_integer_ratio() for v in values]
    k = max((q.bit_length() - 1 for _, q in ratios), default=0)
    return [p << (k - (q.bit_length() - 1)) for p, q in ratios], k


@lru_cache(maxsize=4096)
def _number(v: float) -> tuple[int, int]:
    (n,), k = scaled([v])
    return n, k


class Exact:
    """A network as integers; `outputs` evaluates one execution."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.layers: list[tuple[list[list[int]], int, Scaled]] = []
        for W, b in zip(net.weights, net.biases, strict=True):
            flat, k = scaled(W.ravel())
            n = W.shape[1]
            self.layers.append(([flat[j : j + n] for j in range(0, len(flat), n)], k, scaled(b)))

    def trace(self, x: np.ndarray, run: dict[Component, Any] | None = None) -> list[list[Fraction]]:
        """Transmitted values of all layers; ``run`` maps a component to what it does (see `runs`)."""
        run = run or {}
        y, k = scaled(x)
        y, k = self._force(0, y, k, run)
        values = [_fractions(y, k)]
        for layer in range(1, self.net.depth + 2):
            y, k = self._affine(layer, y, k, run)
            y, k = _activate(self.net.act(layer), y, k)
            y, k = self._force(layer, y, k, run)
            values.append(_fractions(y, k))
        return values

    def _affine(self, layer: int, y: list[int], k: int, run: dict[Component, Any]) -> tuple[list[int], int]:
        rows, kw, (bias, kb) = self.layers[layer - 1]
        synapses = [(c, v) for c, v in run.items() if len(c) == 3 and c[0] == layer]
        out = max(k + kw, kb, *(_exponent(v) + kw for _, v in synapses)) if synapses else max(k + kw, kb)
        up = out - k - kw
        sums = [(sum(map(int.__mul__, row, y)) << up) + (b << (out - kb)) for row, b in zip(rows, bias, strict=True)]
        for (_, j, i), (kind, amount) in synapses:
            n, ka = _number(amount)
            if kind == "replace":
                sums[j] += (n << (out - ka)) - ((rows[j][i] * y[i]) << up)
            elif kind == "add":
                sums[j] += n << (out - ka)
            else:  # before the weight
                sums[j] += (n * rows[j][i]) << (out - ka - kw)
        return sums, out

    @staticmethod
    def _force(layer: int, y: list[int], k: int, run: dict[Component, Any]) -> tuple[list[int], int]:
        mine = [(c[1], v) for c, v in run.items() if len(c) == 2 and c[0] == layer]
        if not mine:
            return y, k
        out = max(k, *(_exponent(v) for _, v in mine))
        y = [n << (out - k) for n in y]
        for i, (kind, amount) in mine:
            if kind == "shift":  # from the fault-free value
                fault_free, level = amount
                total = fault_free + Fraction(level)
                y[i] = (total.numerator << out) // total.denominator
            else:
                n, ka = _number(amount)
                y[i] = (n << (out - ka)) + (y[i] if kind == "add" else 0)
        return y, out


def _exponent(what: tuple[str, Any]) -> int:
    kind, amount = what
    if kind == "shift":
        total = amount[0] + Fraction(amount[1])
        return total.denominator.bit_length() - 1
    return _number(amount)[1]


def _fractions(y: list[int], k: int) -> list[Fraction]:
    return [Fraction(n, 1 << k) if k >= 0 else Fraction(n << -k) for n in y]


def _activate(act: Act, s: list[int], k: int) -> tuple[list[int], int]:
    name, gain, _ = act
    if gain != 1.0:
        g, kg = _number(gain)
        s, k = [n * g for n in s], k + kg
    known = DEFINITIONS[name]
    if not known.linear:
        raise ValueError(name)
    if known.ramp is None:
        a, ka = _number(slope_of(act) if known.left is None else known.left)
        return [n << ka if n >= 0 else n * a for n in s], k + ka
    if known.rise != 1.0:
        rise, kr = _number(known.rise)
        s, k = [n * rise for n in s], k + kr
    if k < 1:
        s, k = [n << (1 - k) for n in s], 1
    low, high, at_zero = (int(2 * v) << (k - 1) for v in known.ramp)  # multiples of a half
    return [min(high, max(low, n + at_zero)) for n in s], k


def runs(
    net: Net, model: Model, config: Configuration, rng: np.random.Generator, nominal: list[list[Fraction]]
) -> list[dict[Component, Any]]:
    """What the failed components of a configuration do: the only thing they can, or some corners of intervals."""
    free = sum(model[t].effect in ("value", "deviation", "product", "signal", "replace") for _, t in config)
    noisy = [term for term in model if term.effect == "noise"]
    draws = 1 if not free and not noisy else min(2**free, 4) if not noisy else 3
    found = []
    for draw in range(draws):
        run: dict[Component, Any] = {}
        for term in noisy:
            for layer in range(1, net.depth + 1):
                size = term.size if np.ndim(term.size) == 0 else term.size[layer - 1]
                for i in range(net.widths[layer]):
                    run[layer, i] = ("add", size * (1.0, -1.0, float(rng.choice([-1.0, 1.0])))[draw])
        bit = 0
        for component, t in config:
            term = model[t]
            level = 1.0 if (draw if free <= 2 else int(rng.integers(2**free))) >> bit & 1 else -1.0
            if term.effect in ("crash", "stuck", "synapse-crash"):
                run[component] = ("replace", float(term.size) if term.effect == "stuck" else 0.0)
                continue
            bit += 1
            if term.effect == "deviation":
                run[component] = ("shift", (nominal[component[0]][component[1]], level * term.size))
            else:
                run[component] = (
                    {"product": "add", "signal": "before"}.get(term.effect, "replace"),
                    level * float(term.size),
                )
        found.append(run)
    return found
