# SPDX-License-Identifier: MIT
"""Which counts of failures per layer the scalar bound proves harmless, in exact arithmetic: frontiers and totals.

A recursion goes from the error of one layer to that of the next, nondecreasing in the error and in the count of
failures. So the harmless tuples are a down-set with a frontier, and totals follow by dynamic programming over the
layers. Nothing is rounded: with ints and Fractions the comparisons are exact, as floors of quotients of decimals are
not ((0.3 - 0.1) / 0.1 is 1.9999999999999998 in doubles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from withstand._plural import counted

Number = int | Fraction
#: Asked now and then whether to go on.
GoOn = Callable[[], bool]

#: Visited tuples after which a frontier is not listed.
FRONTIER_LIMIT = 100_000
#: Totals beyond this are left to bounds that see more than the largest weights.
TOTAL_LIMIT = 1024


def _always() -> bool:
    return True


class Recursion(Protocol):
    """A scalar bound, place after place: one place per layer that something can fail in."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """What can fail in each place."""

    @property
    def weight(self) -> Number:
        """What the last error is multiplied with."""

    def step(self, place: int, error: Number, count: int) -> Number:
        """Error of this place (0-based), from that of the place before and at most `count` failures here."""

    def before(self, place: int, threshold: Number, count: int) -> Number | None:
        """Return the largest error of the place before that keeps this one's within `threshold`; None: any.

        Asked only where the step from no error does.
        """


@dataclass(frozen=True)
class Layers:
    """Theorem B for neurons, capped by the activations' ranges; one entry per hidden layer.

    With e_0 = 0: c_l = min(K_l w_l e_{l-1}, R_l), e_l = f_l max(Delta_l, c_l) + (N_l - f_l) c_l, error <= w_{L+1} e_L.

    Attributes
    ----------
    widths : tuple of int
        N_1, ..., N_L.
    weights : tuple of number
        w_2, ..., w_{L+1}: the largest |weight| out of each layer.
    effects : tuple of number
        Delta_1, ..., Delta_L: how far off a failed neuron may be.
    lipschitz : tuple of number
        K_1, ..., K_L.
    ranges : tuple of number or None
        R_1, ..., R_L: lengths of the activations' ranges; None where unbounded or not to be used.
    """

    widths: tuple[int, ...]
    weights: tuple[Number, ...]
    effects: tuple[Number, ...]
    lipschitz: tuple[Number, ...]
    ranges: tuple[Number | None, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """N_1, ..., N_L."""
        return self.widths

    @property
    def weight(self) -> Number:
        """w_{L+1}."""
        return self.weights[-1]

    def step(self, place: int, error: Number, count: int) -> Number:
        """e_l with at most `count` failures in this layer."""
        relayed: Number = 0
        if place > 0:
            relayed = _least(self.lipschitz[place] * self.weights[place - 1] * error, self.ranges[place])
        return count * max(self.effects[place], relayed) + (self.widths[place] - count) * relayed

    def before(self, place: int, threshold: Number, count: int) -> Number | None:
        """Largest e_{l-1} that keeps e_l within `threshold`; None: any."""
        width, effect = self.widths[place], self.effects[place]
        relayed = Fraction(threshold) / width
        if width > count and (threshold - count * effect) <= effect * (width - count):
            relayed = Fraction(threshold - count * effect) / (width - count)
        cap, factor = self.ranges[place], self.lipschitz[place] * self.weights[place - 1]
        if factor == 0 or (cap is not None and relayed >= cap):
            return None
        return relayed / factor


@dataclass(frozen=True)
class Synapses:
    """Theorem F for synapses; one entry per layer 1, ..., L+1, the last for one output.

    With e_0 = 0: e_l = min(K_l (N_l w_l e_{l-1} + g_l M_l), N_l R_l), error <= e_{L+1} where K = N = 1.

    Attributes
    ----------
    sizes : tuple of int
        Synapses into each layer.
    widths : tuple of int
        N_1, ..., N_L, 1.
    weights : tuple of number
        w_1, ..., w_{L+1}.
    effects : tuple of number
        M_1, ..., M_{L+1}: how far off a failed synapse puts its receiver's sum.
    lipschitz : tuple of number
        K_1, ..., K_L, 1.
    ranges : tuple of number or None
        R_1, ..., R_L, None.
    unshared : number
        For the difference of two outputs, w of one of them: a synapse that fails into one output no longer cancels the
        error of its source in the other, so each adds w min(e_L, R_L). 0 for a single output.
    """

    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    weights: tuple[Number, ...]
    effects: tuple[Number, ...]
    lipschitz: tuple[Number, ...]
    ranges: tuple[Number | None, ...]
    unshared: Number = 0

    @property
    def weight(self) -> Number:
        """1: the last place is the output."""
        return 1

    def step(self, place: int, error: Number, count: int) -> Number:
        """e_l with at most `count` failures into this layer."""
        width, cap = self.widths[place], self.ranges[place]
        grown = self.lipschitz[place] * (width * self.weights[place] * error + count * self.effects[place])
        if self._is_last(place):
            grown += count * self.unshared * _least(error, self.ranges[place - 1])
        return _least(grown, None if cap is None else width * cap)

    def before(self, place: int, threshold: Number, count: int) -> Number | None:
        """Largest e_{l-1} that keeps e_l within `threshold`; None: any."""
        width, cap, slope = self.widths[place], self.ranges[place], self.lipschitz[place]
        factor = slope * width * self.weights[place]
        if self._is_last(place) and count and self.unshared:
            return self._before_last(Fraction(threshold) - count * self.effects[place], count * self.unshared)
        if factor == 0 or (cap is not None and threshold >= width * cap):
            return None
        return (Fraction(threshold) - slope * count * self.effects[place]) / factor


    def _is_last(self, place: int) -> bool:
        return place > 0 and place == len(self.widths) - 1

    def _before_last(self, left: Fraction, unshared: Number) -> Number | None:
        """Largest e with w e + unshared min(e, R) within what is `left`."""
        weight, cap = self.weights[-1], self.ranges[-2]
        below = left / (weight + unshared)
        if cap is None or below <= cap:
            return below
        return None if weight == 0 else (left - unshared * cap) / weight


def _least(value: Number, cap: Number | None) -> Number:
    return value if cap is None else min(value, cap)


def at_most(net: Recursion, counts: Sequence[int]) -> Number:
    """Return the bound on the output error with at most `counts` failures per place, exactly."""
    error: Number = 0
    for place, count in enumerate(counts):
        error = net.step(place, error, count)
    return net.weight * error


def frontier(
    net: Recursion, budget: Number, limit: int = FRONTIER_LIMIT, go_on: GoOn = _always
) -> tuple[tuple[int, ...], ...] | None:
    """Return the maximal tuples f with ``at_most(net, f) <= budget``, sorted.

    Goes backward with the largest error that each place may have; None after visiting `limit` tuples, or when it is not
    to `go_on`. At most (n_2 + 1) (n_3 + 1) ... are visited, n the sizes.
    """
    if budget < 0:
        return ()
    found: list[tuple[int, ...]] = []
    visited = 0
    stack: list[tuple[int, Number | None, tuple[int, ...]]] = [
        (len(net.sizes) - 1, Fraction(budget) / net.weight if net.weight else None, ())
    ]
    while stack:
        place, threshold, tail = stack.pop()
        visited += 1
        if visited > limit or not go_on():
            return None
        most = _most_failures(net, place, threshold)
        if place == 0:
            found.append((most, *tail))
            continue
        for count in range(most + 1):
            earlier = None if threshold is None else net.before(place, threshold, count)
            stack.append((place - 1, earlier, (count, *tail)))
    return tuple(sorted(maximal(found)))


def _most_failures(net: Recursion, place: int, threshold: Number | None) -> int:
    """Failures that this place bears when nothing failed before it, by bisection."""
    if threshold is None:
        return net.sizes[place]
    low, high = 0, net.sizes[place] + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if net.step(place, 0, middle) <= threshold else (low, middle)
    return low


def maximal(tuples: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Drop every tuple that another one dominates; sorted by falling sum, a tuple can only be below an earlier one."""
    kept: list[tuple[int, ...]] = []
    for f in sorted(set(tuples), key=lambda f: (-sum(f), f)):
        if not any(all(a <= b for a, b in zip(f, g)) for g in kept):
            kept.append(f)
    return kept


