# SPDX-License-Identifier: MIT
"""What the scalar bounds know of a network over a domain, as exact rationals."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures, modelled
from withstand.model.network import Network
from withstand.model.spec import Argmax, Spec, asks_decisions
from withstand.questions.bounds import bound
from withstand.uses.frontier import Layers, Number, Recursion, Synapses

Model = Callable[..., Failures]

#: Synapse failures that deliver nothing of what their source sends.
_REPLACING = ("synapse_crash", "synapse_replace")


def counts_of_none(net: Network, model: Model) -> tuple[int, ...]:
    """Return a count of 0 for every layer that the model counts in: none for groups, which may span layers.

    Raises
    ------
    ValueError
        If the model is not of one kind of failure, at most so many.
    """
    kinds = modelled(model, 0)._terms
    if len(kinds) != 1:
        raise ValueError(f"{model(0)!r}: a number of failures is of one kind, got a sum of {len(kinds)}")
    if not model(0)._space(net).at_most:
        raise ValueError(f"{model(0)!r}: every number up to a limit is asked about, leave out exactly")
    if kinds[0].effect == "noise":
        raise ValueError(f"{model(0)!r}: noise is everywhere and has no count")
    if kinds[0].groups is not None:
        return ()
    none = (0,) * (net.depth + (kinds[0].on_synapses or kinds[0].on_weights))
    model(none)._space(net)  # refuses what has no count per layer
    return none


def is_read(net: Network, model: Model) -> bool:
    """Return whether the recursion in rationals is about such failures: neurons and synapses of chains, one by one."""
    (term,) = model(0)._terms
    return not (net.is_graph or term.together or term.on_weights or term.flips is not None)


def read(net: Network, model: Model, domain: npt.ArrayLike | Box | None, spec: Spec = None) -> Recursion:
    """Return the recursion that bounds failures of this model: `Layers` or `Synapses`."""
    on_synapses = len(counts_of_none(net, model)) > net.depth
    return (read_synapses if on_synapses else read_layers)(net, model, domain, spec)


def read_layers(
    net: Network, model: Model = Crash, domain: npt.ArrayLike | Box | None = None, spec: Spec = None
) -> Layers:
    """Return the numbers of Theorem B for a model of failing neurons.

    Raises
    ------
    ValueError
        If the model is of other failures, or a range is unbounded without a domain.
    """
    space = model((0,) * net.depth)._space(net)
    lower, upper = (None, None) if domain is None else bounds_of(net, domain)
    effects = _core.layer_effects(net._core, space, lower, upper)
    for layer, (effect, phi) in enumerate(zip(effects, net.activations), start=1):
        if math.isinf(effect):
            raise ValueError(f"layer {layer}: {phi.name} is unbounded without a domain; give inputs or a Box")
    apart = any(term.equivocal for term in model((0,) * net.depth)._terms)
    last = _last_weight(net, asks_decisions(spec), apart)
    weights = [Fraction(float(w)) for w in net.max_weights[1:-1]] + [last]
    slopes = tuple(Fraction(k) for k in net.lipschitz)
    return Layers(net.widths[1:-1], tuple(weights), tuple(Fraction(e) for e in effects), slopes, _lengths(net))


def read_synapses(
    net: Network, model: Model, domain: npt.ArrayLike | Box | None = None, spec: Spec = None
) -> Synapses:
    """Return the numbers of Theorem F for a model of failing synapses.

    Raises
    ------
    ValueError
        If the effect depends on the transmitted values and there is no domain.
    """
    (term,) = model((0,) * (net.depth + 1))._terms
    w = [Fraction(float(weight)) for weight in net.max_weights]
    capacity = Fraction(term.amount[0] if term.amount else 0)
    largest: list[Number] = [Fraction(0)] * len(w)
    if term.effect in _REPLACING:
        if domain is None:
            raise ValueError(f"{model(1)!r}: inputs may be anything without a domain; give inputs or a Box")
        ends = bounds_of(net, domain)
        inputs = max(float(np.abs(end).max()) for end in ends)
        largest = [Fraction(inputs), *read_layers(net, Crash, domain).effects]
    effects = {
        "synapse_crash": [a * y for a, y in zip(w, largest)],
        "synapse_product": [capacity] * len(w),
        "synapse_signal": [a * capacity for a in w],
        "synapse_replace": [capacity + a * y for a, y in zip(w, largest)],
    }[term.effect]
    alone = asks_decisions(spec) and net.output_activation.name == "identity" and term.effect in _REPLACING
    return Synapses(
        tuple(int(weight.size) for weight in net.weights),
        (*net.widths[1:-1], 1),
        (*w[:-1], _last_weight(net, asks_decisions(spec))),
        tuple(effects),
        (*(Fraction(k) for k in net.lipschitz), Fraction(1)),
        (*_lengths(net), None),
        w[-1] if alone else 0,
    )


def _lengths(net: Network) -> tuple[Fraction | None, ...]:
    """R_1, ..., R_L; None where infinite."""
    lengths = [high - low for low, high in (a.range for a in net.activations)]
    return tuple(None if math.isinf(r) else Fraction(r) for r in lengths)


def _last_weight(net: Network, decisions: bool, apart: bool = False) -> Fraction:
    """w_{L+1}: of an output, or of the difference of two.

    A nonlinear activation does not let what both are told cancel, nor does a neuron that tells them things `apart`.
    """
    last = net.weights[-1]
    if not decisions:
        return Fraction(float(abs(last).max()))
    if apart or net.output_activation.name != "identity":
        return 2 * Fraction(float(abs(last).max()))
    largest = max(abs(a - b).max() for a in last for b in last)
    return Fraction(float(np.nextafter(largest, np.inf)))  # the differences were rounded


def room(net: Network, budget: Fraction) -> Fraction | None:
    """How far an output's pre-activation may move; None: as far as it likes."""
    low, high = net.output_activation.range
    if high - low <= budget:
        return None
    return budget / Fraction(net.output_activation.lipschitz)


def margin(net: Network, domain: npt.ArrayLike | Box | None) -> Fraction:
    """How far differences of outputs' pre-activations may move without a flip: a little less than the least margin."""
    harm = bound(net, Crash(0), domain, method="capped", spec=Argmax()).value
    return Fraction(float(np.nextafter(-harm, -np.inf))) / Fraction(net.output_activation.lipschitz)
