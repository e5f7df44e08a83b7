# SPDX-License-Identifier: MIT
"""Bounds on deep networks beside the exact worst case: crashes anywhere, one input, one thread.

    python bench/deep_bounds.py
    python bench/deep_bounds.py --k 1 2 3 --inputs 3 --no-search

The networks are published files (see networks.py); the autoencoder is a Keras file and needs h5py. Printed are bound
divided by exact or, with --no-search, by the bound of "split", and CPU seconds. Stops where a bound is below
the exact error.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import withstand as ws
from networks import FOLDER

#: Identifier in the manifest and a short name.
DEEP = {"pub1_acasxu_1_1": "ACAS Xu", "pub7_mlperf_ad01": "autoencoder"}
METHODS = ("signed", "linear", "split")


def timed(ask: Callable[[], float]) -> tuple[float, float]:
    """Return an answer and its CPU seconds."""
    began = time.process_time()
    return ask(), time.process_time() - began


def row(net: ws.Network, k: int, x: np.ndarray, search: bool) -> str:
    """Return a row of the table for one input."""
    found = {m: timed(lambda m=m: ws.bound(net, ws.Crash(k), x, method=m, threads=1).value) for m in METHODS}
    cells = "-"
    exact = found["split"][0]
    if search:
        truth = ws.worst_case(net, ws.Crash(k), x, threads=1)
        exact = truth.lower
        cells = f"{truth.lower:.10g} ({truth.status})"
        for method, (value, _) in found.items():
            if value < truth.lower - truth.rounding:
                raise SystemExit(f"{method}: {value!r} is below the exact error {truth.lower!r}")
    ratios = " | ".join(f"{value / exact:,.6g} | {seconds:.3f}" for value, seconds in found.values())
    return f"{k} | {cells} | {ratios} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--k", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--inputs", type=int, default=1)
    parser.add_argument("--no-search", dest="search", action="store_false")
    options = parser.parse_args()
    files = {entry["id"]: entry["file"] for entry in json.loads((FOLDER / "manifest.json").read_text())["entries"]}
    print(f"| network | input | crashes | exact | {' | '.join(f'{m} | CPU-s' for m in METHODS)} |")
    print("|---" * (4 + 2 * len(METHODS)) + "|")
    for key, name in DEEP.items():
        net = ws.load(FOLDER / files[key])
        with np.load(FOLDER / f"{key}.ref.npz") as data:
            inputs = data["x"][: options.inputs].astype(np.float64)
        for n, x in enumerate(inputs):
            for k in options.k:
                print(f"| {name} {'-'.join(map(str, net.widths))} | {n} | {row(net, k, x, options.search)}", flush=True)


if __name__ == "__main__":
    main()
