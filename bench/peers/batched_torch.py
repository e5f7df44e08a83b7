# SPDX-License-Identifier: MIT
"""Masks as a batch dimension in PyTorch, float64, the layers before the first failure cached."""

from __future__ import annotations

import torch

from .common import NOTHING, Array, Net, Worst, by_layer, chunks, first_failing, named

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
