# SPDX-License-Identifier: MIT
"""Failures as a batch dimension in PyTorch, the layers before the first one cached: crashes, changed weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from .common import NOTHING, Array, Indices, Net, Worst, by_layer, chunks, first_failing, named

Operation: TypeAlias = Callable[[Tensor], Tensor]
ROWS = 1024  # configurations x inputs at a time, the fastest of 512 .. 32256: more leaves the cache


@torch.inference_mode()  # type: ignore[untyped-decorator]
def worst(net: Net, x: Array, counts: tuple[int, ...]) -> Worst:
    """Try every configuration with exactly `counts` crashes on the inputs `x` (n, d)."""
    first, values, best = first_failing(counts), net.trace(x), NOTHING
    weights = [torch.from_numpy(w) for w in net.weights]
    biases = [torch.from_numpy(b) for b in net.biases]
    prefix, nominal = torch.from_numpy(values[first]), torch.from_numpy(values[-1])
    activate = torch.relu_ if net.activation == "relu" else torch.sigmoid_
    for rows in chunks(net, counts, max(1, ROWS // len(x))):
        failed = by_layer(counts, rows)
        y = prefix.expand(len(rows), *prefix.shape)
        for layer in range(first, len(weights)):
            if layer in failed:
                mask = torch.ones(len(rows), y.shape[-1], dtype=torch.float64)
                y = y * mask.scatter_(1, torch.from_numpy(failed[layer]), 0.0)[:, None, :]
            y = torch.nn.functional.linear(y, weights[layer], biases[layer])
            if layer < len(weights) - 1:
                activate(y)
        errors = (y - nominal).abs_().flatten(1).amax(dim=1)
        i = int(errors.argmax())
        best |= Worst(float(errors[i]), named(counts, rows[i]), len(rows))
    return best


FAILURES = 64  # a batch of single failures of a graph


@dataclass(frozen=True)
class Stage:
    """A layer of a graph: the sum of its reads, operations on earlier layers (0: the inputs), and a ReLU or not."""

    reads: tuple[tuple[int, Operation], ...]
    relu: bool


class Graph:
    """Single crashes of a graph at one input, 64 a batch; whatever does not lie behind the failed layer is cached."""

    def __init__(self, stages: Sequence[Stage], x: Tensor) -> None:
        self.stages, self.values = stages, [x[None]]
        self.parts: list[list[Tensor]] = []  # what every read of every stage delivers, nobody failing
        with torch.inference_mode():
            for stage in stages:
                self.parts.append([operation(self.values[source]) for source, operation in stage.reads])
                self.values.append(_sum(self.parts[-1], stage.relu))

    def errors(self, layer: int, neurons: Indices) -> Array:
        """Error of the crash of each of these neurons of a layer, as PyTorch numbers them."""
        with torch.inference_mode():
            batches = [torch.from_numpy(neurons[i : i + FAILURES]) for i in range(0, len(neurons), FAILURES)]
            return np.concatenate([self._batch(layer, batch).double().numpy() for batch in batches])

    def _batch(self, layer: int, neurons: Tensor) -> Tensor:
        failed = self.values[layer].repeat(len(neurons), *[1] * (self.values[layer].ndim - 1))
        failed.flatten(1).scatter_(1, neurons[:, None], 0.0)
        changed = {layer: failed}
        for n, (stage, parts) in enumerate(zip(self.stages, self.parts, strict=True), start=1):
            if n > layer and any(source in changed for source, _ in stage.reads):
                pairs = zip(stage.reads, parts, strict=True)
                now = [op(changed[source]) if source in changed else part for (source, op), part in pairs]
                changed[n] = _sum(now, stage.relu)
        return (changed[len(self.stages)] - self.values[-1]).abs_().amax(dim=1)


def _sum(parts: Sequence[Tensor], relu: bool) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total.relu() if relu else total


class Words:
    """Single changed weights of a chain of dense layers, a batch at a time; whatever lies before the weight is cached.

    Two ways to write the layer that has the weight: a product of the cached signals with a matrix for each entry of the
    batch ("baddbmm"), and the cached sums with what the weight changes added to one of them ("update").
    """

    def __init__(self, net: Net, x: Array, dtype: torch.dtype, form: str = "update", batch: int = FAILURES) -> None:
        assert form in ("baddbmm", "update"), form
        self.form, self.batch = form, batch
        self.weights = [torch.tensor(w, dtype=dtype) for w in net.weights]
        self.biases = [torch.tensor(b, dtype=dtype) for b in net.biases]
        self.activate = torch.relu_ if net.activation == "relu" else torch.sigmoid_
        self.values, self.sums = [torch.tensor(x, dtype=dtype)], []
        with torch.inference_mode():
            for w, b in zip(self.weights, self.biases, strict=True):
                self.sums.append(torch.nn.functional.linear(self.values[-1], w, b))
                self.values.append(self.activate(self.sums[-1].clone()))

    def errors(self, layer: int, to: Indices, source: Indices, words: Array) -> Array:
        """Error at the worst input of each change: this weight (to, source) of a layer (from 1) becomes this word."""
        rows, columns = torch.from_numpy(to), torch.from_numpy(source)
        values = torch.tensor(words, dtype=self.weights[0].dtype)
        with torch.inference_mode():
            parts = zip(rows.split(self.batch), columns.split(self.batch), values.split(self.batch), strict=True)
            return torch.cat([self._batch(layer - 1, *part) for part in parts]).double().numpy()

    def _batch(self, layer: int, rows: Tensor, columns: Tensor, words: Tensor) -> Tensor:
        y = (self._product if self.form == "baddbmm" else self._update)(layer, rows, columns, words)
        for w, b in zip(self.weights[layer + 1 :], self.biases[layer + 1 :], strict=True):
            y = torch.nn.functional.linear(self.activate(y), w, b)
        return (y - self.sums[-1]).abs_().flatten(1).amax(dim=1)

    def _product(self, layer: int, rows: Tensor, columns: Tensor, words: Tensor) -> Tensor:
        matrices = self.weights[layer].repeat(len(rows), 1, 1)
        matrices[torch.arange(len(rows)), rows, columns] = words
        signals = self.values[layer].expand(len(rows), -1, -1)
        return torch.baddbmm(self.biases[layer], signals, matrices.transpose(1, 2))

    def _update(self, layer: int, rows: Tensor, columns: Tensor, words: Tensor) -> Tensor:
        sums = self.sums[layer].repeat(len(rows), 1, 1)
        change = (words - self.weights[layer][rows, columns])[:, None] * self.values[layer].T[columns]
        sums[torch.arange(len(rows)), :, rows] += change
        return sums
