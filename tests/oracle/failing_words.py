# SPDX-License-Identifier: MIT
"""Every configuration of crashed, stuck and flipped neurons, groups, synapses and parameters, one after the other.

Imports nothing from the package. A component fails once, in one way. What a flip makes of a signal is made of the
signal that arrives; a way that makes a number infinite, or none, does infinite harm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .word_components import Candidate, Term, components, flipped
from .words import Net

INF = math.inf


@dataclass(frozen=True)
class Failure:
    term: Term
    candidate: Candidate
    way: Any
    bits: Any = None


Configuration = tuple[Failure, ...]


# configurations -------------------------------------------------------------------------------------------------
def candidates(net: Net, term: Term, X: np.ndarray) -> list[Candidate]:
    """The components of a term that have a way to fail, where it is asked about these inputs."""
    return components(net, term, [float(np.abs(y).max()) for y in signals(net, X, ())[0]])


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


Read = list[tuple[np.ndarray, np.ndarray]]  # signals, and the weights that meet them
Sums = Callable[[Read, np.ndarray], np.ndarray]


# execution ------------------------------------------------------------------------------------------------------
def signals(
    net: Net, X: np.ndarray, configuration: Configuration, sums: Sums | None = None, off: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """What every place transmits, at every input; and at which inputs something infinite is sent or stored.

    With sums that round in another way, and activations whose last digit is off by so much.
    """
    neurons = {part: f for f in configuration if f.term.kind == "neuron" for part in f.candidate.parts}
    dead = {net.synapses[part] for f in configuration if f.term.kind == "synapse" for part in f.candidate.parts}
    weights = {f.candidate.name: f.way for f in configuration if f.term.kind == "weight"}
    endless = np.zeros(len(X), bool)
    sent = [X.copy()]
    _fail(sent[0], neurons, 0, endless)
    for place in range(1, len(net.layers) + 1):
        matrices, bias, broken = _stored(net, place, weights, dead)
        endless |= broken
        read = [(sent[source], m) for (source, _), m in zip(net.layers[place - 1].reads, matrices)]
        total = sums(read, bias) if sums else sum(y @ m.T for y, m in read) + bias
        y = np.array(net.layers[place - 1].activation(total), dtype=float)
        y += off * np.spacing(y) * (y != 0)
        if place < len(net.layers):
            _fail(y, neurons, net.number(place), endless)
        endless |= ~np.isfinite(y).all(axis=1)
        sent.append(np.where(np.isfinite(y), y, 0.0))
    return sent, endless


def _products(read: Read, bias: np.ndarray) -> np.ndarray:
    """What is added up: by input, receiver, term; the bias last."""
    products = [y[:, None, :] * m[None] for y, m in read]
    return np.concatenate([*products, np.broadcast_to(bias[:, None], (*products[0].shape[:2], 1))], axis=2)


def _rounded_once(read: Read, bias: np.ndarray) -> np.ndarray:
    """Sums of products, however the terms cancel."""
    return np.array([[_once(terms.tolist()) for terms in row] for row in _products(read, bias)])


def _backwards(read: Read, bias: np.ndarray) -> np.ndarray:
    """One term after the other, from the last one, the bias, to the first."""
    return np.add.accumulate(_products(read, bias)[:, :, ::-1], axis=2)[:, :, -1]


def _once(terms: list[float]) -> float:
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # beyond the doubles on the way: how it rounds is no matter
        return float(np.sum(terms))


def _fail(y: np.ndarray, neurons: dict[Any, Failure], number: int | None, endless: np.ndarray) -> None:
    """Let the neurons of a layer fail; what is infinite is noted, and counts for 0 from here on."""
    endless |= ~np.isfinite(y).all(axis=1)
    y[~np.isfinite(y)] = 0.0
    for (at, neuron), failure in neurons.items():
        if at == number:
            flips = failure.term.effect == "flip"
            y[:, neuron] = [flipped(failure.term, failure.way, v) if flips else failure.way for v in y[:, neuron]]
    endless |= ~np.isfinite(y).all(axis=1)
    y[~np.isfinite(y)] = 0.0


def _stored(
    net: Net, place: int, weights: dict[Any, float], dead: set[Any]
) -> tuple[list[np.ndarray], np.ndarray, bool]:
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


def rounding_decides(net: Net, terms: tuple[Term, ...], X: np.ndarray, room: float) -> bool:
    """Whether some signal's word, hence what a flip makes of it, depends on how sums round."""
    if not any(term.effect == "flip" and term.kind == "neuron" for term in terms):
        return False
    for configuration in configurations(net, terms, X):
        sent, endless = signals(net, X, configuration)
        for sums, off in ((_rounded_once, 0), (_backwards, 0), (None, 1), (None, -1)):
            again, no = signals(net, X, configuration, sums, off)
            if (endless != no).any() or np.abs(sent[-1] - again[-1]).max() > room:
                return True
    return False


def rounds(net: Net, terms: tuple[Term, ...], X: np.ndarray) -> bool:
    """Whether the order of sums changes a bit of what is sent, or both orders lose one."""
    for configuration in [(), *configurations(net, terms, X)]:
        sent, _ = signals(net, X, configuration)
        for sums in (_backwards, _rounded_once):
            again, _ = signals(net, X, configuration, sums)
            if any((a != b).any() for a, b in zip(sent, again)):
                return True
    return False


def truth(net: Net, terms: tuple[Term, ...], X: np.ndarray, argmax: bool = False, lowest: bool = False) -> Truth:
    """Evaluate them all."""
    intact = signals(net, X, ())[0][-1]
    all_of = configurations(net, terms, X)
    harms = np.array([harm(net, X, c, intact, argmax, lowest) for c in all_of])
    return Truth(all_of, harms, intact)


def harm(
    net: Net, X: np.ndarray, configuration: Configuration, intact: np.ndarray, argmax: bool, lowest: bool = False
) -> np.ndarray:
    """|faulty - intact|, or each output's lead over the intact network's class; infinite by convention."""
    sent, endless = signals(net, X, configuration)
    found = lead(net, sent[-1], intact, lowest) if argmax else np.abs(sent[-1] - intact)
    found[endless] = INF
    if argmax and intact.shape[1] > 1:
        found[np.arange(len(X)), _classes(intact, lowest)] = -INF
    return found


def lead(net: Net, faulty: np.ndarray, intact: np.ndarray, lowest: bool) -> np.ndarray:
    """How far outputs are before the intact network's class; of a single one, how far it is beyond the middle."""
    sign = -1.0 if lowest else 1.0
    if intact.shape[1] > 1:
        return sign * (faulty - faulty[np.arange(len(faulty)), _classes(intact, lowest)][:, None])
    middle = float(net.layers[-1].activation(np.zeros(1))[0])
    above = sign * (intact - middle) >= 0
    return np.where(above, -1.0, 1.0) * sign * (faulty - middle)


def _classes(intact: np.ndarray, lowest: bool) -> np.ndarray:
    return (-intact if lowest else intact).argmax(axis=1)
