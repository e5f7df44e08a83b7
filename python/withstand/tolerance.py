# SPDX-License-Identifier: MIT
"""How many failures are proved harmless: frontiers and totals of the scalar bound, in exact arithmetic.

The recursion is Theorem B, capped by the activations' ranges: with e_0 = 0,

    c_l = min(K_l w_l e_{l-1}, R_l),    e_l = f_l max(Delta_l, c_l) + (N_l - f_l) c_l,    error <= w_{L+1} e_L.

It is nondecreasing in every f_l, so the harmless tuples are a down-set with a frontier, and totals follow by dynamic
programming over the layers. Nothing is rounded: with ints and Fractions the comparisons are exact, as floors of
quotients of decimals are not ((0.3 - 0.1) / 0.1 is 1.9999999999999998 in doubles).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand.bounds import bound
from withstand.domain import Box, bounds_of
from withstand.failures import Crash, Failures
from withstand.network import Network
from withstand.spec import Argmax, Spec, asks_decisions

Number = int | Fraction
Epsilon = int | float | str | Fraction

#: Visited tuples after which a frontier is not listed.
FRONTIER_LIMIT = 100_000


@dataclass(frozen=True)
class Layers:
    """What the scalar bound knows of a network; one entry per hidden layer.

    Attributes
    ----------
    widths : tuple of int
        N_1, ..., N_L.
    weights : tuple of number
        w_2, ..., w_{L+1}: the largest |weight| out of each layer.
    effects : tuple of number
        Delta_1, ..., Delta_L: how far off a failed neuron may be.
    lipschitz : tuple of number
        K_1, ..., K_L.
    ranges : tuple of number or None
        R_1, ..., R_L: lengths of the activations' ranges; None where unbounded or not to be used.
    """

    widths: tuple[int, ...]
    weights: tuple[Number, ...]
    effects: tuple[Number, ...]
    lipschitz: tuple[Number, ...]
    ranges: tuple[Number | None, ...]

    def relayed(self, layer: int, error: Number) -> Number:
        """C of layer (0-based), from the error of the layer before."""
        if layer == 0:
            return 0
        grown = self.lipschitz[layer] * self.weights[layer - 1] * error
        cap = self.ranges[layer]
        return grown if cap is None else min(grown, cap)

    def step(self, layer: int, error: Number, count: int) -> Number:
        """E of layer (0-based) with at most `count` failures in it."""
        relayed = self.relayed(layer, error)
        return count * max(self.effects[layer], relayed) + (self.widths[layer] - count) * relayed


def at_most(layers: Layers, counts: Sequence[int]) -> Number:
    """Theorem B, exactly: the bound on the output error with at most `counts` failures per layer."""
    error: Number = 0
    for layer, count in enumerate(counts):
        error = layers.step(layer, error, count)
    return layers.weights[-1] * error


def frontier(layers: Layers, budget: Number, limit: int = FRONTIER_LIMIT) -> tuple[tuple[int, ...], ...] | None:
    """Return the maximal per-layer tuples f with ``at_most(layers, f) <= budget``, sorted.

    Goes backward with the largest error that each layer may have; None after visiting `limit` tuples. At most
    (N_2 + 1) ... (N_L + 1) are visited.
    """
    if budget < 0:
        return ()
    found: list[tuple[int, ...]] = []
    visited = 0
    last = layers.weights[-1]
    stack: list[tuple[int, Number | None, tuple[int, ...]]] = [
        (len(layers.widths) - 1, Fraction(budget) / last if last else None, ())
    ]
    while stack:
        layer, threshold, tail = stack.pop()
        visited += 1
        if visited > limit:
            return None
        if layer == 0:
            most = _most_failures(layers, threshold)
            if most is not None:
                found.append((most, *tail))
            continue
        for count in range(layers.widths[layer] + 1):
            if threshold is not None and count * layers.effects[layer] > threshold:
                break
            stack.append((layer - 1, _before(layers, layer, threshold, count), (count, *tail)))
    return tuple(sorted(_maximal(found)))


def _most_failures(layers: Layers, threshold: Number | None) -> int | None:
    """Failures that the first layer bears."""
    if threshold is None or layers.effects[0] == 0:
        return layers.widths[0]
    return min(layers.widths[0], math.floor(Fraction(threshold) / layers.effects[0]))


def _before(layers: Layers, layer: int, threshold: Number | None, count: int) -> Number | None:
    """Largest error of the layer before, given this layer's and its count; None: any."""
    if threshold is None:
        return None
    width, effect = layers.widths[layer], layers.effects[layer]
    relayed = Fraction(threshold) / width
    if width > count and (threshold - count * effect) <= effect * (width - count):
        relayed = Fraction(threshold - count * effect) / (width - count)
    cap, factor = layers.ranges[layer], layers.lipschitz[layer] * layers.weights[layer - 1]
    if factor == 0 or (cap is not None and relayed >= cap):
        return None
    return relayed / factor


