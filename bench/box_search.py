# SPDX-License-Identifier: MIT
"""The worst crashes over a whole box of inputs, beside HiGHS's proved optimum, as a Markdown table.

    python bench/box_search.py                                  # digits 64-32-32-10, radius 0.02, 1 and 2 crashes
    python bench/box_search.py --seconds 20 --solver-seconds 0  # the package alone

The package searches all outputs and both signs for so many seconds on two threads. HiGHS then gets the output and sign
of the package's witness, one program, and its own limit: whatever it proves of that one bounds the package's witness
from above, and what it finds bounds the package's interval from below. Both are asserted.
"""

from __future__ import annotations

import argparse
import time

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from peers.common import MODELS, load  # noqa: E402


def main() -> None:
    """Print one row for every input and number of crashes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--radius", type=float, default=0.02)
    parser.add_argument("--inputs", type=int, default=4, help="how many, from the first on")
    parser.add_argument("--k", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=60.0, help="wall time of the package")
    parser.add_argument("--gap", type=float, default=0.0, help="at which the package may stop")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--solver-seconds", type=float, default=300.0, help="wall time of HiGHS for its one program")
    options = parser.parse_args()
    net = load(MODELS / "digits_small.onnx")
    inputs = np.load(MODELS / "digits_small_samples.npz")["samples_x"][: options.inputs]
    ours = ws.Network(net.weights, net.biases, activation=net.activation)
    print(f"Radius {options.radius}. {machine.markdown()}\n")
    print("| crashes anywhere | input | withstand | gap | CPU, nodes | HiGHS, one output and sign | CPU, nodes |")
    print("|---" * 7 + "|")
    for k in options.k:
        for i, x in enumerate(inputs):
            low, high, start = x - options.radius, x + options.radius, time.process_time()
            found = ws.worst_case(
                ours,
                ws.Crash(k),
                ws.Box(low, high),
                time_limit=options.seconds,
                threads=options.threads,
                gap=options.gap,
            )
            cpu, gap = time.process_time() - start, (found.upper - found.lower) / found.upper
            cells = [str(k), str(i), f"[{found.lower:.5f}, {found.upper:.5f}]", f"{100 * gap:.2f} %"]
            cells += [f"{cpu:.2f} s, {found.nodes:,}"]
            if options.solver_seconds > 0 and found.witness is not None:
                from peers import highs_box

                w, o = found.witness, found.witness.output
                change = ours.forward(w.input, failed=w.values)[o] - ours.forward(w.input)[o]
                peer = highs_box.worst(net, low, high, k, o, 1 if change > 0 else -1, options.solver_seconds)
                assert found.lower <= peer.bound + 1e-6 * peer.bound, (found, peer)
                assert peer.error <= found.upper + 1e-9, (found, peer)
                state = "" if peer.optimal else " (open)"
                cells += [f"[{peer.error:.5f}, {peer.bound:.5f}]{state}", f"{peer.seconds:.1f} s, {peer.nodes:,}"]
            print(f"| {' | '.join([*cells, *['—'] * (7 - len(cells))])} |", flush=True)


if __name__ == "__main__":
    main()
