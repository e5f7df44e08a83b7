# SPDX-License-Identifier: MIT
"""Exact worst cases of networks and counts that nobody can enumerate: time, nodes and what stays open, as a table.

    python bench/search_targets.py
    python bench/search_targets.py --only digits --runs 5

One search per input on one thread, the best of a few runs of it; medians over the inputs. Where a search met its time
limit, the row says how many inputs were closed within it, and the largest gap (upper - lower) / upper of the others.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import Case, digits, published  # noqa: E402

#: Network, failures per layer (or anywhere), seconds per search.
TARGETS: tuple[tuple[str, tuple[int, ...] | int, float], ...] = (
    ("digits", (6, 0), 60.0),
    ("digits", 6, 60.0),
    ("MNIST ReLU", 3, 60.0),
    ("MNIST ReLU", 5, 60.0),
    ("MNIST ReLU", 8, 30.0),
    ("MNIST ReLU", 10, 15.0),
    ("MNIST ReLU", 20, 30.0),
    ("MNIST sigmoid", 3, 60.0),
    ("ACAS Xu", 2, 60.0),
    ("ACAS Xu", 3, 60.0),
    ("ACAS Xu", 4, 60.0),
    ("attitude", 3, 60.0),
)
COLUMNS = (
    "network", "transmitting", "crashes", "configurations", "proved", "CPU, median", "CPU, largest", "wall, median",
    "nodes, median", "nodes, largest",
)  # fmt: skip


class Search(NamedTuple):
    """One search at one input."""

    cpu: float
    wall: float
    nodes: int
    gap: float  # 0 where it is exact
    configurations: int


def search(case: Case, count: tuple[int, ...] | int, index: int, time_limit: float) -> Search:
    """Search at one input."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = ws.worst_case(case.net, ws.Crash(count), case.inputs[index], time_limit=time_limit, threads=1)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert found.configurations is not None and found.lower <= found.upper
    gap = 0.0 if found.exact else (found.upper - found.lower) / found.upper
    return Search(cpu, wall, found.nodes, gap, found.configurations)


def best(case: Case, count: tuple[int, ...] | int, index: int, time_limit: float, runs: int) -> Search:
    """Return the quickest of several runs; one that takes long is not repeated."""
    found = search(case, count, index, time_limit)
    for _ in range(runs - 1 if found.cpu < 1.0 else 0):
        found = min(found, search(case, count, index, time_limit))
    return found


def seconds(value: float) -> str:
    """Milliseconds below one second."""
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.2g} ms" if value < 0.1 else f"{1000 * value:.0f} ms"


def transmitting(case: Case) -> str:
    """How many neurons transmit anything but 0, median over the inputs: the others may fail unnoticed."""
    values = np.hstack(case.net.trace(case.inputs)[1:-1])
    return f"{np.median(np.count_nonzero(values, axis=1)):.0f} of {case.net.n_neurons}"


def line(case: Case, count: tuple[int, ...] | int, time_limit: float, runs: int) -> str:
    """Measure one row."""
    found = [best(case, count, i, time_limit, runs) for i in range(len(case.inputs))]
    cpu, wall, nodes, _, _ = (np.array(column) for column in zip(*found))
    proved = sum(f.gap == 0.0 for f in found)
    still = f", gap ≤ {100 * max(f.gap for f in found):.2g} %" if proved < len(found) else ""
    crashes = f"{count} anywhere" if isinstance(count, int) else f"{count[0]} in layer 1"
    cells = [
        case.title, transmitting(case), crashes, f"{found[0].configurations:.3g}", f"{proved} of {len(found)}{still}",
        seconds(float(np.median(cpu))), seconds(float(cpu.max())), seconds(float(np.median(wall))),
        f"{np.median(nodes):,.0f}", f"{nodes.max():,}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print one row per target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of networks")
    options = parser.parse_args()
    cases = {case.name: case for case in (digits(options.inputs), *published(options.inputs))}
    print(f"One thread, {options.inputs} inputs. {machine.markdown()}\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for name, count, time_limit in TARGETS:
        if name in cases and (not options.only or name in options.only):
            print(line(cases[name], count, time_limit, options.runs), flush=True)


if __name__ == "__main__":
    main()
