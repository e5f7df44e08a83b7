# SPDX-License-Identifier: MIT
"""Random networks, inputs, boxes and failure models as plain data: seeded generators and Hypothesis
strategies.

Weights are dyadic (multiples of 1/8) by default, so that piecewise-linear networks can be followed exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
from hypothesis import strategies as st
from oracle import Activation, Model, Network, Term

GAINS = (0.25, 0.5, 1.0, 1.0, 1.0, 2.0)
SLOPES = oracle.DRAWN_SLOPES
OUTPUTS = ("identity", "identity", "identity", "logistic", "tanh", "relu", "hard_tanh")


# seeded generators ------------------------------------------------------------------------------------------
def random_activation(rng: np.random.Generator, names: tuple[str, ...] = oracle.NAMES) -> Activation:
    name = str(rng.choice(names))
    return Activation(name, float(rng.choice(GAINS)), float(rng.choice(SLOPES.get(name, (0.0,)))))


def random_network(
    rng: np.random.Generator,
    *,
    depth: tuple[int, int] = (1, 4),
    width: tuple[int, int] = (1, 8),
    inputs: tuple[int, int] = (1, 4),
    outputs: tuple[int, int] = (1, 3),
    activations: tuple[str, ...] = oracle.NAMES,
    output_activations: tuple[str, ...] = OUTPUTS,
    dyadic: bool = True,
) -> Network:
    """Ranges are inclusive; activations are drawn per layer; some weights are zero, some networks are
    sparse."""
    L = int(rng.integers(depth[0], depth[1] + 1))
    sizes = [_within(rng, inputs), *(_within(rng, width) for _ in range(L)), _within(rng, outputs)]
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [_entries(rng, shape, dyadic) for shape in shapes]
    if rng.random() < 0.2:
        weights = [np.where(rng.random(W.shape) < 0.4, 0.0, W) for W in weights]
    biases = [_entries(rng, (n,), dyadic) for n, _ in shapes]
    hidden = [random_activation(rng, activations) for _ in range(L)]
    return oracle.network(weights, biases, hidden, str(rng.choice(output_activations)))


def _within(rng: np.random.Generator, limits: tuple[int, int]) -> int:
    return int(rng.integers(limits[0], limits[1] + 1))


def _entries(rng: np.random.Generator, shape: tuple[int, ...], dyadic: bool) -> np.ndarray:
    return rng.integers(-12, 13, shape) / 8 if dyadic else rng.normal(0, 0.8, shape)


def random_inputs(rng: np.random.Generator, net: Network, n: int = 2, *, dyadic: bool = True) -> np.ndarray:
    """(n, d) in [-1, 1]."""
    shape = (n, net.widths[0])
    return rng.integers(-8, 9, shape) / 8 if dyadic else rng.uniform(-1, 1, shape)


def random_box(rng: np.random.Generator, net: Network, radius: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper); a side may have length zero."""
    centre = random_inputs(rng, net, 1)[0]
    half = radius * rng.integers(0, 5, len(centre)) / 4
    return centre - half, centre + half


def random_count(rng: np.random.Generator, groups: list[int], most: int) -> Any:
    """A total, or one count per group, never more than there are components."""
    if rng.random() < 0.5:
        return int(rng.integers(0, min(most, sum(groups)) + 1))
    return tuple(int(rng.integers(0, min(most, n) + 1)) for n in groups)


def random_term(rng: np.random.Generator, net: Network, effect: str, most: int = 3) -> Term:
    """One term; a third of them is restricted by ``among`` (then inputs may be named), a third is
    ``exactly``."""
    L = net.depth
    size = float(rng.integers(-4, 9)) / 4 if effect == "stuck" else float(rng.integers(0, 9)) / 4
    if effect == "noise":
        return Term(
            "noise", 0, size if rng.random() < 0.5 else tuple(float(v) / 8 for v in rng.integers(0, 5, L))
        )
    places, among = oracle.sites(net, Term(effect)), None
    if rng.random() < 1 / 3:
        if effect in oracle.NEURON and rng.random() < 0.5:
            places = [(0, i) for i in range(net.widths[0])] + places
        size_among = int(rng.integers(1, len(places) + 1))
        among = tuple(places[k] for k in sorted(rng.choice(len(places), size_among, replace=False)))
        places = list(among)
    layers = range(1, L + (1 if effect in oracle.NEURON else 2))
    groups = [sum(c[0] == layer for c in places) for layer in layers]
    if among is not None and any(c[0] == 0 for c in among):
        count: Any = int(rng.integers(0, min(most, len(among)) + 1))
    else:
        count = random_count(rng, groups, most)
    return Term(effect, count, size, bool(rng.random() < 1 / 3), among)


