# SPDX-License-Identifier: MIT
"""The exact worst case of at most k crashes anywhere: the package beside HiGHS, as a Markdown table.

    python bench/exact_search.py                      # digits 64-32-32-10, one input
    python bench/exact_search.py --k 2 3 --index 7

CPU seconds on one thread, the best of a few runs. Both must name a set with the same replayed
error, unless one stopped at its limit; then its column says so and shows the interval.
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


def cell(proved: Proved) -> str:
    """Write seconds and nodes, and what is open."""
    gap = "" if proved.optimal else f", open: [{proved.error:.4g}, {proved.bound:.4g}]"
    return f"{proved.seconds:.3f} s, {proved.nodes:,} nodes{gap}"


def main() -> None:
    """Print one row for every number of crashes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODELS / "digits_small.onnx")
    parser.add_argument("--samples", type=Path, default=MODELS / "digits_small_samples.npz")
    parser.add_argument("--array", default="samples_x", help="name of the inputs in --samples")
    parser.add_argument("--index", type=int, default=0, help="which input")
    parser.add_argument("--k", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 8, 10, 12])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    net, x = load(options.model), np.load(options.samples)[options.array][[options.index]]
    forms: dict[str, Callable[..., Proved]] = {"HiGHS": highs_mip.worst}
    try:
        import withstand  # noqa: F401

        forms = {"withstand": engine, **forms}
    except ModuleNotFoundError:
        pass
    print(f"{options.model.stem}, input {options.index}, one thread. {machine.markdown()}\n")
    print(f"| crashes anywhere | configurations | worst error | {' | '.join(forms)} |")
    print("|---" * (3 + len(forms)) + "|")
    for k in options.k:
        found = [best_of(options.runs, f, net, x, k, options.time_limit) for f in forms.values()]
        exact = [proved.error for proved in found if proved.optimal]
        assert not exact or np.allclose(exact, exact[0], rtol=1e-9, atol=0.0), f"{k}: {found}"
        count = sum(comb(sum(net.hidden), j) for j in range(k + 1))
        error = f"{exact[0]:.6g}" if exact else "?"
        print(f"| {k} | {count:,} | {error} | {' | '.join(map(cell, found))} |", flush=True)


if __name__ == "__main__":
    main()
