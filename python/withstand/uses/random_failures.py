# SPDX-License-Identifier: MIT
"""Random failures: a configuration drawn uniformly, or every component failing on its own."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from withstand import _core
from withstand._coerce import real, shown
from withstand._types import Component, FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term

#: Draws of disjoint sets before it is said that there are hardly any.
_TRIES = 1000
#: What a component of these sends does not depend on what it hears.
_DEAF = {"crash", "stuck", "byzantine", "synapse_crash", "synapse_replace"}


class Drawn(NamedTuple):
    """A component that failed, and how: `way` is one of its model's."""

    term: int
    component: Component
    way: _core.FailedWay


@dataclass(frozen=True)
class _Group:
    """Components of one model that share one count."""

    term: int
    layers: tuple[tuple[int, ...], ...]  # shapes in front of which stands a layer: (layer, neurons), (layer, to, from)
    among: tuple[Component, ...] | None
    most: int
    exactly: bool
    ways: tuple[_core.FailedWay, ...]
    several: bool  # whether ways are counted apart; ends of a range are not

    @property
    def size(self) -> int:
        return len(self.among) if self.among is not None else sum(math.prod(shape[1:]) for shape in self.layers)

    def component(self, number: int) -> Component:
        """Return a component by its number."""
        if self.among is not None:
            return self.among[number]
        for layer, *shape in self.layers:
            if number < math.prod(shape):
                to = np.unravel_index(number, shape)
                return (layer, int(to[0])) if len(shape) == 1 else (layer, int(to[0]), int(to[1]))
            number -= math.prod(shape)
        raise IndexError(number)

    def sizes(self) -> tuple[list[int], list[int]]:
        """Return the numbers of failures there may be, and how many configurations have at most each."""
        each = len(self.ways) if self.several else 1
        numbers = [self.most] if self.exactly else list(range(self.most + 1))
        return numbers, list(accumulate(math.comb(self.size, k) * each**k for k in numbers))

    def chosen(self, count: int, rng: np.random.Generator) -> list[Drawn]:
        """Return so many components, each set of them with the same chance."""
        numbers = np.sort(rng.choice(self.size, size=count, replace=False))
        ways = rng.integers(len(self.ways), size=count) if len(self.ways) > 1 else [0] * count
        return [Drawn(self.term, self.component(int(n)), self.ways[way]) for n, way in zip(numbers, ways)]


class RandomFailures:
    """Draws failures of a network, and evaluates it with them.

    Parameters
    ----------
    net : Network
    failures : Failures
    rates : float or sequence of float, optional
        The chance of every component, one for all models of a sum or one for each; a configuration is drawn uniformly
        where absent.

    Raises
    ------
    ValueError
        For failures that cannot be drawn or evaluated, and rates outside [0, 1].
    """

    def __init__(self, net: Network, failures: Failures, rates: float | Sequence[float] | None = None) -> None:
        self._net, self._space, self._terms = net, failures._space(net), failures._terms
        terms = self._terms
        for term in terms:
            if term.effect == "noise" or term.equivocal:
                raise ValueError(f"{term}: a campaign draws failed components; noise and equivocal ones are for bounds")
        self._deaf = all(term.effect in _DEAF for term in terms)
        if not self._deaf and len(terms) > 1:
            raise ValueError(f"{failures!r}: what a failed component hears matters, which a sum of models cannot draw")
        self._groups = [group for n, term in enumerate(terms) for group in _groups(net, n, term)]
        self.rates = None if rates is None else _rates(rates, failures)
        if self.rates is not None:
            self._require_apart(failures)
        self._numbers = [group.sizes() for group in self._groups]

    def _require_apart(self, failures: Failures) -> None:
        """Refuse what could fail in two ways at once."""
        seen: set[Component] = set()
        for group in self._groups:
            if group.several and len(group.ways) > 1:
                raise ValueError(f"{failures!r}: at rates, a component that fails in several ways could in two at once")
            others = [g for g in self._groups if g.term != group.term and bool(_widths(g) & _widths(group))]
            if others and seen.intersection(named := [group.component(n) for n in range(group.size)]):
                raise ValueError(f"{failures!r}: at rates, a component of two models could fail in two ways at once")
            seen.update(named if others else ())

    def draw(self, rng: np.random.Generator) -> list[Drawn]:
        """Return failed components, sorted, each one once."""
        for _ in range(_TRIES):
            parts = [self._of(group, numbers, rng) for group, numbers in zip(self._groups, self._numbers)]
            drawn = [one for part in parts for one in part]
            if len({one.component for one in drawn}) == len(drawn):  # sets of different models are disjoint
                return sorted(drawn, key=lambda one: one.component)
        raise ValueError(f"{self._space.describe()}: sets that are drawn for each model are hardly ever disjoint")

    def _of(
        self, group: _Group, numbers: tuple[list[int], list[int]], rng: np.random.Generator
    ) -> Iterable[Drawn]:
        if self.rates is not None:
            return group.chosen(int(rng.binomial(group.size, self.rates[group.term])), rng)
        counts, total = numbers
        return group.chosen(counts[bisect_right(total, _below(total[-1], rng))], rng)

    def words(self) -> str:
        """Return what is drawn, in words."""
        if self.rates is None:
            return f"{Failures(self._terms)!r}, drawn uniformly"
        kinds = (f"{term.effect.replace('_', ' ')} at rate {rate:g}" for term, rate in zip(self._terms, self.rates))
        return f"independent failures: {', '.join(kinds)}"

    def outputs(self, rows: FloatArray, drawn: list[Drawn]) -> FloatArray:
        """Return the outputs at all inputs, by the canonical evaluation."""
        if self._deaf:
            return self._net.forward(rows, failed={one.component: self._sent(one) for one in drawn})
        failed = [one.way.at(self._net._place(one.component)) for one in drawn]
        return np.asarray(_core.forward_failed(self._net._core, self._space, rows, failed))

    def _sent(self, one: Drawn) -> float:
        term = self._terms[one.term]
        return term.amount[0] if term.effect == "stuck" else one.way.free


