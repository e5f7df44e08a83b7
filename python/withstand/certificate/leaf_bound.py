# SPDX-License-Identifier: MIT
"""What the certificate checker proves of a network without evaluating everything: upper bounds, rounded outward.

Linear relaxation with failure masks, on what neurons transmit: coefficients are substituted back layer by layer, and a
free neuron adds the gain that its failure would bring; the best gains that the counts allow bound every completion.
Written for the checker alone, in NumPy: it shares no code with the bounds that a search uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.activation_lines import EPS, Lines, Phi, Wired, lines
from withstand.certificate.budget import Budget
from withstand.certificate.lowering import Chain
from withstand.certificate.space import Name, Space, State
from withstand.certificate.values import Values

_SPLITTING = "multiply-adds of splitting leaves"


@dataclass
class _Layer:
    """What a layer transmits under decisions."""

    lines: Lines
    least: FloatArray  # of what a neuron transmits where it is alive
    most: FloatArray
    size: FloatArray  # largest absolute value transmitted, failed or not
    low: FloatArray  # pre-activations
    high: FloatArray
    held: dict[int, float]  # decided failed: what they transmit
    neurons: list[int]  # of the options
    quotas: list[int]
    values: FloatArray


@dataclass
class Estimate:
    """Upper bounds of the harm, one per objective, and what the undecided neurons add to the largest."""

    harm: float
    best: Name | None  # the neuron that adds most to the largest bound


class Judge(Values):
    """A network at one input, with a goal."""

    def __init__(self, chain: Chain, space: Space, x: FloatArray, goal: str, budget: Budget | None = None) -> None:
        super().__init__(chain, x, goal, Budget() if budget is None else budget)
        self._space = space
        psi = self._phis[-1]
        assert isinstance(psi, Phi)  # behind outputs there are no wires
        self._psi = psi
        self._candidates: list[int] = []

    # -- work -----------------------------------------------------------------------------------------------------

    def bounding(self, bounds: int = 1, *, splitting: bool = False) -> None:
        """Count the work of bounds before it is done; one is never less than a million multiply-adds' worth.

        Every leaf that the file bounds may be split into a few.
        """
        options = sum(map(len, self._space.ways.values()))
        below, work = 0, 1_000_000 + 4000 * options
        for w in self._weights:
            work += 2 * w.shape[0] * (below + w.size + 20 * w.shape[1] + 4 * options)
            below += w.size + 20 * w.shape[1]
        if splitting:
            self._budget.spend(_SPLITTING, bounds * work)
        else:
            self._budget.spend("multiply-adds", bounds * work)
            self._budget.allow(_SPLITTING, 4 * bounds * work)

    # -- bounds ---------------------------------------------------------------------------------------------------

    def bound(self, state: State) -> Estimate:
        """Bound the harm of every completion of the decisions; -infinity where there is none."""
        self._candidates = self._count(state)
        if any(q.exactly and n < left for q, n, left in zip(self._space.quotas, self._candidates, state.left)):
            return Estimate(-np.inf, None)
        layers = [self._inputs(state)]
        for l in range(1, len(self._weights)):
            low, high = self._ranges(layers, l, state)
            layers.append(self._layer(l, low, high, state))
        w, b, psi, m = self._weights[-1], self._biases[-1], self._psi, len(self._intact)
        if self._goal == "error":
            rows = np.concatenate([np.eye(m), -np.eye(m)])
        else:
            rows = np.delete(np.eye(m) - np.eye(m)[self._class], self._class, axis=0)
        value, gains = self._upper(layers, rows @ w, state)
        value = value + rows @ b + 4 * self._gamma * (np.abs(rows) @ (np.abs(w) @ layers[-1].size + np.abs(b)))
        harm = self._error(psi, value) if self._goal == "error" else self._lead(psi, value, layers, state)
        worst = int(np.argmax(harm))
        places = [(self._numbers[l], i) for l, layer in enumerate(layers) for i in layer.neurons]
        row = gains[worst]
        best = places[int(np.argmax(row))] if len(row) and row.max() > 0 else None
        return Estimate(float(harm[worst]), best)

    def _count(self, state: State) -> list[int]:
        """Return how many options every quota still has."""
        open_ways = [w for n, ways in self._space.ways.items() if n not in state.decided for w in ways]
        return [sum(w.quota == q for w in open_ways) if left else 0 for q, left in enumerate(state.left)]

    def _error(self, psi: Phi, value: FloatArray) -> FloatArray:
        """Return the errors that output pre-activations of at most `value` (and, negated, at least) allow."""
        m = len(self._intact)
        least, most = psi.over(-value[m:], value[:m])
        rise, fall = most - self._intact, self._intact - least
        slack = self._intact_error + 4 * EPS * (np.abs(self._intact) + np.abs(most) + np.abs(least))
        return np.concatenate([rise + slack, fall + slack])

    def _lead(self, psi: Phi, value: FloatArray, layers: list[_Layer], state: State) -> FloatArray:
        """Return the largest leads over the intact class, from those before the output activation."""
        if psi.name == "identity" and psi.gain == 1.0:
            return value
        low, high = self._ranges(layers, len(self._weights), state)
        others = np.delete(np.arange(len(low)), self._class)
        least, most = psi.over(low, high)
        apart = most[others] - least[[self._class]]
        apart = apart + 4 * EPS * np.abs(apart)
        if not psi.nondecreasing:  # whoever leads before psi need not lead behind it
            return apart
        steepest = np.where(value <= 0, 0.0, psi.lipschitz * value * (1 + 4 * EPS))  # not a number stays so
        return np.minimum(apart, steepest)

    def _inputs(self, state: State) -> _Layer:
        x = self._x
        return self._transmit(0, Lines(np.ones_like(x), 0 * x, np.ones_like(x), 0 * x), x, x, x, x, state)

    def _layer(self, l: int, low: FloatArray, high: FloatArray, state: State) -> _Layer:
        phi = self._phis[l - 1]
        return self._transmit(l, lines(phi, low, high), *phi.over(low, high), low, high, state)

    def _transmit(self, l: int, relaxed: Lines, least: FloatArray, most: FloatArray, low: FloatArray, high: FloatArray,
                  state: State) -> _Layer:  # fmt: skip
        number = self._numbers[l]
        held = {n[1]: way.value for n, way in state.failed if n[0] == number}
        options = [(n[1], way) for n, ways in self._space.ways.items() if n[0] == number and n not in state.decided
                   for way in ways if state.left[way.quota] > 0]  # fmt: skip
        size = np.maximum(np.abs(least), np.abs(most))
        for i, way in options:
            size[i] = max(size[i], abs(way.value))
        for i, value in held.items():
            size[i] = abs(value)
        return _Layer(relaxed, least, most, size, low, high, held, [i for i, _ in options],
                      [way.quota for _, way in options], np.array([way.value for _, way in options]))  # fmt: skip

    def _ranges(self, layers: list[_Layer], l: int, state: State) -> tuple[FloatArray, FloatArray]:
        """Return the range of the pre-activations w y + b: the better of substitution and of intervals, per end.

        What a wire carries is one signal: its interval is never the worse.
        """
        w, b, phi = self._weights[l - 1], self._biases[l - 1], self._phis[l - 1]
        n, own = len(b), phi.own if isinstance(phi, Wired) else len(b)
        value = self._direct(layers, np.concatenate([w, -w]), state).reshape(2, n)
        substituted = self._upper(layers, np.concatenate([w[:own], -w[:own]]), state)[0]
        value[:, :own] = np.minimum(value[:, :own], substituted.reshape(2, own))
        room = self._gamma * np.abs(b) + 4 * EPS * np.abs(value).max(axis=0)
        high, low = value[0] + b + room, b - value[1] - room
        return np.minimum(low, high), np.maximum(low, high)

    def _direct(self, layers: list[_Layer], rows: FloatArray, state: State) -> FloatArray:
        """Bound rows of what the last layer transmits by its ranges alone."""
        layer = layers[-1]
        a, held = _take(rows, layer.held)
        up, down = np.maximum(a, 0), np.minimum(a, 0)
        at = layer.neurons
        gains = a[:, at] * layer.values - (up * layer.most + down * layer.least)[:, at]
        value = held + up @ layer.most + down @ layer.least
        slack = 4 * self._gamma * (np.abs(rows) @ layer.size)
        return np.asarray(value + self._select(gains, layer.quotas, state) + slack)

    def _upper(self, layers: list[_Layer], rows: FloatArray, state: State) -> tuple[FloatArray, FloatArray]:
        """Bound rows of what the last of `layers` transmits; also return the gains of all options, in their order."""
        const, slack = np.zeros(len(rows)), np.zeros(len(rows))
        gains: list[FloatArray] = []
        a = rows
        for l in range(len(layers) - 1, -1, -1):
            layer, t = layers[l], layers[l].lines
            slack = slack + np.abs(a) @ layer.size
            free, held = _take(a, layer.held)
            const = const + held
            up, down, at = np.maximum(free, 0), np.minimum(free, 0), layer.neurons
            least = up * (t.upper_slope * layer.low + t.upper_offset)
            least += down * (t.lower_slope * layer.high + t.lower_offset)
            sent = free[:, at] * layer.values
            room = np.abs(t.upper_slope * layer.low) + np.abs(t.upper_offset)
            room = np.maximum(room, np.abs(t.lower_slope * layer.high) + np.abs(t.lower_offset))
            least -= 8 * EPS * (np.abs(free) * room)
            gains.insert(0, sent - least[:, at] + 8 * EPS * np.abs(sent))
            const = const + up @ t.upper_offset + down @ t.lower_offset
            slack = slack + np.abs(free) @ room
            a = up * t.upper_slope + down * t.lower_slope
            if l == 0:
                const = const + a @ self._x
                slack = slack + np.abs(a) @ np.abs(self._x)
                break
            w, b = self._weights[l - 1], self._biases[l - 1]
            carried = np.abs(w) @ layers[l - 1].size + np.abs(b)
            slack = slack + 3 * (np.abs(a) @ carried)
            const = const + a @ b
            a = a @ w
        table = np.concatenate(gains, axis=1)
        best = self._select(table, [q for layer in layers for q in layer.quotas], state)
        return const + best + 2 * self._gamma * slack + 8 * EPS * (np.abs(const) + np.abs(best)), table

    def _select(self, gains: FloatArray, quotas: list[int], state: State) -> FloatArray:
        """Return the largest sums of gains that the counts allow, row by row: each quota on its own."""
        total = np.zeros(len(gains))
        places = np.array(quotas, dtype=np.int64)
        for q, (quota, left) in enumerate(zip(self._space.quotas, state.left)):
            own = gains[:, places == q]
            kept = min(left, own.shape[1])
            if kept == 0:
                continue
            if not quota.exactly or own.shape[1] < self._candidates[q]:  # the others may be in later layers
                own = np.maximum(own, 0.0)
            chosen = np.partition(own, own.shape[1] - kept, axis=1)[:, own.shape[1] - kept :]
            total = total + chosen.sum(axis=1) + self._gamma * np.abs(chosen).sum(axis=1)
        return total


def _take(a: FloatArray, held: dict[int, float]) -> tuple[FloatArray, FloatArray]:
    """Return coefficients without those of decided failures, and what these contribute."""
    if not held:
        return a, np.zeros(len(a))
    at = list(held)
    free = a.copy()
    free[:, at] = 0.0
    return free, np.asarray(a[:, at] @ np.array([held[i] for i in at]))
