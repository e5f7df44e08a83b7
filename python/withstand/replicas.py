# SPDX-License-Identifier: MIT
"""Over-provisioning: copies of neurons, and how many of them a budget needs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from withstand._coerce import Epsilon, as_budget
from withstand.domain import Box
from withstand.failures import Failures
from withstand.network import Network
from withstand.scalars import read_layers

#: For each hidden layer, how many fail of each kind and how far off one of them may be.
Faults = list[list[tuple[int, Fraction]]]

_NEURON_EFFECTS = ("crash", "stuck", "byzantine", "deviation")


def replicate(net: Network, r: int | Sequence[int]) -> Network:
    """Copy every hidden neuron, so that the loss of one copy matters less.

    Parameters
    ----------
    net : Network
    r : int or sequence of int
        Copies of each neuron, one number for all hidden layers or one per hidden layer; at least 1.

    Returns
    -------
    Network
        Neuron i of layer l becomes neurons r_l i, ..., r_l i + r_l - 1: incoming weights and bias are copied, outgoing
        weights divided by r_l. It computes the same function to rounding (exactly where r_l is a power of 2 and
        sums are exact), and f_l failures of it do what f_l / r_l failures did (Theorem H).

    Raises
    ------
    TypeError, ValueError
        If `r` holds something else than one positive integer, or one per hidden layer.

    Notes
    -----
    Weights grow with r_l r_{l-1}. The copies must fail independently: a fault common to all copies of a neuron counts
    r_l failures. Byzantine synapses into the outputs are not tamed: their product does not pass a replicated neuron.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[0.5] * 3] * 4, [[0.25] * 4]], activation="clip")
    >>> [ws.fep(ws.replicate(net, r), ws.Crash((1, 1))).value for r in (1, 2, 4)]
    [0.625, 0.34375, 0.1796875]
    """
    copies = [1, *_copies(net, r), 1]
    weights = [
        np.repeat(np.repeat(w, copies[n + 1], axis=0) / copies[n], copies[n], axis=1)
        for n, w in enumerate(net.weights)
    ]
    biases = [np.repeat(b, copies[n + 1]) for n, b in enumerate(net.biases)]
    return Network._from_layers(replace(net._layers(), weights=tuple(weights), biases=tuple(biases)))


def replicas_needed(
    net: Network,
    failures: Failures,
    epsilon: Epsilon,
    domain: npt.ArrayLike | Box | None = None,
) -> int:
    """Return the smallest number of copies of every neuron with which the failures are proved harmless.

    Parameters
    ----------
    net : Network
    failures : Failures
        How many copies may fail: neuron failures, each with counts per layer, or one model with a total. The counts may
        exceed the present widths.
    epsilon : int, float, str or Fraction
        Largest tolerated output error, taken as the exact number it is; a string is a decimal.
    domain : array_like of shape (n, d) or (d,), or Box, optional
        For which inputs; needed by unbounded activations.

    Returns
    -------
    int
        The smallest r such that the at-most bound (Theorem B) of `replicate(net, r)` is at most `epsilon`. The bound is
        evaluated in rational arithmetic, with the division by r before any rounding.

    Raises
    ------
    TypeError, ValueError
        If the failures are not of neurons or name their candidates, `epsilon` is negative, or no number of copies
        suffices (`epsilon` 0 although something can happen).

    Notes
    -----
    Cost: O(log r) recursions over the layers; a total count k takes k^2 steps per layer.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[0.5] * 3] * 4, [[0.25] * 4]], activation="clip")
    >>> ws.replicas_needed(net, ws.Crash((1, 1)), 0.2)
    4
    """
    budget = as_budget(epsilon)
    faults, total = _faults(net, failures, domain)
    if _at_most(net, faults, total, 1) <= budget:
        return 1
    if budget == 0:
        raise ValueError("epsilon is 0: failures of any positive weight are never harmless, whatever the copies")
    low, high = 1, 2
    while _at_most(net, faults, total, high) > budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _at_most(net, faults, total, middle) <= budget else (middle, high)
    return high


def _at_most(net: Network, faults: Faults, total: int | None, r: int) -> Fraction:
    """Theorem B at the counts f / r: e_l = sum (f/r) max(Delta, c) + (N - sum f/r) c with c = K w e_{l-1}.

    With a total, the largest e_l over all distributions of t failures so far, for every t.
    """
    errors: dict[int, Fraction] = {0: Fraction(0)}
    for layer, faulty in enumerate(faults):
        factor = Fraction(net.lipschitz[layer]) * Fraction(net.max_weights[layer])
        width = net.widths[layer + 1]
        after: dict[int, Fraction] = {}
        for spent, before in errors.items():
            relayed = factor * before
            counts = [0] if total is None else range(min(total - spent, r * width) + 1)
            for count in counts:
                error, room = width * relayed, r * width
                for f, delta in faulty if total is None else [(count, faulty[0][1])]:
                    fails = min(f, room)  # no more copies than there are; the worst kinds first
                    error, room = error + Fraction(fails, r) * max(delta - relayed, Fraction(0)), room - fails
                after[spent + count] = max(after.get(spent + count, error), error)
        errors = after
    outward = Fraction(net.max_weights[-1]) * Fraction(net.output_activation.lipschitz)
    return outward * max(errors.values())


def _faults(net: Network, failures: Failures, domain: npt.ArrayLike | Box | None) -> tuple[Faults, int | None]:
    """Return what fails in each layer, and the total count where there is one."""
    if not isinstance(failures, Failures):
        raise TypeError(f"failures must be a failure model such as Crash(2), got {type(failures).__name__}")
    faults: Faults = [[] for _ in range(net.depth)]
    totals = [counts[0] for _, _, counts, total, *_ in failures._terms if total]
    if totals and len(failures._terms) > 1:
        raise ValueError(f"{failures!r}: a total count stands alone; in a sum give one count per hidden layer")
    for term in failures._terms:
        effect, _, counts, total, _, _, among = term
        if effect not in _NEURON_EFFECTS:
            raise ValueError(f"{failures!r}: copies are of neurons, and only failures of neurons are weighed")
        if among is not None:
            raise ValueError(f"{failures!r}: the copies to come cannot be named, drop among")
        if not total and len(counts) != net.depth:
            raise ValueError(f"{failures!r}: {len(counts)} counts for {net.depth} hidden layers")
        one_each = Failures(((*term[:2], (1,) * net.depth, False, False, *term[5:]),))
        effects = read_layers(net, lambda _, model=one_each: model, domain).effects
        for layer, delta in enumerate(effects):
            faults[layer].append((0 if total else counts[layer], Fraction(delta)))
    for layer_faults in faults:
        layer_faults.sort(key=lambda fault: -fault[1])
    return faults, totals[0] if totals else None


def _copies(net: Network, r: int | Sequence[int]) -> tuple[int, ...]:
    values: list[int] = [*r] if isinstance(r, (Sequence, np.ndarray)) else [r] * net.depth
    if len(values) != net.depth:
        raise ValueError(f"{len(values)} numbers of copies for {net.depth} hidden layers")
    for value in values:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError(f"r must be an integer, got {value!r}")
        if operator.index(value) < 1:
            raise ValueError(f"r must be at least 1, got {value}")
    return tuple(int(v) for v in values)
