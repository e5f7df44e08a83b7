# SPDX-License-Identifier: MIT
"""Torch modules with a forward of their own, as people write them, in evaluation mode and with random parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune


class Block(nn.Module):
    """Conv, norm, relu, conv, norm, and the input or a convolution of it added."""

    def __init__(self, ins: int, outs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(ins, outs, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outs), nn.BatchNorm2d(outs)
        self.conv2 = nn.Conv2d(outs, outs, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Identity() if stride == 1 else nn.Conv2d(ins, outs, 1, stride)

    def forward(self, x: Any) -> Any:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.down(x)
        return self.relu(out)


class Residual(nn.Module):
    """A residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(Block(4, 4), Block(4, 6, 2))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        y = self.blocks(F.relu(self.bn(self.stem(x))))
        return self.head(F.adaptive_avg_pool2d(y, 1).flatten(1))


class Dense(nn.Module):
    """Every layer reads all before it, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(2 + 3 * n, 3, 3, padding="same") for n in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(2 + 3 * n) for n in range(3))
        self.head = nn.Conv2d(11, 4, 1)

    def forward(self, x: Any) -> Any:
        features = [x]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            features.append(conv(F.elu(norm(torch.cat(features, 1)), 0.5)))
        return self.head(torch.cat(features, 1)).mean((2, 3))


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


class Depthwise(nn.Module):
    """An inverted residual with a linear bottleneck."""

    def __init__(self) -> None:
        super().__init__()
        self.grow, self.bn1 = nn.Conv2d(3, 9, 1, bias=False), nn.BatchNorm2d(9)
        self.depth, self.bn2 = nn.Conv2d(9, 9, 3, padding=1, groups=9, bias=False), nn.BatchNorm2d(9)
        self.shrink, self.bn3 = nn.Conv2d(9, 3, 1, bias=False), nn.BatchNorm2d(3)
        self.head = nn.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        y = F.relu6(self.bn1(self.grow(x)))
        y = x + self.bn3(self.shrink(F.relu6(self.bn2(self.depth(y)))))
        return F.softmax(self.head(F.dropout(y, 0.2, self.training).mean([2, 3])), dim=1)


class MaxPooled(nn.Module):
    """LeNet's shape, with overlapping windows."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3)
        self.pool, self.drop = nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Dropout()
        self.fc1, self.fc2 = nn.Linear(32, 5), nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.a(x)))
        x = F.relu(F.max_pool2d(self.b(x), (2, 1)))
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(self.drop(F.relu(self.fc1(x)))), -1)


class AveragePooled(nn.Module):
    """Averages with and without the padding, over windows that do not come out even."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 3, 2), nn.Linear(12, 2)

    def forward(self, x: Any) -> Any:
        x = F.avg_pool2d(torch.tanh(self.a(x)), 3, 2, 1, ceil_mode=True, count_include_pad=False)
        x = F.avg_pool2d(F.softplus(self.b(x)), 3, 2, 1, ceil_mode=True)
        return self.head(F.adaptive_avg_pool2d(x, (2, 2)).flatten(start_dim=1))


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


class Autoencoder(nn.Module):
    """Convolutions down, transposed ones up."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.code = nn.Conv2d(1, 3, 3, 2, 1), nn.Linear(27, 4)
        self.back, self.up = nn.Linear(4, 27), nn.ConvTranspose2d(3, 1, 3, 2, 1, output_padding=1)

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.down(x))
        y = torch.tanh(self.code(torch.flatten(y, 1)))
        return torch.sigmoid(self.up(torch.relu(self.back(y)).unflatten(1, (3, 3, 3))))


class Skips(nn.Module):
    """A U with a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(n, 3, 3, padding=1) for n in (2, 3, 6))
        self.head = nn.Conv2d(3, 1, 1)

    def forward(self, x: Any) -> Any:
        a = F.selu(self.a(x))
        b = F.interpolate(F.selu(self.b(F.max_pool2d(a, 2))), scale_factor=2, mode="nearest")
        return self.head(F.selu(self.c(torch.cat([a, b], dim=1))))


class Fire(nn.Module):
    """Squeeze, then expand on two ways."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.one, self.three = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 3, padding=1)
        self.head = nn.Conv2d(6, 4, 1)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.squeeze(x), inplace=True)
        x = torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)
        return F.relu(self.head(x)).amax(dim=(-2, -1))


class Shuffle(nn.Module):
    """Half of the channels pass, then all are shuffled."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1, groups=2)
        self.norm, self.head = nn.BatchNorm2d(2), nn.Linear(4 * 9, 3)

    def forward(self, x: Any) -> Any:
        for _ in range(2):
            kept, changed = x.chunk(2, dim=1)
            x = torch.cat((kept, F.relu(self.norm(self.conv(changed)))), 1)
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        return self.head(x.flatten(1))


class Branches(nn.Module):
    """Several sizes of kernels side by side, and a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(2, 2, n, padding=n // 2) for n in (1, 3, 5))
        self.pool, self.norm, self.head = nn.MaxPool2d(3, 1, 1), nn.BatchNorm2d(8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = torch.cat([*(conv(x) for conv in self.convs), self.pool(x)], 1)
        x = F.hardsigmoid(self.norm(x))
        return self.head(x.mean(dim=(2, 3)))


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


class Grouped(nn.Module):
    """Groups, strides, dilation, a pad that repeats the edge, and slopes that were learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 6, 3, (1, 2), groups=2), nn.Conv2d(6, 4, (2, 1), dilation=2, groups=2)
        self.slope, self.head = nn.PReLU(init=0.3), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        x = self.slope(self.a(F.pad(x, (1, 1, 0, 2), mode="replicate")))
        x = F.prelu(self.b(x), self.slope.weight)
        return self.head(F.adaptive_max_pool2d(x, (1, 2)).flip(-1)[..., 0, 0])


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
