# SPDX-License-Identifier: MIT
"""A box that is nearly a point is nearly as easy as the point: who fails is decided, not ranges halved for ever."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from random_graphs import random_graph


def relative(found: ws.WorstCase, size: float) -> float:
    return (found.upper - found.lower) / max(size, 1e-9)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("decisions", [False, True])
def test_a_box_around_a_point_closes_as_the_point_does(seed: int, decisions: bool) -> None:
    rng = np.random.default_rng(seed)
    net = random_graph(rng)
    if decisions and net.widths[-1] < 2:
        pytest.skip("one output decides nothing")
    x = rng.normal(size=net.widths[0])
    model = ws.Crash(min(3, net.n_neurons)) if seed % 2 else ws.StuckAt(min(2, net.n_neurons), value=0.5)
    spec = ws.Argmax() if decisions else None
    point = ws.worst_case(net, model, x, spec=spec, threads=1)
    box = ws.worst_case(net, model, ws.Box(x - 1e-9, x + 1e-9), spec=spec, gap=1e-3, node_limit=4000)
    size = abs(net.forward(x)).max() + abs(point.upper)
    assert box.lower <= point.upper + 1e-5 * size and point.lower <= box.upper + 1e-12 * size
    assert relative(box, size) <= 1e-3, (box, point)
    assert box.upper <= point.upper + 1.1e-3 * size
