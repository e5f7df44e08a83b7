# SPDX-License-Identifier: MIT
"""How far every bound is from the truth: bound / exact worst error, one row per count of crashes.

    python bench/tightness.py                                 # the embedded digits network, 16 held-out inputs
    python bench/tightness.py model.onnx --inputs x.npy       # another network
    python bench/tightness.py --plot tightness.svg

The truth is `worst_case` per input. Where its interval did not close within the node limit (marked with *) it is the
replayed witness, and ratios are upper estimates. Ratios are of the maximum over the inputs. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import withstand as ws

METHODS = ("fep", "at-most", "capped", "matrix", "adjoint", "signed", "linear", "tightest")


def truth(net: ws.Network, failures: ws.Failures, X: Any, nodes: int) -> tuple[float, float, bool]:
    """Witnessed and proved worst error over the inputs, and whether they meet for every input."""
    results = [ws.worst_case(net, failures, x[None], node_limit=nodes) for x in X]
    return max(r.lower for r in results), max(r.upper for r in results), all(r.exact for r in results)


def row(net: ws.Network, counts: int | tuple[int, ...], X: Any, nodes: int) -> dict[str, Any]:
    """Ratios of all methods, and the milliseconds that each took per input."""
    failures = ws.Crash(counts)
    witnessed, proved, exact = truth(net, failures, X, nodes)
    cells: dict[str, Any] = {"counts": counts, "worst": witnessed, "exact": exact, "proved": proved}
    for method in METHODS:
        model = ws.Crash(counts, exactly=True) if method == "fep" else failures
        began = time.process_time()
        value = ws.bound(net, model, X, method=method, threads=1).value
        seconds = (time.process_time() - began) / len(X)
        if method != "fep" and value < witnessed * (1 - 1e-9):
            raise SystemExit(f"{method}: bound {value!r} below the witnessed error {witnessed!r}")
        cells[method] = (value / witnessed, 1e3 * seconds)
    return cells


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: ratios, then the time of the last row."""
    lines = ["| crashes | worst error | " + " | ".join(METHODS) + " |", "|---" * (2 + len(METHODS)) + "|"]
    for cells in rows:
        ratios = " | ".join(f"{cells[m][0]:.3g}" if cells[m][0] >= 10 else f"{cells[m][0]:.3f}" for m in METHODS)
        lines.append(f"| {cells['counts']} | {cells['worst']:.6g}{'' if cells['exact'] else '*'} | {ratios} |")
    times = " | ".join(f"{rows[-1][m][1]:.2g}" for m in METHODS)
    lines.append(f"| ms per input, last row | | {times} |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: str) -> None:
    """Draw bound / worst error over the count, one line per method."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for method in METHODS[1:-1]:
        axes.plot([str(r["counts"]) for r in rows], [r[method][0] for r in rows], marker="o", label=method)
    axes.set(yscale="log", xlabel="crashes", ylabel="bound / worst error")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def main() -> int:
    """Print the table of one network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", default="digits", help="an embedded network or a file")
    parser.add_argument("--inputs", help=".npy with inputs (n, d); default: the embedded ones, or random in [0, 1]")
    parser.add_argument("--n", type=int, default=16, help="inputs to take")
    parser.add_argument("--k", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--nodes", type=int, default=2000, help="node limit of the exact search")
    parser.add_argument("--plot", metavar="FILE", help="draw the table, too")
    options = parser.parse_args()
    if Path(options.model).exists():
        net = ws.load(options.model)
        X = np.load(options.inputs) if options.inputs else np.random.default_rng(0).random((options.n, net.widths[0]))
    else:
        net, X, _ = ws.embedded(options.model)
    X = X[: options.n]
    first = [row(net, (k, *(0,) * (net.depth - 1)), X, options.nodes) for k in options.k]
    anywhere = [row(net, k, X, options.nodes) for k in options.k]
    print(f"{net!r}, {len(X)} inputs\n\n{table(first)}\n\n{table(anywhere)}")
    if options.plot:
        plot(first, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
