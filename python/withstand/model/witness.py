# SPDX-License-Identifier: MIT
"""A failure that can be replayed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from withstand._plural import counted
from withstand._result import Plain, parts, plain
from withstand._types import AnyComponent, FloatArray
from withstand.statement import word_of

Neuron = tuple[int, int]


@dataclass(frozen=True, eq=False, repr=False)
class Witness(Plain):
    """Failed components, the input at which they do harm, and how much.

    ``net.forward(witness.input, failed=witness.values)`` reproduces the faulty outputs.

    Attributes
    ----------
    failed : tuple of components
        Sorted; a neuron is (layer, neuron), a synapse (layer of the receiver, to, from), a parameter (layer, name,
        index). Of groups, their neurons.
    values : dict
        What each failed component transmits; for a synapse, what replaces weight * signal; for a parameter, what
        replaces it.
    input : ndarray, shape (d,)
    input_index : int
        Row of X.
    output : int
        The output that is most wrong (decisions: the class that wins).
    error : float
        |faulty - nominal| of that output (decisions: the harm). Infinite where a way to fail is, by convention: then it
        cannot be replayed.
    ways : dict
        Of components whose bits flip: the bit, or the tuple of bits that flip together.
    groups : tuple of tuple of components
        Of groups that fail together.
    """

    failed: tuple[AnyComponent, ...]
    values: dict[AnyComponent, float]
    input: FloatArray
    input_index: int
    output: int
    error: float
    ways: dict[AnyComponent, int | tuple[int, ...]] = field(default_factory=dict)
    groups: tuple[tuple[AnyComponent, ...], ...] = ()
    _channels: Mapping[tuple[AnyComponent, ...], Neuron] = field(default_factory=dict, kw_only=True)
    _decisions: bool = field(default=False, kw_only=True)
    _noisy: frozenset[AnyComponent] = field(default=frozenset(), kw_only=True)  # off by no more than noise

    @property
    def channels(self) -> tuple[Neuron, ...]:
        """(layer, channel) of the groups that are channels."""
        return tuple(self._channels[group] for group in self.groups if group in self._channels)

    def to_dict(self) -> dict[str, Any]:
        """Return the witness as plain data, the same in every JSON; `values` and `ways` are [component, value] each."""
        return {**parts(self), "channels": plain(self.channels)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Witness):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key()[:-1])

    def __repr__(self) -> str:
        held = {component: value for component, value in self.values.items() if component not in self._noisy}
        failed = ", ".join(self._names()) or "none"
        at = "" if set(held.values()) <= {0.0} else f", values={held}"
        harm = f"{word_of(self._decisions)} {self.error:.6g}"
        return f"Witness(failed=[{failed}]{at}, input {self.input_index}, output {self.output}, {harm})"

    def _names(self) -> list[str]:
        """Return what failed, in words: a channel by its number, noise by its name, and everything else alone."""
        together = {component for group in self._channels if group in self.groups for component in group}
        whole = [f"channel {self._channels[group]}: {counted(len(group), 'neuron')}"
                 for group in self.groups if group in self._channels]  # fmt: skip
        alone = [c for c in self.failed if c not in together and c not in self._noisy]
        return [*whole, *map(self._name, alone), *(["noise"] if self._noisy else [])]

    def _name(self, component: AnyComponent) -> str:
        way = self.ways.get(component)
        return str(component) if way is None else f"{component} {'bit' if isinstance(way, int) else 'bits'} {way}"

    def _key(self) -> tuple[object, ...]:
        values = tuple(sorted((repr(c), "nan" if math.isnan(v) else v) for c, v in self.values.items()))
        ways = tuple(sorted((repr(c), way) for c, way in self.ways.items()))
        return self.failed, values, ways, self.input.tobytes(), self.input_index, self.output, self.error
