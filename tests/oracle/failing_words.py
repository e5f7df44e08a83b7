# SPDX-License-Identifier: MIT
"""Every configuration of crashed, stuck and flipped neurons, groups, synapses and parameters, one after the other.

Imports nothing from the package. A component fails once, in one way. What a flip makes of a signal is made of the signal
that arrives; a way that makes a number infinite, or none, does infinite harm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Failure:
    term: Term
    candidate: Candidate
    way: Any
    bits: Any = None


Configuration = tuple[Failure, ...]


# components -----------------------------------------------------------------------------------------------------
def candidates(net: Net, term: Term, X: np.ndarray) -> list[Candidate]:
    """The components of a term that have a way to fail."""
    if term.kind == "weight":
        return _weights(net, term)
    if term.kind == "synapse":
        names = sorted(net.synapses if term.among is None else term.among)
        return [Candidate(name, name[0], (name,), (0.0,)) for name in names]
    groups = [tuple(sorted(group)) for group in _groups(net, term)]
    fixed = 0.0 if term.effect == "crash" else term.value
    if term.effect != "flip":
        return [Candidate(group[0], group[0][0], group, (fixed,)) for group in groups]
    scales = signal_scales(net, term, X)
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


def signal_scales(net: Net, term: Term, X: np.ndarray) -> Any:
    """What a word of a neuron's signal is multiplied by."""
    intact = signals(net, X, ())[0]

    def scale(neuron: tuple[int, int]) -> float:
        number, place = neuron[0], net.places[neuron[0]]
        if formats.is_float(term.format):
            return 1.0
        if term.scale is not None:
            given = term.scale if isinstance(term.scale, float) else term.scale[number - 1]
            return float(given) if np.ndim(given) == 0 else float(given[net.channels(place)[neuron[1]]])
        reach = max(map(abs, net.layers[place - 1].activation.range)) if place else INF
        return fitted(term.format, float(reach) if math.isfinite(reach) else float(np.abs(intact[place]).max()))

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
    return formats.encode(form, value if formats.is_float(form) else value / scale)


def _flip(form: str, word: int, bits: tuple[int, ...], scale: float) -> float:
    number = formats.decode(form, sum(1 << b for b in bits) ^ word)
    return number if formats.is_float(form) else scale * float(number)


# configurations -------------------------------------------------------------------------------------------------
def count(net: Net, terms: tuple[Term, ...], X: np.ndarray) -> int:
    """How many there are, of terms that share no components."""
    return math.prod(_count(net, term, candidates(net, term, X)) for term in terms)


def _count(net: Net, term: Term, all_of: list[Candidate]) -> int:
    """Sums of products of numbers of ways, by the elementary symmetric polynomials."""
    total = 1
    for these, most in _shares(net, term, all_of):
        sums = [1] + [0] * most
        for candidate in these:
            for r in range(most, 0, -1):
                sums[r] += sums[r - 1] * len(candidate.ways)
        total *= sums[most] if term.exactly else sum(sums)
    return total


def _shares(net: Net, term: Term, all_of: list[Candidate]) -> list[tuple[list[Candidate], int]]:
    if isinstance(term.counts, int):
        return [(all_of, term.counts)]
    return [([c for c in all_of if c.layer == n], most) for n, most in enumerate(term.counts, 1)]


def _of_term(net: Net, term: Term, all_of: list[Candidate]) -> Iterator[Configuration]:
    parts = []
    for these, most in _shares(net, term, all_of):
        sizes = range(most if term.exactly else 0, most + 1)
        parts.append([
            tuple(Failure(term, c, way, c.bits[w] if c.bits else None) for c, (w, way) in zip(chosen, ways))
            for size in sizes
            for chosen in itertools.combinations(these, size)
            for ways in itertools.product(*(enumerate(c.ways) for c in chosen))
        ])  # fmt: skip
    for found in itertools.product(*parts):
        yield tuple(itertools.chain(*found))


