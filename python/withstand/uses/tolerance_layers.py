# SPDX-License-Identifier: MIT
"""What fails in each layer alone: the models of it, and how many components there are."""

from __future__ import annotations

from fractions import Fraction

from withstand._types import AnyComponent
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.uses.frontier import Recursion, at_most
from withstand.uses.rational_bounds import Model


def alone(net: Network, model: Model, layers: int) -> list[Model]:
    """Return for each layer the model that fails in it only."""
    (term,) = model(0)._terms
    models = [_counted(model, layers, place) for place in range(layers)]
    if not term.on_weights:
        return models
    numbers, sites = term.layers(net), model(0)._space(net).candidates(0)
    for number in range(1, layers + 1):
        own = [site for site in sites if numbers[site[0]] == number]
        if len({site[0] for site in own}) > 1:  # several stages share no count: name what they hold
            models[number - 1] = _named(model, tuple(net._component(*site) for site in own))
    return models


def _counted(model: Model, layers: int, place: int) -> Model:
    return lambda count: model(tuple(count if n == place else 0 for n in range(layers)))


def _named(model: Model, among: tuple[AnyComponent, ...]) -> Model:
    return lambda count: Failures(term._replace(among=among) for term in model(count)._terms)


def sizes_of(net: Network, model: Model, layers: list[Model]) -> tuple[tuple[int, ...], int]:
    """Return how many can fail in each layer alone, and anywhere."""
    (term,) = model(0)._terms
    if term.groups is not None:
        return (), term.candidates(net)
    if not term.on_weights:
        sizes = tuple(_size(net, layer) for layer in layers)
        return sizes, sum(sizes)
    numbers = term.layers(net)
    held = [numbers[site[0]] for site in model(0)._space(net).candidates(0)]
    return tuple(held.count(number) for number in range(1, len(layers) + 1)), len(held)


def _size(net: Network, model: Model) -> int:
    """Largest count that the model allows in this network."""
    low, high = 0, max(net.n_neurons, net.n_synapses) + 1
    while high - low > 1:
        middle = (low + high) // 2
        try:
            model(middle)._space(net)
            low = middle
        except ValueError:
            high = middle
    return low


def alone_by_bound(scalar: Recursion, allowed: Fraction, place: int) -> int:
    """Most failures in one place that the scalar bound proves harmless; -1 if none."""
    low, high = -1, scalar.sizes[place] + 1
    while high - low > 1:
        middle = (low + high) // 2
        counts = [middle if n == place else 0 for n in range(len(scalar.sizes))]
        low, high = (middle, high) if at_most(scalar, counts) <= allowed else (low, middle)
    return low
