# SPDX-License-Identifier: MIT
"""Torch modules on images with a forward of their own, as people write them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


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
