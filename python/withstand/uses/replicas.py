# SPDX-License-Identifier: MIT
"""Over-provisioning: copies of neurons, and how many of them a budget needs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._coerce import Epsilon, as_budget, as_seconds, flag, needed, shown, whole
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand.model.activations import Activation
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_chain
from withstand.questions.bounds import bound
from withstand.questions.clock import Clock

#: For each hidden layer, how many fail of each kind and how far off one of them may be.
Faults = list[list[tuple[int, Fraction]]]

#: Share of the budget within which rounding may decide: r is tried one by one there.
_NEAR = 1 << 40
_MOST_COPIES = 1 << 40
#: Of copies that are made only to be bounded.
_MOST_WEIGHTS = 4_000_000
#: Totals that `bound` distributes over the layers rather than relax.
_MOST_TOTAL = 1000
#: Of copies that somebody asks for: 2 GB of weights.
_MOST_ENTRIES = 250_000_000
_LARGEST = Fraction(sys.float_info.max)
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
        If `r` holds something else than one positive integer, or one per hidden layer; for a graph.

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
    copies = [1, *_copies(as_chain(net, "neurons are copied in"), r), 1]
    weights = [
        np.repeat(np.repeat(w, copies[n + 1], axis=0) / copies[n], copies[n], axis=1)
        for n, w in enumerate(net.weights)
    ]
    biases = [np.repeat(b, copies[n + 1]) for n, b in enumerate(net.biases)]
    parts = replace(net._layers(), weights=tuple(weights), biases=tuple(biases), quantisation=None)  # no words any more
    return Network._from_layers(parts)


@either_word
def replicas_needed(
    net: Network,
    failures: Failures,
    epsilon: Epsilon,
    domain: npt.ArrayLike | Box | None = None,
    *,
    time_limit: float | None = 60.0,
    progress: bool = False,
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
    time_limit : float or None, default 60.0
        Seconds after which it is refused to go on, and said how far it came. None: no limit.
    progress : bool, default False
        Say on standard error between which numbers it is.

    Returns
    -------
    int
        The smallest r such that ``bound(replicate(net, r), failures, domain, method="at-most")`` is at most `epsilon`:
        Theorem B after the output activation, so never more than the range of that activation. Where the copies would
        have more than four million weights, that bound is evaluated in rational arithmetic instead of on the copies.

    Raises
    ------
    TypeError, ValueError
        For a graph, or if the failures are not of neurons or name their candidates, `epsilon` is negative, or no number
        of copies suffices (`epsilon` 0 although something can happen; more than 2^40).
    TimeoutError
        If the time is up before the number is found.

    Notes
    -----
    Without rounding the bound falls with every copy, so bisection finds where it meets the budget in O(log r)
    recursions over the layers; a total count k takes k^2 steps per layer. The weights of the copies are rounded, and
    then a bound is: from there on every r is tried.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[0.5] * 3] * 4, [[0.25] * 4]], activation="clip")
    >>> ws.replicas_needed(net, ws.Crash((1, 1)), 0.2)
    4
    """
    as_chain(net, "the number of copies is found for")
    budget, clock = as_budget(needed(epsilon)), Clock(as_seconds(time_limit), line := Line(flag(progress, "progress")))
    rows, total = _faults(net, failures, domain)
    arguments_fit()
    try:
        if _at_most(net, rows, total, 1, clock) == 0:
            return 1
        if budget == 0:
            raise ValueError("epsilon is 0: failures of any positive weight are never harmless, whatever the copies")
        few = _bisected(net, rows, total, budget, clock)
        return next(r for r in count(few) if _suffices(net, failures, rows, total, domain, r, budget, clock))
    except _Late:
        raise TimeoutError(
            f"the time was up ({time_limit:g} s) before the number of copies was found: give more, or no time_limit"
        ) from None
    finally:
        line.close()


def _bisected(net: Network, rows: list[Faults], total: int | None, budget: Fraction, clock: Clock) -> int:
    """Return the fewest copies that suffice if rounding is left aside."""
    near = budget + budget / _NEAR
    low, high = 0, 1
    while _at_most(net, rows, total, high, clock) > near:
        low, high = high, 2 * high
        clock.say(f"replicas: more than {low:,} copies")
        if high > _MOST_COPIES:
            raise ValueError(f"epsilon {float(budget):g} needs more than {_MOST_COPIES:,} copies of every neuron")
    while high - low > 1:
        clock.say(f"replicas: more than {low:,} copies, at most {high:,}")
        middle = (low + high) // 2
        low, high = (low, middle) if _at_most(net, rows, total, middle, clock) <= near else (middle, high)
    return high


class _Late(Exception):
    """The time is up."""


def _suffices(net: Network, failures: Failures, rows: list[Faults], total: int | None,
              domain: npt.ArrayLike | Box | None, r: int, budget: Fraction, clock: Clock) -> bool:  # fmt: skip
    """Whether the bound of `replicate(net, r)` is within the budget, the rounding of its weights included."""
    weights = sum(w.size * (1 if n in (0, net.depth) else r) * r for n, w in enumerate(net.weights))
    fail = [total or sum(f for f, _ in layer) for layer in rows[0]]
    there = r * sum(net.widths[1:-1]) if total else r * min(net.widths[1:-1])
    if weights > _MOST_WEIGHTS or max(fail) > there or (total or 0) > _MOST_TOTAL:
        return _at_most(net, rows, total, r, clock, rounded=True) <= budget
    value = bound(replicate(net, r), failures, domain, method="at-most").value
    return math.isfinite(value) and Fraction(value) <= budget


