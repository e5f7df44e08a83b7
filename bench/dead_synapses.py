# SPDX-License-Identifier: MIT
"""The worst dead synapses anywhere in digits 64-32-32-10, at one input: the package beside HiGHS, as a Markdown table.

    python bench/dead_synapses.py                 # 2, 3, 5 and 8 of 3,392
    python bench/dead_synapses.py --k 2 3 --peer-limit 20

CPU seconds on one thread. The package searches all outputs and both signs; HiGHS solves the one program of the output
and sign that the worst case has, of twenty that it would take. Both must name sets that do the same, unless HiGHS met
its limit: then what it has is an interval, which must hold what the package proved. A second table: other networks, the
package alone, at the first input of each.
"""

from __future__ import annotations

import argparse
import time

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import digits, published  # noqa: E402
from peers import highs_synapses  # noqa: E402
from peers.common import MODELS, load  # noqa: E402


def elsewhere(limit: float) -> None:
    """Print one row for every other network and number of dead synapses."""
    print("\n| network | dead | worst error | proved | CPU s |\n" + "|---" * 5 + "|")
    for case in (digits(1), *published(1)):
        for k in (2, 3, 5):
            start = time.process_time()
            found = ws.worst_case(case.net, ws.SynapseCrash(k), case.inputs, threads=1, time_limit=limit)
            seconds = time.process_time() - start
            assert found.witness is not None
            outputs = case.net.forward(found.witness.input, failed=found.witness.values)
            assert np.abs(outputs - case.net.forward(found.witness.input)).max() == found.lower
            proved = "yes" if found.exact else f"at most {found.upper:.6g}"
            print(f"| {case.title} | {k} | {found.lower:.6g} | {proved} | {seconds:.3f} |", flush=True)


def main() -> None:
    """Print one row for every number of dead synapses."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--k", type=int, nargs="+", default=[2, 3, 5, 8])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer-limit", type=float, default=60.0, help="seconds of one program")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of a search of the second table")
    options = parser.parse_args()
    net = load(MODELS / "digits_small.onnx")
    x = np.load(MODELS / "digits_small_samples.npz")["samples_x"][0]
    ours = ws.Network(net.weights, net.biases, activation=net.activation)
    print(f"{machine.markdown()}\n")
    print("| dead | worst error | proved | withstand CPU s | HiGHS, one of 20 programs | its CPU s | ratio to one |")
    print("|---" * 7 + "|")
    for k in options.k:
        seconds = []
        for _ in range(options.runs):
            start = time.process_time()
            found = ws.worst_case(ours, ws.SynapseCrash(k), x, threads=1)
            seconds.append(time.process_time() - start)
        assert found.witness is not None
        output, sets = found.witness.output, list(found.witness.failed)
        change = highs_synapses.replay(net, x, sets)[output] - net.trace(x[None])[-1][0, output]
        assert np.isclose(abs(change), found.lower, rtol=1e-12), (change, found)
        peer = highs_synapses.worst(net, x, k, output, int(np.sign(change)), options.peer_limit)
        same = np.isclose(peer.error, found.lower, rtol=1e-9)
        assert same if peer.optimal else peer.error <= found.upper and found.lower <= peer.bound, (peer, found)
        said = "the same set" if peer.optimal else f"[{peer.error:.4g}, {peer.bound:.4g}] at its limit"
        cells = [str(k), f"{found.lower:.6g}", "yes" if found.exact else f"at most {found.upper:.6g}"]
        cells += [f"{min(seconds):.4f}", said, f"{peer.seconds:.2f}", f"{peer.seconds / min(seconds):,.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    elsewhere(options.limit)


if __name__ == "__main__":
    main()
