# SPDX-License-Identifier: MIT
"""The configurations of a failure model, listed one by one, and as arrays for a batched evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod

import numpy as np

from .plain import Component, Model, Net, Term

Hit = tuple[Component, int]  # a component and the index of the term that made it fail
Configuration = tuple[Hit, ...]


class TooMany(Exception):
    """More configurations than a case may have."""


def sites(net: Net, term: Term) -> list[Component]:
    """The components that this term may hit, sorted; inputs only where named."""
    if term.among is not None:
        return sorted(set(term.among))
    if term.on_synapses:
        w = net.widths
        return [(k, j, i) for k in range(1, net.depth + 2) for j in range(w[k]) for i in range(w[k - 1])]
    return [(k, i) for k in range(1, net.depth + 1) for i in range(net.widths[k])]


def groups(net: Net, term: Term) -> list[tuple[list[Component], int]]:
    """Sites with a count of their own: all of them for a total, one group per layer otherwise."""
    places = sites(net, term)
    if isinstance(term.count, int):
        return [(places, term.count)]
    return [([c for c in places if c[0] == layer], f) for layer, f in enumerate(term.count, start=1)]


def subsets(net: Net, term: Term, limit: int) -> list[tuple[Component, ...]]:
    """All sets that this term alone may hit."""
    parts = groups(net, term)
    total = prod(sum(comb(len(p), j) for j in ([f] if term.exactly else range(min(f, len(p)) + 1))) for p, f in parts)
    if total > limit:
        raise TooMany(total)
    choices = []
    for places, f in parts:
        sizes = [f] if term.exactly else range(min(f, len(places)) + 1)
        choices.append([chosen for size in sizes for chosen in combinations(places, size)])
    return [sum(chosen, ()) for chosen in product(*choices)]


def configurations(net: Net, model: Model, limit: int = 700) -> list[Configuration]:
    """Every assignment of disjoint sets to the terms, fewest failures first, then sorted; noise is no choice."""
    found: list[Configuration] = [()]
    for t, term in enumerate(model):
        if term.effect == "noise":
            continue
        sets = subsets(net, term, limit)
        if len(found) * len(sets) > 20 * limit:
            raise TooMany(len(found) * len(sets))
        longer = []
        for before in found:
            hit = {c for c, _ in before}
            longer += [before + tuple((c, t) for c in s) for s in sets if hit.isdisjoint(s)]
        found = longer
    if len(found) > limit:
        raise TooMany(len(found))
    return sorted((tuple(sorted(c)) for c in found), key=lambda c: (len(c), c))


@dataclass
class Batch:
    """Runs of one network: what is forced, and what is added, in each.

    forced[l]: (mask, value) of layer l, (R, N_l); shifted[l]: (mask, amount), off from the fault-free value;
    cut[l]: (mask, value) of products into layer l, (R, N_l, N_{l-1}); added[l], scaled[l]: amounts on products, and on
    signals before the weight; noise[l]: amounts (R, N_l) on relaying neurons. ``of`` is the configuration of each run.
    """

    of: np.ndarray
    forced: dict[int, tuple[np.ndarray, np.ndarray]]
    shifted: dict[int, tuple[np.ndarray, np.ndarray]]
    cut: dict[int, tuple[np.ndarray, np.ndarray]]
    added: dict[int, np.ndarray]
    scaled: dict[int, np.ndarray]
    noise: dict[int, np.ndarray]

    @property
    def size(self) -> int:
        return len(self.of)


def _levels(free: int, rng: np.random.Generator, most: int) -> list[np.ndarray]:
    """Values of the intervals in [-1, 1]: corners, and some random ones."""
    if free == 0:
        return [np.zeros(0)]
    corners = [np.array(c) for c in product((-1.0, 1.0), repeat=free)] if free <= 4 else []
    while len(corners) < most and free > 4:
        corners.append(rng.choice([-1.0, 1.0], free))
    if len(corners) > most:
        corners = [corners[k] for k in rng.choice(len(corners), most, replace=False)]
    return corners + [rng.uniform(-1, 1, free)]


def batch(net: Net, model: Model, configs: list[Configuration], rng: np.random.Generator, most: int = 8) -> Batch:
    """All configurations, those with intervals several times over."""
    interval = {
        t for t, term in enumerate(model) if term.effect in ("value", "deviation", "product", "signal", "replace")
    }
    noisy = [term for term in model if term.effect == "noise"]
    runs: list[tuple[int, Configuration, dict[Component, float]]] = []
    for k, config in enumerate(configs):
        free = [c for c, t in config if t in interval]
        repeat = _levels(len(free), rng, most) if free else [np.zeros(0)] * (most if noisy else 1)
        runs += [(k, config, dict(zip(free, level, strict=True))) for level in repeat]
    out = Batch(np.array([k for k, _, _ in runs]), {}, {}, {}, {}, {}, {})
    for r, (_, config, level) in enumerate(runs):
        for component, t in config:
            _place(net, out, r, component, model[t], level.get(component, 0.0))
    for term in noisy:
        for layer in range(1, net.depth + 1):
            size = term.size if np.ndim(term.size) == 0 else term.size[layer - 1]
            signs = rng.choice([-1.0, 1.0], (out.size, net.widths[layer]))
            signs[0::most], signs[1::most] = 1.0, -1.0
            out.noise[layer] = out.noise.get(layer, 0.0) + signs * size
    return out


def _masked(table: dict, layer: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    if layer not in table:
        table[layer] = (np.zeros(shape, bool), np.zeros(shape))
    return table[layer]


def _amounts(table: dict, layer: int, shape: tuple[int, ...]) -> np.ndarray:
    return table.setdefault(layer, np.zeros(shape))


def _place(net: Net, out: Batch, r: int, component: Component, term: Term, level: float) -> None:
    """Write one failed component of run r into the arrays."""
    layer, at = component[0], (r, *component[1:])
    shape = (out.size, *net.widths[layer : layer + 1], *(net.widths[layer - 1 : layer] if len(component) == 3 else ()))
    if term.effect in ("product", "signal"):
        _amounts(out.added if term.effect == "product" else out.scaled, layer, shape)[at] = level * term.size
        return
    table = {"deviation": out.shifted}.get(term.effect, out.cut if term.on_synapses else out.forced)
    mask, value = _masked(table, layer, shape)
    mask[at] = True
    value[at] = {"crash": 0.0, "synapse-crash": 0.0, "stuck": term.size}.get(term.effect, level * term.size)


def witness_values(model: Model, config: Configuration) -> dict[Component, float]:
    """What a finite configuration transmits, as `forward` takes it."""
    return {c: (model[t].size if model[t].effect == "stuck" else 0.0) for c, t in config}