def configurations(net: Net, terms: tuple[Term, ...], X: np.ndarray) -> list[Configuration]:
    """Every choice of disjoint components, each failing in one way."""
    each = [list(_of_term(net, term, candidates(net, term, X))) for term in terms]
    found = []
    for parts in itertools.product(*each):
        whole = tuple(itertools.chain(*parts))
        names = [part for failure in whole for part in failure.candidate.parts]
        if len(set(names)) == len(names):
            found.append(whole)
    return found


# execution ------------------------------------------------------------------------------------------------------
def signals(net: Net, X: np.ndarray, configuration: Configuration) -> tuple[list[np.ndarray], np.ndarray]:
    """What every place transmits, at every input; and at which inputs something infinite is sent or stored."""
    neurons = {part: f for f in configuration if f.term.kind == "neuron" for part in f.candidate.parts}
    dead = {net.synapses[part] for f in configuration if f.term.kind == "synapse" for part in f.candidate.parts}
    weights = {f.candidate.name: f.way for f in configuration if f.term.kind == "weight"}
    endless = np.zeros(len(X), bool)
    sent = [X.copy()]
    _fail(sent[0], neurons, 0, endless)
    for place in range(1, len(net.layers) + 1):
        matrices, bias, broken = _stored(net, place, weights, dead)
        endless |= broken
        total = sum(sent[source] @ m.T for (source, _), m in zip(net.layers[place - 1].reads, matrices)) + bias
        y = np.array(net.layers[place - 1].activation(total), dtype=float)
        if place < len(net.layers):
            _fail(y, neurons, net.number(place), endless)
        endless |= ~np.isfinite(y).all(axis=1)
        sent.append(np.where(np.isfinite(y), y, 0.0))
    return sent, endless


def _fail(y: np.ndarray, neurons: dict[Any, Failure], number: int | None, endless: np.ndarray) -> None:
    """Let the neurons of a layer fail; what is infinite is noted, and counts for 0 from here on."""
    for (at, neuron), failure in neurons.items():
        if at == number:
            flips = failure.term.effect == "flip"
            y[:, neuron] = [flipped(failure.term, failure.way, v) if flips else failure.way for v in y[:, neuron]]
    endless |= ~np.isfinite(y).all(axis=1)
    y[~np.isfinite(y)] = 0.0


def _stored(net: Net, place: int, weights: dict[Any, float], dead: set[Any]) -> tuple[list[np.ndarray], np.ndarray, bool]:
    """A layer's matrices and biases with failed parameters, without dead synapses; and whether one is infinite."""
    matrices, bias = [m.copy() for m in net.matrices[place]], net.intact_bias(place)
    for at, n, to, sender in dead:
        if at == place:
            matrices[n][to, sender] = 0.0
    broken = False
    for name, value in weights.items():
        at, uses, _ = net.parameters[name]
        for use in uses if at == place else ():
            if (place, *use) in dead:
                continue
            broken = broken or not math.isfinite(value)
            held = value if math.isfinite(value) else 0.0
            if len(use) == 1:
                bias[use[0]] = held
            else:
                matrices[use[0]][use[1], use[2]] = held
    return matrices, bias, broken


@dataclass(frozen=True)
class Truth:
    """Of every configuration: its harm at every input and output, (configurations, inputs, outputs)."""

    all_of: list[Configuration]
    harms: np.ndarray
    intact: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        return self.harms.max(axis=(1, 2))


def truth(net: Net, terms: tuple[Term, ...], X: np.ndarray, argmax: bool = False) -> Truth:
    """Evaluate them all."""
    intact = signals(net, X, ())[0][-1]
    all_of = configurations(net, terms, X)
    harms = np.array([harm(net, X, c, intact, argmax) for c in all_of])
    return Truth(all_of, harms, intact)


def harm(net: Net, X: np.ndarray, configuration: Configuration, intact: np.ndarray, argmax: bool) -> np.ndarray:
    """|faulty - intact|, or each output's lead over the intact network's class; infinite by convention."""
    sent, endless = signals(net, X, configuration)
    chosen = intact.argmax(axis=1)
    rows = np.arange(len(X))
    if argmax:
        found = sent[-1] - sent[-1][rows, chosen][:, None]
    else:
        found = np.abs(sent[-1] - intact)
    found[endless] = INF
    if argmax:
        found[rows, chosen] = -INF
    return found
