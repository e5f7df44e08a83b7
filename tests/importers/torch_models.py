# SPDX-License-Identifier: MIT
"""Torch modules with a forward of their own, as people write them, in evaluation mode and with random parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch_images import (
    Autoencoder,
    AveragePooled,
    Branches,
    Dense,
    Depthwise,
    Fire,
    Grouped,
    MaxPooled,
    Residual,
    Shuffle,
    Skips,
)


class Shared(nn.Module):
    """One layer in three places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        y = torch.sigmoid(self.first(x))
        for _ in range(3):
            y = torch.tanh(self.again(y))
        return self.last(y)


class Functional(nn.Module):
    """Parameters without modules."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.v = nn.Parameter(torch.randn(4, 7)), nn.Parameter(torch.randn(7, 3))
        self.b = nn.Parameter(torch.randn(7))

    def forward(self, x: Any) -> Any:
        y = F.leaky_relu(x @ self.w + self.b, 0.2)
        return 3 - (y @ self.v) / 2 + F.linear(y, self.v.t())


class TwoInputs(nn.Module):
    """Two vectors, joined late."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(3, 4), nn.Linear(2, 4), nn.Linear(12, 2)

    def forward(self, x: Any, z: Any) -> Any:
        p, q = torch.relu(self.a(x)), torch.tanh(self.b(z))
        return self.head(torch.cat([p, q, p - q], dim=-1))


class ImageAndVector(nn.Module):
    """An image, whose channels come last, and a vector; the normaliser is a part of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc, self.head = nn.Conv2d(2, 3, 3), nn.Linear(3, 4), nn.Linear(3 * 4 + 4, 2)
        self.register_buffer("mean", torch.tensor([0.4, 0.6]))
        self.register_buffer("std", torch.tensor([0.2, 0.3]), persistent=False)

    def forward(self, image: Any, speed: Any) -> Any:
        image = ((image - self.mean) / self.std).permute(0, 3, 1, 2)
        y = F.hardtanh(self.conv(image)).reshape(len(image), -1)
        return self.head(torch.cat((y, self.fc(speed).clamp(0, 1)), 1))


class Keywords(nn.Module):
    """Keyword spotting: separable convolutions over time."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 6, 5, stride=2, padding=2, bias=False)
        self.depth = nn.Conv1d(6, 6, 3, padding=1, groups=6)
        self.point = nn.Conv1d(6, 8, 1)
        self.bns = nn.ModuleList([nn.BatchNorm1d(6), nn.BatchNorm1d(6), nn.BatchNorm1d(8)])
        self.pool, self.head = nn.AvgPool1d(2), nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.bns[0](self.first(x)))
        x = F.relu(self.bns[1](self.depth(x)))
        x = self.pool(F.relu(self.bns[2](self.point(x))))
        return self.head(F.max_pool1d(x, x.shape[-1]).squeeze(-1))


class Causal(nn.Module):
    """Dilated convolutions that read the past alone."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(3, 3, 2, dilation=2**n) for n in range(3))
        self.head = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        for n, conv in enumerate(self.convs):
            x = x + F.relu(conv(F.pad(x, (2**n, 0))))
        return self.head(x[:, :, -1])


class Heads(nn.Module):
    """Several outputs, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.policy, self.value = nn.Linear(4, 6), nn.Linear(3, 2), nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        a, b = torch.split(torch.tanh(self.body(x)), [3, 3], dim=1)
        return {"policy": self.policy(a), "value": (self.value(b), a)}


class Swish(nn.Module):
    """Silu, by name and written out."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        x = F.silu(self.a(x))
        y = self.b(x)
        return self.c(y * torch.sigmoid(y) + x)


class Maxout(nn.Module):
    """The largest of three linear pieces, and of two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 15), nn.Linear(5, 4), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        y, _ = self.a(x).view(-1, 5, 3).max(dim=2)
        y = torch.maximum(torch.relu(self.b(y)), x)
        return self.c(torch.minimum(y, x * 2))


class Pruned(nn.Module):
    """Masked weights, of a convolution and of a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 3, 3), nn.Linear(27, 3)
        prune.l1_unstructured(self.conv, "weight", 0.5)
        prune.random_unstructured(self.conv, "weight", 0.2)
        prune.ln_structured(self.fc, "weight", 0.3, n=2, dim=1)

    def forward(self, x: Any) -> Any:
        return self.fc(F.relu(self.conv(x)).flatten(1))


class Parametrised(nn.Module):
    """Weights that are computed from parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.a = parametrizations.weight_norm(nn.Linear(4, 5))
        self.b = parametrizations.spectral_norm(nn.Linear(5, 5))
        self.c = parametrizations.orthogonal(nn.Linear(5, 5))
        self.d = nn.Linear(5, 2)

    def forward(self, x: Any) -> Any:
        return self.d(torch.relu(self.c(torch.relu(self.b(torch.relu(self.a(x)))))))


class Mixer(nn.Module):
    """Linear layers over tokens and over channels in turns."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.channels, self.head = nn.Linear(5, 5), nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        x = x + F.relu(self.tokens(x.transpose(1, 2))).transpose(1, 2)
        x = x + F.relu(self.channels(x))
        return self.head(x.mean(dim=1))


class Unrolled(nn.Module):
    """A cell for each step of a short sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.ins, self.state, self.head = nn.Linear(2, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        h = torch.zeros(x.shape[0], 4, dtype=x.dtype)
        for step in x.unbind(1):
            h = torch.tanh(self.ins(step) + self.state(h))
        return self.head(h)


class InPlace(nn.Module):
    """Writes into parts of tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x: Any) -> Any:
        y = self.a(x)
        y[:, 1:4] = F.relu(y[:, 1:4]) * 2
        y[:, 0].mul_(0.5)
        return self.b(y.tanh_())


#: The module, and the shapes of its inputs without the batch.
MODELS: list[tuple[Callable[[], Any], list[tuple[int, ...]]]] = [
    (Residual, [(3, 8, 8)]),
    (Dense, [(2, 5, 6)]),
    (Shared, [(5,)]),
    (Functional, [(4,)]),
    (Depthwise, [(3, 5, 5)]),
    (MaxPooled, [(1, 12, 12)]),
    (AveragePooled, [(2, 9, 8)]),
    (TwoInputs, [(3,), (2,)]),
    (ImageAndVector, [(4, 4, 2), (3,)]),
    (Keywords, [(4, 16)]),
    (Causal, [(3, 9)]),
    (Autoencoder, [(1, 6, 6)]),
    (Skips, [(2, 4, 6)]),
    (Fire, [(3, 4, 5)]),
    (Shuffle, [(4, 3, 3)]),
    (Branches, [(2, 6, 5)]),
    (Heads, [(4,)]),
    (Swish, [(4,)]),
    (Maxout, [(4,)]),
    (Pruned, [(1, 5, 5)]),
    (Parametrised, [(4,)]),
    (Mixer, [(5, 3)]),
    (Unrolled, [(4, 2)]),
    (Grouped, [(4, 5, 7)]),
    (InPlace, [(4,)]),
]


def build(kind: Callable[[], Any], seed: int = 0) -> Any:
    """Return a module with random parameters and statistics, in evaluation mode."""
    torch.manual_seed(seed)
    module = kind()
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return module.eval()


def example(shapes: list[tuple[int, ...]], count: int = 1, seed: int = 1) -> tuple[Any, ...]:
    """Return random inputs."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(count, *shape, generator=generator) for shape in shapes)
