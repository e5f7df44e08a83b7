# SPDX-License-Identifier: MIT
"""Models of failing words, and the components of a network that they name, each with its ways to fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import formats
from .words import Net, fitted

INF = math.inf


@dataclass(frozen=True)
class Term:
    """What fails ("neuron", "synapse", "weight"), how ("crash", "stuck", "flip"), and how many, in all or per layer."""

    kind: str
    effect: str
    counts: int | tuple[int, ...]
    exactly: bool = False
    value: float = 0.0
    among: tuple[Any, ...] | None = None
    groups: tuple[tuple[tuple[int, int], ...], ...] | None = None
    channel: bool = False
    format: str = "int8"
    scale: Any = None
    bits: tuple[tuple[int, ...], ...] | None = None
    to: int | None = None
    clamp: tuple[float, float] | None = None
    biases: bool = False

    @property
    def ways(self) -> list[tuple[int, ...]]:
        return self.ways_of(self.format)

    def ways_of(self, form: str) -> list[tuple[int, ...]]:
        return list(self.bits) if self.bits is not None else [(b,) for b in range(formats.BITS[form])]


@dataclass(frozen=True)
class Candidate:
    """A component of a term: its parts, and its ways to fail. A way of a neuron's flip is (bits, scale)."""

    name: Any
    layer: int
    parts: tuple[Any, ...]
    ways: tuple[Any, ...]
    bits: tuple[Any, ...] = ()


def components(net: Net, term: Term, largest: list[float]) -> list[Candidate]:
    """The components of a term that have a way to fail; `largest` are the largest signals of every place."""
    if term.kind == "weight":
        return _weights(net, term)
    if term.kind == "synapse":
        names = sorted(net.synapses if term.among is None else term.among)
        return [Candidate(name, name[0], (name,), (0.0,)) for name in names]
    groups = [tuple(sorted(group)) for group in _groups(net, term)]
    fixed = 0.0 if term.effect == "crash" else term.value
    if term.effect != "flip":
        return [Candidate(group[0], group[0][0], group, (fixed,)) for group in groups]
    scales = signal_scales(net, term, largest)
    return [
        Candidate(one, one[0], (one,), tuple((bits, scales(one)) for bits in term.ways), tuple(term.ways))
        for (one,) in groups
    ]


def _groups(net: Net, term: Term) -> list[Any]:
    if term.groups is not None:
        return list(term.groups)
    if not term.channel:
        return [(one,) for one in (net.neurons() if term.among is None else term.among)]
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, place in enumerate(net.places[:-1]):
        for neuron, channel in enumerate(net.channels(place)):
            found.setdefault((number, int(channel)), []).append((number, neuron))
    return [found[c] for c in found if (c[0] > 0 if term.among is None else c in term.among)]


def signal_scales(net: Net, term: Term, largest: list[float]) -> Callable[[tuple[int, int]], float]:
    """What a word of a neuron's signal is multiplied by."""

    def scale(neuron: tuple[int, int]) -> float:
        number, place = neuron[0], net.places[neuron[0]]
        if formats.is_float(term.format):
            return 1.0
        if term.scale is not None:
            given = term.scale if isinstance(term.scale, float) else term.scale[number - 1]
            return float(given) if np.ndim(given) == 0 else float(given[net.channels(place)[neuron[1]]])
        reach = max(map(abs, net.layers[place - 1].activation.range)) if place else INF
        return fitted(term.format, float(reach) if math.isfinite(reach) else largest[place])

    return scale


def _weights(net: Net, term: Term) -> list[Candidate]:
    found = []
    for name, (place, uses, value) in sorted(net.parameters.items()):
        is_bias = len(uses[0]) == 1
        if (is_bias and not term.biases) or (term.among is not None and name not in term.among):
            continue
        ways, bits = _parameter_ways(net, term, place, is_bias, uses, value)
        if ways:
            found.append(Candidate(name, name[0], (name,), ways, bits))
    return found


def _parameter_ways(net: Net, term: Term, place: int, is_bias: bool, uses: Any, value: float) -> Any:
    if term.effect == "crash":
        return (0.0,), ()
    to = uses[0][-2] if not is_bias else uses[0][0]
    form, scale = term.format, 1.0
    if is_bias:
        form, scale = net.bias_word(place, form)
    elif not formats.is_float(form):
        scale = net.weight_scale(place, form, term.scale, int(net.channels(place)[to]))
    word = word_of(form, value, scale)
    kept = [bits for bits in term.ways_of(form) if term.to is None or all((word >> b & 1) != term.to for b in bits)]
    return tuple(clamped(term, _flip(form, word, bits, scale)) for bits in kept), tuple(kept)


def clamped(term: Term, value: float) -> float:
    if term.clamp is None:
        return value
    low, high = term.clamp
    return low if math.isnan(value) else min(max(value, low), high)


def flipped(term: Term, way: Any, signal: float) -> float:
    """What a neuron transmits: of a cell that is stuck at what it holds, the value of the word."""
    bits, scale = way
    word = word_of(term.format, signal, scale)
    if term.to is not None and any((word >> b & 1) == term.to for b in bits):
        bits = ()
    return clamped(term, _flip(term.format, word, bits, scale))


def word_of(form: str, value: float, scale: float) -> int:
    """The word nearest to value / scale, a quotient of doubles."""
    if formats.is_float(form):
        return formats.encode(form, value)
    return formats.encode(form, min(max(value / scale, -(2.0**40)), 2.0**40))  # it saturates long before


def _flip(form: str, word: int, bits: tuple[int, ...], scale: float) -> float:
    number = formats.decode(form, sum(1 << b for b in bits) ^ word)
    return number if formats.is_float(form) else scale * float(number)
