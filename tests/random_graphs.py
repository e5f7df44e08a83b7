# SPDX-License-Identifier: MIT
"""Random graphs of layers: several reads, convolutions, selections, layers that cannot fail; and their dense twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import withstand as ws

SHAPES = ("relu", "relu6", "leaky_relu", "hard_tanh", "clip", "identity", "tanh", "logistic", "silu")


def activation(rng: np.random.Generator, smooth: bool) -> ws.Activation:
    name = str(rng.choice(SHAPES if smooth else SHAPES[:6]))
    return ws.Activation(name, float(rng.choice([1.0, 1.0, 0.5, 1.75])), 0.125 if name == "leaky_relu" else None)


def random_map(rng: np.random.Generator, source: tuple[int, ...], size: int | None) -> tuple[Any, tuple[int, ...]]:
    """Return a map and the shape of its result, which has `size` neurons if that is given."""
    total = int(np.prod(source))
    kinds = ["dense", "select"] + ["conv"] * (3 * (size is None and len(source) == 3))
    kind = str(rng.choice(kinds)) if size != total else str(rng.choice([*kinds, "same", "same"]))
    if kind == "same":
        return None, source
    if kind == "conv":
        channels, *image = source
        groups = channels if rng.random() < 0.25 else 1
        out = groups * int(rng.integers(1, 3))
        side = int(rng.integers(1, min(3, *image) + 1))
        kernel = rng.normal(size=(out, channels // groups, side, side))
        conv = ws.Conv(kernel, stride=int(rng.integers(1, 3)), padding=int(rng.integers(0, 2)), groups=groups)
        return conv, conv.shape(source)
    shape = (size,) if size is not None else (int(rng.integers(1, 5)),)
    if kind == "select":
        index = rng.integers(-1, total, size=shape)
        return ws.Select(index, rng.choice([1.0, 0.5, -1.5], size=shape) if rng.random() < 0.5 else None), shape
    return rng.normal(size=(*shape, total)), shape


def random_graph(rng: np.random.Generator, *, smooth: bool = True, images: bool = True) -> ws.Network:
    """Return a small network; at least one of its hidden layers may fail."""
    shape = (int(rng.integers(1, 3)), 3, 3) if images and rng.random() < 0.6 else (int(rng.integers(1, 4)),)
    shapes, layers = [shape], []
    count = int(rng.integers(2, 5))
    for n in range(1, count + 1):
        sources = [n - 1] if rng.random() < 0.5 else sorted(set(rng.integers(0, n, size=2).tolist()) | {n - 1})
        size: int | None = int(rng.integers(1, 4)) if n == count else None
        reads, own = [], None
        for source in sources[::-1]:
            kind, found = random_map(rng, shapes[source], size)
            own, size = own or found, int(np.prod(found))
            reads.append((source, kind))
        if rng.random() < 0.2:  # one source twice, as in a maximum: b + relu(a - b)
            source = reads[0][0]
            index = rng.integers(-1, int(np.prod(shapes[source])), size=own)
            reads.append((source, ws.Select(index, np.full(own, -1.0))))
        bias = rng.normal(size=size) * 0.5 if rng.random() < 0.7 else None
        last = n == count
        phi = ws.Activation("identity") if last and rng.random() < 0.7 else activation(rng, smooth)
        fails = bool(last or rng.random() < 0.75 or n == 1)
        layers.append(ws.Layer(reads, bias, phi, may_fail=fails, shape=own))
        shapes.append(own)
    return ws.Network(layers=layers, shape=shape)


def matrix_of(kind: Any, source: tuple[int, ...]) -> np.ndarray:
    """Return the matrix of a map, entry by entry."""
    total = int(np.prod(source))
    if kind is None:
        return np.eye(total)
    if isinstance(kind, ws.Select):
        matrix = np.zeros((kind.index.size, total))
        for j, i in enumerate(kind.index.reshape(-1)):
            if i >= 0:
                matrix[j, i] = 1.0 if kind.weight is None else kind.weight.reshape(-1)[j]
        return matrix
    if not isinstance(kind, ws.Conv):
        return np.asarray(kind)
    columns = [convolve(kind, unit.reshape(source)).reshape(-1) for unit in np.eye(total)]
    return np.array(columns).T


def convolve(conv: ws.Conv, image: np.ndarray) -> np.ndarray:
    """Return a convolution of an image with channels first, by its definition."""
    assert conv.channel_axis == 0
    padded = np.pad(image, ((0, 0), *conv.padding))
    result = np.zeros(conv.shape(image.shape))
    per_group, out = conv.kernel.shape[1], len(conv.kernel) // conv.groups
    for place in np.ndindex(*result.shape):
        o, *where = place
        first = o // out * per_group
        for c, *u in np.ndindex(*conv.kernel.shape[1:]):
            at = tuple(w * s + v * d for w, s, v, d in zip(where, conv.stride, u, conv.dilation))
            result[place] += conv.kernel[(o, c, *u)] * padded[(first + c, *at)]
    return result


def dense_twin(net: ws.Network) -> ws.Network:
    """Return the same graph with every map as a matrix."""
    layout = net._described()
    layers = [
        ws.Layer([(s, matrix_of(kind, layout.shapes[s])) for s, kind in layer.reads], _flat(layer, layout.shapes[n]),
                 layer.activation, layer.may_fail, layer.shape or layout.shapes[n])
        for n, layer in enumerate(layout.given, 1)
    ]  # fmt: skip
    return ws.Network(layers=layers, shape=layout.shapes[0])


def _flat(layer: ws.Layer, shape: tuple[int, ...]) -> np.ndarray | None:
    if layer.bias is None or layer.bias.size == np.prod(shape):
        return None if layer.bias is None else layer.bias.reshape(-1)
    return np.repeat(layer.bias, int(np.prod(shape[1:])))


def evaluate(net: ws.Network, x: np.ndarray, failed: dict[tuple[int, int], float] | None = None) -> np.ndarray:
    """Evaluate a graph from its matrices, layer by layer as they were given."""
    layout = net._described()
    signals = [np.array(x, dtype=float).reshape(-1)]
    for neuron in (c for c in failed or {} if c[0] == 0):
        signals[0][neuron[1]] = failed[neuron]
    for n, layer in enumerate(layout.given, start=1):
        total = np.zeros(int(np.prod(layout.shapes[n])))
        for source, kind in layer.reads:
            total += matrix_of(kind, layout.shapes[source]) @ signals[source]
        bias = _flat(layer, layout.shapes[n])
        y = layer.activation(total if bias is None else total + bias)
        number = layout.numbers.get(n)
        for (at, neuron), value in (failed or {}).items():
            if at == number and n < len(layout.given):
                y[neuron] = value
        signals.append(y)
    return signals[-1]
