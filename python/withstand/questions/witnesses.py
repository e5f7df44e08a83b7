# SPDX-License-Identifier: MIT
"""Witnesses as users have them, from what the core found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from withstand import _core
from withstand._types import AnyComponent, Component, FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term
from withstand.model.witness import Neuron, Witness

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
        return Witness(ordered, {c: held[c] for c in ordered}, input, index, told, error, found, tuple(sorted(groups)),
                       _channels=channels, _decisions=self._decisions)  # fmt: skip

    def _group(self, term: int, first: _core.Site) -> tuple[_Members, Neuron | None]:
        """Return the members of the group that a site begins, and the channel that it is."""
        if term not in self._groups:
            self._groups[term] = _beginnings(self._net, self._terms[term])
        return self._groups[term][first.layer, first.to]


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
