# SPDX-License-Identifier: MIT
"""Exhaustive enumeration beside the peers, one thread, CPU seconds, answers checked equal.

Run with ``pytest bench/test_enumerate.py --benchmark-group-by=param:counts``; the table for the
documentation comes from ``bench/throughput.py``.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest
from peers import chunked_numpy
from peers.common import MODELS, Array, Net, Worst, load, size

pytest.importorskip("pytest_benchmark")
ws = pytest.importorskip("withstand")


def engine(net: Net, x: Array, counts: tuple[int, ...]) -> Worst:
    """Put the package behind the signature of the peers."""
    ours = ws.Network(list(net.weights), list(net.biases), activation=net.activation)
    found = ws.enumerate_failures(ours, ws.Crash(counts, exactly=True), x, threads=1)
    replayed = ours.forward(found.witness.input, failed=found.witness.values)
    error = np.abs(replayed - ours.forward(found.witness.input)).max()
    assert error == pytest.approx(found.worst, rel=1e-12)
    return Worst(float(found.worst), tuple(found.witness.failed), int(found.configurations))


def torch_form(net: Net, x: Array, counts: tuple[int, ...]) -> Worst:
    """Run the PyTorch peer, skipped where PyTorch is not installed."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from peers import batched_torch

    return batched_torch.worst(net, x, counts)


@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=1.0)
@pytest.mark.parametrize("form", [engine, chunked_numpy.worst, torch_form], ids=["withstand", "numpy", "torch"])
@pytest.mark.parametrize("counts", [(2, 0), (1, 1), (3, 0)], ids=str)
def test_digits(benchmark, form, counts) -> None:  # type: ignore[no-untyped-def]
    """Digits 64-64-64-10, 16 inputs."""
    net = load(MODELS / "digits.onnx")
    x = np.load(MODELS / "digits_samples.npz")["samples_x"][:16]
    expected = chunked_numpy.worst(net, x, counts)
    found = benchmark(partial(form, net, x, counts))
    assert found.configurations == size(net, counts)
    assert found.error == pytest.approx(expected.error, rel=1e-9)
    seconds = benchmark.stats.stats.min if benchmark.stats else float("nan")
    benchmark.extra_info["evaluations per CPU-second"] = found.configurations * len(x) / seconds
