# SPDX-License-Identifier: MIT
"""The exact worst case of at most k crashes anywhere: the package beside HiGHS, as a Markdown table.

    python bench/exact_search.py                      # digits 64-32-32-10, 2 to 5 crashes, 8 inputs
    python bench/exact_search.py --k 6 8 10 12 --inputs 1

CPU seconds on one thread for one input: the best of a few runs, then the median over the inputs. On every input both
must name a set with the same replayed error, unless one stopped at its limit; then its column counts the inputs left
open. The ratio is the median over the inputs, the smallest, and that of the times of all inputs together.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from math import comb
from pathlib import Path

import machine

machine.one_thread()

import numpy as np  # noqa: E402
from peers import highs_mip  # noqa: E402
from peers.common import MODELS, Array, Net, load  # noqa: E402
from peers.highs_mip import Proved  # noqa: E402


def engine(net: Net, x: Array, k: int, time_limit: float) -> Proved:
    """Put the package behind the signature of the peer."""
    import withstand as ws

    ours, start = ws.Network(net.weights, net.biases, activation=net.activation), time.process_time()
    found = ws.worst_case(ours, ws.Crash(k), x, threads=1, time_limit=time_limit)
    seconds = time.process_time() - start
    error = highs_mip.replay(net, x[0], found.witness.failed)
    return Proved(error, found.upper, found.witness.failed, found.nodes, seconds, found.exact)


def best_of(runs: int, solve: Callable[..., Proved], *args: object) -> Proved:
    """Return the fastest of several runs."""
    return min((solve(*args) for _ in range(runs)), key=lambda proved: proved.seconds)


def cell(answers: list[Proved]) -> str:
    """Write the median seconds and nodes, and how many inputs are open."""
    seconds, nodes = (np.median([getattr(a, name) for a in answers]) for name in ("seconds", "nodes"))
    still = sum(not a.optimal for a in answers)
    return f"{seconds:.4f} s, {nodes:,.0f} nodes" + (f", {still} open" if still else "")


def same_answer(found: list[Proved]) -> float:
    """Return the optimum that all who proved one agree on."""
    exact = [proved.error for proved in found if proved.optimal]
    assert exact and np.allclose(exact, exact[0], rtol=1e-9, atol=0.0), found
    return exact[0]


def main() -> None:
    """Print one row for every number of crashes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODELS / "digits_small.onnx")
    parser.add_argument("--samples", type=Path, default=MODELS / "digits_small_samples.npz")
    parser.add_argument("--array", default="samples_x", help="name of the inputs in --samples")
    parser.add_argument("--inputs", type=int, default=8, help="how many, from the first on")
    parser.add_argument("--k", type=int, nargs="+", default=[2, 3, 4, 5])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    net, inputs = load(options.model), np.load(options.samples)[options.array][: options.inputs]
    forms: dict[str, Callable[..., Proved]] = {"HiGHS": highs_mip.worst}
    try:
        import withstand  # noqa: F401

        forms = {"withstand": engine, **forms}
    except ModuleNotFoundError:
        pass
    print(f"{options.model.stem}, {len(inputs)} inputs, one thread. {machine.markdown()}\n")
    print(f"| crashes anywhere | configurations | largest error | {' | '.join(forms)} | HiGHS / withstand |")
    print("|---" * (4 + len(forms)) + "|")
    for k in options.k:
        answers = [
            [best_of(options.runs, f, net, x[None], k, options.time_limit) for x in inputs] for f in forms.values()
        ]
        error = max(same_answer(list(found)) for found in zip(*answers, strict=True))
        count = sum(comb(sum(net.hidden), j) for j in range(k + 1))
        ratios = [b.seconds / a.seconds for a, b in zip(answers[0], answers[-1], strict=True)]
        total = sum(b.seconds for b in answers[-1]) / sum(a.seconds for a in answers[0])
        ratio = f"{np.median(ratios):.0f} (least {min(ratios):.0f}, together {total:.0f})"
        print(f"| {k} | {count:,} | {error:.6g} | {' | '.join(map(cell, answers))} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
