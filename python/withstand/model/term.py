# SPDX-License-Identifier: MIT
"""One kind of failure, as failure models add them up."""

from __future__ import annotations

from typing import NamedTuple

from withstand import _core
from withstand._types import Component
from withstand.model.deciding import real_synapses
from withstand.model.failure_arguments import LARGEST
from withstand.model.network import Network


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
    """

    effect: str
    amount: tuple[float, ...]
    counts: tuple[int, ...]
    total: bool
    exactly: bool = False
    equivocal: bool = False
    among: tuple[Component, ...] | None = None

    @property
    def on_synapses(self) -> bool:
        """Whether synapses fail, or neurons."""
        return self.effect.startswith("synapse")

    def core(self, net: Network | None = None) -> _core.Failure:
        """Return the term as the core takes it, of a network or of none in particular."""
        amount, counts, among = self.amount, self._held(), self.among
        if net is not None and self.on_synapses and among is None:
            among = real_synapses(net)
        sites = None if among is None else [_core.Site(*component) for component in among]
        if net is not None and net._layout is not None:
            amount, counts = self._spread(net, amount, counts)
            sites = None if among is None else list(map(net._place, among))
        return _core.Failure(
            effect=getattr(_core.Effect, self.effect),
            amount=amount,
            counts=counts,
            total=self.total,
            exactly=self.exactly,
            equivocal=self.equivocal,
            among=sites,
        )

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
            layers, what = (hidden + 1, "layers of synapses") if self.on_synapses else (hidden, "hidden layers")
            if len(counts) != layers:
                raise ValueError(f"{self}: {len(counts)} counts for {layers} {what}")
            counts = tuple(layout.per_layer(counts, self.on_synapses))
        return amount, counts

    def candidates(self, net: Network) -> int:
        """Return how many components there are to choose from."""
        if self.among is not None:
            return len(self.among)
        return net.n_synapses if self.on_synapses else net.n_neurons

    def __str__(self) -> str:
        text = str(self.core().describe())
        if max(self.counts, default=0) <= LARGEST:
            return text
        before, after = (self._held()[0], self.counts[0]) if self.total else (self._held(), self.counts)
        return text.replace(str(before), str(after), 1)

    def _held(self) -> tuple[int, ...]:
        """The counts as far as the core can hold them: larger ones never meet a network."""
        return tuple(min(count, LARGEST) for count in self.counts)
