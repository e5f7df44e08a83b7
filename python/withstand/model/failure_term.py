# SPDX-License-Identifier: MIT
"""One failure model: which effect, on how many components, and which may be chosen."""

from __future__ import annotations

from typing import Any, NamedTuple

from withstand import _core
from withstand._types import Component
from withstand.model.failure_arguments import LARGEST
from withstand.model.network import Network


class Term(NamedTuple):
    """A failure model as its class hands it on; a sum of models is a tuple of them."""

    #: Name of an effect of the core.
    effect: str
    #: The transmitted value, or the capacity; noise: one or one per hidden layer; none for crashes.
    amount: tuple[float, ...]
    #: One entry where `total`, else one per layer.
    counts: tuple[int, ...]
    total: bool
    exactly: bool = False
    equivocal: bool = False
    #: Candidates; None: every component of the kind.
    among: tuple[Component, ...] | None = None

    def core(self) -> Any:
        """Return the model as the core has it. Counts that it cannot hold never meet a network."""
        return _core.Failure(
            effect=getattr(_core.Effect, self.effect),
            amount=self.amount,
            counts=[min(count, LARGEST) for count in self.counts],
            total=self.total,
            exactly=self.exactly,
            equivocal=self.equivocal,
            among=None if self.among is None else [_core.Site(*component) for component in self.among],
        )

    def on_synapses(self) -> bool:
        """Return whether synapses fail, not neurons."""
        return bool(_core.on_synapses(getattr(_core.Effect, self.effect)))

    def candidates(self, net: Network) -> int:
        """Return how many components may be chosen from."""
        if self.among is not None:
            return len(self.among)
        return sum(weight.size for weight in net.weights) if self.on_synapses() else net.n_neurons

    def described(self) -> str:
        """Return what the core says, with the counts as they are where it cannot hold them."""
        text = str(self.core().describe())
        if max(self.counts, default=0) <= LARGEST:
            return text
        held = tuple(min(count, LARGEST) for count in self.counts)
        before, after = (held[0], self.counts[0]) if self.total else (held, self.counts)
        return text.replace(str(before), str(after), 1)
