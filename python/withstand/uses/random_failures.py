# SPDX-License-Identifier: MIT
"""Random failures: a configuration drawn uniformly, or every component, of words every bit, failing on its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from withstand import _core
from withstand._coerce import real, shown
from withstand._types import Component, FloatArray
from withstand.model.failures import Failures
from withstand.model.formats import Format
from withstand.model.network import Network
from withstand.model.parameters import shared_biases
from withstand.model.term import Term
from withstand.model.words import WIDEST
from withstand.uses.random_sets import Drawn, Pool, Site, candidates_of, pools_of

#: Draws of disjoint sets before it is said that there are hardly any.
_TRIES = 1000
#: Products of one call of the core, between which Ctrl-C is heard.
_UNHEARD = 20_000_000


class RandomFailures:
    """Draws failures of a network, and evaluates it with them.

    Parameters
    ----------
    net : Network
    failures : Failures
        Whose words have their scales: see `settled`.
    rates : float or sequence of float, optional
        The chance of every component, or of every bit that may flip; one for all models of a sum or one for each. A
        configuration is drawn uniformly where absent.

    Raises
    ------
    ValueError
        For failures that cannot be drawn or evaluated, and rates outside [0, 1].
    """

    def __init__(self, net: Network, failures: Failures, rates: float | Sequence[float] | None = None) -> None:
        for term in failures._terms:
            if term.effect == "noise" or term.equivocal:
                raise ValueError(f"{term}: a campaign draws failed components; noise and equivocal ones are for bounds")
        self._net, self._space, self._terms = net, failures._space(net), failures._terms
        self._candidates = [candidates_of(net, self._space, n, term) for n, term in enumerate(self._terms)]
        self.pools = [pool for known in self._candidates for pool in pools_of(net, known)]
        self.rates = None if rates is None else _rates(rates, failures)
        if self.rates is not None:
            self._require_apart(failures)

    def _require_apart(self, failures: Failures) -> None:
        """Refuse what could fail in two ways at once, or in ways that nobody can tell beforehand."""
        for term in self._terms:
            if term.effect == "bit_flip" and term.flips is not None and term.flips.to is not None:
                raise ValueError(
                    f"{term}: at rates, which cells of a word change depends on the signal; leave out to, or rates"
                )
        seen: set[Site] = set()
        for known in self._candidates if len(self._candidates) > 1 else ():
            if not seen.isdisjoint(known.numbers):
                raise ValueError(f"{failures!r}: at rates, a component of two models could fail in two ways at once")
            seen.update(known.numbers)

    def draw(self, rng: np.random.Generator) -> list[Drawn]:
        """Return failed components, sorted, each one once."""
        for _ in range(_TRIES):
            drawn = [one for pool in self.pools for one in self._of(pool, rng)]
            if len({one.component for one in drawn}) == len(drawn):  # sets of different models are disjoint
                return sorted(drawn, key=lambda one: one.component)
        raise ValueError(f"{self._space.describe()}: sets that are drawn for each model are hardly ever disjoint")

    def _of(self, pool: Pool, rng: np.random.Generator) -> list[Drawn]:
        if self.rates is None:
            return pool.uniform(rng)
        return pool.independent(self.rates[pool.candidates.number], rng)

    def words(self) -> str:
        """Return what is drawn, in words."""
        if self.rates is None:
            return f"{Failures(self._terms)!r}, drawn uniformly"
        kinds = (f"{_kind(term)} at rate {rate:g}" for term, rate in zip(self._terms, self.rates))
        return f"independent failures: {', '.join(kinds)}"

    def outputs(self, rows: FloatArray, drawn: list[Drawn]) -> FloatArray:
        """Return the outputs at all inputs, by the canonical evaluation; infinite where a way to fail is."""
        space, failed = self._failed(drawn)
        core = self._net._core
        some = max(1, _UNHEARD // max(1, int(core.cost)))
        parts = [_core.forward_failed(core, space, rows[i : i + some], failed) for i in range(0, len(rows), some)]
        outputs = np.concatenate(parts)
        outputs[self._infinite(rows, drawn, space, failed)] = np.inf
        return outputs

    def replayed(self, row: FloatArray, drawn: list[Drawn], goal: _core.Goal) -> tuple[float, int]:
        """Return error (decisions: harm) and the output that shows it, at an input."""
        core, failed = self._net._core, self._failed(drawn)
        return _core.replay(core, row, _core.forced_by(core, failed[0], row, failed[1]), goal)

    def held(self, row: FloatArray, drawn: list[Drawn]) -> dict[Component, float]:
        """Return what failed components send at an input, of groups their members; of parameters what replaces them."""
        core, (space, failed) = self._net._core, self._failed(drawn)
        trace = _core.trace(core, row, _core.forced_by(core, space, row, failed))
        found: dict[Component, float] = {}
        for one in drawn:
            term = self._terms[one.term]
            if term.effect == "weight_flip":
                found[one.component] = self._replacing(term, one, row)
            elif term.on_weights or term.on_synapses:  # crashed
                found[one.component] = 0.0
            else:
                found.update((site, float(trace[site[0]][site[1]])) for site in self._members(term, one))
        return found

    def _members(self, term: Term, one: Drawn) -> list[Site]:
        """Return the neurons of a group that begins here, or the one that it is."""
        if not term.together:
            return [one.component]
        groups = [[(s.layer, s.to, s.from_) for s in group] for group in term._groups(self._net) or []]
        return next(group for group in groups if min(group) == one.component)

    def _replacing(self, term: Term, one: Drawn, row: FloatArray) -> float:
        """Return what a parameter is when bits of it flip: by trying all of its bits alone."""
        alone = term._replace(counts=(1,), exactly=True, among=(self._net._component(*one.component),))
        tried = _core.Enumerator(self._net._core, Failures([alone])._space(self._net), row[None], False, None, WIDEST)
        found = tried.run(0, tried.batches)
        ways = zip(tried.failed(found), tried.witnesses(found))
        return next(value for ((failed,), values) in ways for value in values.values() if failed.way == one.way)

    def _failed(self, drawn: list[Drawn]) -> tuple[_core.Space, list[_core.FailedWay]]:
        """Return failed components as the core takes them; bits that flip together by chance are a way of their own."""
        if self.rates is None or not any(term.flips for term in self._terms):
            return self._space, [_core.FailedWay(_core.Site(*d.component), d.term, d.way, d.free) for d in drawn]
        terms, failed = [], []
        for n, term in enumerate(self._terms):
            own = [one for one in drawn if one.term == n]
            if term.flips is None:
                terms.append(term.core(self._net))
                failed += [_core.FailedWay(_core.Site(*d.component), n, d.way, d.free) for d in own]
                continue
            # The ways that all words have come first: they have one number in the wider words of biases too.
            together = sorted({(0,), *(one.bits for one in own)}, key=lambda bits: (max(bits), bits))
            terms.append(self._flipping(term, together, own))
            failed += [_core.FailedWay(_core.Site(*d.component), n, together.index(d.bits)) for d in own]
        return _core.Space(self._net._core, terms), failed

    @cached_property
    def _biases(self) -> list[list[int]]:
        return shared_biases(self._net._described())

    def _flipping(self, term: Term, ways: list[tuple[int, ...]], own: list[Drawn]) -> _core.Failure:
        """Return the model of some words whose bits flip in some ways."""
        assert term.flips is not None
        flips = term.flips._replace(bits=tuple(ways), every=False)
        return _core.Failure(
            effect=getattr(_core.Effect, term.effect), amount=[], counts=[len(own)], total=True, exactly=False,
            among=[_core.Site(*one.component) for one in own], words=flips.core(self._net, term.on_weights, None),
            biases=self._biases if flips.biases else None,
        )  # fmt: skip

    def _infinite(
        self, rows: FloatArray, drawn: list[Drawn], space: _core.Space, failed: list[_core.FailedWay]
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return at which inputs a word becomes no number: harm without a bound, by convention."""
        floats = [one for one in drawn if _may_be_infinite(self._terms[one.term])]
        parameters = [one for one in floats if self._terms[one.term].on_weights]
        if any(not self._candidates[one.term].is_finite(one) for one in parameters):
            return np.ones(len(rows), dtype=bool)
        signals = [one.component for one in floats if not self._terms[one.term].on_weights]
        found = np.zeros(len(rows), dtype=bool)
        for n, row in enumerate(rows if signals else ()):
            trace = _core.trace(self._net._core, row, _core.forced_by(self._net._core, space, row, failed))
            found[n] = not all(np.isfinite(trace[layer][to]) for layer, to, _ in signals)
        return found


def _may_be_infinite(term: Term) -> bool:
    return term.flips is not None and term.flips.clamp is None and Format(term.flips.format).is_float


def _kind(term: Term) -> str:
    name = term.effect.replace("_", " ")
    if term.flips is not None:
        return f"{name}, every bit,"
    return name if not term.together else f"{name} of {'groups' if term.unit is None else f'{term.unit}s'}"


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

