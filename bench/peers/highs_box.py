# SPDX-License-Identifier: MIT
"""The worst crashes of a ReLU network over a box of inputs: one output and sign as a mixed-integer program for HiGHS.

The program of `highs_mip` twice over one set of input variables x = lower + t, 0 <= t <= upper - lower: the intact
network, with a phase for every neuron that may change it inside the box, and the network with crashes. The objective
is the difference of one output between both. What the solver has when its time is up is an interval: `error` is the
replayed error of its crashes at its input, `bound` what it says nothing exceeds.
"""

from __future__ import annotations

import time

import numpy as np

from . import highs_mip
from .common import Array, Net
from .highs_mip import Objective, Program, Proved


def worst(net: Net, low: Array, high: Array, k: int, output: int, sign: int, time_limit: float) -> Proved:
    """At most `k` crashes anywhere, `low` <= x <= `high` (d,): how far up (or down) they can move one output."""
    if net.activation != "relu":
        raise ValueError(f"activation {net.activation}: the program is written for relu")
    start, deadline = time.process_time(), time.perf_counter() + time_limit
    limits = tuple(min(k, n) for n in net.hidden)
    program, offsets = Program(), net.weights[0] @ low + net.biases[0]
    inputs = {i: program.variable(float(width)) for i, width in enumerate(high - low)}
    none = (0,) * len(limits)
    _, intact = highs_mip.add_network(program, net, inputs, offsets, highs_mip.ranges(net, low, high, none), none)
    boxes = highs_mip.ranges(net, low, high, limits)
    crashes, faulty = highs_mip.add_network(program, net, inputs, offsets, boxes, limits)
    program.at_most(k, dict.fromkeys(crashes, 1.0))
    y = np.array([*faulty.values(), *intact.values()], dtype=np.int32)
    row = sign * net.weights[-1][output]
    objective = Objective(program.solver(), y, len(program.rows), deadline)
    found = objective.beyond(0.0, np.concatenate([row[list(faulty)], -row[list(intact)]]), 0.0)
    failed = tuple(sorted(at for i, at in crashes.items() if found.values and found.values[i] > 0.5))
    t = np.array([found.values[i] for i in inputs.values()]) if found.values else np.zeros_like(low)
    error = highs_mip.replay(net, np.clip(low + t, low, high), failed)
    return Proved(error, found.bound, failed, found.nodes, time.process_time() - start, found.optimal)
