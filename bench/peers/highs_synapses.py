# SPDX-License-Identifier: MIT
"""The worst dead synapses of a ReLU network: one output and sign as a mixed-integer program for HiGHS.

Synapse (l, j, i) has a death z in {0, 1}, at most k of them. What it delivers of the signal y in [0, h] of its sender
is t in [0, h (1 - z)] with y - h z <= t <= y; the inputs are numbers, so that their products are c (1 - z). Neurons
have a phase where their pre-activation may have either sign, as in `highs_mip`. Where a sender is silent whatever
dies, or a weight is 0, there is nothing to decide.
"""

from __future__ import annotations

import time

import numpy as np

from .common import Array, Net
from .highs_mip import Objective, Program, Proved, Terms, neuron

Synapses = dict[int, tuple[int, int, int]]  # variable -> (layer, to, from)


def ranges(net: Net, x: Array, k: int) -> list[tuple[Array, Array]]:
    """Pre-activation ranges of layers 1 .. L + 1 where every receiver may lose k of its products."""
    low, high, found = x, x, []
    for w, b in zip(net.weights, net.biases, strict=True):
        most, least = np.maximum(w * low, w * high), np.minimum(w * low, w * high)
        lifted = np.sort(np.maximum(-least, 0.0))[:, ::-1][:, :k].sum(axis=1)
        lowered = np.sort(np.maximum(most, 0.0))[:, ::-1][:, :k].sum(axis=1)
        found.append((least.sum(axis=1) + b - lowered, most.sum(axis=1) + b + lifted))
        low, high = (np.maximum(s, 0.0) for s in found[-1])
    return found


def _received(program: Program, w: Array, y: dict[int, int], high: Array) -> tuple[Terms, dict[int, int]]:
    """What a receiver hears of senders that are variables; and the death of each of its synapses."""
    s, dead = Terms(), dict[int, int]()
    for i, signal in y.items():
        if w[i] == 0:
            continue
        z, t = program.variable(1.0, integer=True), program.variable(float(high[i]))
        program.at_most(float(high[i]), {t: 1.0, z: float(high[i])})  # t <= h (1 - z)
        program.at_most(0.0, {t: 1.0, signal: -1.0})  # t <= y
        program.at_most(0.0, {signal: 1.0, z: -float(high[i]), t: -1.0})  # t >= y - h z
        s[t], dead[z] = float(w[i]), i
    return s, dead


def worst(net: Net, x: Array, k: int, output: int, sign: int, time_limit: float) -> Proved:
    """At most `k` dead synapses anywhere at the input `x` (d,): how far up (or down) they can move one output."""
    if net.activation != "relu":
        raise ValueError(f"activation {net.activation}: the program is written for relu")
    start, deadline = time.process_time(), time.perf_counter() + time_limit
    program, synapses, boxes = Program(), Synapses(), ranges(net, x, k)
    y, high, s, offset = dict[int, int](), x, Terms(), 0.0
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        last, here = layer == len(net.weights), dict[int, int]()
        for j in [output] if last else range(len(w)):
            lo, hi = (float(side[j]) for side in boxes[layer - 1])
            if layer == 1:
                dead = {program.variable(1.0, integer=True): i for i in np.flatnonzero(w[j] * x).tolist()}
                s, offset = {z: -float(w[j, i] * x[i]) for z, i in dead.items()}, float(w[j] @ x + b[j])
            else:
                (s, dead), offset = _received(program, w[j], y, high), float(b[j])
            synapses |= {z: (layer, j, i) for z, i in dead.items()}
            if not last and hi > 0:
                here[j] = neuron(program, s, offset, lo, hi, {})
        y, high = here, np.maximum(boxes[layer - 1][1], 0.0)
    program.at_most(k, dict.fromkeys(synapses, 1.0))
    nominal = float(net.trace(x[None])[-1][0, output])
    objective = Objective(program.solver(), np.array(list(s), dtype=np.int32), len(program.rows), deadline)
    found = objective.beyond(0.0, sign * np.array(list(s.values())), sign * (offset - nominal))
    failed = sorted(at for z, at in synapses.items() if found.values and found.values[z] > 0.5)
    error = sign * (replay(net, x, failed)[output] - nominal)
    return Proved(float(error), found.bound, tuple(failed), found.nodes, time.process_time() - start, found.optimal)


def replay(net: Net, x: Array, failed: list[tuple[int, int, int]]) -> Array:
    """Return the outputs with these synapses dead."""
    y = x
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        kept = w.copy()
        for at, j, i in failed:
            if at == layer:
                kept[j, i] = 0.0
        y = kept @ y + b if layer == len(net.weights) else net.activate(kept @ y + b)
    return y
