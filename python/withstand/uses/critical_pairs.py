# SPDX-License-Identifier: MIT
"""Pairs of neurons that do more together than the sum of what each does alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
from withstand.model.network import Network
from withstand.questions.clock import Clock
from withstand.uses import crash_sets

Neuron = tuple[int, int]

#: Pairs that a result names.
_PAIRS = 10


@dataclass(frozen=True)
class Pair:
    """Two neurons that together do more than the sum of what each does alone."""

    neurons: tuple[Neuron, Neuron]
    error: float
    alone: tuple[float, float]

    @property
    def synergy(self) -> float:
        """What the pair adds to the sum."""
        return self.error - sum(self.alone)


def synergy(net: Network, rows: FloatArray, clock: Clock) -> tuple[Pair, ...]:
    """Return the pairs that exceed the sum of their members by most; none where the time is up before all are tried."""
    alone = crash_sets.harms(net, rows, np.eye(net.n_neurons, dtype=bool))
    first, second = np.triu_indices(net.n_neurons, 1)
    gain, errors = np.empty(len(first)), np.empty(len(first))
    for start in range(0, len(first), 4096):
        if clock.over():
            return ()
        part = slice(start, start + 4096)
        failed = np.zeros((len(first[part]), net.n_neurons), dtype=bool)
        index = np.arange(len(failed))
        failed[index, first[part]] = failed[index, second[part]] = True
        errors[part] = crash_sets.harms(net, rows, failed)
    gain = errors - alone[first] - alone[second]
    sites = crash_sets.components(net)
    best = [n for n in np.argsort(-gain, kind="stable")[:_PAIRS] if gain[n] > 1e-9 * errors[n]]
    return tuple(
        Pair((sites[first[n]], sites[second[n]]), float(errors[n]), (float(alone[first[n]]), float(alone[second[n]])))
        for n in best
    )
