# SPDX-License-Identifier: MIT
"""Random forwards of many operators in any order, against torch in double precision."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from built_graphs import as_graph
from oracle.graph import evaluate_graph
from withstand.importers import UnsupportedModel, read

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

ACTIVATIONS = [
    torch.relu, torch.tanh, torch.sigmoid, F.relu6, F.silu, F.softplus, F.selu, F.elu, F.hardtanh, F.hardsigmoid,
    F.leaky_relu, lambda x: x * torch.sigmoid(x), lambda x: x.clamp(0, 1), lambda x: torch.clamp_min(x, 0),
]  # fmt: skip


class Random(nn.Module):
    """A forward that is drawn once: a list of steps, each a function of earlier tensors."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng, self.steps = rng, []
        self.layers = nn.ModuleList()
        axes = rng.choice([0, 1, 1, 2, 2])
        self.shape = (rng.randint(1, 4), *(rng.randint(3, 7) for _ in range(axes)))
        shapes = [(1, *self.shape)]
        tensors = [torch.zeros(shapes[0], dtype=torch.float64)]
        wanted = rng.randint(4, 10)
        for _ in range(60):
            if len(self.steps) == wanted:
                break
            step = self.draw(tensors)
            try:
                result = step(tensors)
            except (RuntimeError, IndexError, ValueError):  # does not fit these shapes
                continue
            if 0 < result.numel() <= 600 and result.ndim and result.shape[0] == 1 and result.dtype == torch.float64:
                self.steps.append(step)
                tensors.append(result.detach())
        last = tensors[-1]
        self.add(nn.Linear(last[0].numel(), 4)), self.add(nn.Linear(4, 2))

    def add(self, layer: Any) -> int:
        self.layers.append(layer.double().eval())
        for name, parameter in layer.named_parameters():
            nn.init.normal_(parameter, std=0.5 if "weight" in name else 0.3)
        if hasattr(layer, "running_mean"):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
        return len(self.layers) - 1

    def draw(self, tensors: list[Any]) -> Any:
        rng = self.rng
        at = rng.choice([len(tensors) - 1, len(tensors) - 1, rng.randrange(len(tensors))])
        t = tensors[at]
        kind = rng.choice(["layer", "layer", "activation", "activation", "norm", "pool", "move", "two", "arithmetic"])
        one = getattr(self, "draw_" + kind)(t)
        if kind == "two":
            other = rng.randrange(len(tensors))
            return lambda all_: one(all_[at], all_[other])
        return lambda all_: one(all_[at])

    def draw_activation(self, t: Any) -> Any:
        return self.rng.choice(ACTIVATIONS)

    def draw_norm(self, t: Any) -> Any:
        kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
        n = self.add(kinds[t.ndim](t.shape[1])) if t.ndim in kinds else None
        return (lambda x: self.layers[n](x)) if n is not None else torch.neg

    def draw_layer(self, t: Any) -> Any:
        rng, c = self.rng, t.shape[1] if t.ndim > 1 else 1
        if t.ndim in (3, 4) and rng.random() < 0.8:
            groups = rng.choice([1, 1, c])
            options = {"stride": rng.choice([1, 1, 2]), "padding": rng.choice([0, 1, 1]), "groups": groups}
            kinds = [(nn.Conv1d, nn.ConvTranspose1d), (nn.Conv2d, nn.ConvTranspose2d)][t.ndim - 3]
            kind = kinds[rng.random() < 0.15]
            if kind in (nn.Conv1d, nn.Conv2d):
                options |= {"dilation": rng.choice([1, 1, 2])}
            n = self.add(kind(c, groups * rng.randint(1, 3), rng.choice([1, 2, 3]), bias=rng.random() < 0.7, **options))
        else:
            n = self.add(nn.Linear(t.shape[-1], rng.randint(1, 5), bias=rng.random() < 0.7))
        return lambda x: self.layers[n](x)

    def draw_pool(self, t: Any) -> Any:
        rng, axes = self.rng, t.ndim - 2
        size, stride, pad = rng.choice([2, 3]), rng.choice([None, 1, 2]), rng.choice([0, 1])
        ceil, count, keep, out = rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5, rng.randint(1, 3)
        dims = sorted(rng.sample(range(1, max(2, t.ndim)), rng.randint(1, max(1, t.ndim - 1))))
        if axes not in (1, 2) or rng.random() < 0.3:
            reduce = rng.choice([torch.mean, torch.amax, torch.sum])
            return lambda x: reduce(x, dims, keep)
        most, mean, adapt, adapt_most = [
            (F.max_pool1d, F.avg_pool1d, F.adaptive_avg_pool1d, F.adaptive_max_pool1d),
            (F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d),
        ][axes - 1]
        return rng.choice([
            lambda x: most(x, size, stride, pad, ceil_mode=ceil),
            lambda x: mean(x, size, stride, pad, ceil, count),
            lambda x: adapt(x, out),
            lambda x: adapt_most(x, out),
        ])  # fmt: skip

    def draw_move(self, t: Any) -> Any:
        rng = self.rng
        order = [0, *rng.sample(range(1, t.ndim), t.ndim - 1)]
        dim, size = rng.randrange(1, max(2, t.ndim)), t.shape[-1]
        start, step, many = rng.randint(0, 2), rng.choice([1, 1, 2]), rng.randint(1, 3)
        picks = torch.tensor([rng.randrange(size) for _ in range(rng.randint(1, 4))])
        pads = [rng.randint(-1, 2) for _ in range(2 * rng.randint(1, max(1, t.ndim - 1)))]
        mode, value = rng.choice(["reflect", "replicate", "circular"]), rng.choice([0.0, 0.0, 0.7])
        return rng.choice([
            lambda x: x.permute(order),
            lambda x: x.flatten(1),
            lambda x: x.narrow(dim, start, x.shape[dim] - start),
            lambda x: x[..., start::step],
            lambda x: x.flip(-1, dim),
            lambda x: x.roll(start, dim),
            lambda x: x[..., picks],
            lambda x: x.unsqueeze(dim),
            lambda x: x.squeeze(),
            lambda x: F.pad(x, pads, value=value),
            lambda x: F.pad(x, (1, 2) * (x.ndim - 2), mode=mode),
            lambda x: x.unsqueeze(1).expand(-1, many, *x.shape[1:]),
            lambda x: x.repeat(*[1] * (x.ndim - 1), many),
            lambda x: x.transpose(1, -1).contiguous().view(1, -1),
            lambda x: x.select(dim, -1),
            lambda x: torch.cat(list(reversed(x.chunk(2, dim))), dim),
            lambda x: torch.stack(x.unbind(dim)[::-1], -1),
            lambda x: x.tril(-1) if x.ndim == 9 else x.reshape(1, -1, x.shape[1]),
        ])  # fmt: skip

    def draw_two(self, t: Any) -> Any:
        dim = self.rng.randrange(1, max(2, t.ndim))
        return self.rng.choice([
            lambda x, y: x + y,
            lambda x, y: x - 2 * y,
            lambda x, y: torch.add(x, y, alpha=-0.5),
            lambda x, y: torch.cat([x, y, x], dim),
            lambda x, y: torch.maximum(x, y),
            lambda x, y: torch.minimum(x, y),
            lambda x, y: torch.cat([x.flatten(1), y.flatten(1)], 1),
        ])  # fmt: skip

    def draw_arithmetic(self, t: Any) -> Any:
        factor = torch.randn(t.shape[-1], dtype=torch.float64)
        matrix = torch.randn(t.shape[-1], 3, dtype=torch.float64)
        left = torch.randn(2, t.shape[-2] if t.ndim > 1 else 1, dtype=torch.float64)
        return self.rng.choice([
            lambda x: x * factor + 1,
            lambda x: 1 - x / 3,
            lambda x: x / (factor.abs() + 1),
            lambda x: x @ matrix,
            lambda x: left @ x,
            lambda x: x.mul(2).add(factor, alpha=2).sub(0.5),
            lambda x: torch.cat([x, factor.expand_as(x)], -1),
        ])  # fmt: skip

    def forward(self, x: Any) -> Any:
        tensors = [x]
        for step in self.steps:
            tensors.append(step(tensors))
        y = tensors[-1]
        return self.layers[-1](torch.tanh(self.layers[-2](y.reshape(1, -1))))


@pytest.mark.parametrize("seed", range(30))
def test_random_forwards(seed: int) -> None:
    torch.manual_seed(seed)
    module = Random(random.Random(seed)).eval()
    inputs = torch.randn(1, *module.shape, dtype=torch.float64)
    try:
        net = read(module, inputs=inputs)
    except UnsupportedModel as error:
        # an axis of size 1 that a squeeze has left in front; a window that is larger than the image, rounded up
        assert "the batch" in str(error) or "has a window that reaches over" in str(error)
        return
    rows = torch.randn(3, *module.shape, dtype=torch.float64)
    theirs = torch.cat([module(row[None]) for row in rows]).detach().numpy()
    ours = evaluate_graph(*as_graph(net), rows.numpy().reshape(3, math.prod(module.shape)))
    assert np.abs(ours - theirs).max() <= 1e-7 * (1 + np.abs(theirs).max())