def _at_most(
    net: Network, rows: list[Faults], total: int | None, r: int, clock: Clock, *, rounded: bool = False
) -> Fraction:
    """Return the largest bound over the inputs."""
    return max(_at_input(net, faults, total, r, clock, rounded) for faults in rows)


def _at_input(net: Network, faults: Faults, total: int | None, r: int, clock: Clock, rounded: bool) -> Fraction:
    """Theorem B at the counts f / r: e_l = sum (f/r) max(Delta, c) + (N - sum f/r) c with c = K w e_{l-1}.

    With a total, the largest e_l over all distributions of t failures so far, for every t. Errors are those of the
    copies divided by r, which cancels against their weights w / r; `rounded`: against w / r as a double.
    """
    weights = [_shared(w, r if rounded and n else 1) for n, w in enumerate(net.max_weights)]
    errors: dict[int, Fraction] = {0: Fraction(0)}
    for layer, faulty in enumerate(faults):
        factor, width = Fraction(net.lipschitz[layer]) * weights[layer], net.widths[layer + 1]
        after: dict[int, Fraction] = {}
        for spent, before in errors.items():
            relayed = factor * before
            counts = [0] if total is None else range(min(total - spent, r * width) + 1)
            for fallen in counts:
                if clock.over():
                    raise _Late
                error, room = width * relayed, r * width
                for f, delta in faulty if total is None else [(fallen, faulty[0][1])]:
                    fails = min(f, room)  # no more copies than there are; the worst kinds first
                    error, room = error + Fraction(fails, r) * max(delta - relayed, Fraction(0)), room - fails
                after[spent + fallen] = max(after.get(spent + fallen, error), error)
        errors = after
    return _outward(net.output_activation, weights[-1] * max(errors.values()))


def _outward(phi: Activation, deviation: Fraction) -> Fraction:
    """How far the output activation moves at most: K e, its range, and its modulus of continuity."""
    moved = Fraction(phi.lipschitz) * deviation
    length = phi.range[1] - phi.range[0]
    if math.isfinite(length):
        moved = min(moved, Fraction(length))
    if deviation < _LARGEST:
        moved = min(moved, Fraction(phi.modulus(math.nextafter(float(deviation), math.inf))))
    return moved


def _shared(weight: float, r: int) -> Fraction:
    """What r copies of a weight divided by r add up to, the quotient rounded as in `replicate`."""
    return r * Fraction(float(weight) / r)


def _faults(
    net: Network, failures: Failures, domain: npt.ArrayLike | Box | None
) -> tuple[list[Faults], int | None]:
    """Return for every input what fails in each layer, the worst kinds first; and the total count, or None."""
    totals = [term.counts[0] for term in as_failures(failures)._terms if term.total]
    if totals and len(failures._terms) > 1:
        raise ValueError(f"{failures!r}: a total count stands alone; in a sum give one count per hidden layer")
    kinds, counted = [], []
    for term in failures._terms:
        counts, total = term.counts, term.total
        if term.effect not in _NEURON_EFFECTS:
            raise ValueError(
                f"{failures!r}: copies are of neurons, and only failures of neurons that send given values are weighed"
            )
        if term.together:
            raise ValueError(f"{failures!r}: copies are of neurons that fail one by one, not in groups")
        if term.among is not None:
            raise ValueError(f"{failures!r}: the copies to come cannot be named, drop among")
        if not total and len(counts) != net.depth:
            raise ValueError(f"{failures!r}: {len(counts)} counts for {net.depth} hidden layers")
        fails = [counts[0]] * net.depth if total else list(counts)
        one_each = Failures([term._replace(counts=tuple(min(n, 1) for n in fails), total=False, exactly=False)])
        kinds.append(_effects(net, one_each, fails, domain))
        counted.append([0] * net.depth if total else fails)
    inputs = {tuple(zip(*layers)) for layers in zip(*kinds)}  # many do the same
    rows = [[_sorted(*layer) for layer in zip(zip(*counted), layers)] for layers in inputs]
    return rows, totals[0] if totals else None


def _sorted(counts: tuple[int, ...], effects: tuple[Fraction, ...]) -> list[tuple[int, Fraction]]:
    return sorted(zip(counts, effects), key=lambda fault: -fault[1])


def _effects(
    net: Network, model: Failures, fails: list[int], domain: npt.ArrayLike | Box | None
) -> list[list[Fraction]]:
    """For every input, how far off one failed neuron of each layer may be; 0 where none fails."""
    space, found = model._space(net), []
    ends = [(None, None)] if domain is None else [(a[None], b[None]) for a, b in zip(*bounds_of(net, domain, "domain"))]
    for lower, upper in ends:
        effects = _core.layer_effects(net._core, space, lower, upper)
        for layer, (effect, phi, n) in enumerate(zip(effects, net.activations, fails), start=1):
            if n and math.isinf(effect):
                raise ValueError(f"layer {layer}: {phi.name} is unbounded without a domain; give inputs or a Box")
        found.append([Fraction(effect) if n else Fraction(0) for effect, n in zip(effects, fails)])
    return found


def _copies(net: Network, r: Any) -> tuple[int, ...]:
    several = isinstance(r, (list, tuple)) or (isinstance(r, np.ndarray) and r.ndim > 0)
    values: list[Any] = [*r] if several else [r] * net.depth
    if len(values) != net.depth:
        raise ValueError(f"{len(values)} numbers of copies for {net.depth} hidden layers")
    copies = tuple(whole(value, "r", least=1) for value in values)
    entries = sum(w.size * a * b for w, a, b in zip(net.weights, (1, *copies), (*copies, 1)))
    if entries > _MOST_ENTRIES:
        raise ValueError(f"r: the copies would have {shown(entries)} weights, more than {_MOST_ENTRIES:,}")
    return copies
