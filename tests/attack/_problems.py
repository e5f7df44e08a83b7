# SPDX-License-Identifier: MIT
"""Hard problems: networks of seeded random weights, scaled like trained ones, that no search closes in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import withstand as ws

#: At most (`exactly`: just) so many failed components, which transmit a value in the range.
Allowed = tuple[int, bool, tuple[float, float]]


@dataclass(frozen=True)
class Problem:
    """A question to `worst_case`; `enumerable` where `enumerate_failures` takes it too."""

    net: ws.Network
    failures: Any
    domain: Any
    spec: ws.Argmax | None
    allowed: Allowed

    @property
    def enumerable(self) -> bool:
        return not isinstance(self.domain, ws.Box) and bool(self.failures._space(self.net).finite)


def dense(seed: int, *sizes: int, activation: str = "relu") -> ws.Network:
    draw = np.random.default_rng(seed)
    gain = {"relu": 2.0, "tanh": 1.5, "logistic": 9.0}[activation]
    weights = [draw.normal(0, np.sqrt(gain / n), (m, n)) for n, m in zip(sizes, sizes[1:])]
    biases = [draw.normal(0, 0.1, m) for m in sizes[1:]]
    return ws.Network(weights, biases, activation=activation)


def _convolution(draw: np.random.Generator, shape: tuple[int, int, int], channels: int, size: int, stride: int) -> Any:
    """Unroll one convolution without padding of the whole of `shape` into a matrix."""
    planes, height, width = shape
    kernel = draw.normal(0, np.sqrt(2 / (planes * size * size)), (channels, planes, size, size))
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    matrix = np.zeros((channels, rows, columns, *shape))
    for r in range(rows):
        for c in range(columns):
            matrix[:, r, c, :, r * stride : r * stride + size, c * stride : c * stride + size] = kernel
    return matrix.reshape(channels * rows * columns, -1)


def convolutional(seed: int) -> ws.Network:
    """64 x 64 pixels, 2 channels of 32 x 32, 8 channels of 4 x 4, 10 outputs: 4096-2048-128-10."""
    draw = np.random.default_rng(seed)
    first, second = _convolution(draw, (1, 64, 64), 2, 2, 2), _convolution(draw, (2, 32, 32), 8, 8, 8)
    return ws.Network([first, second, draw.normal(0, np.sqrt(2 / 128), (10, 128))])


def ask(
    make: Callable[[int], ws.Network],
    failures: Any,
    allowed: Allowed,
    seed: int,
    *,
    inputs: int = 0,
    radius: float = 0.0,
    argmax: bool = False,
) -> Problem:
    net = make(seed)
    draw = np.random.default_rng(seed + 1)
    width = net.weights[0].shape[1]
    domain: Any = draw.uniform(0, 1, (inputs, width))
    if not inputs:
        middle = draw.uniform(0, 1, width)
        domain = ws.Box(middle - radius, middle + radius)
    return Problem(net, failures, domain, ws.Argmax() if argmax else None, allowed)


def _sizes(*sizes: int, activation: str = "relu") -> Callable[[int], ws.Network]:
    return lambda seed: dense(seed, *sizes, activation=activation)


def _crash(count: int, exactly: bool = False) -> tuple[Any, Allowed]:
    return ws.Crash(count, exactly=exactly), (count, exactly, (0.0, 0.0))


WIDE, WIDER = _sizes(2, 2048, 2048, 1), _sizes(2, 2048, 2048, 2048, 1)
DEEP, DEEP_TANH = _sizes(10, *[50] * 30, 1), _sizes(10, *[50] * 30, 1, activation="tanh")
DIGITS, SIGMOID = _sizes(784, 256, 256, 10), _sizes(20, 300, 300, 2, activation="logistic")
BYZANTINE = (ws.Byzantine(2, capacity=1.0), (2, False, (-1.0, 1.0)))
MIXED = (ws.Crash(2) + ws.StuckAt(2, value=1.0), (4, False, (0.0, 1.0)))

#: Each makes its problem from a seed. `small` is the one that takes no time: for trying the command itself.
PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "wide-crash-1": lambda seed: ask(WIDE, *_crash(1), seed, inputs=1),
    "wide-crash-3": lambda seed: ask(WIDE, *_crash(3), seed, inputs=4),
    "wide-synapse": lambda seed: ask(WIDE, ws.SynapseCrash(1), (1, False, (0.0, 0.0)), seed, inputs=1),
    "wide-box": lambda seed: ask(WIDE, *_crash(1), seed, radius=0.1),
    "wider-crash-1": lambda seed: ask(WIDER, *_crash(1), seed, inputs=1),
    "deep-crash-2": lambda seed: ask(DEEP, *_crash(2), seed, inputs=4),
    "deep-box": lambda seed: ask(DEEP, *_crash(1), seed, radius=0.01),
    "deep-tanh": lambda seed: ask(DEEP_TANH, *_crash(3), seed, inputs=8),
    "box-0.01": lambda seed: ask(DIGITS, *_crash(1), seed, radius=0.01),
    "box-0.1": lambda seed: ask(DIGITS, *_crash(2), seed, radius=0.1),
    "box-0.5": lambda seed: ask(DIGITS, *_crash(1), seed, radius=0.5, argmax=True),
    "thousand": lambda seed: ask(DIGITS, *_crash(5), seed, inputs=1000),
    "thousand-argmax": lambda seed: ask(DIGITS, *_crash(3), seed, inputs=1000, argmax=True),
    "thousand-exactly": lambda seed: ask(DIGITS, *_crash(4, exactly=True), seed, inputs=1000),
    "convolution": lambda seed: ask(convolutional, *_crash(2), seed, inputs=1),
    "convolution-box": lambda seed: ask(convolutional, *_crash(1), seed, radius=0.02),
    "sigmoid": lambda seed: ask(SIGMOID, *_crash(6), seed, inputs=4),
    "sigmoid-mixed": lambda seed: ask(SIGMOID, *MIXED, seed, inputs=4, argmax=True),
    "synapse": lambda seed: ask(DIGITS, ws.SynapseCrash(2), (2, False, (0.0, 0.0)), seed, inputs=4),
    "byzantine": lambda seed: ask(DIGITS, *BYZANTINE, seed, inputs=4),
    "small": lambda seed: ask(_sizes(3, 8, 6, 2), *_crash(3), seed, inputs=4),
}
