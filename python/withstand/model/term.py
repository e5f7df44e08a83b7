# SPDX-License-Identifier: MIT
"""One kind of failure, as failure models add them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from withstand import _core
from withstand._types import AnyComponent, FloatArray
from withstand.model.deciding import real_synapses
from withstand.model.failure_arguments import LARGEST
from withstand.model.network import Network
from withstand.model.own_words import of_any, own_words, untold
from withstand.model.parameters import channels, has_parameters, owner, shared_biases, site
from withstand.model.quantisation import carried
from withstand.model.words import OWN, Flips


class Term(NamedTuple):
    """What a failed component does, and how many of which may fail.

    Attributes
    ----------
    effect : str
        As the core names it.
    amount : tuple of float
        Value, capacity or amplitudes; empty for crashes.
    counts : tuple of int
        How many in all, or in every layer.
    total : bool
        Whether there is one count for all layers.
    exactly : bool
        Whether so many fail, or at most so many.
    equivocal : bool
        Whether receivers may be told different things.
    among : tuple of components, or None
        Which may fail.
    groups : tuple of tuple of components, or None
        Neurons that fail together.
    unit : str or None
        "channel": feature maps fail as a whole.
    flips : Flips or None
        Which bits of which words flip.
    """

    effect: str
    amount: tuple[float, ...]
    counts: tuple[int, ...]
    total: bool
    exactly: bool = False
    equivocal: bool = False
    among: tuple[AnyComponent, ...] | None = None
    groups: tuple[tuple[AnyComponent, ...], ...] | None = None
    unit: str | None = None
    flips: Flips | None = None

    @property
    def on_weights(self) -> bool:
        """Whether stored parameters fail."""
        return self.effect.startswith("weight")

    @property
    def on_synapses(self) -> bool:
        """Whether synapses fail, or neurons."""
        return self.effect.startswith("synapse")

    @property
    def together(self) -> bool:
        """Whether neurons fail in groups, or one by one."""
        return self.groups is not None or self.unit is not None

    def core(self, net: Network | None = None, signals: Sequence[float] | None = None) -> _core.Failure:
        """Return the term as the core takes it, of a network or of none in particular.

        `signals` are the largest that inputs and hidden layers transmit, for words whose scale nothing else gives.
        """
        amount, counts = self.amount, self._held()
        flips = self.worded(net).flips if net is not None else self.flips
        if net is not None and self.effect == "noise" and len(amount) == net._core.layers:
            amount = self._carried(net)
        if net is not None and net._layout is not None:
            amount, counts = self._spread(net, amount, counts)
        biases = net is not None and self.flips is not None and self.flips.biases
        inputs = any(component[0] == 0 for component in self.among or ())
        among: Sequence[AnyComponent] | None = self.among
        if net is not None and self.on_synapses and among is None:
            among = real_synapses(net)
        if net is not None and net._judged is not None and self.on_weights:
            raise ValueError(f"{self}: with failed weights the class is the largest of several outputs, no other yet")
        return _core.Failure(
            effect=getattr(_core.Effect, self.effect),
            amount=amount,
            counts=counts,
            total=self.total,
            exactly=self.exactly,
            equivocal=self.equivocal,
            among=None if among is None or self.unit is not None else self._sites(net, among),
            groups=self._groups(net),
            group="groups" if self.unit is None else self.unit,
            words=None if flips is None else flips.core(net, self.on_weights, signals, inputs),
            biases=shared_biases(net._described()) if biases and net is not None else None,
        )

    def worded(self, net: Network) -> Term:
        """Return the term with the words that the network states for the signals that fail; refused are others."""
        if self.flips is None or self.on_weights:
            return self
        layers = None if self.among is None else [component[0] for component in self.among]
        return self._replace(flips=own_words(self.flips, net, layers))

    def _sites(self, net: Network | None, components: Sequence[AnyComponent]) -> list[_core.Site]:
        if net is None:  # to be counted, not to be looked at
            return [_core.Site(*(c if not isinstance(c[1], str) else (c[0], n))) for n, c in enumerate(components)]
        if self.on_weights:
            layout = net._described()
            found = [site(layout, net._core, component) for component in components]  # type: ignore[arg-type]
            if self.flips is None or not self.flips.biases:
                for component, place in zip(components, found):
                    if place.from_ == _core.parameters + _core.one:
                        raise ValueError(f"{self}: among names {component}, biases fail only with biases=True")
            return found
        return [net._place(component) for component in components]  # type: ignore[arg-type]

    def _groups(self, net: Network | None) -> list[list[_core.Site]] | None:
        if self.groups is not None:
            return [self._sites(net, group) for group in self.groups]
        if self.unit is None:
            return None
        if net is None:
            return [[_core.Site(*pair)] for pair in self.among or ()]
        return [self._sites(net, group) for group in self._channels(net).values()]

    def _channels(self, net: Network) -> dict[Any, list[AnyComponent]]:
        """The neurons of every channel (layer, channel) that may fail."""
        layout = net._described()
        groups: dict[Any, list[AnyComponent]] = {}
        for number, place in enumerate(layout.places[:-1]):
            if number == 0 and self.among is None:
                continue
            for neuron, channel in enumerate(channels(layout, place)):
                groups.setdefault((number, channel), []).append((number, neuron))
        for pair in self.among or ():
            if pair not in groups:
                raise ValueError(f"{self}: among names {pair}, there is no such channel")
        return groups if self.among is None else {pair: groups[pair] for pair in self.among}

    def _carried(self, net: Network) -> tuple[float, ...]:
        """Amplitudes of the inputs and of all layers, as what they amount to in the layers that may fail."""
        own, outputs = carried(net._described(), self.amount)
        allowed = net.output_rounding or 0.0
        if outputs.max() > allowed:
            raise ValueError(
                f"{self}: noise that no neuron stands behind moves an output by {outputs.max():g}, more than the "
                f"{allowed:g} of output_rounding"
            )
        return tuple(own)

    def amplitudes(self, net: Network) -> FloatArray:
        """Return how far noise moves what neurons of each hidden layer transmit, of shape (L,)."""
        amount = self._carried(net) if len(self.amount) == net._core.layers else self.amount
        return np.broadcast_to(np.array(amount, dtype=float), (net.depth,))

    def _spread(
        self, net: Network, amount: tuple[float, ...], counts: tuple[int, ...]
    ) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Amplitudes and counts of the layers that may fail, spread over all layers of the core."""
        layout, hidden = net._layout, net.depth
        assert layout is not None
        if len(amount) > 1:
            if len(amount) != hidden:
                raise ValueError(f"{self}: {len(amount)} amplitudes for {hidden} hidden layers")
            amount = tuple(layout.per_layer(amount, False))
        if not self.total:
            layers, what = (hidden, "hidden layers")
            if self.on_synapses or self.on_weights:
                layers, what = hidden + 1, "layers of weights" if self.on_weights else "layers of synapses"
            if len(counts) != layers:
                raise ValueError(f"{self}: {len(counts)} counts for {layers} {what}")
            spread = tuple(layout.per_layer(counts, self.on_synapses)) if not self.on_weights else None
            counts = spread or self._of_stages(net, counts)
        return amount, counts

    def _of_stages(self, net: Network, counts: tuple[int, ...]) -> tuple[int, ...]:
        """Counts of parameters: what a layer counts may lie in a stage before it that cannot fail, but in one only."""
        layout, every = net._described(), self.flips is not None and self.flips.biases
        found = [0] * len(layout.given)
        for number, count in enumerate(counts, start=1):
            stages = [place for place in range(1, len(found) + 1) if owner(layout, place) == number]
            storing = [place for place in stages if has_parameters(layout, place, every)] or stages[-1:]
            if self.among is not None:
                named = {site(layout, net._core, c).layer for c in self.among if c[0] == number}  # type: ignore[arg-type]
                storing = [place for place in storing if place in named] or storing[-1:]
            if len(storing) > 1 and count:
                raise ValueError(
                    f"{self}: layer {number} counts the parameters of {len(storing)} stages, which share no count; "
                    "give one count for all layers, or a sum of models with among"
                )
            found[storing[-1] - 1] = count
        return tuple(found)

    def layers(self, net: Network) -> dict[int, int]:
        """Return which layer counts what fails at a place of the core: stages that cannot fail count for the next."""
        layout = net._described()
        if not self.on_weights:
            return dict(layout.numbers)
        return {place: owner(layout, place) for place in range(1, len(layout.given) + 1)}

    def candidates(self, net: Network) -> int:
        """Return how many components there are to choose from."""
        if self.together:
            return len(self.groups or self._channels(net))
        if self.among is not None:
            return len(self.among)
        if self.on_weights:
            return net.n_parameters if self.flips is not None and self.flips.biases else net.n_weights
        return net.n_synapses if self.on_synapses else net.n_neurons

    def __str__(self) -> str:
        if self.flips is not None and self.flips.format == OWN:
            return untold(str(self._replace(flips=of_any(self.flips))))
        text = str(self.core().describe())
        if max(self.counts, default=0) <= LARGEST:
            return text
        before, after = (self._held()[0], self.counts[0]) if self.total else (self._held(), self.counts)
        return text.replace(str(before), str(after), 1)

    def _held(self) -> tuple[int, ...]:
        """The counts as far as the core can hold them: larger ones never meet a network."""
        return tuple(min(count, LARGEST) for count in self.counts)
