# SPDX-License-Identifier: MIT
"""What a search has found before it bounds anything: the middle of a box, and the failures that can be tried."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws


def chain(rng: np.random.Generator, *widths: int) -> ws.Network:
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths, widths[1:])]
    return ws.Network(weights, [rng.normal(size=b) for b in widths[1:]], activation="relu")


@pytest.mark.parametrize("spec", [None, ws.Argmax()])
@pytest.mark.parametrize("seed", range(20))
def test_over_a_box_no_less_than_in_its_middle(seed: int, spec: ws.Argmax | None) -> None:
    """Decisions most of all: a bound over the whole box may point at failures that do nothing."""
    rng = np.random.default_rng(seed)
    net, x, radius = chain(rng, 6, 12, 12, 3), rng.normal(size=6), float(rng.choice([0.01, 0.1, 1.0]))
    k = int(rng.integers(1, 4))
    there = ws.worst_case(net, ws.Crash(k), x, spec=spec)
    found = ws.worst_case(net, ws.Crash(k), ws.Box(x - radius, x + radius), spec=spec, node_limit=1)
    assert there.exact and found.lower >= there.lower - 0.011 * abs(there.lower)
    assert found.witness is not None and len(found.witness.failed) <= k
    assert (np.abs(found.witness.input - x) <= radius * (1 + 1e-12)).all()


def test_crashes_exactly_so_many_over_a_box() -> None:
    net = chain(np.random.default_rng(3), 4, 8, 8, 2)
    found = ws.worst_case(net, ws.Crash(3, exactly=True), ws.Box(np.full(4, -0.1), np.full(4, 0.1)), node_limit=1)
    assert found.witness is not None and len(found.witness.failed) == 3


@pytest.mark.parametrize("seed", range(10))
def test_flips_beside_noise_do_what_flips_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, x = chain(rng, 4, 6, 5, 2).rounded("int8"), rng.normal(size=(3, 4))
    flips = ws.WeightFlip(1, format="int8")
    alone, beside = ws.worst_case(net, flips, x), ws.worst_case(net, ws.Noise(0.01) + flips, x)
    assert beside.lower >= alone.lower and beside.upper >= beside.lower
    assert beside.status == "gap"
    witness = beside.witness
    assert witness is not None
    moved = np.abs(net.forward(witness.input, failed=witness) - net.forward(witness.input)).max()
    assert moved == witness.error == beside.lower


def test_more_flips_beside_noise_than_anybody_tries() -> None:
    """Without a limit, too: no set of flips would close the interval."""
    net, x, _ = ws.embedded("digits_small")
    flips = ws.BitFlip(4, format="int8", scale=0.1)
    found = ws.worst_case(net, flips + ws.Noise(0.01), x[:1])
    assert found.status == "gap" and found.lower > 0 and found.witness is not None
    assert 0 < len(found.witness.failed) <= 4
