# SPDX-License-Identifier: MIT
"""Networks that do not wait: 10,000 simulated runs each, against bound and formula, as a Markdown table.

    python bench/quorum.py

A line is checked before it is printed: no run is further off than the bound (and the rounding of two evaluations), and
the simulated mean lies within three standard errors of the formula, where there is one. With a delay per link there is
none.
"""

from __future__ import annotations

import argparse

import machine

machine.one_thread()

import math  # noqa: E402

import withstand as ws  # noqa: E402
from networks import Case, embedded, published  # noqa: E402

LATENCIES: tuple[str | tuple[str, float], ...] = ("exponential", "uniform", ("pareto", 3.0), "lognormal")
#: Times the worst bound of a single missing signal: the budget of each network.
ROOM = 2.0


def row(case: Case, epsilon: float, latency: str | tuple[str, float], links: bool, runs: int) -> str:
    """Return a line of the table, having checked it."""
    q = ws.quorum(case.net, epsilon, case.inputs, latency=latency, links=links, runs=runs)
    assert q.observed <= q.bound + q.slack <= epsilon + q.slack
    errors = (q.simulated - q.expected) / q.standard_error
    assert math.isnan(errors) or abs(errors) <= 3
    formula = "-" if math.isnan(errors) else f"{q.expected:.4f} ({errors:+.1f})"
    expected = "-" if math.isnan(errors) else f"{q.expected_speedup:.3f}"
    cells = (case.title, q.latency.name, "link" if links else "neuron", str(q.missing), f"{q.bound:.4g}",
             f"{q.observed:.4g}", f"{q.simulated:.4f}", formula, expected, f"{q.speedup:.3f}")  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    header = ("network", "delays", "one per", "missing", "proved", "observed", "time",
              "by formula (standard errors off)", "expected speed-up", "speed-up")  # fmt: skip
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    cases = [*embedded(), *(c for c in published(16) if c.name in ("MNIST sigmoid",))]
    for case in cases:
        case = case._replace(inputs=case.inputs[:16])
        single = max(ws.bound(case.net, ws.Crash(tuple(int(n == l) for n in range(case.net.depth))), case.inputs,
                              method="signed").value for l in range(case.net.depth))  # fmt: skip
        for latency in LATENCIES:
            print(row(case, ROOM * single, latency, False, options.runs), flush=True)
        if max(case.net.widths) <= 64:  # a delay for every link is a draw for every link
            print(row(case, ROOM * single, "exponential", True, options.runs), flush=True)


if __name__ == "__main__":
    main()
