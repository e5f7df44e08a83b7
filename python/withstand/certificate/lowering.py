# SPDX-License-Identifier: MIT
"""A network as the checker sees it: matrices, one after the other. A graph becomes such a chain with wires.

Written for the checker alone: the matrices of convolutions and selections are laid out here entry by entry, from their
definitions, and share no code with the core.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.activation_lines import Phi, Wired
from withstand.certificate.budget import Rejected
from withstand.model.activations import Activation
from withstand.model.graph import bias_of
from withstand.model.layout import Layout
from withstand.model.maps import Conv, Map, Select, Shape
from withstand.model.network import Network

#: Entries that all matrices together may have.
ENTRIES = 50_000_000


@dataclass(frozen=True)
class Chain:
    """y^(l) = phi_l(W^(l) y^(l-1) + b^(l)); behind a layer's own neurons are wires, which are as they are.

    `numbers` says what users call the layers 0..L+1, -1 for those that cannot fail.
    """

    weights: Sequence[FloatArray]
    biases: Sequence[FloatArray]
    phis: Sequence[Phi | Wired]
    numbers: Sequence[int]


def lowered(net: Network) -> Chain:
    """Return the chain of a network.

    Raises
    ------
    Rejected
        Where its matrices would hold more than `ENTRIES`.
    """
    if net._arrays is not None:
        plain = [_phi(a) for a in (*net.activations, net.output_activation)]
        return Chain(net.weights, net.biases, plain, range(len(plain) + 1))
    layout = net._described()
    sizes, held = [math.prod(shape) for shape in layout.shapes], _held(layout)
    widths = [sum(sizes[s] for s in sources) for sources in held]
    entries = sum(a * b for a, b in itertools.pairwise(widths))
    if entries > ENTRIES:
        raise Rejected(f"the network's matrices have {entries:,} entries, the checker lays out {ENTRIES:,}")
    weights, biases = [], []
    phis: list[Phi | Wired] = []
    for n, (layer, starts) in enumerate(zip(layout.given, columns(layout)), 1):
        weight, bias = np.zeros((widths[n], widths[n - 1])), np.zeros(widths[n])
        for source, kind in layer.reads:
            at = starts[source]
            weight[: sizes[n], at : at + sizes[source]] += matrix(kind, layout.shapes[source])
        bias[: sizes[n]] = bias_of(layer, layout.shapes[n])
        row = sizes[n]
        for source in held[n][1:]:
            weight[row : row + sizes[source], starts[source] : starts[source] + sizes[source]] = np.eye(sizes[source])
            row += sizes[source]
        phi = _phi(layer.activation)
        weights.append(weight)
        biases.append(bias)
        phis.append(phi if widths[n] == sizes[n] else Wired(phi, sizes[n]))
    return Chain(weights, biases, phis, [layout.numbers.get(n, -1) for n in range(len(sizes))])


def columns(layout: Layout) -> list[dict[int, int]]:
    """Return for every stage the column at which each source that it may read begins in its matrix."""
    sizes = [math.prod(shape) for shape in layout.shapes]
    return [dict(zip(held, itertools.accumulate([0, *(sizes[s] for s in held)]))) for held in _held(layout)[:-1]]


def _held(layout: Layout) -> list[list[int]]:
    """Return what the signals behind every stage are: its own, then those on wires that are still to be read."""
    count = len(layout.shapes)
    last = [max((n for n, layer in enumerate(layout.given, 1) if any(s == source for s, _ in layer.reads)), default=0)
            for source in range(count)]  # fmt: skip
    return [[n] + [s for s in range(n) if last[s] > n] for n in range(count)]


def matrix(kind: Map, source: Shape) -> FloatArray:
    """Return the matrix of a map that reads a source of this shape."""
    total = math.prod(source)
    if kind is None:
        return np.eye(total)
    if isinstance(kind, Select):
        found = np.zeros((kind.index.size, total))
        factors = np.ones(kind.index.size) if kind.weight is None else kind.weight.reshape(-1)
        for j, i in enumerate(kind.index.reshape(-1).tolist()):
            if i >= 0:
                found[j, i] = factors[j]
        return found
    return _convolution(kind, source) if isinstance(kind, Conv) else kind


def _convolution(conv: Conv, source: Shape) -> FloatArray:
    found = np.zeros((math.prod(conv.shape(source)), math.prod(source)))
    for entry, row, column in taps(conv, source):
        found[row, column] += conv.kernel[entry]
    return found


def taps(conv: Conv, source: Shape) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Yield every use of an entry of a kernel: the entry, the receiver and the sender."""
    last = conv.channel_axis == -1
    result = conv.shape(source)
    image, places = (source[:-1], result[:-1]) if last else (source[1:], result[1:])
    reads, writes = conv.kernel.shape[1], len(conv.kernel) // conv.groups
    for place in np.ndindex(*places):
        for tap in np.ndindex(*conv.kernel.shape[2:]):
            at = tuple(
                p * step - before + t * wide
                for p, t, step, wide, (before, _) in zip(place, tap, conv.stride, conv.dilation, conv.padding)
            )
            if any(a < 0 or a >= size for a, size in zip(at, image)):
                continue
            for o, c in itertools.product(range(len(conv.kernel)), range(reads)):
                channel = o // writes * reads + c
                row = np.ravel_multi_index((*place, o) if last else (o, *place), result)
                column = np.ravel_multi_index((*at, channel) if last else (channel, *at), source)
                yield (o, c, *tap), int(row), int(column)


def _phi(activation: Activation) -> Phi:
    return Phi(activation.name, activation.gain, activation.slope or 0.0)
