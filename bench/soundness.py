# SPDX-License-Identifier: MIT
"""Search for a bound that is exceeded: random networks, failures and domains against an adversary.

    python bench/soundness.py --trials 2000 --seed 0
    python bench/soundness.py --trials 2000 --seed 0 --mutant top-f-minus-1

Every trial draws a network (1-4 hidden layers of 1-8 neurons, all activations), a failure model (all of them, alone or
summed, at most or exactly), and inputs or a box. The adversary of the tests' oracle tries all failure patterns with
extreme values, and random noise; its worst error must not exceed the bound of any method by more than the evaluation's
own rounding. The order of the methods, where it is a theorem, is checked too. A mutant is a bound made wrong on
purpose: the campaign has to catch it. Exit code 0 if nothing was found, 1 otherwise.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import withstand as ws

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import bridge
import oracle
import strategies

EFFECTS = (*oracle.NEURON, *oracle.SYNAPSE)
METHODS = ("fep", "at-most", "capped", "matrix", "adjoint", "signed", "linear", "split", "tightest")
#: (lesser, greater) where the order is a theorem for every space, and for one model with a count per layer.
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
            if "at-most" not in str(refusal) and method != "split":
                raise
    return found


def violations(rng: np.random.Generator, seed: int, mutate: Any) -> list[str]:
    """What is wrong in one trial."""
    net, model, domain, inputs = draw(rng)
    found = mutate(net, model, domain)
    witness = oracle.adversary(net, model, inputs, limit=150, draws=2, seed=seed)
    error = 0.0 if witness is None else float(witness.error)
    wrong = []
    for method, bound in found.items():
        if math.isnan(bound.value) or error > bound.value + bound.slack:
            wrong.append(f"{method}: {bound.value!r} + {bound.slack:.2g} < {error!r}")
    per_layer = all(not isinstance(t.count, int) or t.effect == "noise" for t in model)
    simple = len(model) == 1 and model[0].effect in oracle.NEURON  # of a sum each model is selected on its own
    for lesser, greater in (*ORDER, *(ORDER_PER_LAYER if per_layer and simple else ())):
        if greater not in found:
            continue
        a, b = found[lesser].value, found[greater].value
        if a > b * (1 + 1e-12) + 1e-12:
            wrong.append(f"order: {lesser} {a!r} > {greater} {b!r}")
    return [f"{bridge.network(net)!r} {bridge.model(model)!r}: {line}" for line in wrong]


def exact_violations(rng: np.random.Generator, mutate: Any) -> list[str]:
    """One hidden layer that transmits 1 everywhere: every bound is attained, so only outward rounding saves it."""
    n = int(rng.integers(1, 9))
    count = int(rng.integers(0, n + 1))
    row = np.full(n, rng.random()) if rng.random() < 0.5 else rng.random(n)
    net = oracle.network([np.zeros((n, 1)), row[None]], [np.ones(n), np.zeros(1)], "clip")
    model = oracle.crash((count,))
    found = mutate(net, model, np.zeros((1, 1)))
    error = sum(sorted((Fraction(w) for w in row), reverse=True)[:count], Fraction(0))
    wrong = [f"{method}: {b.value!r} below the exact error" for method, b in found.items() if Fraction(b.value) < error]
    return [f"{row.tolist()!r}, {count} crashes: {line}" for line in wrong]


# -- bounds made wrong on purpose ------------------------------------------------------------------------------------


def honest(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """No mutation."""
    return bounds(bridge.network(net), bridge.model(model), domain)


def fewer(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """Select f - 1 failures."""

    def less(count: Any) -> Any:
        return max(count - 1, 0) if isinstance(count, int) else tuple(max(c - 1, 0) for c in count)

    return honest(net, tuple(replace(t, count=less(t.count)) for t in model), domain)


def flatter(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """Use 0.9 K for the last hidden layer, where something fails before it."""
    found = honest(net, model, domain)
    early = any(c[0] < net.depth for t in model for c in oracle.sites(net, t)) and net.depth > 1
    return {m: replace(b, value=b.value * (0.9 if early else 1.0)) for m, b in found.items()}


def blocked(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """Let noisy neurons relay with the factor N - f, which is 0 when all are noisy: only the last layer's counts."""

    def last(size: Any) -> tuple[float, ...]:
        return (*(0.0,) * (net.depth - 1), float(size[-1] if np.ndim(size) else size))

    return honest(net, tuple(replace(t, size=last(t.size)) if t.effect == "noise" else t for t in model), domain)


def shrunk(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """Propagate nine tenths of the box."""
    if isinstance(domain, ws.Box):
        centre, radius = (domain.lower + domain.upper) / 2, (domain.upper - domain.lower) / 2
        domain = ws.Box(centre - 0.9 * radius, centre + 0.9 * radius)
    return honest(net, model, domain)


def rounded(net: oracle.Network, model: oracle.Model, domain: Any) -> dict[str, Any]:
    """Round to nearest instead of outward: exact here but for the last bit of the sum over the output's row."""
    found = honest(net, model, domain)
    if net.depth > 1 or len(model) > 1 or model[0].effect != "crash" or np.ptp(net.weights[0]):
        return found
    count = model[0].count if isinstance(model[0].count, int) else model[0].count[0]
    nearest = float(np.sort(net.weights[1][0])[::-1][:count].sum())
    return {m: replace(b, value=min(b.value, nearest)) for m, b in found.items()}


MUTANTS: dict[str, Any] = {
    "none": honest,
    "top-f-minus-1": fewer,
    "0.9-K": flatter,
    "N-minus-f-for-noise": blocked,
    "shrunk-box": shrunk,
    "no-inflation": rounded,
}


def campaign(
    trials: int, seed: int, mutant: str = "none", stop: int = 10, report: Callable[[str], None] | None = None
) -> tuple[int, list[str]]:
    """Run trials until `stop` of them found something; return how many ran and what was found."""
    found: list[str] = []
    bad = trial = 0
    for trial in range(1, trials + 1):
        rng = np.random.default_rng((seed, trial))
        wrong = exact_violations(rng, MUTANTS[mutant]) if trial % 8 == 0 else []
        wrong += violations(rng, trial, MUTANTS[mutant])
        found += wrong
        bad += bool(wrong)
        if report is not None:
            for line in wrong:
                report(f"trial {trial}: {line}")
            if trial % 5000 == 0:
                report(f"{trial} trials, {len(found)} violations")
        if bad >= stop:
            break
    return trial, found


def main() -> int:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="none")
    parser.add_argument("--stop", type=int, default=10, help="violations after which to stop")
    options = parser.parse_args()
    began = time.perf_counter()
    show = partial(print, flush=True)
    ran, found = campaign(options.trials, options.seed, options.mutant, options.stop, show)
    print(f"{ran} trials, {len(found)} violations, {time.perf_counter() - began:.0f} s")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
