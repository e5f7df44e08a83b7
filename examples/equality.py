# SPDX-License-Identifier: MIT
"""The paper's bound is tight: a network on which the worst enumerated error equals Fep, digit for digit.

Every neuron has the activation clip, min(1, max(0, K s + 1/2)), and sits exactly at its upper kink: biases are chosen
so that every nominal pre-activation is 1/(2 K), hence every neuron transmits 1. All weights into a layer are equal and
positive. A crash then takes 1 away, every correct neuron falls by exactly K times what it misses (as long as that is at
most 1), and nothing cancels: the error is Fep itself, for every choice of widths, failures, weights and K (powers of
two, so that every operation is exact in binary arithmetic). See docs/theory.md, "Tightness".

    python examples/equality.py
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import withstand as ws


def equality_network(widths: Sequence[int], max_weights: Sequence[float], gain: float = 1.0) -> ws.Network:
    """Return a network with the given widths (N_1, ..., N_L) and weights (w_2, ..., w_{L+1}) on which Fep is attained.

    Parameters
    ----------
    widths : sequence of int
        Hidden widths; the network has one input (ignored) and one output.
    max_weights : sequence of float
        The one weight of every synapse into layers 2, ..., L+1, positive.
    gain : float
        The Lipschitz constant K.
    """
    sizes = [1, *widths, 1]
    weights = [np.zeros((widths[0], 1))]
    weights += [np.full((b, a), w) for a, b, w in zip(sizes[1:], sizes[2:], max_weights)]
    kink = 0.5 / gain
    biases = [np.full(widths[0], kink)]
    biases += [np.full(b, kink - w * a) for a, b, w in zip(sizes[1:-1], sizes[2:-1], max_weights)]
    return ws.Network(weights, [*biases, np.zeros(1)], activation=ws.Activation("clip", gain=gain))


CASES = [  # widths, weights w_2..w_{L+1}, K, failures per layer
    ((5,), (1 / 4,), 1.0, (2,)),
    ((3, 4), (1 / 4, 1 / 4), 1.0, (1, 1)),
    ((3, 4), (1 / 2, 1 / 4), 1.0, (1, 1)),
    ((3, 4), (1 / 2, 1 / 4), 1 / 4, (1, 1)),
    ((4, 4, 4), (1 / 2, 1 / 2, 1 / 8), 1 / 2, (1, 2, 1)),
    ((6, 5, 4), (1 / 8, 1 / 8, 1 / 2), 1.0, (2, 1, 1)),
]


def main() -> None:
    """Print both numbers for every case, and stop if they differ in any digit."""
    header = f"{'hidden widths':>14} {'K':>5} {'failures':>10} {'configurations':>15}"
    print(f"{header} {'worst enumerated':>22} {'Fep':>22}")
    for widths, weights, gain, counts in CASES:
        net = equality_network(widths, weights, gain)
        failures = ws.Crash(counts, exactly=True)
        worst = ws.enumerate_failures(net, failures, [[0.0]])
        fep = ws.fep(net, failures)
        row = f"{widths!s:>14} {gain:>5} {counts!s:>10} {worst.configurations:>15,}"
        print(f"{row} {worst.worst!r:>22} {fep.value!r:>22}")
        assert worst.worst == fep.value, "the paper's bound is attained exactly"


if __name__ == "__main__":
    main()
