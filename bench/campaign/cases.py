# SPDX-License-Identifier: MIT
"""The whole contract as one generator: networks, failures, domains. Every case follows from (seed, index) alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .activations import KINKS, LINEAR, NAMES, SLOPED, apply
from .plain import Act, Case, Model, Net, Term
from .space import TooMany, configurations, sites

Rng = np.random.Generator
FAMILIES = ("dyadic", "kinks", "gaussian", "torch", "scaled", "ulps", "extreme")
SHARES = (0.24, 0.16, 0.16, 0.14, 0.12, 0.12, 0.06)
GAINS = (1.0, 1.0, 1.0, 2.0, 0.5, 4.0, 0.25, 1 / 3, 1.7)
SLOPES = (0.0, 0.01, 0.01, 0.1, 0.25, 1 / 3, 0.5, 1.0, 1.5, 2.0)


def pick(rng: Rng, options: Any) -> Any:
    return options[int(rng.integers(len(options)))]


def activation(rng: Rng, names: tuple[str, ...], dyadic: bool) -> Act:
    name = pick(rng, names)
    gain = pick(rng, (1.0, 1.0, 1.0, 2.0, 0.5)) if dyadic else pick(rng, GAINS)
    slope = None
    if name in SLOPED and rng.random() < 0.8:
        slope = pick(rng, (0.0, 0.25, 0.5, 1.0, 1.5)) if dyadic else pick(rng, SLOPES)
    return name, gain, slope


def _weights(rng: Rng, family: str, shape: tuple[int, int]) -> np.ndarray:
    if family in ("dyadic", "kinks", "ulps"):
        W = rng.integers(-8, 9, shape) / 4.0
    elif family == "torch":
        W = rng.uniform(-1, 1, shape) / math.sqrt(shape[1])
    else:
        W = rng.normal(size=shape)
    if family == "scaled":
        W = W * 10.0 ** rng.uniform(-8, 8)
    if family == "extreme" and rng.random() < 0.7:
        W = W * 10.0 ** pick(rng, (-200.0, -160.0, -150.0, 150.0, 160.0, 200.0))
    if rng.random() < 0.5:
        W = np.where(rng.random(shape) < 0.25, 0.0, W)
    if shape[0] > 1 and rng.random() < 0.15:
        W[int(rng.integers(shape[0]))] = W[0]  # duplicates
    if rng.random() < 0.1:
        W[int(rng.integers(shape[0]))] = 0.0
    if rng.random() < 0.1:
        W[:, int(rng.integers(shape[1]))] = 0.0  # a neuron that nobody reads
    return W


def _bias(rng: Rng, family: str, act: Act, pre: np.ndarray) -> np.ndarray:
    """A bias; often one that puts a neuron on a kink of its activation at the first input, or an ulp off, or far."""
    n = len(pre)
    b = (
        rng.integers(-8, 9, n) / 4.0
        if family in ("dyadic", "kinks", "ulps")
        else rng.normal(size=n) * np.maximum(abs(pre), 1e-3)
    )
    if rng.random() < 0.25:
        b = np.zeros(n)
    kinks = KINKS.get(act[0], ())
    for j in range(n):
        if (kinks and family in ("kinks", "ulps") and rng.random() < 0.6) or (kinks and rng.random() < 0.08):
            b[j] = pick(rng, kinks) / act[1] - pre[j]
            if family != "kinks" or rng.random() < 0.3:
                step = pick(rng, (2.0**-54, 2.0**-53, 2.0**-52, 2.0**-40, 1e-12))
                b[j] += pick(rng, (-1.0, 1.0)) * step * max(1.0, abs(b[j]))
        elif rng.random() < 0.06:
            b[j] = pick(rng, (-1.0, 1.0)) * 16.0 * max(1.0, abs(pre[j]))  # dead or saturated
    return b


def network(rng: Rng, family: str, X: np.ndarray, outputs: int) -> Net:
    depth = pick(rng, (1, 1, 2, 2, 2, 3, 3))
    dyadic = family in ("dyadic", "kinks")
    names = LINEAR if dyadic and rng.random() < 0.85 else NAMES
    widest = pick(rng, (2, 3, 4, 5))
    widths = [X.shape[1], *(int(rng.integers(1, widest + 1)) for _ in range(depth)), outputs]
    same = activation(rng, names, dyadic) if rng.random() < 0.5 else None
    if family in ("torch", "ulps") and rng.random() < 0.5:
        same = ("leaky_relu", 1.0, pick(rng, (None, 0.01, 0.1, 1 / 3)))
    weights, biases, acts, y = [], [], [], X[0]
    for layer in range(1, depth + 2):
        act = (same or activation(rng, names, dyadic)) if layer <= depth else ("identity", 1.0, None)
        if layer > depth and rng.random() < 0.2:
            act = activation(rng, names, dyadic)
        W = _weights(rng, family, (widths[layer], widths[layer - 1]))
        with np.errstate(all="ignore"):
            pre = W @ y
        b = _bias(rng, family, act, np.where(np.isfinite(pre), pre, 0.0))
        with np.errstate(all="ignore"):
            y = apply(act, pre + b)
        y = np.where(np.isfinite(y), y, 0.0)
        weights.append(W)
        biases.append(b)
        acts.append(act)
    return Net(tuple(weights), tuple(biases), tuple(acts[:-1]), acts[-1])


def inputs(rng: Rng, family: str, n: int, d: int) -> np.ndarray:
    if family in ("dyadic", "kinks", "ulps"):
        X = rng.integers(-8, 9, (n, d)) / 4.0
    elif rng.random() < 0.3:
        X = rng.uniform(0, 1, (n, d))
    else:
        X = rng.normal(size=(n, d))
    if family == "scaled" and rng.random() < 0.5:
        X = X * 10.0 ** rng.uniform(-8, 8)
    if rng.random() < 0.1:
        X[:, int(rng.integers(d))] = 0.0
    return X


def _size(rng: Rng, family: str) -> float:
    if family in ("dyadic", "kinks"):
        return float(pick(rng, (0.0, 0.5, 1.0, 1.0, 2.0)))
    if family == "scaled":
        return float(10.0 ** rng.uniform(-4, 4))
    return float(pick(rng, (0.0, 0.1, 0.5, 1.0, 1.0, 3.0, float(rng.uniform(0, 2)))))


def _term(rng: Rng, net: Net, effect: str, family: str) -> Term:
    size = 0.0 if effect in ("crash", "synapse-crash") else _size(rng, family)
    if effect == "stuck" and rng.random() < 0.3:
        size = -size
    if effect == "noise":
        per_layer = rng.random() < 0.4
        return Term("noise", 0, tuple(_size(rng, family) for _ in range(net.depth)) if per_layer else size)
    among = None
    places = sites(net, Term(effect))
    if rng.random() < 0.3 or (len(places) > 25 and rng.random() < 0.7):
        if effect not in ("product", "signal", "replace", "synapse-crash") and rng.random() < 0.5:
            places = [(0, i) for i in range(net.widths[0])] + places
        keep = rng.permutation(len(places))[: int(rng.integers(1, min(len(places), 10) + 1))]
        among = tuple(places[k] for k in sorted(keep))
        places = list(among)
    exactly = bool(rng.random() < 0.3)
    inside = any(c[0] == 0 for c in places)
    if rng.random() < 0.45 and not inside:
        layers = range(1, net.depth + (2 if Term(effect).on_synapses else 1))
        most = [min(int(rng.integers(0, 3)), sum(c[0] == layer for c in places)) for layer in layers]
        alone = int(rng.integers(len(most))) if rng.random() < 0.4 else -1
        count: Any = tuple(f if alone in (-1, k) else 0 for k, f in enumerate(most))
    else:
        count = min(int(pick(rng, (0, 1, 1, 1, 2, 2, 3))), len(places))
    return Term(effect, count, size, exactly, among)


def failures(rng: Rng, net: Net, family: str) -> Model:
    """One to three terms, few enough configurations to try all of them."""
    kinds = ("crash", "crash", "stuck", "synapse-crash", "value", "deviation", "noise", "product", "signal", "replace")
    while True:
        finite = rng.random() < 0.68
        effects = [pick(rng, kinds[:4] if finite else kinds) for _ in range(pick(rng, (1, 1, 1, 1, 2, 2, 2, 3)))]
        if len(effects) > 1 and rng.random() < 0.4:  # neurons and synapses together
            effects[:2] = [pick(rng, ("crash", "stuck")), "synapse-crash"]
        terms = [_term(rng, net, effect, family) for effect in effects]
        if sum(t.effect == "noise" for t in terms) > 1:
            continue
        try:
            configs = configurations(net, tuple(terms), 120 if len(terms) > 1 or not finite else 260)
        except TooMany:
            continue
        if configs:
            return tuple(terms)


def case(seed: int, index: int) -> Case:
    rng = np.random.default_rng([seed, index])
    family = FAMILIES[int(rng.choice(len(FAMILIES), p=SHARES))]
    n, d, m = pick(rng, (1, 1, 2, 3)), pick(rng, (1, 1, 2, 2, 3)), pick(rng, (1, 1, 2, 2, 3))
    X = inputs(rng, family, n, d)
    net = network(rng, family, X, m)
    model = failures(rng, net, family)
    box = None
    if rng.random() < 0.18:
        radius = pick(rng, (0.0, 0.25, 0.5, 1.0)) * (
            1.0 if family in ("dyadic", "kinks", "ulps") else float(rng.uniform(0.1, 1.0))
        )
        low, high = X[0] - radius, X[0] + radius
        if rng.random() < 0.3:
            high[0] = low[0]  # degenerate in one direction
        box = (low, high)
        corners = np.where(rng.integers(0, 2, (4, d)) == 1, high, low)
        X = np.vstack([corners, (X[:1].clip(low, high)), (low + rng.random((3, d)) * (high - low)).clip(low, high)])
    decisions = bool(m > 1 and rng.random() < 0.4)
    return Case(f"{seed}:{index}", net, model, X, box, family, decisions, {"seed": (seed, index)})
