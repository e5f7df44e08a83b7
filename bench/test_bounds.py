# SPDX-License-Identifier: MIT
"""The bounds, per input, beside the same recursion in NumPy: ``pytest bench/test_bounds.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pytest_benchmark")
ws = pytest.importorskip("withstand")


@pytest.fixture(scope="module")
def case() -> tuple[Any, Any]:
    """A 784-256-256-10 ReLU network and 16 inputs."""
    rng = np.random.default_rng(0)
    shapes = ((256, 784), (256, 256), (10, 256))
    net = ws.Network([rng.normal(size=s) / np.sqrt(s[1]) for s in shapes])
    return net, rng.random((16, 784))


def numpy_matrix(net: Any, counts: tuple[int, ...], x: Any) -> float:
    """The matrix recursion in NumPy: v = K (|W| v + the f largest |W| (d - v)), one receiver per row."""
    v = np.zeros(len(x))
    for layer, (weight, values) in enumerate(zip(net.weights, net.trace(x), strict=False)):
        products = abs(weight)
        eta = products @ v
        count = counts[layer - 1] if layer else 0
        if count:
            gains = np.maximum(products * (abs(values) - v), 0)
            eta += np.partition(gains, -count, axis=1)[:, -count:].sum(axis=1)
        v = eta
    return float(v.max())


@pytest.mark.parametrize("method", ["capped", "matrix", "adjoint", "signed", "linear", "split", "tightest"])
def test_method(benchmark: Any, case: Any, method: str) -> None:
    net, X = case
    bound = benchmark(ws.bound, net, ws.Crash((2, 1)), X, method=method, threads=1)
    assert bound.value > 0


def test_matrix_in_numpy(benchmark: Any, case: Any) -> None:
    net, X = case
    values = benchmark(lambda: [numpy_matrix(net, (2, 1), x) for x in X])
    ours = ws.bound(net, ws.Crash((2, 1)), X, method="matrix").per_input
    assert ours == pytest.approx(values, rel=1e-9)


def test_fep(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = [(50, 5), *[(50, 50)] * 5, (5, 50)]
    net = ws.Network([rng.normal(size=s) for s in shapes], activation="logistic")
    failures = ws.Crash((1,) * 6)
    assert benchmark(ws.fep, net, failures).value > 0
