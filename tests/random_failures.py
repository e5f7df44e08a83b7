# SPDX-License-Identifier: MIT
"""Random questions about words, groups, synapses and parameters: as the oracle's plain data, and as the package's nouns.

Half of the networks are dyadic: their words are multiples of powers of two, their activations piecewise linear, so that both
sides compute without rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import withstand as ws
from oracle import Activation, failing_words, formats, words
from oracle.failing_words import Term
from oracle.words import Conv, Layer, Net, Select

PIECEWISE = ("relu", "relu", "relu6", "leaky_relu", "hard_tanh", "clip", "identity")
SMOOTH = ("tanh", "logistic", "silu", "elu", "gelu", "softplus", "softsign", "selu", "hard_sigmoid")
INTEGERS = ("int4", "int8", "int16", "uint4", "uint8")
FLOATS = ("float16", "bfloat16", "float32", "float64")
Rng = np.random.Generator


@dataclass(frozen=True)
class Problem:
    """A question on both sides. `exact`: no operation rounds."""

    net: Net
    terms: tuple[Term, ...]
    X: np.ndarray
    argmax: bool
    exact: bool
    network: ws.Network
    failures: ws.Failures


def problem(rng: Rng, *, limit: int = 600, images: bool = True) -> Problem:
    """Draw one with at most so many configurations."""
    while True:
        exact = bool(rng.random() < 0.5)
        net, scales, storage = random_net(rng, exact, images)
        X = random_inputs(rng, net, exact)
        terms = random_terms(rng, net, scales, storage, exact, X)
        ways = math.prod(max(1, failing_words.count(net, (t,), X)) for t in terms)
        if not 1 < ways <= limit or not failing_words.configurations(net, terms, X):
            continue
        rounds = scales == "file" and not formats.is_float(storage)  # scales of files are any numbers
        exact = exact and not rounds and not any(t.effect == "flip" and t.kind == "neuron" and t.scale is None for t in terms)
        argmax = net.width(net.depth + 1) > 1 and bool(rng.random() < 0.35)
        return Problem(net, terms, X, argmax, exact, built(net, scales), reduce(add, map(as_failures, terms)))


# networks -------------------------------------------------------------------------------------------------------
def random_net(rng: Rng, exact: bool, images: bool = True) -> tuple[Net, Any, str]:
    """Return a network of words, the scale that users have to give for its weights, and the format of the words."""
    storage = str(rng.choice(("int4", "int8", "int8", "int16", "uint4", "uint8", "float16", "bfloat16", "float32", "float64")))
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
        scales = float(_scale(rng, exact))
    elif told == "layers":
        scales = [float(_scale(rng, exact)) for _ in range(net.depth + 1)]
    stored = [_stored(rng, net, place, storage, told, scales, exact) for place in range(1, len(layers) + 1)]
    return Net(stored, shapes[0]), scales if told != "file" else "file", storage


def _scale(rng: Rng, exact: bool) -> float:
    return float(2.0 ** rng.integers(-5, 1)) if exact else float(np.exp(rng.uniform(-4, 0.5)))


def _scales(rng: Rng, net: Net, exact: bool) -> list[Any]:
    """Per layer 1..L+1 one for each channel, where all that it stores has the same channels; else one."""
    found: list[Any] = []
    for number in range(1, net.depth + 2):
        stages = [p for p in range(1, len(net.layers) + 1) if net.owner(p) == number
                  and any(words.is_stored(kind) for _, kind in net.layers[p - 1].reads)]  # fmt: skip
        counts = {int(net.channels(p).max()) + 1 for p in stages}
        mixed = any(len({kind.channel_axis for _, kind in net.layers[p - 1].reads if isinstance(kind, Conv)}) > 1 for p in stages)
        size = counts.pop() if len(counts) == 1 and not mixed else 0
        found.append([_scale(rng, exact) for _ in range(size)] if size and rng.random() < 0.8 else _scale(rng, exact))
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
            if len(again) == 1 or not any(map(words.is_stored, again)):
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
    kinds = ["dense"] * 3 + ["select"] + ["conv"] * 8 * (size is None and len(source) > 1)
    kind = str(rng.choice(kinds))
    if kind == "conv":
        return _convolution(rng, source)
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
        scale: Any = _scale(rng, True)
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
        return np.zeros(shape), (("int32", 1.0) if not formats.is_float(storage) else (storage, 1.0)) if told == "file" else None
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


# models ---------------------------------------------------------------------------------------------------------
def random_terms(rng: Rng, net: Net, scales: Any, storage: str, exact: bool, X: np.ndarray) -> tuple[Term, ...]:
    """One to three models; neurons that fail in groups have them to themselves, or share the groups."""
    several = int(rng.choice((1, 1, 1, 2, 2, 3)))
    found: list[Term] = []
    for _ in range(several):
        drawn = _term(rng, net, scales, storage, exact, few=several > 1)
        if drawn is None or not _fits(found, drawn):
            continue
        counted = _counted(rng, net, drawn, X, several > 1)
        if counted is not None:
            found.append(counted)
    return tuple(found) or random_terms(rng, net, scales, storage, exact, X)


def _fits(found: list[Term], drawn: Term) -> bool:
    grouped = [t for t in (*found, drawn) if t.groups is not None or t.channel]
    neurons = [t for t in (*found, drawn) if t.kind == "neuron"]
    return not grouped or len(neurons) == 1


def _term(rng: Rng, net: Net, scales: Any, storage: str, exact: bool, few: bool) -> Term | None:
    kind = str(rng.choice(("bit", "bit", "flip", "flip", "flip", "wcrash", "crash", "stuck", "synapse")))
    exactly = bool(rng.random() < 0.3)
    if kind == "synapse":
        return Term("synapse", "crash", 1, exactly, among=_some(rng, list(net.synapses), 0.3)) if net.synapses else None
    if kind in ("wcrash", "flip"):
        biases = kind == "flip" and bool(rng.random() < 0.4)
        names = [n for n, (_, uses, _) in net.parameters.items() if biases or len(uses[0]) == 3]
        if not names:
            return None
        among = _some(rng, names, 0.3)
        if kind == "wcrash":
            return Term("weight", "crash", 1, exactly, among=among)
        given = None if isinstance(scales, str) else scales
        flips = _flips(rng, storage, few, exact)
        return Term("weight", "flip", 1, exactly, among=among, format=storage, scale=given, biases=biases, **flips)
    if kind == "bit":
        form = str(rng.choice((*INTEGERS, *FLOATS)))
        scale = None if formats.is_float(form) else _signal_scale(rng, net, exact)
        inputs = [] if isinstance(scale, list) else [(0, i) for i in range(net.width(0))]
        return Term("neuron", "flip", 1, exactly, among=_some(rng, net.neurons() + inputs, 0.3), format=form, scale=scale,
                    **_flips(rng, form, few, exact))  # fmt: skip
    value = float(rng.choice((1.0, -0.5, 0.25))) if kind == "stuck" else 0.0
    how = rng.random()
    if how < 0.25:
        return Term("neuron", kind, 1, exactly, value, groups=_groups(rng, net))
    inputs = [(0, i) for i in range(net.width(0))]
    if how < 0.5:
        return Term("neuron", kind, 1, exactly, value, among=_some(rng, _channel_names(net), 0.3), channel=True)
    return Term("neuron", kind, 1, exactly, value, among=_some(rng, net.neurons() + inputs, 0.4))


def _channel_names(net: Net) -> list[tuple[int, int]]:
    return [(n, int(c)) for n in range(1, net.depth + 1) for c in np.unique(net.channels(net.places[n]))]


def _some(rng: Rng, names: list[Any], share: float) -> tuple[Any, ...] | None:
    if rng.random() > share or not names:
        return None
    picked = rng.permutation(len(names))[: int(rng.integers(1, len(names) + 1))]
    return tuple(names[i] for i in picked)


def _groups(rng: Rng, net: Net) -> tuple[Any, ...]:
    """Disjoint groups, often across layers, that leave some neurons out."""
    neurons = net.neurons() + ([(0, 0)] if rng.random() < 0.2 else [])
    order = [neurons[i] for i in rng.permutation(len(neurons))]
    kept = order[: max(1, int(len(order) * rng.uniform(0.5, 1.01)))]
    ends = sorted(set(rng.integers(1, len(kept) + 1, size=3).tolist()) | {len(kept)})
    return tuple(tuple(kept[a:b]) for a, b in zip([0, *ends], ends))


def _signal_scale(rng: Rng, net: Net, exact: bool) -> Any:
    how = rng.random()
    if how < 0.35:
        return None
    if how < 0.65:
        return _scale(rng, exact)
    found: list[Any] = []
    for number in range(1, net.depth + 1):
        size = int(net.channels(net.places[number]).max()) + 1
        found.append([_scale(rng, exact) for _ in range(size)] if how < 0.85 else _scale(rng, exact))
    return found


def _flips(rng: Rng, form: str, few: bool, exact: bool) -> dict[str, Any]:
    size = formats.BITS[form]
    bits = None
    if few or size > 16 or rng.random() < 0.6:
        known = range(size - 9, size) if formats.is_float(form) and rng.random() < 0.5 else range(size)
        singles = [(int(b),) for b in rng.permutation(known)[: int(rng.integers(1, 4))]]
        pairs = [tuple(sorted(int(b) for b in rng.permutation(known)[: int(rng.integers(2, 4))])) for _ in range(int(rng.integers(0, 2)))]
        bits = tuple(dict.fromkeys(singles + pairs))
    to = int(rng.integers(0, 2)) if rng.random() < 0.3 else None
    clamp = None
    if rng.random() < (0.4 if formats.is_float(form) else 0.25):
        ends = sorted(rng.integers(-16, 17, size=2) / 4 if exact else rng.normal(size=2) * 3)
        clamp = (float(ends[0]), float(ends[1]))
    return {"bits": bits, "to": to, "clamp": clamp}


def _counted(rng: Rng, net: Net, term: Term, X: np.ndarray, few: bool) -> Term | None:
    """The model with counts that its candidates allow."""
    found = failing_words.candidates(net, term, X)
    if not found:
        return None
    most = 1 if few and rng.random() < 0.6 else 3
    if rng.random() < 0.7 or term.groups is not None or any(c.layer == 0 for c in found):
        return replace(term, counts=int(rng.integers(1, min(most, len(found)) + 1)))
    layers = net.depth if term.kind == "neuron" else net.depth + 1
    sizes = [sum(c.layer == n for c in found) for n in range(1, layers + 1)]
    counts = tuple(int(rng.integers(0, min(size, most - 1 or 1) + 1)) for size in sizes)
    return replace(term, counts=counts)


# the package's nouns --------------------------------------------------------------------------------------------
def built(net: Net, scales: Any) -> ws.Network:
    """The network as the package has it; of a file, one that knows its formats."""
    chain = all(layer.reads[0][0] == l and len(layer.reads) == 1 and layer.may_fail and isinstance(layer.reads[0][1], np.ndarray)
                and layer.shape == () for l, layer in enumerate(net.layers)) and len(net.inputs) == 1  # fmt: skip
    if chain:
        made = ws.Network([layer.reads[0][1] for layer in net.layers], [layer.bias for layer in net.layers],
                          activation=[as_activation(layer.activation) for layer in net.layers[:-1]],
                          output_activation=as_activation(net.layers[-1].activation))  # fmt: skip
    else:
        made = ws.Network(layers=[as_layer(layer) for layer in net.layers], shape=net.inputs)
    return with_formats(made, net) if isinstance(scales, str) else made


def with_formats(made: ws.Network, net: Net) -> ws.Network:
    """As a reader of quantised files does: say which formats the words have."""
    from withstand.model.quantisation import LayerFormat, Quantisation

    found = [LayerFormat()]
    for layer in net.layers:
        named = []
        for n, (_, kind) in enumerate(layer.reads):
            if words.is_stored(kind) and layer.stored_as is not None:
                name = "weight" if len(layer.reads) == 1 else f"weight_{n}"
                named.append((name, _format(*layer.stored_as)))
        if layer.bias is not None and layer.bias_as is not None:
            named.append(("bias", _format(*layer.bias_as)))
        found.append(LayerFormat(tuple(named)))
    made._quantisation = Quantisation(tuple(found))
    return made


def _format(name: str, scale: float) -> ws.Format:
    return ws.Format(name) if formats.is_float(name) else ws.Format(name, scale)


def as_activation(phi: Activation) -> ws.Activation:
    return ws.Activation(phi.name, phi.gain, phi.slope if phi.name in ("leaky_relu", "elu") else None)


def as_layer(layer: Layer) -> ws.Layer:
    reads = [(source, as_map(kind)) for source, kind in layer.reads]
    return ws.Layer(reads, layer.bias, as_activation(layer.activation), layer.may_fail, layer.shape or None, layer.name)


def as_map(kind: Any) -> Any:
    if isinstance(kind, Conv):
        return ws.Conv(kind.kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    return ws.Select(kind.index, kind.weight) if isinstance(kind, Select) else kind


def as_failures(term: Term) -> ws.Failures:
    counted: dict[str, Any] = {"counts": term.counts, "exactly": term.exactly, "among": term.among}
    if term.kind == "synapse":
        return ws.SynapseCrash(**counted)
    if term.effect == "flip":
        bits = None if term.bits is None else [b[0] if len(b) == 1 else b for b in term.bits]
        counted |= {"format": term.format, "scale": term.scale, "bits": bits, "to": term.to, "clamp": term.clamp}
        return ws.BitFlip(**counted) if term.kind == "neuron" else ws.WeightFlip(**counted, biases=term.biases)
    if term.kind == "weight":
        return ws.WeightCrash(**counted)
    counted |= {"groups": term.groups, "unit": "channel" if term.channel else "neuron"}
    return ws.Crash(**counted) if term.effect == "crash" else ws.StuckAt(value=term.value, **counted)