def _maximal(tuples: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Drop what another tuple dominates; sorted by falling sum, a tuple can only be below an earlier one."""
    kept: list[tuple[int, ...]] = []
    for f in sorted(set(tuples), key=lambda f: (-sum(f), f)):
        if not any(all(a <= b for a, b in zip(f, g)) for g in kept):
            kept.append(f)
    return kept


def _totals(layers: Layers, most: int, choose: Callable[[Number, Number], Number]) -> list[Number]:
    """Least (or largest) bound over all distributions of t failures, for t = 0, ..., most."""
    errors: list[Number] = [0]
    for layer, width in enumerate(layers.widths):
        after: dict[int, Number] = {}
        for spent, error in enumerate(errors):
            for count in range(min(width, most - spent) + 1):
                value = layers.step(layer, error, count)
                after[spent + count] = choose(after.get(spent + count, value), value)
        errors = [after[t] for t in range(len(after))]
    return [layers.weights[-1] * e for e in errors]


def _harmless_total(layers: Layers, budget: Number, choose: Callable[[Number, Number], Number]) -> int:
    """Largest t whose chosen bound is within the budget; -1 if none. Both choices are nondecreasing in t."""
    neurons = sum(layers.widths)
    most = min(8, neurons)
    while True:
        bounds = _totals(layers, most, choose)
        harmless = sum(value <= budget for value in bounds)
        if harmless <= most or most == neurons:
            return harmless - 1
        most = min(2 * most, neurons)


def max_total(layers: Layers, budget: Number) -> int:
    """Largest number of failures of which some distribution over the layers is harmless; -1 if none.

    O(t^2) steps per layer, t the result.
    """
    return _harmless_total(layers, budget, min)


def guaranteed_total(layers: Layers, budget: Number) -> int:
    """Largest number of failures of which every distribution over the layers is harmless; -1 if none.

    O(t^2) steps per layer, t the result.
    """
    return _harmless_total(layers, budget, max)


@dataclass(frozen=True)
class Tolerance:
    """How many failures a network is proved to withstand.

    Attributes
    ----------
    guaranteed : int
        Every pattern of this many failures anywhere is proved harmless; -1 where the intact network already is not
        (with `Argmax`: a tie).
    breaking : int or None
        Smallest count for which a replayed witness does harm; None where none was searched for or found.
    frontier : tuple of tuples or None
        Maximal per-layer counts proved harmless by the scalar bound; None where they are too many to list.
    frontier_size : int
        Tuples that a listing may have to visit: (N_2 + 1) ... (N_L + 1).
    most : int
        Largest number of failures of which some distribution over the layers is proved harmless.
    exact : bool
        Whether `breaking` is `guaranteed` + 1.
    method : str
        The bound that proved `guaranteed`.
    """

    guaranteed: int
    breaking: int | None
    frontier: tuple[tuple[int, ...], ...] | None
    frontier_size: int
    most: int
    exact: bool
    method: str


def tolerance(
    net: Network,
    epsilon: Epsilon,
    domain: npt.ArrayLike | Box | None,
    *,
    model: Callable[..., Failures] = Crash,
    spec: Spec = None,
) -> Tolerance:
    """Find how many failures are proved to keep the error within `epsilon`.

    Parameters
    ----------
    net : Network
    epsilon : int, float, str or Fraction
        The budget: how far the failed network may be from the intact one. A string is read as a decimal, exactly; a
        float is the double it is. Unused with `spec`.
    domain : array_like of shape (n, d), Box or None
        For which inputs; as for `bound`.
    model : callable, default Crash
        Makes a failure model from counts: `Crash`, or ``lambda counts: Byzantine(counts, capacity=1.0)``. Neurons only.
    spec : Argmax, optional
        Keep the decision instead: harm is a change of class.

    Returns
    -------
    Tolerance

    Raises
    ------
    TypeError, ValueError
        For an epsilon that is no nonnegative number, a model of synapse failures, or what `bound` refuses.

    Notes
    -----
    The frontier costs at most (N_2 + 1) ... (N_L + 1) exact operations and is left out beyond 100,000; totals are
    polynomial. `guaranteed` is then raised with the method "tightest", one bound per count tried.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 4, [[0.5] * 4] * 3, [[0.25] * 3]], activation="clip")
    >>> result = ws.tolerance(net, "0.5", None)
    >>> result.guaranteed, result.most, result.frontier
    (1, 2, ((0, 2), (1, 1)))
    """
    decisions = asks_decisions(spec)
    budget = Fraction(0) if decisions else as_budget(epsilon)
    layers = read_layers(net, model, domain, spec)
    room = _margin(net, domain) if decisions else _room(net, budget)
    size = math.prod(n + 1 for n in layers.widths[1:])
    if room is None:
        everyone = sum(layers.widths)
        return Tolerance(everyone, None, (layers.widths,), size, everyone, False, "capped")
    listed, scalar, most = frontier(layers, room), guaranteed_total(layers, room), max_total(layers, room)
    best = _raise_total(net, budget, domain, model, spec, max(scalar, 0))
    method = "tightest" if best > scalar else "capped"
    guaranteed = max(scalar, best)
    return Tolerance(guaranteed, None, listed, size, max(most, guaranteed), False, method)


def as_budget(epsilon: Epsilon) -> Fraction:
    """Return epsilon as the exact rational that it is."""
    if isinstance(epsilon, bool) or not isinstance(epsilon, (int, float, str, Fraction, np.integer, np.floating)):
        raise TypeError(f"epsilon must be a number or a decimal string, got {epsilon!r}")
    try:
        value = Fraction(epsilon if isinstance(epsilon, (str, Fraction)) else float(epsilon))
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"epsilon must be a finite number or a decimal string, got {epsilon!r}") from None
    if value < 0:
        raise ValueError(f"epsilon must be at least 0, got {epsilon!r}")
    return value


def read_layers(
    net: Network,
    model: Callable[..., Failures] = Crash,
    domain: npt.ArrayLike | Box | None = None,
    spec: Spec = None,
) -> Layers:
    """Return what the scalar bound knows of `net` over `domain`, in exact rationals.

    Raises
    ------
    ValueError
        If the model is not of neuron failures, or a range is unbounded without a domain.
    """
    space = model((1,) * net.depth)._space(net)
    lower, upper = (None, None) if domain is None else bounds_of(net, domain)
    effects = _core.layer_effects(net._core, space, lower, upper)
    weights = [Fraction(float(w)) for w in net.max_weights[1:-1]] + [_last_weight(net, asks_decisions(spec))]
    lengths = [high - low for low, high in (a.range for a in net.activations)]
    return Layers(
        net.widths[1:-1],
        tuple(weights),
        tuple(Fraction(e) for e in effects),
        tuple(Fraction(k) for k in net.lipschitz),
        tuple(None if math.isinf(r) else Fraction(r) for r in lengths),
    )


def _last_weight(net: Network, decisions: bool) -> Fraction:
    """w_{L+1}: of an output, or of the difference of two, which a nonlinear activation does not let cancel."""
    last = net.weights[-1]
    if not decisions:
        return Fraction(float(abs(last).max()))
    if net.output_activation.name != "identity":
        return 2 * Fraction(float(abs(last).max()))
    largest = max(abs(a - b).max() for a in last for b in last)
    return Fraction(float(np.nextafter(largest, np.inf)))  # the differences were rounded


def _room(net: Network, budget: Fraction) -> Fraction | None:
    """How far an output's pre-activation may move; None: as far as it likes."""
    low, high = net.output_activation.range
    if high - low <= budget:
        return None
    return budget / Fraction(net.output_activation.lipschitz)


def _margin(net: Network, domain: npt.ArrayLike | Box | None) -> Fraction:
    """How far differences of outputs' pre-activations may move without a flip: a little less than the least margin."""
    harm = bound(net, Crash(0), domain, method="capped", spec=Argmax()).value
    return Fraction(float(np.nextafter(-harm, -np.inf))) / Fraction(net.output_activation.lipschitz)


def _raise_total(
    net: Network,
    budget: Fraction,
    domain: npt.ArrayLike | Box | None,
    model: Callable[..., Failures],
    spec: Spec,
    known: int,
) -> int:
    """Largest count from `known` on that the tightest bound proves harmless; -1 if not even `known`."""
    best = -1
    for count in range(known, net.n_neurons + 1):
        value = bound(net, model(count), domain, method="tightest", spec=spec).value
        if not (value < 0 if asks_decisions(spec) else math.isfinite(value) and Fraction(value) <= budget):
            break
        best = count
    return best
