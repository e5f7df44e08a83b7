# SPDX-License-Identifier: MIT
"""Witnesses as users have them, from what the core found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from withstand import _core
from withstand._types import AnyComponent, Component, FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term
from withstand.model.witness import Neuron, Witness

#: Of what a layer transmits, how far roundings of the search may put noise beyond its amplitude.
NEAR = 1e-9

_Members = tuple[AnyComponent, ...]
_Groups = dict[tuple[int, int], tuple[_Members, Neuron | None]]


class Witnesses:
    """What the core found, as users have it: groups that fail together are looked up once for all witnesses."""

    def __init__(self, net: Network, failures: Failures, decisions: bool) -> None:
        self._net = net
        self._terms = failures._terms
        self._decisions = decisions
        self._groups: dict[int, _Groups] = {}

    def witness(
        self,
        values: Mapping[Component, float],
        ways: Sequence[_core.FailedWay],
        input: FloatArray,
        index: int,
        output: int,
        error: float,
    ) -> Witness:
        """Return the witness of what failed components of the core are held at, and how each of them fails."""
        net, found, groups, channels = self._net, {}, [], {}
        held = net._values(values)
        for failed in ways:
            term, site = self._terms[failed.term], failed.site
            if term.flips is not None:
                bias = site.from_ == _core.parameters + _core.one
                bits = (failed.way,) if bias and term.flips.every else term.flips.bits[failed.way]
                found[net._component(site.layer, site.to, site.from_)] = bits[0] if len(bits) == 1 else bits
            if term.together:
                group, channel = self._group(failed.term, site)
                groups.append(group)
                if channel is not None:
                    channels[group] = channel
        ordered = tuple(sorted(held, key=_order))
        told = net._judged_output(output)
        values_of = {c: held[c] for c in ordered}
        return Witness(ordered, values_of, input, index, told, error, found, tuple(sorted(groups)), _channels=channels,
                       _decisions=self._decisions, _noisy=self._noisy(values_of, input))  # fmt: skip

    def _noisy(self, held: Mapping[AnyComponent, float], input: FloatArray) -> frozenset[AnyComponent]:
        """Return the neurons that transmit what those before them make them, but for noise: they have not failed."""
        noise = [term.amplitudes(self._net) for term in self._terms if term.effect == "noise"]
        if not noise:
            return frozenset()
        found, reach = [], np.sum(noise, axis=0)
        for layer, most in enumerate(reach.tolist(), start=1):
            own = {c: v for c, v in held.items() if c[0] == layer and len(c) == 2}
            if not own:
                continue
            before = {c: v for c, v in held.items() if c not in own and c[0] <= layer}
            would = self._net.trace(input, before)[layer]
            near = most + NEAR * max(1.0, float(np.abs(would).max()))
            found += [c for c, v in own.items() if abs(v - would[c[1]]) <= near]
        return frozenset(found)

    def _group(self, term: int, first: _core.Site) -> tuple[_Members, Neuron | None]:
        """Return the members of the group that a site begins, and the channel that it is."""
        if term not in self._groups:
            self._groups[term] = _beginnings(self._net, self._terms[term])
        return self._groups[term][first.layer, first.to]


def channels_by_first(net: Network, failures: Failures) -> dict[AnyComponent, Neuron]:
    """Return the channels that may fail, by the first of their neurons, as which a ranking knows them."""
    terms = [term for term in failures._terms if term.unit is not None]
    return {members[0]: name for term in terms for members, name in _beginnings(net, term).values() if name is not None}


def _beginnings(net: Network, term: Term) -> _Groups:
    """Return the groups of a term, and the channels that they are, by the place where they begin."""
    names = [None] * len(term.groups) if term.groups is not None else list(term._channels(net))
    found: _Groups = {}
    for name, group in zip(names, term._groups(net) or [], strict=True):
        members = sorted((site.layer, site.to, site.from_) for site in group)
        found.setdefault(members[0][:2], (tuple(net._component(*member) for member in members), name))
    return found


def _order(component: AnyComponent) -> tuple[object, ...]:
    """Neurons and synapses of a layer before its parameters, and those by name."""
    layer, first, *rest = component
    return (layer, 1, first, *rest) if isinstance(first, str) else (layer, 0, first, *rest)
