# SPDX-License-Identifier: MIT
"""What networks are made of, as PyTorch and Keras call it; each construct stands between a tanh and a dense layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

IMAGE, ROW, SEQUENCE = (3, 6, 6), (6,), (4, 6)  # channels first; a sequence has its features last


@dataclass(frozen=True)
class Construct:
    """A construct on tensors of a shape.

    Attributes
    ----------
    torch, keras : callable or None
        Given the library, return what is called on a tensor; None where it has no such thing.
    loads : bool
        What was guessed before the files were written: that the network is read.
    end : bool
        Whether it ends the network.
    """

    shape: tuple[int, ...]
    torch: Callable[[Any], Any] | None
    keras: Callable[[Any], Any] | None
    loads: bool = True
    end: bool = False


def _sum(nn: Any) -> Any:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    return _module(nn, lambda m, x: m.part(x) + x, conv)


def _joined(nn: Any) -> Any:
    import torch

    return _module(nn, lambda m, x: torch.cat([m.part(x), x], 1), nn.Conv2d(3, 2, 1))


def _first(nn: Any, part: Any) -> Any:
    return _module(nn, lambda m, x: m.part(x)[0], part)


def _attention(nn: Any) -> Any:
    return _module(nn, lambda m, x: m.part(x, x, x)[0], nn.MultiheadAttention(6, 2, batch_first=True))


def _module(nn: Any, forward: Callable[[Any, Any], Any], part: Any) -> Any:
    module = type("Block", (nn.Module,), {"forward": forward})()
    module.part = part
    return module


def _normalised(nn: Any) -> Any:
    import torch

    def forward(m: Any, x: Any) -> Any:
        return m.part((x - m.mean) / m.std)

    module = _module(nn, forward, nn.Linear(6, 5))
    module.register_buffer("mean", torch.arange(6.0))
    module.register_buffer("std", torch.arange(1.0, 7.0))
    return module


def _adapted(layers: Any) -> Any:
    layer = layers.Normalization(mean=[0.0, 1, 2, 3, 4, 5], variance=[1.0, 2, 3, 4, 5, 6])
    return lambda x: layers.Dense(5)(layer(x))


def _attended(layers: Any) -> Any:
    layer = layers.MultiHeadAttention(2, 3)
    return lambda x: layer(x, x)


#: By name; in the order of the tables.
CONSTRUCTS: dict[str, Construct] = {
    "Linear": Construct(ROW, lambda nn: nn.Linear(6, 5), lambda l: l.Dense(5)),
    "Conv": Construct(IMAGE, lambda nn: nn.Conv2d(3, 2, 3, 2, 1), lambda l: l.Conv2D(2, 3, 2, padding="same")),
    "depthwise Conv": Construct(IMAGE, lambda nn: nn.Conv2d(3, 3, 3, groups=3), lambda l: l.DepthwiseConv2D(3)),
    "transposed Conv": Construct(
        IMAGE, lambda nn: nn.ConvTranspose2d(3, 2, 2, 2), lambda l: l.Conv2DTranspose(2, 2, 2)
    ),
    "BatchNorm": Construct(IMAGE, lambda nn: nn.BatchNorm2d(3), lambda l: l.BatchNormalization()),
    "MaxPool": Construct(IMAGE, lambda nn: nn.MaxPool2d(3, 2, 1), lambda l: l.MaxPooling2D(3, 2, padding="same")),
    "AvgPool": Construct(IMAGE, lambda nn: nn.AvgPool2d(2), lambda l: l.AveragePooling2D(2)),
    "global AvgPool": Construct(IMAGE, lambda nn: nn.AdaptiveAvgPool2d(1), lambda l: l.GlobalAveragePooling2D()),
    "global MaxPool": Construct(IMAGE, lambda nn: nn.AdaptiveMaxPool2d(1), lambda l: l.GlobalMaxPooling2D()),
    "residual Add": Construct(IMAGE, _sum, lambda l: lambda x: l.Add()([l.Conv2D(3, 3, padding="same")(x), x])),
    "Concat": Construct(IMAGE, _joined, lambda l: lambda x: l.Concatenate()([l.Conv2D(2, 1)(x), x])),
    "ReLU6": Construct(ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.ReLU6()), lambda l: l.Dense(5, "relu6")),
    "SiLU": Construct(ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.SiLU()), lambda l: l.Dense(5, "silu")),
    "GELU": Construct(ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.GELU()), lambda l: l.Dense(5, "gelu")),
    "Hardswish": Construct(
        ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.Hardswish()), lambda l: l.Dense(5, "hard_silu")
    ),
    "Softplus": Construct(
        ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.Softplus()), lambda l: l.Dense(5, "softplus")
    ),
    "PReLU, one slope": Construct(
        ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.PReLU()), lambda l: l.LeakyReLU(0.25)
    ),
    "PReLU, a slope each": Construct(
        ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), _slopes(nn)), lambda l: l.PReLU("uniform"), loads=False
    ),
    "Softmax": Construct(
        ROW, lambda nn: nn.Sequential(nn.Linear(6, 5), nn.Softmax(1)), lambda l: l.Dense(5, "softmax"), end=True
    ),
    "Dropout": Construct(ROW, lambda nn: nn.Dropout(0.3), lambda l: l.Dropout(0.3)),
    "Flatten": Construct(IMAGE, lambda nn: nn.Flatten(), lambda l: l.Flatten()),
    "normaliser": Construct(ROW, _normalised, _adapted),
    "LayerNorm": Construct(ROW, lambda nn: nn.LayerNorm(6), lambda l: l.LayerNormalization(), loads=False),
    "attention": Construct(SEQUENCE, _attention, _attended, loads=False),
    "LSTM": Construct(
        SEQUENCE, lambda nn: _first(nn, nn.LSTM(6, 3, batch_first=True)), lambda l: l.LSTM(3), loads=False
    ),
}


def _slopes(nn: Any) -> Any:
    import torch

    module = nn.PReLU(5)
    module.weight.data = torch.arange(1.0, 6.0) / 10
    return module
