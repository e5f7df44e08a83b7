# SPDX-License-Identifier: MIT
"""From the oracle's plain data to the package's nouns."""

from __future__ import annotations

from functools import reduce
from operator import add

import oracle
import withstand as ws


def activation(act: oracle.Activation) -> ws.Activation:
    sloped = act.name in oracle.DEFAULT_SLOPE
    return ws.Activation(act.name, gain=float(act.gain), slope=float(act.slope) if sloped else None)


def network(net: oracle.Network) -> ws.Network:
    return ws.Network(
        list(net.weights),
        list(net.biases),
        activation=[activation(a) for a in net.activations],
        output_activation=activation(net.output_activation),
    )


def term(t: oracle.Term) -> ws.Failures:
    count = t.count if isinstance(t.count, int) else tuple(t.count)
    options = {"exactly": t.exactly, "among": t.among}
    if t.effect == "noise":
        return ws.Noise(t.size)
    if t.effect == "crash":
        return ws.Crash(count, **options)
    if t.effect == "stuck":
        return ws.StuckAt(count, value=float(t.size), **options)
    if t.effect == "synapse-crash":
        return ws.SynapseCrash(count, **options)
    kind = ws.Byzantine if t.effect in ("value", "deviation") else ws.SynapseByzantine
    return kind(count, capacity=float(t.size), convention=t.effect, **options)


def model(terms: oracle.Model) -> ws.Failures:
    return reduce(add, (term(t) for t in terms))