def random_model(
    rng: np.random.Generator,
    net: Network,
    *,
    effects: tuple[str, ...] = oracle.FINITE,
    cap: int = 300,
    terms: int = 2,
) -> Model:
    """A model with 1..cap patterns; drawn again until it has (a single crash count of 1 always does in the
    end)."""
    for most in (3, 3, 3, 2, 2, 2, 1, 1, 1):
        drawn = int(rng.integers(1, terms + 1))
        model = tuple(random_term(rng, net, str(rng.choice(effects)), most) for _ in range(drawn))
        if (
            max(oracle.count_single(net, term) for term in model) <= cap
            and 1 <= oracle.count(net, model) <= cap
        ):
            return model
    effect = next(e for e in effects if e != "noise")
    return (Term(effect, 0, 1.0),)


# Hypothesis -------------------------------------------------------------------------------------------------
def _eighths(limit: int) -> st.SearchStrategy[float]:
    return st.integers(-limit, limit).map(lambda k: k / 8)


@st.composite
def activations(draw: Any, names: tuple[str, ...] = oracle.NAMES) -> Activation:
    name = draw(st.sampled_from(names))
    return Activation(
        name, draw(st.sampled_from(sorted(set(GAINS)))), draw(st.sampled_from(SLOPES.get(name, (0.0,))))
    )


def arrays(shape: tuple[int, ...], limit: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/8 in [-limit/8, limit/8]."""
    size = int(np.prod(shape))
    return st.lists(_eighths(limit), min_size=size, max_size=size).map(lambda v: np.array(v).reshape(shape))


@st.composite
def networks(
    draw: Any,
    *,
    depth: tuple[int, int] = (1, 4),
    width: tuple[int, int] = (1, 8),
    inputs: tuple[int, int] = (1, 4),
    outputs: tuple[int, int] = (1, 3),
    names: tuple[str, ...] = oracle.NAMES,
    output_activations: tuple[str, ...] = tuple(dict.fromkeys(OUTPUTS)),
) -> Network:
    """Shrinks towards few, narrow layers and small weights."""
    hidden = draw(st.lists(st.integers(*width), min_size=depth[0], max_size=depth[1]))
    sizes = [draw(st.integers(*inputs)), *hidden, draw(st.integers(*outputs))]
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [draw(arrays(shape)) for shape in shapes]
    biases = [draw(arrays((n,))) for n, _ in shapes]
    acts = [draw(activations(names)) for _ in hidden]
    return oracle.network(weights, biases, acts, draw(st.sampled_from(output_activations)))


def inputs_of(net: Network, n: int = 2) -> st.SearchStrategy[np.ndarray]:
    """(n, d) in [-1, 1]."""
    return arrays((n, net.widths[0]), 8)


@st.composite
def boxes(draw: Any, net: Network) -> tuple[np.ndarray, np.ndarray]:
    lower = draw(arrays((net.widths[0],), 8))
    return lower, lower + abs(draw(arrays((net.widths[0],), 4)))


@st.composite
def models(
    draw: Any, net: Network, *, effects: tuple[str, ...] = oracle.FINITE, cap: int = 300, terms: int = 2
) -> Model:
    """As random_model: the structure of a model has many cross conditions, so it is drawn from one seed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    return random_model(rng, net, effects=effects, cap=cap, terms=terms)


@st.composite
def cases(
    draw: Any, *, n: int = 2, cap: int = 300, effects: tuple[str, ...] = oracle.FINITE, **shape: Any
) -> Any:
    """(network, model, inputs)."""
    net = draw(networks(**shape))
    return net, draw(models(net, effects=effects, cap=cap)), draw(inputs_of(net, n))
