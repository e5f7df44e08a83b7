# SPDX-License-Identifier: MIT
"""The network as plain arrays, the configurations to try, and the answer all forms share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, product
from math import comb, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
MODELS = Path(__file__).resolve().parents[2] / "python" / "withstand" / "models"


@dataclass(frozen=True)
class Net:
    """Dense network: `weights[l-1]` (N_l, N_{l-1}), `biases[l-1]` (N_l,), linear outputs."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str  # "relu" or "logistic", the same in every hidden layer

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths N_1, ..., N_L of the hidden layers."""
        return tuple(len(b) for b in self.biases[:-1])

    def activate(self, s: Array) -> Array:
        """Write the transmitted values over the pre-activations `s`."""
        if self.activation == "relu":
            return np.fmax(s, 0.0, out=s)  # twice as fast as np.maximum in NumPy 2.4
        np.exp(np.negative(s, out=s), out=s)
        return np.reciprocal(np.add(s, 1.0, out=s), out=s)

    def trace(self, x: Array) -> list[Array]:
        """Values of layers 0 .. L + 1 on the inputs `x` (n, d), nobody failing."""
        values = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values.append(self.activate(values[-1] @ w.T + b))
        return [*values, values[-1] @ self.weights[-1].T + self.biases[-1]]


@dataclass(frozen=True)
class Worst:
    """The largest error found, one configuration that has it, and how many were tried."""

    error: float
    failed: tuple[tuple[int, int], ...]  # sorted (layer, neuron), layers from 1
    configurations: int

    def __or__(self, other: Worst) -> Worst:
        """Return the worse of two answers over disjoint configurations; the first one wins a tie."""
        top = other if other.error > self.error else self
        return Worst(top.error, top.failed, self.configurations + other.configurations)


NOTHING = Worst(-1.0, (), 0)
Form = Callable[[Net, Array, tuple[int, ...]], Worst]


def load(path: Path) -> Net:
    """Read a chain of dense layers whose file stores each weight as (N_l, N_{l-1})."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    arrays = [numpy_helper.to_array(t).astype(np.float64) for t in graph.initializer]
    weights = tuple(a for a in arrays if a.ndim == 2)
    biases = tuple(a for a in arrays if a.ndim == 1)
    inner = pairwise(weights)
    assert all(len(a) == b.shape[1] for a, b in inner), f"{path}: not a chain"
    relu = any(node.op_type == "Relu" for node in graph.node)
    return Net(weights, biases, "relu" if relu else "logistic")


def size(net: Net, counts: tuple[int, ...]) -> int:
    """Count the configurations with exactly these counts per hidden layer."""
    return prod(comb(n, k) for n, k in zip(net.hidden, counts, strict=True))


def first_failing(counts: tuple[int, ...]) -> int:
    """Return the first layer (from 1) in which something fails."""
    return next(layer for layer, k in enumerate(counts, start=1) if k)


def chunks(net: Net, counts: tuple[int, ...], length: int) -> Iterator[Indices]:
    """Yield the configurations in lexicographic order as arrays (at most `length`, sum(counts)).

    The columns are the failed neurons of the first layer, then of the second, and so on.
    """
    layers = [combinations(range(n), k) for n, k in zip(net.hidden, counts, strict=True) if k]
    rows = layers[0] if len(layers) == 1 else (chain.from_iterable(t) for t in product(*layers))
    flat, width = chain.from_iterable(rows), sum(counts)
    left = size(net, counts)
    while left:
        now = min(left, length)
        yield np.fromiter(flat, dtype=np.intp, count=now * width).reshape(now, width)
        left -= now


def by_layer(counts: tuple[int, ...], rows: Indices) -> dict[int, Indices]:
    """Return the columns of `rows` that belong to each failing layer (from 1)."""
    ends = np.cumsum(counts)
    return {
        layer: rows[:, end - k : end] for layer, (end, k) in enumerate(zip(ends, counts, strict=True), start=1) if k
    }


def named(counts: tuple[int, ...], row: Indices) -> tuple[tuple[int, int], ...]:
    """One row of `chunks` as (layer, neuron) pairs."""
    parts = by_layer(counts, row[None])
    return tuple((layer, int(i)) for layer, part in parts.items() for i in part[0])


def anywhere(form: Form, net: Net, x: Array, k: int) -> Worst:
    """Find the worst of exactly `k` crashes anywhere among the hidden neurons."""
    total = NOTHING
    for counts in product(range(k + 1), repeat=len(net.hidden)):
        if sum(counts) == k and size(net, counts):
            total |= form(net, x, counts)
    return total
