# SPDX-License-Identifier: MIT
"""What happens when receivers go on before all signals came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
from withstand.model.evaluation import outputs
from withstand.model.network import Network
from withstand.questions.clock import Clock
from withstand.uses.latency import Latency

#: Delays drawn at once.
_BATCH = 1 << 21

Counts = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Simulation:
    """Signals travel with random delays; a receiver goes on with those that came, and a substitute for the others."""

    net: Network
    latency: Latency
    links: bool
    stand_ins: tuple[float, ...]
    rng: np.random.Generator
    clock: Clock

    def run(self, lower: FloatArray, upper: FloatArray, missing: Counts, runs: int) -> tuple[FloatArray, float]:
        """Return the time of every run, and the largest error."""
        widths = self.net.widths
        most = max(a * b for a, b in zip(widths[1:], widths[2:])) if self.links else max(widths)
        batch = max(1, _BATCH // most)
        times: list[FloatArray] = []
        worst = 0.0
        for start in range(0, runs, batch):
            if times and self.clock.over():
                break
            self.clock.say(f"quorum: {start:,} of {runs:,} runs, {missing} missing")
            rows = self.rng.integers(len(lower), size=min(batch, runs - start))
            x = self.rng.uniform(lower[rows], upper[rows])
            finished, out = self._batch(x, missing)
            times.append(finished)
            if any(missing):  # else both are the same network, and their sums differ by rounding alone
                worst = max(worst, float(np.abs(out - self.net.forward(x)).max()))
        return np.concatenate(times), worst

    def _batch(self, x: FloatArray, missing: Counts) -> tuple[FloatArray, FloatArray]:
        race = _Race(self, missing, np.zeros((len(x), self.net.widths[1])))
        out = outputs(self.net, x, race)
        return race.clock.max(axis=1), out


@dataclass(eq=False)
class _Race:
    """Signals on their way to the receivers of one layer after another."""

    rules: Simulation
    missing: Counts
    clock: FloatArray  # when each neuron of the layer fires

    def __call__(self, layer: int, y: FloatArray) -> FloatArray:
        """Let the signals of a layer arrive, and return what the receivers go on with."""
        net, rules = self.rules.net, self.rules
        wait_for, stand_in = net.widths[layer] - self.missing[layer - 1], rules.stand_ins[layer - 1]
        receivers = net.widths[layer + 1] if rules.links else 1
        arrival = self.clock[:, None, :] + rules.latency.draw(rules.rng, (len(y), receivers, net.widths[layer]))
        order = np.sort(arrival, axis=2)
        fired = order[:, :, wait_for - 1] if wait_for else self.clock.min(axis=1, keepdims=True)
        fired = np.broadcast_to(fired, (len(y), receivers))
        came = arrival <= fired[:, :, None] if wait_for else np.zeros(arrival.shape, dtype=bool)
        self.clock = np.broadcast_to(fired, (len(y), net.widths[layer + 1]))
        used = np.where(came, y[:, None, :], stand_in)
        return used if rules.links else used[:, 0]
