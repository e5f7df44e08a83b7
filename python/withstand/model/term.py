# SPDX-License-Identifier: MIT
"""One kind of failure, as failure models add them up."""

from __future__ import annotations

from typing import NamedTuple

from withstand import _core
from withstand._types import Component
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

    def core(self) -> _core.Failure:
        """Return the term as the core takes it."""
        return _core.Failure(
            effect=getattr(_core.Effect, self.effect),
            amount=self.amount,
            counts=self._held(),
            total=self.total,
            exactly=self.exactly,
            equivocal=self.equivocal,
            among=None if self.among is None else [_core.Site(*component) for component in self.among],
        )

    def candidates(self, net: Network) -> int:
        """Return how many components there are to choose from."""
        if self.among is not None:
            return len(self.among)
        return sum(weight.size for weight in net.weights) if self.on_synapses else net.n_neurons

    def __str__(self) -> str:
        text = str(self.core().describe())
        if max(self.counts, default=0) <= LARGEST:
            return text
        before, after = (self._held()[0], self.counts[0]) if self.total else (self._held(), self.counts)
        return text.replace(str(before), str(after), 1)

    def _held(self) -> tuple[int, ...]:
        """The counts as far as the core can hold them: larger ones never meet a network."""
        return tuple(min(count, LARGEST) for count in self.counts)