def _totals(
    net: Recursion, most: int, choose: Callable[[Number, Number], Number], go_on: GoOn
) -> list[Number] | None:
    """Least (or largest) bound over all distributions of t failures, for t = 0, ..., most; None if not to `go_on`."""
    errors: list[Number] = [0]
    for place, size in enumerate(net.sizes):
        after: dict[int, Number] = {}
        for spent, error in enumerate(errors):
            if not go_on():
                return None
            for count in range(min(size, most - spent) + 1):
                value = net.step(place, error, count)
                after[spent + count] = choose(after.get(spent + count, value), value)
        errors = [after[t] for t in range(len(after))]
    return [net.weight * e for e in errors]


def _harmless_total(net: Recursion, budget: Number, choose: Callable[[Number, Number], Number], go_on: GoOn) -> int:
    """Largest t whose chosen bound is within the budget; -1 if none. Both choices are nondecreasing in t.

    When it is not to `go_on`, the largest that was tried and is.
    """
    everything = min(sum(net.sizes), TOTAL_LIMIT)
    most, known = min(8, everything), -1
    while True:
        bounds = _totals(net, most, choose, go_on)
        if bounds is None:
            return known
        harmless = sum(value <= budget for value in bounds)
        if harmless <= most or most == everything:
            return harmless - 1
        known = most
        most = min(2 * most, everything)


def max_total(net: Recursion, budget: Number, go_on: GoOn = _always) -> int:
    """Largest number of failures of which some distribution over the places is harmless; -1 if none.

    O(t^2) steps per place, t the result, which is looked for up to `TOTAL_LIMIT`.
    """
    return _harmless_total(net, budget, min, go_on)


def guaranteed_total(net: Recursion, budget: Number, go_on: GoOn = _always) -> int:
    """Largest number of failures of which every distribution over the places is harmless; -1 if none.

    O(t^2) steps per place, t the result, which is looked for up to `TOTAL_LIMIT`.
    """
    return _harmless_total(net, budget, max, go_on)


def listing(frontier: Sequence[tuple[int, ...]] | None, size: int, bounded: bool = True) -> str:
    """Return what is said of a frontier, of `size` tuples to visit, or why there is none, as of what is not bounded."""
    if frontier is not None:
        return f"{counted(len(frontier), 'largest tuple')} of counts per layer, by the scalar bound"
    why = "the time was up"
    if not bounded:
        why = "the scalar bound is of single neurons and synapses in chains of layers"
    elif size > FRONTIER_LIMIT:
        why = f"{size:,} tuples are too many"
    return f"largest counts per layer are not listed: {why}"
