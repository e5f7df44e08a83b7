# SPDX-License-Identifier: MIT
"""Brute force: every configuration replayed, and an adversary from below where values range over
intervals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from .failures import Component, Configuration, Model, configurations, patterns, sites, values
from .networks import Network, forward, trace


@dataclass(frozen=True)
class Witness:
    """A replayable worst execution: ``forward(net, X[input_index], failed=values, added=added)`` attains
    ``error``."""

    failed: tuple[Component, ...]
    values: dict[Component, Any]
    input_index: int
    output: int
    error: Any
    added: dict[Component, Any]


@dataclass(frozen=True)
class Statistics:
    """Errors of all configurations in enumeration order, with the worst of them."""

    errors: np.ndarray
    worst: Any
    witness: Witness
    configurations: int
    evaluations: int

    @property
    def mean(self) -> Any:
        return sum(self.errors) / len(self.errors)

    @property
    def std(self) -> float:
        """Population standard deviation."""
        mean = self.mean
        return float(sum((e - mean) ** 2 for e in self.errors) / len(self.errors)) ** 0.5

    def exceeding(self, epsilon: Any) -> float:
        """Share of configurations whose error is above epsilon."""
        return sum(1 for e in self.errors if e > epsilon) / len(self.errors)

    def flipping(self) -> float:
        """Share of configurations with harm >= 0."""
        return sum(1 for e in self.errors if e >= 0) / len(self.errors)

    def quantile(self, q: float) -> Any:
        """Smallest error e such that at least a share q of the configurations has an error <= e."""
        ordered = sorted(self.errors)
        return next(e for k, e in enumerate(ordered, start=1) if k >= q * len(ordered))


def deviations(intact: np.ndarray, faulty: np.ndarray, spec: str | None = None) -> np.ndarray:
    """|faulty - intact| (n, m); with spec "argmax" faulty_j - faulty_c, c the intact class (its own column:
    -inf)."""
    if spec is None:
        return abs(faulty - intact)
    if spec != "argmax" or intact.shape[1] < 2:
        raise ValueError(f"spec {spec!r} on {intact.shape[1]} outputs")
    rows, c = np.arange(len(intact)), intact.argmax(axis=1)
    harm = faulty - faulty[rows, c][:, None]
    harm[rows, c] = -np.inf
    return harm


def replay(net: Network, X: Any, failed: Any, added: Any = None, spec: str | None = None) -> np.ndarray:
    """deviations of one faulty execution over the inputs X (n, d)."""
    return deviations(forward(net, X), forward(net, X, failed, added), spec)


def enumerate_failures(net: Network, model: Model, X: Any, spec: str | None = None) -> Statistics:
    """Replay every configuration on every input; the first one that attains the maximum is the witness.

    Ties: enumeration order of the configurations, then the smallest input index, then the smallest output.
    """
    X = np.atleast_2d(np.asarray(X))
    intact, errors, witness = forward(net, X), [], None
    configs = configurations(net, model)
    for config in configs:
        failed = values(model, config)
        deviation = deviations(intact, forward(net, X, failed), spec)
        index, output = divmod(int(deviation.argmax()), deviation.shape[1])
        errors.append(deviation[index, output])
        if witness is None or errors[-1] > witness.error:
            witness = Witness(tuple(failed), failed, index, output, errors[-1], {})
    return Statistics(np.array(errors), witness.error, witness, len(configs), len(configs) * len(X))


def worst(net: Network, model: Model, X: Any, spec: str | None = None) -> Any:
    """Largest error (or harm) of a finite model."""
    return enumerate_failures(net, model, X, spec).worst


def _perturb(
    net: Network, model: Model, config: Configuration, levels: Any, nominal: Any
) -> tuple[dict, dict]:
    """failed and added for one choice of levels in [-1, 1], one per failed component."""
    failed, added = {}, {}
    for (component, t), level in zip(config, levels, strict=True):
        term, effect = model[t], model[t].effect
        if effect in ("crash", "synapse-crash"):
            failed[component] = 0.0
        elif effect == "stuck":
            failed[component] = term.size
        elif effect in ("value", "replace"):
            failed[component] = level * term.size
        elif effect == "deviation":  # measured against the fault-free value
            failed[component] = nominal[component[0]][:, component[1]] + level * term.size
        elif effect == "product":
            added[component] = level * term.size
        else:  # "signal": the error enters before the weight
            layer, to, source = component
            added[component] = net.weights[layer - 1][to, source] * level * term.size
    return failed, added


def _noises(net: Network, model: Model, rng: np.random.Generator, draws: int) -> list[dict]:
    """Sign vectors of the noise terms: all plus, all minus, and random ones."""
    terms = [term for term in model if term.effect == "noise"]
    if not terms:
        return [{}]
    amplitude: dict[Component, Any] = {}
    for term in terms:
        for component in sites(net, term):
            size = term.size[component[0] - 1] if np.ndim(term.size) else term.size
            amplitude[component] = amplitude.get(component, 0) + size
    signs = [np.ones(len(amplitude)), -np.ones(len(amplitude))]
    signs += [rng.choice([-1.0, 1.0], len(amplitude)) for _ in range(draws)]
    return [{c: s * a for s, (c, a) in zip(sign, amplitude.items(), strict=True)} for sign in signs]


def adversary(
    net: Network,
    model: Model,
    X: Any,
    *,
    grid: tuple[float, ...] = (-1.0, 1.0),
    limit: int = 2000,
    draws: int = 8,
    seed: int = 0,
    spec: str | None = None,
) -> Witness:
    """The worst execution found: all patterns, values on a grid of their intervals, at most ``limit``
    runs."""
    X, rng = np.atleast_2d(np.asarray(X)), np.random.default_rng(seed)
    nominal, best = trace(net, X), None
    runs = [
        (config, levels, extra)
        for config in patterns(net, model)
        for levels in product(
            *(grid if model[t].effect not in ("crash", "stuck", "synapse-crash") else (0,) for _, t in config)
        )
        for extra in _noises(net, model, rng, draws)
    ]
    if len(runs) > limit:
        runs = [runs[k] for k in sorted(rng.choice(len(runs), limit, replace=False))]
    for config, levels, extra in runs:
        failed, added = _perturb(net, model, config, levels, nominal)
        added = {**extra, **added}
        deviation = deviations(nominal[-1], forward(net, X, failed, added), spec)
        index, output = divmod(int(deviation.argmax()), deviation.shape[1])
        if best is None or deviation[index, output] > best.error:
            own = {c: v[index] if np.ndim(v) else v for c, v in failed.items()}
            best = Witness(tuple(c for c, _ in config), own, index, output, deviation[index, output], added)
    return best


def box_points(lower: Any, upper: Any, *, corners: int = 16, random: int = 16, seed: int = 0) -> np.ndarray:
    """Inputs of a box: its corners (a random choice of them when there are many), its centre, random
    points."""
    lower, upper, rng = np.asarray(lower, float), np.asarray(upper, float), np.random.default_rng(seed)
    d = len(lower)
    signs = np.array(list(product((0, 1), repeat=d))) if 2**d <= corners else rng.integers(0, 2, (corners, d))
    inside = lower + rng.random((random, d)) * (upper - lower)
    return np.vstack(
        [np.where(signs, upper, lower), (lower + upper)[None] / 2, np.clip(inside, lower, upper)]
    )
