# SPDX-License-Identifier: MIT
"""Masks as a batch dimension in PyTorch, the layers before the first failure cached: chains (float64) and graphs."""

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
