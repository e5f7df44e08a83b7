# SPDX-License-Identifier: MIT
"""The worst few crashes of published convolutional networks, proved.

    python bench/worst_convolutions.py                    # the first input of each network
    python bench/worst_convolutions.py --inputs 4 --enumerate

CPU seconds of one search on one thread. Every witness is replayed, in double precision and by the package's own
evaluation; every pair and triple among the worst single crashes is evaluated and must not exceed the proved upper end.
`--enumerate` tries every pair of the smallest network besides, which takes about a minute and a half.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import FOLDER  # noqa: E402
from peers.common import Array  # noqa: E402


@dataclass(frozen=True)
class Question:
    """At most so many crashes of a network, anywhere or in these layers."""

    name: str
    model: str
    crashes: int
    layers: tuple[int, ...] = ()

    def where(self, net: ws.Network) -> list[tuple[int, int]] | None:
        """Return the neurons that may fail, None for all."""
        return [(layer, n) for layer in self.layers for n in range(net.widths[layer])] or None


QUESTIONS = [
    Question("MNIST, strided", "pub6_mnist_conv_small.onnx", 1),
    Question("MNIST, pooled", "pub11_mnist_maxpool_cnn.onnx", 1),
    Question("ResNet-8", "pub9_mlperf_resnet8.h5", 1),
    Question("MNIST, strided", "pub6_mnist_conv_small.onnx", 2),
    Question("MNIST, strided", "pub6_mnist_conv_small.onnx", 3),
    Question("MNIST, pooled", "pub11_mnist_maxpool_cnn.onnx", 2),
    Question("ResNet-8", "pub9_mlperf_resnet8.h5", 2, (6, 7)),
    Question("ResNet-8", "pub9_mlperf_resnet8.h5", 3, (6, 7)),
    Question("ResNet-8", "pub9_mlperf_resnet8.h5", 2, (4, 5, 6, 7)),
]
WORST = 24  # single crashes whose sets are all evaluated
PRECISE = 1e-12  # relative: a proved interval is closed to the rounding of evaluations


def worst_singles(net: ws.Network, question: Question, x: Array) -> list[tuple[int, int]]:
    """Return the neurons whose crash alone does most."""
    single = ws.Crash(1, exactly=True, among=question.where(net))
    known = ws.enumerate_failures(net, single, x, components=True, threads=1).components
    assert known is not None
    return sorted(known, key=lambda neuron: -known[neuron].worst)[:WORST]


def check(net: ws.Network, question: Question, x: Array, found: ws.WorstCase, enumerate_all: bool) -> None:
    """Replay the witness, and hold the interval against sets that are evaluated one by one."""
    assert found.witness is not None
    replayed = float(np.abs(net.forward(x, failed=found.witness.values) - net.forward(x)).max())
    assert replayed == found.lower, (replayed, found)
    some = ws.Crash(question.crashes, among=worst_singles(net, question, x))
    tried = ws.enumerate_failures(net, some, x, threads=1)
    assert tried.worst <= found.upper + tried.rounding, (tried.worst, found)
    if enumerate_all and question.crashes == 2 and net.n_neurons < 5000:
        tried = ws.enumerate_failures(net, ws.Crash(2), x, threads=1)
        assert abs(tried.worst - found.lower) <= tried.rounding, (tried.worst, found)


def main() -> None:
    """Print one row for every question and input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=300, help="seconds of wall time of one search")
    parser.add_argument("--enumerate", action="store_true", help="try every pair of the smallest network besides")
    options = parser.parse_args()
    print(f"One search on one thread. {machine.markdown()}\n")
    print("| network | crashes | where | configurations | input | worst error | proved | CPU s | sets evaluated |")
    print("|---" * 9 + "|")
    for question in QUESTIONS:
        path = FOLDER / question.model
        net = ws.load(path)
        with np.load(FOLDER / f"{path.stem}.ref.npz") as data:
            inputs = data["x"][: options.inputs].astype(np.float64).reshape(-1, net.widths[0])
        failures = ws.Crash(question.crashes, among=question.where(net))
        for n, x in enumerate(inputs):
            start = time.process_time()
            found = ws.worst_case(net, failures, x, threads=1, time_limit=options.time_limit)
            seconds = time.process_time() - start
            check(net, question, x, found, options.enumerate)
            closed = found.upper - found.lower <= PRECISE * found.lower
            proved = "yes" if closed else f"at most {found.upper:.6g}"
            place = f"layers {question.layers[0]} to {question.layers[-1]}" if question.layers else "anywhere"
            cells = [question.name, str(question.crashes), place, f"{found.configurations:.3g}", str(n)]
            cells += [f"{found.lower:.6g}", proved, f"{seconds:.2f}", f"{found.evaluations:,}"]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
