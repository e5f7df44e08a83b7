# SPDX-License-Identifier: MIT
"""Sets of failed components, each with a way to fail, drawn so that all of them have the same chance."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand.model.network import Network
from withstand.model.stored_words import StoredWords
from withstand.model.term import Term

Ints = npt.NDArray[np.int64]
#: A component as the core names it: (layer, to, from); of a group its first member.
Site = tuple[int, int, int]


class Drawn(NamedTuple):
    """A component that failed, and how: the so many-th way of its model; of words the bits that flip."""

    term: int
    component: Site
    way: int
    free: float = 0.0
    bits: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may fail by one model of a sum.

    Attributes
    ----------
    number : int
        Of the model.
    term : Term
    sites : ndarray of int, shape (n, 3)
    ways : ndarray of int, shape (n,)
        In how many ways each of them may fail that are counted apart; of a range, of which the ends are drawn, one.
    choices : tuple
        What a component may send, where it is no word.
    words : StoredWords or None
        Of parameters whose bits flip.
    """

    number: int
    term: Term
    sites: Ints
    ways: Ints
    choices: tuple[_core.FailedWay, ...]
    words: StoredWords | None

    def component(self, number: int) -> Site:
        """Return a candidate by its number."""
        layer, to, source = self.sites[number].tolist()
        return layer, to, source

    def drawn(self, number: int, way: int) -> Drawn:
        """Return a candidate that fails in the so many-th of its ways."""
        if self.words is not None:
            named, bits = self.words.bits(number, way)
            return Drawn(self.number, self.component(number), named, 0.0, bits)
        if self.term.flips is not None:
            return Drawn(self.number, self.component(number), way, 0.0, self.term.flips.bits[way])
        choice = self.choices[way]
        return Drawn(self.number, self.component(number), choice.way, choice.free)

    def together(self, number: int, ways: Sequence[int]) -> Drawn | None:
        """Return a word that fails in several ways at once, or None where they make up for each other."""
        stuck = self.term.flips is not None and self.term.flips.to is not None
        flipped: set[int] = set()
        for way in ways:  # what flips twice is as it was, but for cells that are stuck
            bits = set(self.drawn(number, way).bits)
            flipped = flipped | bits if stuck else flipped ^ bits
        return Drawn(self.number, self.component(number), -1, 0.0, tuple(sorted(flipped))) if flipped else None

    def is_finite(self, one: Drawn) -> bool:
        """Return whether a parameter that failed is a number."""
        assert self.words is not None
        return self.words.is_finite(self.numbers[one.component], one.bits)

    @cached_property
    def numbers(self) -> dict[Site, int]:
        """Candidates, and what number each has."""
        return {(layer, to, source): n for n, (layer, to, source) in enumerate(self.sites.tolist())}


def candidates_of(net: Network, space: _core.Space, number: int, term: Term) -> Candidates:
    """Return what may fail by a model."""
    sites = np.array(space.candidates(number), dtype=np.int64).reshape(-1, 3)
    words = StoredWords(net, term.flips, sites) if term.flips is not None and term.on_weights else None
    choices = tuple(_core.choices_of(term.core()))
    apart = len({way.way for way in choices})
    ways = np.full(len(sites), apart) if words is None else words.ways
    return Candidates(number, term, sites, ways, choices, words)


def pools_of(net: Network, candidates: Candidates) -> list[Pool]:
    """Return the candidates of a model, those of every layer apart where they are counted apart."""
    term, everything = candidates.term, np.arange(len(candidates.sites))
    if term.total:
        return [Pool(candidates, everything, term.counts[0], term.exactly)]
    numbers = term.layers(net)
    layers = np.array([numbers.get(place, 0) for place in candidates.sites[:, 0].tolist()], dtype=np.int64)
    counted = enumerate(term.counts, start=1)
    return [Pool(candidates, everything[layers == number], count, term.exactly) for number, count in counted]


