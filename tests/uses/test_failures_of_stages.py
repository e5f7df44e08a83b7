# SPDX-License-Identifier: MIT
"""Parameters of stages that cannot fail count for the layer behind them, wherever layers are asked about apart."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws
from withstand.questions.enumeration import enumerate_failures

X = [[1.0]]


def network(again: bool) -> ws.Network:
    """Outputs that clip what a stage before them weighs; `again`, they weigh it once more."""
    last = np.diag([0.5, 0.25]) if again else None
    return ws.Network(
        layers=[
            ws.Layer([(0, [[1.0], [2.0]])]),
            ws.Layer([(1, [[1.0, 0.5], [4.0, 0.25]])], activation="identity", may_fail=False, name="mix"),
            ws.Layer([(2, last)], activation="identity"),
        ],
        shape=(1,),
    )


def harms(net: ws.Network, failures: ws.Failures, epsilon: float) -> bool:
    return enumerate_failures(net, failures, X).worst > epsilon


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("model", [ws.WeightCrash, lambda k: ws.WeightFlip(k, format="int8", scale=0.25, bits=(2, 3))])
@pytest.mark.parametrize("epsilon", [0.3, 1.2, 3.5])
def test_a_layer_alone_tolerates_what_trying_all_of_its_weights_says(again, model, epsilon):
    net = network(again)
    found = ws.tolerance(net, epsilon, X, model=model)
    names = ["mix.weight", "weight"] if again else ["mix.weight"]
    held = {1: [(1, "weight", (n, 0)) for n in range(2)],
            2: [(2, name, (n, m)) for name in names for n in (0, 1) for m in (0, 1)]}  # fmt: skip
    for number, weights in held.items():
        of = lambda k, among=weights: ws.Failures(t._replace(among=tuple(among)) for t in model(k)._terms)  # noqa: E731
        first = next((k for k in range(1, len(weights) + 1) if harms(net, of(k), epsilon)), None)
        limit = found.per_layer[number - 1]
        assert (limit.breaking, limit.exact) == (first, True)
        assert limit.guaranteed == (len(weights) if first is None else first - 1)
        assert limit.witness is None or {c[0] for c in limit.witness.failed} == {number}


def test_random_failures_and_hardening_count_them_too():
    net, failures = network(False), ws.WeightCrash((0, 1))
    worst = enumerate_failures(net, failures, X).worst
    drawn = ws.campaign(net, X, [1], failures, trials=200)
    assert drawn.errors.max() == worst == 4.0
    plan = ws.harden(net, failures, 0.3, X)
    assert {c[1] for c in plan.protect} == {"mix.weight"}
