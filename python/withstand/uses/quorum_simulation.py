# SPDX-License-Identifier: MIT
"""What happens when receivers go on before all signals came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
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
            rows = self.rng.integers(len(lower), size=min(batch, runs - start))
            x = self.rng.uniform(lower[rows], upper[rows])
            finished, out = self._batch(x, missing)
            times.append(finished)
            worst = max(worst, float(np.abs(out - self.net.forward(x)).max()))
        return np.concatenate(times), worst

    def _batch(self, x: FloatArray, missing: Counts) -> tuple[FloatArray, FloatArray]:
        net = self.net
        y = net.activations[0](x @ net.weights[0].T + net.biases[0])
        clock = np.zeros_like(y)  # when each neuron of the layer fires
        for layer in range(1, net.depth + 1):
            wait_for, stand_in = net.widths[layer] - missing[layer - 1], self.stand_ins[layer - 1]
            receivers = net.widths[layer + 1] if self.links else 1
            arrival = clock[:, None, :] + self.latency.draw(self.rng, (len(y), receivers, net.widths[layer]))
            order = np.sort(arrival, axis=2)
            fired = order[:, :, wait_for - 1] if wait_for else clock.min(axis=1, keepdims=True)
            fired = np.broadcast_to(fired, (len(y), receivers))
            came = arrival <= fired[:, :, None] if wait_for else np.zeros(arrival.shape, dtype=bool)
            used = np.where(came, y[:, None, :], stand_in)
            clock = np.broadcast_to(fired, (len(y), net.widths[layer + 1]))
            s = (used * net.weights[layer]).sum(axis=2) if self.links else used[:, 0] @ net.weights[layer].T
            s = s + net.biases[layer]
            y = (net.activations[layer] if layer < net.depth else net.output_activation)(s)
        return clock.max(axis=1), y
