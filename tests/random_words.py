# SPDX-License-Identifier: MIT
"""Random networks whose parameters are words, as the oracle's plain data: chains and graphs, in every format.

Half of them are dyadic: words are multiples of powers of two and activations piecewise linear, so that nothing rounds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from oracle import Activation, formats, words
from oracle.words import Conv, Layer, Net, Select

PIECEWISE = ("relu", "relu", "relu6", "leaky_relu", "hard_tanh", "clip", "identity")
SMOOTH = ("tanh", "logistic", "silu", "elu", "gelu", "softplus", "softsign", "selu", "hard_sigmoid")
Rng = np.random.Generator


def random_net(rng: Rng, exact: bool, images: bool = True) -> tuple[Net, Any, str]:
    """Return a network of words, the scale that users have to give for its weights, and the format of the words."""
    storage = str(
        rng.choice(("int4", "int8", "int8", "int16", "uint4", "uint8", "float16", "bfloat16", "float32", "float64"))
    )
    chain = bool(rng.random() < 0.45)
    layers, shapes = _chain(rng, exact) if chain else _graph(rng, exact, images)
    told = str(rng.choice(("number", "layers", "channels", "fitted", "file")))
    if storage.startswith("u") and told == "file":
        told = "fitted"
    if formats.is_float(storage):
        told = "file" if told == "file" else "fitted"
    if storage == "float64":
        told = "fitted"
    net = Net(layers, shapes[0])
    scales = _scales(rng, net, exact) if told in ("number", "layers", "channels") else None
    if told == "number":
        scales = float(draw_scale(rng, exact))
    elif told == "layers":
        scales = [float(draw_scale(rng, exact)) for _ in range(net.depth + 1)]
    stored = [_stored(rng, net, place, storage, told, scales, exact) for place in range(1, len(layers) + 1)]
    return Net(stored, shapes[0]), scales if told != "file" else "file", storage


def draw_scale(rng: Rng, exact: bool) -> float:
    return float(2.0 ** rng.integers(-5, 1)) if exact else float(np.exp(rng.uniform(-4, 0.5)))


def _scales(rng: Rng, net: Net, exact: bool) -> list[Any]:
    """Per layer 1..L+1 one for each channel, where all that it stores has the same channels; else one."""
    found: list[Any] = []
    for number in range(1, net.depth + 2):
        stages = [p for p in range(1, len(net.layers) + 1) if net.owner(p) == number
                  and any(words.is_stored(kind) for _, kind in net.layers[p - 1].reads)]  # fmt: skip
        counts = {int(net.channels(p).max()) + 1 for p in stages}
        mixed = any(
            len({kind.channel_axis for _, kind in net.layers[p - 1].reads if isinstance(kind, Conv)}) > 1
            for p in stages
        )
        size = counts.pop() if len(counts) == 1 and not mixed else 0
        found.append(
            [draw_scale(rng, exact) for _ in range(size)] if size and rng.random() < 0.8 else draw_scale(rng, exact)
        )
    return found


def activation(rng: Rng, exact: bool) -> Activation:
    name = str(rng.choice(PIECEWISE if exact or rng.random() < 0.4 else SMOOTH))
    slope = float(rng.choice((0.125, 0.5))) if name in ("leaky_relu", "elu") else None
    return Activation(name, float(rng.choice((1.0, 1.0, 0.5, 2.0) if exact else (1.0, 1.0, 0.5, 1.75))), slope)


def _output(rng: Rng, exact: bool) -> Activation:
    return Activation("identity") if rng.random() < 0.7 else activation(rng, exact)


def _chain(rng: Rng, exact: bool) -> tuple[list[Layer], list[words.Shape]]:
    widths = rng.integers(1, 4, size=int(rng.integers(3, 6))).tolist()
    layers = []
    for l, (before, after) in enumerate(zip(widths, widths[1:])):
        last = l == len(widths) - 2
        phi = _output(rng, exact) if last else activation(rng, exact)
        layers.append(Layer(((l, np.zeros((after, before))),), np.zeros(after), phi))
    return layers, [(width,) for width in widths]


def _graph(rng: Rng, exact: bool, images: bool) -> tuple[list[Layer], list[words.Shape]]:
    shape = _image(rng) if images and rng.random() < 0.75 else (int(rng.integers(1, 4)),)
    shapes, layers, count = [shape], [], int(rng.integers(2, 5))
    for n in range(1, count + 1):
        last = n == count
        source = n - 1
        size = int(rng.integers(1, 4)) if last else None
        reads = [(source, *_map(rng, shapes[source], size))]
        own = reads[0][2]
        while rng.random() < 0.35 and len(reads) < 3:
            other = int(rng.integers(0, n))
            kind, _ = _map_to(rng, shapes[other], math.prod(own))
            again = [kind, *(k for s, k, _ in reads if s == other)]
            if len(again) == 1 or not any(map(words.is_stored, again)):  # beside a weight nothing else is heard
                reads.append((other, kind, own))
        if rng.random() < 0.5:
            reads = [reads[i] for i in rng.permutation(len(reads))]
        fails = bool(last or n == 1 or rng.random() < 0.75)
        convolves = any(isinstance(kind, Conv) for _, kind, _ in reads)
        bias = None
        if rng.random() < 0.7:
            bias = np.zeros(_channels(reads) if convolves and rng.random() < 0.7 else math.prod(own))
        phi = _output(rng, exact) if last else activation(rng, exact)
        name = f"stage_{n}" if rng.random() < 0.5 else ""
        layers.append(Layer(tuple((s, kind) for s, kind, _ in reads), bias, phi, fails, own, name))
        shapes.append(own)
    return layers, shapes


def _channels(reads: Any) -> int:
    return next(len(kind.kernel) for _, kind, _ in reads if isinstance(kind, Conv))


def _image(rng: Rng) -> words.Shape:
    sizes = [int(s) for s in rng.integers(1, 4, size=int(rng.integers(1, 3)))]
    channels = int(rng.integers(1, 3))
    return (channels, *sizes)


def _map(rng: Rng, source: words.Shape, size: int | None) -> tuple[Any, words.Shape]:
    images = size is None and len(source) > 1
    kind = str(rng.choice(["dense"] * 3 + ["select"] + (["conv"] * 8 + ["place"] * 2) * images))
    if kind == "conv":
        return _convolution(rng, source)
    if kind == "place":  # every entry in its place, as clips and shortcuts have them
        index = np.arange(math.prod(source)).reshape(source)
        return Select(index, rng.choice((1.0, 0.5, -1.5), size=source) if rng.random() < 0.5 else None), source
    result = (size,) if size is not None else (int(rng.integers(1, 4)),)
    if kind == "select":
        index = rng.integers(-1, math.prod(source), size=result)
        return Select(index, rng.choice((1.0, 0.5, -1.5), size=result) if rng.random() < 0.5 else None), result
    return np.zeros((*result, math.prod(source))), result


def _map_to(rng: Rng, source: words.Shape, size: int) -> tuple[Any, words.Shape]:
    if math.prod(source) == size and rng.random() < 0.5:
        return None, source
    return _map(rng, source, size)


def _convolution(rng: Rng, source: words.Shape) -> tuple[Any, words.Shape]:
    axis = int(rng.choice((0, 0, -1)))
    channels, image = (source[0], source[1:]) if axis == 0 else (source[-1], source[:-1])
    groups = channels if rng.random() < 0.25 else 1
    out = groups * int(rng.integers(1, 3))
    pads = tuple((int(rng.integers(0, 2)), int(rng.integers(0, 2))) for _ in image)
    sizes, dilation, stride = [], [], []
    for extent, (before, after) in zip(image, pads):
        size, step = int(rng.integers(1, 3)), int(rng.integers(1, 3))
        if (size - 1) * step + 1 > extent + before + after:
            size, step = 1, 1
        sizes.append(size)
        dilation.append(step)
        stride.append(int(rng.integers(1, 3)))
    conv = Conv(np.zeros((out, channels // groups, *sizes)), tuple(stride), pads, tuple(dilation), groups, axis)
    return conv, words.expand(conv, source)[1]


def _stored(rng: Rng, net: Net, place: int, storage: str, told: str, scales: Any, exact: bool) -> Layer:
    """Fill a layer with words."""
    layer = net.layers[place - 1]
    stages = [kind for _, kind in layer.reads if words.is_stored(kind)]
    shapes = [kind.kernel.shape if isinstance(kind, Conv) else kind.shape for kind in stages]
    arrays, form = _arrays(rng, net, place, storage, told, scales, exact, shapes)
    filled, reads = iter(arrays), []
    for source, kind in layer.reads:
        if isinstance(kind, Conv):
            reads.append((source, replace(kind, kernel=next(filled))))
        else:
            reads.append((source, next(filled) if words.is_stored(kind) else kind))
    bias, bias_as = layer.bias, None
    if bias is not None:
        bias, bias_as = _bias(rng, bias.shape, storage, told, exact)
        if not (layer.may_fail or stages):
            bias_as = None
    stored_as = form if told == "file" and stages else None
    return replace(layer, reads=tuple(reads), bias=bias, stored_as=stored_as, bias_as=bias_as)


def _arrays(
    rng: Rng, net: Net, place: int, storage: str, told: str, scales: Any, exact: bool, shapes: list[Any]
) -> tuple[list[np.ndarray], Any]:
    if not shapes:
        return [], None
    if formats.is_float(storage):
        return [_floats(rng, shape, storage, exact) for shape in shapes], (storage, 1.0)
    if told == "file":
        raw = [rng.normal(size=shape) for shape in shapes]
        scale = words.fitted(storage, max(float(np.abs(a).max()) for a in raw))
        return [_rounded(a, storage, scale) for a in raw], (storage, scale)
    codes = [_codes(rng, shape, storage) for shape in shapes]
    if told == "fitted":
        scale: Any = draw_scale(rng, True)
        codes[0].reshape(-1)[int(rng.integers(codes[0].size))] = _largest(storage)
    else:
        scale = scales if told == "number" else scales[net.owner(place) - 1]
    per = [_along(net, place, scale, shape) if np.ndim(scale) else scale for shape in shapes]
    return [s * c.astype(float) for s, c in zip(per, codes)], None


def _along(net: Net, place: int, scale: Any, shape: Any) -> np.ndarray:
    """Scales of channels as they meet a kernel, or a matrix with a row for every neuron."""
    found = np.asarray(scale) if len(shape) > 2 else np.asarray(scale)[net.channels(place)]
    return found.reshape(-1, *[1] * (len(shape) - 1))


def _largest(storage: str) -> int:
    return 2 ** (formats.BITS[storage] - (not storage.startswith("u"))) - 1


def _codes(rng: Rng, shape: Any, storage: str) -> np.ndarray:
    most = _largest(storage)
    least = 0 if storage.startswith("u") else -most
    small = rng.random() < 0.6
    codes = rng.integers(max(least, -9) if small else least, min(most, 9) + 1 if small else most + 1, size=shape)
    return np.asarray(codes * (rng.random(shape) < 0.85))


def _floats(rng: Rng, shape: Any, storage: str, exact: bool) -> np.ndarray:
    values = rng.integers(-8, 9, size=shape) / 4 if exact else rng.normal(size=shape)
    return _rounded(values, storage, 1.0)


def _rounded(values: np.ndarray, storage: str, scale: float) -> np.ndarray:
    found = [formats.flip(storage, float(v), (), scale) for v in values.reshape(-1)]
    return np.array(found, dtype=float).reshape(values.shape)


def _bias(rng: Rng, shape: Any, storage: str, told: str, exact: bool) -> tuple[np.ndarray, Any]:
    if rng.random() < 0.15:
        return np.zeros(shape), (
            ("int32", 1.0) if not formats.is_float(storage) else (storage, 1.0)
        ) if told == "file" else None
    if formats.is_float(storage):
        return _floats(rng, shape, storage, exact), (storage, 1.0) if told == "file" else None
    if told == "file":
        raw = rng.normal(size=shape)
        scale = words.fitted("int32", float(np.abs(raw).max()))
        return _rounded(raw, "int32", scale), ("int32", scale)
    codes = _codes(rng, shape, storage)
    codes.reshape(-1)[int(rng.integers(codes.size))] = _largest(storage)
    step = 2.0 ** -formats.BITS[storage] if exact or rng.random() < 0.5 else 2.0 ** -(formats.BITS[storage] - 2)
    return codes * step, None


def random_inputs(rng: Rng, net: Net, exact: bool) -> np.ndarray:
    size = (int(rng.integers(1, 4)), math.prod(net.inputs))
    return rng.integers(-8, 9, size=size) / 4 if exact else rng.normal(size=size)
