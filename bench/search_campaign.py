# SPDX-License-Identifier: MIT
"""Search for a worst case that is not the worst: random networks against every configuration, one by one.

    python bench/search_campaign.py --networks 1000 --seed 0
    python bench/search_campaign.py --networks 1000 --seed 0 --mutant one-fewer

Every network (1-4 hidden layers of 1-8 neurons, all activations) is asked twice. *Finite*: crashes, stuck values,
crashed synapses, alone or summed, per layer or in total, at most or exactly, as error or as decision; the search
as it is and made to bound everything must both prove what the tests' oracle finds by replaying all configurations.
*Intervals*: Byzantine neurons and synapses, noise, and boxes; no value of a grid and no input tried may do more than
the proved end. Every witness must fail what may fail, and do in the oracle what the search says. A mutant is a search
made wrong on purpose: the campaign has to catch it. Exit code 0 if nothing was found, 1 otherwise.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import withstand as ws
from withstand import _core

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import bridge
import oracle
import strategies

GRID = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
MUTANTS = ("none", "one-fewer", "smaller-box")


@dataclass
class Tally:
    """What a campaign has done, and what it found."""

    networks: int = 0
    finite: int = 0  #: proved answers compared with all configurations
    configurations: int = 0
    intervals: int = 0
    closed: int = 0  #: of them, narrower than 1 %
    violations: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.networks} networks: {self.finite} exact answers equal to {self.configurations:,} replayed "
            f"configurations, {self.intervals} intervals ({self.closed} within 1 %) never exceeded; "
            f"{len(self.violations)} violations"
        )


def fewer(model: oracle.Model) -> oracle.Model:
    """One failure less: a wrong reading of the model."""

    def less(count: Any) -> Any:
        return max(count - 1, 0) if isinstance(count, int) else tuple(max(c - 1, 0) for c in count)

    return tuple(replace(term, count=less(term.count)) for term in model)


def bounded(net: ws.Network, failures: ws.Failures, inputs: Any, spec: ws.Argmax | None) -> Any:
    """Let the search bound everything that it may bound, however small it is."""
    return _core.worst_case(
        net._core, failures._space(net), inputs, inputs,
        goal=_core.Goal.argmax if spec else _core.Goal.error, gap=0.0, time_limit=math.inf, node_limit=2**64 - 1,
        threads=2, watch=lambda done: True, bounding=math.inf,
    )  # fmt: skip


def replayed(net: oracle.Network, witness: Any, values: Any, spec: str | None) -> float:
    """Do to the oracle's network what the witness says."""
    return float(oracle.replay(net, witness.input[None], dict(values), spec=spec).max())


def finite(rng: np.random.Generator, net: oracle.Network, tally: Tally, mutant: str) -> list[str]:
    """Finite failures at points: equality, of both ways to search."""
    model = strategies.random_model(rng, net, cap=1000)
    inputs = strategies.random_inputs(rng, net, int(rng.integers(1, 3)), dyadic=bool(rng.random() < 0.5))
    spec = "argmax" if net.widths[-1] > 1 and rng.random() < 0.25 else None
    truth = float(oracle.worst(net, model, inputs, spec))
    ours, failures = bridge.network(net), bridge.model(fewer(model) if mutant == "one-fewer" else model)
    goal = ws.Argmax() if spec else None
    allowed = {tuple(c for c, _ in config) for config in oracle.configurations(net, model)}
    scale = max(1.0, abs(truth), float(np.abs(ours.forward(inputs)).max()))
    wrong = []
    answers = {
        "search": ws.worst_case(ours, failures, inputs, spec=goal),
        "bounds": bounded(ours, failures, inputs, goal),
    }
    for name, found in answers.items():
        values = found.witness.values if name == "search" else dict(found.witness.failed)
        tolerance = max(1e-11 * scale, found.rounding)  # what "exact" says of the upper end
        equal = max(abs(found.lower - truth), abs(found.upper - truth)) <= tolerance and found.lower <= found.upper
        equal = equal and abs(replayed(net, found.witness, values, spec) - found.lower) <= tolerance
        if not equal or tuple(sorted(values)) not in allowed:
            wrong.append(f"{name} {spec}: [{found.lower!r}, {found.upper!r}] with {values}, all: {truth!r}")
    tally.finite += len(answers)
    tally.configurations += len(allowed) * len(inputs)
    return [f"{ours!r} {bridge.model(model)!r}: {line}" for line in wrong]


def interval(rng: np.random.Generator, net: oracle.Network, tally: Tally, mutant: str) -> list[str]:
    """Interval-valued failures, and boxes: nothing from below lies above."""
    lower, upper = strategies.random_box(rng, net)
    point = rng.random() < 0.4
    effects = oracle.FINITE if not point and rng.random() < 0.5 else (*oracle.NEURON, *oracle.SYNAPSE)
    model = strategies.random_model(rng, net, effects=effects, cap=60)
    inputs = lower[None] if point else oracle.box_points(lower, upper, corners=8, random=8)
    half = 0.3 if mutant == "smaller-box" else 0.5
    centre, side = (lower + upper) / 2, upper - lower
    domain = inputs if point else ws.Box(centre - half * side, centre + half * side)
    ours, failures = bridge.network(net), bridge.model(fewer(model) if mutant == "one-fewer" else model)
    found = ws.worst_case(ours, failures, domain, gap=0.01, node_limit=400, threads=1)
    most = max(map(len, oracle.patterns(net, model)))
    fine = rng.random() < 0.5 and len(GRID) ** most <= 1000  # the adversary lists all levels before it chooses
    grid = GRID if fine else (-1.0, 1.0)
    tried = oracle.adversary(net, model, inputs, grid=grid, limit=300, draws=4, seed=int(rng.integers(2**31)))
    tolerance = 1e-11 * max(1.0, abs(found.upper))
    wrong = found.lower > found.upper or tried.error > found.upper + tolerance
    witness = found.witness
    wrong |= abs(replayed(net, witness, witness.values, None) - found.lower) > tolerance
    wrong |= bool((witness.input < lower - tolerance).any() or (witness.input > upper + tolerance).any())
    tally.intervals += 1
    tally.closed += found.upper - found.lower <= 0.01 * found.upper
    if not wrong:
        return []
    return [f"{ours!r} {bridge.model(model)!r} {domain!r}: [{found.lower!r}, {found.upper!r}], tried {tried.error!r}"]


def campaign(
    networks: int, seed: int, mutant: str = "none", stop: int = 10, report: Callable[[str], None] | None = None
) -> Tally:
    """Ask networks until `stop` violations are found."""
    tally = Tally()
    for trial in range(networks):
        rng = np.random.default_rng((seed, trial))
        net = strategies.random_network(rng, dyadic=bool(rng.random() < 0.5))
        found = finite(rng, net, tally, mutant) + interval(rng, net, tally, mutant)
        tally.networks += 1
        tally.violations += tuple(found)
        if report is not None:
            for line in found:
                report(f"trial {trial}: {line}")
        if len(tally.violations) >= stop:
            break
    return tally


def main() -> int:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutant", choices=MUTANTS, default="none")
    parser.add_argument("--stop", type=int, default=10, help="violations after which to stop")
    options = parser.parse_args()
    began = time.process_time()
    tally = campaign(options.networks, options.seed, options.mutant, options.stop, partial(print, flush=True))
    print(f"{tally}; {time.process_time() - began:.0f} CPU s")
    return int(bool(tally.violations))


if __name__ == "__main__":
    sys.exit(main())
