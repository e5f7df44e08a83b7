# SPDX-License-Identifier: MIT
"""Components of a failure model that may be protected: then they are no longer among those that fail."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.parameters import channels
from withstand.model.witness import Witness

#: What is protected: a neuron, a synapse, a parameter, a channel (layer, channel), or a group, a tuple of its neurons.
Name = Any


class Components:
    """What may fail by a model of one kind.

    Raises
    ------
    ValueError
        For sums, noise, and failures of exactly so many.
    """

    def __init__(self, net: Network, failures: Failures) -> None:
        if len(failures._terms) != 1 or failures._terms[0].effect == "noise" or failures._terms[0].exactly:
            raise ValueError(f"{failures!r}: harden takes at most so many failures of one kind")
        (self.term,) = failures._terms
        self._net, space = net, failures._space(net)
        counted = self.term.layers(net)
        sites = [site for site in space.candidates(0) if self.term.total or site[0] in counted]
        self._groups: dict[Name, Name] = {}
        if self.term.together:
            for group in self.term._groups(net) or []:
                members = tuple(sorted(net._component(site.layer, site.to, site.from_) for site in group))
                self._groups[members] = members if self.term.unit is None else self._channel(members[0])
            self.all: tuple[Name, ...] = tuple(sorted(self._groups.values()))
        else:
            self.all = tuple(sorted(net._component(*site) for site in sites))

    @property
    def kind(self) -> str:
        """What is protected, in words."""
        if self.term.together:
            return "groups" if self.term.unit is None else f"{self.term.unit}s"
        if self.term.on_weights:
            return "parameters" if self.term.flips is not None and self.term.flips.biases else "weights"
        return "synapses" if self.term.on_synapses else "neurons"

    def left(self, protected: Collection[Name]) -> Failures:
        """Return the failures of the others, no more than there are."""
        others = tuple(name for name in self.all if name not in protected)
        if self.term.groups is not None:
            return Failures([self.term._replace(counts=(min(self.term.counts[0], len(others)),), groups=others)])
        counts: tuple[int, ...] = (min(self.term.counts[0], len(others)),)
        if not self.term.total:
            layers = [name[0] for name in others]
            counts = tuple(min(f, layers.count(layer)) for layer, f in enumerate(self.term.counts, start=1))
        return Failures([self.term._replace(counts=counts, among=others)])

    def alone(self) -> Failures | None:
        """Return single failures of whatever may fail at all; None of groups."""
        if self.term.together or not any(self.term.counts):
            return None
        some = self.all
        if not self.term.total:
            some = tuple(name for name in self.all if self.term.counts[name[0] - 1])
        return Failures([self.term._replace(counts=(1,), total=True, among=some)])

    def failed(self, witness: Witness) -> frozenset[Name]:
        """Return what failed in a witness."""
        if not self.term.together:
            return frozenset(witness.failed)
        return frozenset(self._groups[tuple(sorted(group))] for group in witness.groups)

    def row(self, name: Name) -> dict[str, Any]:
        """Return a component as a row of a table."""
        if self.term.groups is not None:
            return {"group": name}
        parts: tuple[str, ...] = ("layer", "neuron")
        if self.term.unit is not None:
            parts = ("layer", self.term.unit)
        elif self.term.on_weights:
            parts = ("layer", "parameter", "index")
        elif self.term.on_synapses:
            parts = ("layer", "to", "from")
        return dict(zip(parts, name))

    def _channel(self, neuron: tuple[int, int]) -> tuple[int, int]:
        layout, (layer, number) = self._net._described(), neuron
        return layer, channels(layout, layout.places[layer])[number]