def _groups(net: Network, number: int, term: Term) -> list[_Group]:
    """Return the components of a model, those of every layer apart where they are counted apart."""
    if term.flips is not None or term.groups is not None or term.unit is not None or term.on_weights:
        raise ValueError(f"{term}: campaigns draw single neurons and synapses")
    ways = _ways(term)
    several = len({way.way for way in ways}) > 1
    shapes: list[tuple[int, ...]]
    if term.on_synapses:
        if net.is_graph and term.among is None:
            raise ValueError(f"{term}: name the synapses of a graph that may fail with among")
        shapes = [(l, net.widths[l], net.widths[l - 1]) for l in range(1, net.depth + 2)]
    else:
        shapes = [(l, net.widths[l]) for l in range(1, net.depth + 1)]
    among: Any = None if term.among is None else tuple(sorted(set(term.among)))
    if term.total:
        return [_Group(number, tuple(shapes), among, term.counts[0], term.exactly, ways, several)]
    return [
        _Group(number, (shape,), among and tuple(c for c in among if c[0] == shape[0]), k, term.exactly, ways, several)
        for shape, k in zip(shapes, term.counts)
    ]


def _ways(term: Term) -> tuple[_core.FailedWay, ...]:
    """Return the ways of a failed component: what it may send, of a range the ends."""
    return tuple(_core.choices_of(term.core()))


def _widths(group: _Group) -> set[int]:
    return {len(group.among[0]) if group.among else len(group.layers[0])}


def _below(total: int, rng: np.random.Generator) -> int:
    """Return a number from 0 to total - 1, each with the same chance, however large."""
    bits = total.bit_length()
    while True:
        number = int.from_bytes(rng.bytes((bits + 7) // 8), "little") & ((1 << bits) - 1)
        if number < total:
            return number


def _rates(rates: float | Sequence[float], failures: Failures) -> tuple[float, ...]:
    terms = len(failures._terms)
    several = isinstance(rates, (list, tuple, np.ndarray))
    given = np.atleast_1d(rates).tolist() if several else [rates] * terms
    each = [real(rate, "rates") for rate in given]
    if len(each) != terms:
        raise ValueError(f"rates: {len(each)} for a sum of {terms} models")
    for rate in each:
        if not 0 <= rate <= 1:
            raise ValueError(f"rates must lie in [0, 1], got {shown(rates)}")
    return tuple(each)
