# SPDX-License-Identifier: MIT
"""Search for a bound that is exceeded: random networks, failures and domains against an adversary.

    python bench/soundness.py --trials 2000 --seed 0
    python bench/soundness.py --trials 2000 --seed 0 --mutant top-f-minus-1

Every trial draws a network (1-4 hidden layers of 1-8 neurons, all activations), a failure model (all of them, alone or
summed, at most or exactly), and inputs or a box. The adversary of the tests' oracle tries all failure patterns with
extreme values, and random noise; its worst error must not exceed the bound of any method by more than the evaluation's
own rounding. The order of the methods, where it is a theorem, is checked too. A mutant is a bound made wrong on purpose:
the campaign has to catch it. Exit code 0 if nothing was found, 1 otherwise.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import withstand as ws

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import bridge
import oracle
import strategies

EFFECTS = (*oracle.NEURON, *oracle.SYNAPSE)
METHODS = ("fep", "at-most", "capped", "matrix", "adjoint", "signed", "linear", "tightest")
#: (lesser, greater) where the order is a theorem for every space; totals relax "matrix" and "signed" per layer.
ORDER = (("capped", "at-most"), *(("tightest", m) for m in METHODS[1:-1]))
ORDER_PER_LAYER = (("signed", "matrix"), ("matrix", "capped"))


def draw(rng: np.random.Generator) -> tuple[oracle.Network, oracle.Model, Any, Any]:
    """A network, a model, and a domain as the package and as the adversary take it."""
    net = strategies.random_network(rng, dyadic=bool(rng.random() < 0.7))
    few = EFFECTS if rng.random() < 0.6 else ("crash",)
    model = strategies.random_model(rng, net, effects=few, cap=60)
    if rng.random() < 0.5:
        X = strategies.random_inputs(rng, net, 2)
        return net, model, X, X
    lower, upper = strategies.random_box(rng, net)
    return net, model, ws.Box(lower, upper), oracle.box_points(lower, upper, corners=4, random=4)


def bounds(net: ws.Network, failures: ws.Failures, domain: Any) -> dict[str, ws.Bound]:
    """Every method that applies."""
    found = {}
    for method in METHODS:
        try:
            found[method] = ws.bound(net, failures, domain, method=method, threads=1)
        except ValueError as refusal:
            if "at-most" not in str(refusal):
                raise
    return found


def violations(net: oracle.Network, model: oracle.Model, domain: Any, inputs: Any, seed: int, mutate: Any) -> list[str]:
    """What is wrong in one trial."""
    found = mutate(bounds, bridge.network(net), bridge.model(model), domain, model)
    witness = oracle.adversary(net, model, inputs, limit=150, draws=2, seed=seed)
    error = 0.0 if witness is None else float(witness.error)
    wrong = []
    for method, bound in found.items():
        if math.isnan(bound.value) or error > bound.value + bound.slack:
            wrong.append(f"{method}: {bound.value!r} + {bound.slack:.2g} < {error!r}")
    per_layer = all(not isinstance(t.count, int) or t.effect == "noise" for t in model)
    neurons = all(t.effect in oracle.NEURON for t in model)
    for lesser, greater in (*ORDER, *(ORDER_PER_LAYER if per_layer and neurons else ())):
        a, b = found[lesser].value, found[greater].value
        if a > b * (1 + 1e-12) + 1e-12:
            wrong.append(f"order: {lesser} {a!r} > {greater} {b!r}")
    return wrong


def honest(compute: Any, net: ws.Network, failures: ws.Failures, domain: Any, model: oracle.Model) -> Any:
    """No mutation."""
    return compute(net, failures, domain)


MUTANTS: dict[str, Any] = {"none": honest}


def main() -> int:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="none")
    parser.add_argument("--stop", type=int, default=10, help="violations after which to stop")
    options = parser.parse_args()
    kinds: Counter[str] = Counter()
    bad, began = 0, time.perf_counter()
    for trial in range(options.trials):
        rng = np.random.default_rng((options.seed, trial))
        net, model, domain, inputs = draw(rng)
        wrong = violations(net, model, domain, inputs, trial, MUTANTS[options.mutant])
        kinds.update(t.effect for t in model)
        for line in wrong:
            print(f"trial {trial}: {bridge.network(net)!r} {bridge.model(model)!r}: {line}")
        bad += bool(wrong)
        if bad >= options.stop:
            break
    print(f"{trial + 1} trials, {bad} with violations, {time.perf_counter() - began:.0f} s")
    print("failures drawn: " + ", ".join(f"{name} {n}" for name, n in kinds.most_common()))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
