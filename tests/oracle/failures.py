# SPDX-License-Identifier: MIT
"""Failure models as plain data: a model is a tuple of terms, and its configurations can be listed and
counted.

A configuration is a sorted tuple of (component, index of the term that made it fail); the terms of a sum hit
disjoint components. Components are (layer, neuron), or (layer of the receiver, to, from) for a synapse.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Any

from .networks import Network

NEURON = ("crash", "stuck", "value", "deviation", "noise")
SYNAPSE = ("synapse-crash", "product", "signal", "replace")
FINITE = ("crash", "stuck", "synapse-crash")

Component = tuple[int, ...]
Configuration = tuple[tuple[Component, int], ...]


@dataclass(frozen=True)
class Term:
    """``count`` components suffer ``effect``; ``size`` is the stuck value, the capacity, or the noise
    amplitude.

    ``count`` is a total, or one number per hidden layer (per layer 1..L+1 for synapses); noise hits every
    neuron.
    """

    effect: str
    count: Any = 0
    size: Any = 0
    exactly: bool = False
    among: tuple[Component, ...] | None = None

    def __post_init__(self) -> None:
        if self.effect not in NEURON + SYNAPSE:
            raise ValueError(f"unknown effect {self.effect!r}")


Model = tuple[Term, ...]


def crash(count: Any, **more: Any) -> Model:
    return (Term("crash", count, **more),)


def stuck(count: Any, value: Any, **more: Any) -> Model:
    return (Term("stuck", count, value, **more),)


def byzantine(count: Any, capacity: Any, convention: str = "value", **more: Any) -> Model:
    return (Term(convention, count, capacity, **more),)


def noise(delta: Any) -> Model:
    """Every hidden neuron off by at most delta (a number, or one per hidden layer) and still relaying."""
    return (Term("noise", 0, delta),)


def synapse_crash(count: Any, **more: Any) -> Model:
    return (Term("synapse-crash", count, **more),)


def synapse_byzantine(count: Any, capacity: Any, convention: str = "product", **more: Any) -> Model:
    return (Term(convention, count, capacity, **more),)


def sites(net: Network, term: Term) -> list[Component]:
    """The components that this term may hit, sorted."""
    if term.among is not None:
        return sorted(term.among)
    layers = range(1, net.depth + 1)
    if term.effect in NEURON:
        return [(layer, i) for layer in layers for i in range(net.widths[layer])]
    layers = range(1, net.depth + 2)
    return [(k, j, i) for k in layers for j in range(net.widths[k]) for i in range(net.widths[k - 1])]


def _groups(net: Network, term: Term) -> list[tuple[list[Component], int]]:
    """Disjoint groups of sites with their own count: one group for a total, one per layer otherwise."""
    places = sites(net, term)
    if isinstance(term.count, int):
        return [(places, term.count)]
    if any(component[0] == 0 for component in places):
        raise ValueError("inputs have no entry in a count per hidden layer")
    return [([c for c in places if c[0] == layer], f) for layer, f in enumerate(term.count, start=1)]


def _subsets(net: Network, term: Term) -> list[tuple[Component, ...]]:
    """All sets of components that this term alone may hit."""
    choices = []
    for places, count in _groups(net, term):
        sizes = [count] if term.exactly else range(min(count, len(places)) + 1)
        choices.append([chosen for size in sizes for chosen in combinations(places, size)])
    return [sum(parts, ()) for parts in product(*choices)]


def patterns(net: Network, model: Model) -> list[Configuration]:
    """Every assignment of disjoint component sets to the terms (noise aside): fewer failures first, then
    sorted."""
    terms = [(t, term) for t, term in enumerate(model) if term.effect != "noise"]
    found = []
    for choice in product(*(_subsets(net, term) for _, term in terms)):
        hit = [(c, t) for (t, _), chosen in zip(terms, choice, strict=True) for c in chosen]
        if len({c for c, _ in hit}) == len(hit):
            found.append(tuple(sorted(hit)))
    return sorted(found, key=lambda config: (len(config), [c for c, _ in config], [t for _, t in config]))


def configurations(net: Network, model: Model) -> list[Configuration]:
    """The configurations of a finite model; interval-valued failures have no list of configurations."""
    for term in model:
        if term.effect not in FINITE:
            raise ValueError(f"{term.effect} failures take an interval of values and cannot be enumerated")
    return patterns(net, model)


def values(model: Model, config: Configuration) -> dict[Component, Any]:
    """What the failed components of a finite configuration transmit."""
    return {c: model[t].size if model[t].effect == "stuck" else 0.0 for c, t in config}


def count_single(net: Network, term: Term) -> int:
    """Closed form for one term: a product over its groups of sums of binomial coefficients."""
    return prod(
        sum(comb(len(places), j) for j in ([count] if term.exactly else range(count + 1)))
        for places, count in _groups(net, term)
    )


def count(net: Network, model: Model) -> int:
    """Number of patterns without listing them: go through the components, counting how full every group
    is."""
    groups = [
        (t, set(p), f)
        for t, term in enumerate(model)
        if term.effect != "noise"
        for p, f in _groups(net, term)
    ]
    full = Counter({(0,) * len(groups): 1})
    for component in sorted(set().union(*(places for _, places, _ in groups))) if groups else []:
        after = Counter(full)  # the component stays intact
        for used, ways in full.items():
            for g, (_, places, limit) in enumerate(groups):
                if component in places and used[g] < limit:
                    after[(*used[:g], used[g] + 1, *used[g + 1 :])] += ways
        full = after
    return sum(
        ways
        for used, ways in full.items()
        if all(not model[t].exactly or u == f for u, (t, _, f) in zip(used, groups, strict=True))
    )
