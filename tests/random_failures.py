# SPDX-License-Identifier: MIT
"""Random questions about words, groups, synapses and parameters: the oracle's plain data, and the package's nouns.

Half of the networks are dyadic: their words are multiples of powers of two, their activations piecewise linear, so
that both sides compute without rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import withstand as ws
from oracle import failing_words, formats
from oracle.failing_words import Term
from oracle.words import Net
from random_words import Rng, draw_scale, random_inputs, random_net
from word_nouns import as_failures, built

INTEGERS = ("int4", "int8", "int16", "uint4", "uint8")
FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class Problem:
    """A question on both sides. `exact`: no operation rounds."""

    net: Net
    terms: tuple[Term, ...]
    X: np.ndarray
    argmax: bool
    lowest: bool
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
        exact = (
            exact
            and not rounds
            and not any(t.effect == "flip" and t.kind == "neuron" and t.scale is None for t in terms)
        )
        argmax, lowest = bool(rng.random() < 0.35), bool(rng.random() < 0.2)
        network, failures = built(net, scales), reduce(add, map(as_failures, terms))
        return Problem(net, terms, X, argmax, argmax and lowest, exact, network, failures)


# models ---------------------------------------------------------------------------------------------------------------
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
        biases = kind == "flip" and bool(rng.random() < (0.7 if isinstance(scales, str) else 0.4))  # int32, of files
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
        among = _some(rng, net.neurons() + inputs, 0.3)
        flips = _flips(rng, form, few, exact)
        return Term("neuron", "flip", 1, exactly, among=among, format=form, scale=scale, **flips)
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
    if how < 0.35 and not exact:  # words of 1/127: sums of dyadic numbers would often lie between two, rounding decides
        return None
    if how < 0.65:
        return draw_scale(rng, exact)
    found: list[Any] = []
    for number in range(1, net.depth + 1):
        size = int(net.channels(net.places[number]).max()) + 1
        found.append([draw_scale(rng, exact) for _ in range(size)] if how < 0.85 else draw_scale(rng, exact))
    return found


def _flips(rng: Rng, form: str, few: bool, exact: bool) -> dict[str, Any]:
    size = formats.BITS[form]
    bits = None
    if few or size > 16 or rng.random() < 0.6:
        known = range(size - 9, size) if formats.is_float(form) and rng.random() < 0.5 else range(size)
        singles = [(int(b),) for b in rng.permutation(known)[: int(rng.integers(1, 4))]]
        pairs = [
            tuple(sorted(int(b) for b in rng.permutation(known)[: int(rng.integers(2, 4))]))
            for _ in range(int(rng.integers(0, 2)))
        ]
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
