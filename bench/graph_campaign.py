# SPDX-License-Identifier: MIT
"""Random graphs of layers: bounds against every configuration, and graphs against their dense twins.

    python bench/graph_campaign.py --networks 20000 --pairs 500 --seed 1

Networks are those of tests/random_graphs.py: convolutions, selections, several reads, layers that cannot fail. Of
each, at one input, every configuration of one or two crashes, at most or exactly, is enumerated, and the worst of them
evaluated by definition; every bound method must be at least as much, and the exact search equal. Of the pairs, a graph
and the same graph with every map as a matrix must have the same intervals, statistics and certificate verdicts. Prints
a line for every violation, and the numbers; exit code 1 if there was one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import withstand as ws

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from random_graphs import dense_twin, evaluate, random_graph

METHODS = ("fep", "at-most", "capped", "matrix", "signed", "adjoint", "linear", "split", "tightest")


class Tally:
    """What was checked, and what was wrong."""

    def __init__(self) -> None:
        self.checked, self.wrong = 0, 0

    def check(self, holds: bool, what: str) -> None:
        self.checked += 1
        if not holds:
            self.wrong += 1
            print(f"VIOLATION {what}", flush=True)


def one(seed: int, index: int, tally: Tally) -> None:
    """Check the bounds and the search of one network."""
    rng = np.random.default_rng((seed, index))
    net = random_graph(rng)
    k, exactly = min(int(rng.integers(1, 3)), net.n_neurons), bool(rng.random() < 0.4)
    x = rng.normal(size=net.widths[0])
    failures, name = ws.Crash(k, exactly=exactly), f"{seed}:{index} Crash({k}, exactly={exactly})"
    found = ws.enumerate_failures(net, failures, x, threads=1)
    room = 1e-9 * (1 + found.worst) + found.rounding
    values = {} if found.witness is None else found.witness.values
    harm = float(np.abs(evaluate(net, x, values) - evaluate(net, x)).max())
    tally.check(abs(harm - found.worst) <= room, f"{name}: worst {found.worst!r}, by definition {harm!r}")
    for method in METHODS:
        if (method == "at-most" and exactly) or (method == "fep" and not exactly):
            continue
        value = ws.bound(net, failures, x, method=method).value
        tally.check(value >= found.worst - room, f"{name}: {method} {value!r} < {found.worst!r}")
    exact = ws.worst_case(net, failures, x, threads=1)
    tally.check(exact.lower == found.worst or abs(exact.lower - found.worst) <= room,
                f"{name}: search {exact.lower!r}, enumeration {found.worst!r}")  # fmt: skip
    tally.check(exact.upper >= found.worst - room, f"{name}: upper {exact.upper!r} < {found.worst!r}")


def pair(seed: int, index: int, tally: Tally, folder: Path) -> None:
    """Check a network against its dense twin."""
    rng = np.random.default_rng((seed, 1, index))
    net = random_graph(rng)
    twin = dense_twin(net)
    k, x = min(int(rng.integers(1, 3)), net.n_neurons), rng.normal(size=net.widths[0])
    name = f"pair {seed}:{index} Crash({k})"
    one, other = (ws.worst_case(n, ws.Crash(k), x, threads=1, certificate=folder / f"{m}.json")
                  for m, n in enumerate((net, twin)))  # fmt: skip
    room = 1e-9 * (1 + one.upper) + one.rounding + other.rounding
    tally.check(abs(one.lower - other.lower) <= room and abs(one.upper - other.upper) <= room,
                f"{name}: [{one.lower!r}, {one.upper!r}] and [{other.lower!r}, {other.upper!r}]")  # fmt: skip
    mine, theirs = (ws.enumerate_failures(n, ws.Crash(k), x, threads=1) for n in (net, twin))
    near = abs(mine.mean - theirs.mean) <= room and abs(mine.worst - theirs.worst) <= room
    tally.check(near and mine.configurations == theirs.configurations, f"{name}: statistics")
    valid = [ws.check_certificate(folder / f"{m}.json", n).valid for m, n in enumerate((net, twin))]
    tally.check(valid == [True, True], f"{name}: certificates {valid}")


def main() -> int:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    tally, started = Tally(), time.perf_counter()
    for index in range(asked.networks):
        one(asked.seed, index, tally)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(asked.pairs):
            pair(asked.seed, index, tally, Path(folder))
    seconds = time.perf_counter() - started
    print(f"{asked.networks:,} networks and {asked.pairs:,} pairs, seed {asked.seed}: {tally.checked:,} checked, "
          f"{tally.wrong} violations, {seconds:.0f} s")  # fmt: skip
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