class Pool:
    """Candidates that share one count, sorted into classes by the number of ways that each has."""

    def __init__(self, candidates: Candidates, numbers: Ints, most: int, exactly: bool) -> None:
        self.candidates = candidates
        ways = candidates.ways[numbers]
        self._classes = [(each, numbers[ways == each]) for each in np.unique(ways).tolist() if each > 0]
        self._counts = [most] if exactly else list(range(most + 1))
        self._left = self._totals(most)

    def _totals(self, most: int) -> list[list[int]]:
        """Return, of the classes from each one on, how many sets with ways there are of 0, ..., `most` components."""
        left = [[1] + [0] * most]
        for each, members in reversed(self._classes):
            own, after = [math.comb(len(members), k) * each**k for k in range(most + 1)], left[0]
            if len(left) == 1:
                left.insert(0, own)
            else:
                left.insert(0, [sum(own[k] * after[n - k] for k in range(n + 1)) for n in range(most + 1)])
        return left

    def uniform(self, rng: np.random.Generator) -> list[Drawn]:
        """Return components with their ways, each set of them with the same chance."""
        count = self._counts[_chosen([self._left[0][k] for k in self._counts], rng)]
        drawn: list[Drawn] = []
        for n, (each, members) in enumerate(self._classes):
            here, after = count, self._left[n + 1]
            if n + 1 < len(self._classes):
                here = _chosen([math.comb(len(members), k) * each**k * after[count - k] for k in range(count + 1)], rng)
            count -= here
            drawn += self._of(each, members, here, rng)
        return drawn

    def _of(self, each: int, members: Ints, count: int, rng: np.random.Generator) -> list[Drawn]:
        numbers = np.sort(rng.choice(len(members), size=count, replace=False))
        picks = each if self.candidates.term.flips is not None else len(self.candidates.choices)
        ways = rng.integers(picks, size=count).tolist() if picks > 1 else [0] * count
        return [self.candidates.drawn(int(members[n]), way) for n, way in zip(numbers, ways)]

    def independent(self, rate: float, rng: np.random.Generator) -> list[Drawn]:
        """Return components that failed each on its own; of words, whose bits did."""
        drawn: list[Drawn] = []
        for each, members in self._classes:
            if self.candidates.term.flips is None:
                drawn += self._of(each, members, int(rng.binomial(len(members), rate)), rng)
                continue
            drawn += self._struck(each, members, int(rng.binomial(len(members) * each, rate)), rng)
        return drawn

    @property
    def size(self) -> int:
        """Number of ways of all components together."""
        return sum(each * len(members) for each, members in self._classes)

    def configurations(self, most: int) -> list[int]:
        """Return the numbers of sets of 0, 1, ..., `most` components, each in one way."""
        return self._totals(most)[0]

    def struck(self, count: int, rng: np.random.Generator) -> list[Drawn]:
        """Return what fails where so many ways happen, each set of them with the same chance; words in several."""
        drawn: list[Drawn] = []
        left = self.size
        for each, members in self._classes:
            size = each * len(members)
            left -= size
            here = int(rng.hypergeometric(size, left, count)) if left else count
            count -= here
            if self.candidates.term.flips is None:
                drawn += self._of(each, members, here, rng)
            else:
                drawn += self._struck(each, members, here, rng)
        return drawn

    def _struck(self, each: int, members: Ints, count: int, rng: np.random.Generator) -> list[Drawn]:
        """Return words of which so many bits flip."""
        struck: dict[int, list[int]] = {}
        for pair in np.sort(rng.choice(len(members) * each, size=count, replace=False)).tolist():
            struck.setdefault(pair // each, []).append(pair % each)
        words = (self.candidates.together(int(members[n]), ways) for n, ways in struck.items())
        return [one for one in words if one is not None]


def _chosen(weights: list[int], rng: np.random.Generator) -> int:
    """Return a place, each with a chance in proportion to its weight, however large."""
    total = list(accumulate(weights))
    if total[-1] == 0:
        raise ValueError("there is no configuration to draw: components lack ways to fail")
    if len(total) == 1:
        return 0
    return bisect_right(total, _below(total[-1], rng))


def _below(total: int, rng: np.random.Generator) -> int:
    """Return a number from 0 to total - 1, each with the same chance, however large."""
    bits = total.bit_length()
    while True:
        number = int.from_bytes(rng.bytes((bits + 7) // 8), "little") & ((1 << bits) - 1)
        if number < total:
            return number
