# SPDX-License-Identifier: MIT
"""What a certificate of words, groups and parameters speaks of: components, and every way for each to fail.

Neurons are called (layer, neuron), groups by all of their neurons, dead synapses (layer, to, from), and parameters
(layer, name, index).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand.certificate import stored
from withstand.certificate.budget import Budget, Rejected
from withstand.certificate.formats import Flip
from withstand.certificate.space import Name, Neuron, Quota, Sets, Way
from withstand.certificate.stored import Ints, Parameter
from withstand.model.network import Network

#: How a component fails: the value, the bits that flip, the scale and the zero point of the word.
_How = tuple[float, tuple[int, ...], float, int]


@dataclass(frozen=True, eq=False)
class Component:
    """What fails as one: neurons, or entries of the matrix of a stage, whose biases are a column behind."""

    layer: int
    neurons: tuple[Neuron, ...] = ()
    stage: int = 0
    rows: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    columns: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    dead: bool = False  # synapses, which deliver nothing whatever their weight

    @classmethod
    def of(cls, parameter: Parameter) -> Component:
        """Return a parameter as a component."""
        return cls(parameter.name[0], (), parameter.stage, parameter.rows, parameter.columns)


class Components(Sets):
    """The sets of failed components that a sum of models allows."""

    def __init__(self, failures: list[dict[str, Any]], net: Network, budget: Budget) -> None:
        super().__init__(budget)
        self.components: dict[Name, Component] = {}
        self._layout = net._described()
        self._holder: dict[Neuron, Name] = {}
        self._twice: dict[int, npt.NDArray[np.bool_] | None] = {}
        with np.errstate(all="ignore"):  # a quotient that overflows is no word
            for term, failure in enumerate(failures):
                self._add(term, failure)
        self._settle()

    def _add(self, term: int, failure: dict[str, Any]) -> None:
        counts, total, first = failure["counts"], failure["total"], len(self.quotas)
        on_neurons = failure["effect"] in ("crash", "stuck", "bit_flip")
        layers = 1 if total else len(self._layout.places) - (2 if on_neurons else 1)
        if len(counts) != layers:
            raise Rejected(f"failures: {len(counts)} counts for {layers} layers")
        self.quotas += [Quota(n, bool(failure["exactly"])) for n in counts]
        flip = None if failure["words"] is None or not on_neurons else _flip(failure["words"])
        named: set[Name] = set()
        for name, component, hows in self._ways(failure):
            if name in named:
                raise Rejected(f"failures: {name} is named twice")
            named.add(name)
            if not total and component.layer == 0:
                raise Rejected("failures: counts per layer do not cover inputs")
            quota = first if total else first + component.layer - 1
            if not self.quotas[quota].count:
                continue
            self._know(name, component)
            made = [Way(term, quota, value, bits, flip, scale, zero) for value, bits, scale, zero in hows]
            if endless := [way.bits for way in made if not math.isfinite(way.value)]:
                raise Rejected(f"failures: {name} is no finite number when bits {endless[0]} flip, which does infinite "
                               "harm: name other bits, or clamp what replaces")  # fmt: skip
            self._budget.spend("ways to fail", len(made))
            self.ways.setdefault(name, []).extend(made)

    def _ways(self, failure: dict[str, Any]) -> Iterator[tuple[Name, Component, list[_How]]]:
        """Yield the components of a model and how each of them may fail."""
        effect = failure["effect"]
        if effect == "synapse_crash":
            yield from self._dead(failure)
        elif effect.startswith("weight"):
            yield from self._parameters(failure)
        elif effect == "bit_flip":
            yield from self._signals(failure)
        else:
            for group in self._groups(failure):
                name = group[0] if failure["groups"] is None and failure["unit"] is None else group
                yield name, Component(group[0][0], group), [(failure["value"], (), 1.0, 0)]

    # -- neurons --------------------------------------------------------------------------------------------------

    def _groups(self, failure: dict[str, Any]) -> list[tuple[Neuron, ...]]:
        """Return the neurons that fail as one, or one by one."""
        if failure["groups"] is not None:
            return [tuple(sorted(self._neuron(n) for n in group)) for group in failure["groups"]]
        if failure["unit"] is not None:
            return self._channels(failure["among"])
        if failure["among"] is not None:
            return [(self._neuron(n),) for n in failure["among"]]
        hidden = range(1, len(self._layout.places) - 1)
        return [(neuron,) for number in hidden for neuron in stored.neurons(self._layout, number)]

    def _channels(self, among: list[list[int]] | None) -> list[tuple[Neuron, ...]]:
        found: dict[tuple[int, int], list[Neuron]] = {}
        shapes, last = self._layout.shapes, stored.orientations(self._layout)
        for number, stage in enumerate(self._layout.places[:-1]):
            own = stored.channels(shapes[stage], last[stage])
            for neuron, channel in zip(stored.neurons(self._layout, number), own):
                found.setdefault((number, channel), []).append(neuron)
        names = [name for name in found if name[0] > 0] if among is None else [(l, c) for l, c in among]
        if missing := [name for name in names if name not in found]:
            raise Rejected(f"failures: there is no channel {missing[0]}")
        return [tuple(found[name]) for name in names]

    def _neuron(self, given: list[int]) -> Neuron:
        number, neuron = given
        if number >= len(self._layout.places) - 1 or neuron >= stored.width(self._layout, number):
            raise Rejected(f"failures: there is no neuron {(number, neuron)} that may fail")
        return number, neuron

    def _signals(self, failure: dict[str, Any]) -> Iterator[tuple[Name, Component, list[_How]]]:
        words = failure["words"]
        for (neuron,) in self._groups(failure):
            scale, zero = _scaling(words, neuron[0], neuron[1], f"layer {neuron[0]}")
            yield neuron, Component(neuron[0], (neuron,)), [(0.0, tuple(w), scale, zero) for w in words["ways"]]

    # -- synapses and parameters ----------------------------------------------------------------------------------

    def _dead(self, failure: dict[str, Any]) -> Iterator[tuple[Name, Component, list[_How]]]:
        self._budget.spend("ways to fail", stored.count(self._layout, biases=False))
        known = {name: place for name, *place in stored.synapses(self._layout)}
        among = known if failure["among"] is None else [(l, to, sender) for l, to, sender in failure["among"]]
        for name in among:
            if name not in known:
                raise Rejected(f"failures: synapse {name} has no stored weight")
            stage, row, column = known[name]
            where = np.array([row], dtype=np.int64), np.array([column], dtype=np.int64)
            yield name, Component(name[0], (), stage, *where, dead=True), [(0.0, (), 1.0, 0)]

    def _parameters(self, failure: dict[str, Any]) -> Iterator[tuple[Name, Component, list[_How]]]:
        words = failure["words"]
        biases = words is not None and words["biases"] is not None
        among = failure["among"]
        self._budget.spend("ways to fail", stored.count(self._layout, biases) if among is None else len(among))
        wanted = None if among is None else {(l, name, tuple(index)) for l, name, index in among}
        found = list(stored.parameters(self._layout, biases, wanted))
        if missing := sorted((wanted or set()) - {p.name for p in found}):
            raise Rejected(f"failures: there is no parameter {missing[0]} that may fail")
        if words is None:
            for p in found:
                yield p.name, Component.of(p), [(0.0, (), 1.0, 0)]
            return
        for (stage, bias), alike in itertools.groupby(found, key=lambda p: (p.stage, p.bias)):
            yield from _flipped(words if not bias else {**words, **words["biases"]}, stage, list(alike))

    # -- what must be disjoint ------------------------------------------------------------------------------------

    def _know(self, name: Name, component: Component) -> None:
        """Take in a component; whatever it consists of fails in no other."""
        if name in self.components:
            return
        for neuron in component.neurons:
            if self._holder.setdefault(neuron, name) != name or component.neurons.count(neuron) > 1:
                raise Rejected(f"failures: neuron {neuron} is in two groups, or fails alone and in a group")
        stage = component.stage
        if stage and stage not in self._twice:
            self._twice[stage] = stored.heard_twice(self._layout, stage)
        twice = self._twice[stage] if stage else None
        if twice is not None and twice[component.rows, component.columns].any():
            raise Rejected(f"failures: what {name} delivers is heard in another way, too")
        self.components[name] = component


def _flip(words: dict[str, Any]) -> Flip:
    clamp = words["clamp"]
    return Flip(words["format"], words["to"], None if clamp is None else (float(clamp[0]), float(clamp[1])))


def _scaling(words: dict[str, Any], layer: int, neuron: int, where: str) -> tuple[float, int]:
    """Return the scale and the zero point that a layer's words have at a neuron."""
    if words["scales"] is None:
        return 1.0, 0
    of_layer = words["scales"][layer] if layer < len(words["scales"]) else []
    if not of_layer or (len(of_layer) > 1 and neuron >= len(of_layer)):
        raise Rejected(f"failures: words of {where} have no scale")
    scale, zero = of_layer[neuron if len(of_layer) > 1 else 0]
    return float(scale), int(zero)


def _flipped(words: dict[str, Any], stage: int, alike: list[Parameter]) -> Iterator[tuple[Name, Component, list[_How]]]:
    """Yield parameters of a stage with what their words become; those that no way changes are none."""
    flip, ways = _flip(words), [tuple(way) for way in words["ways"]]
    scalings = [_scaling(words, stage - 1, int(p.rows[0]), f"stage {stage}") for p in alike]
    values = np.array([p.value for p in alike])[:, None]
    scale, zero = (np.array(part, dtype=np.float64)[:, None] for part in zip(*scalings))
    codes, _ = flip.words.between(values, np.zeros_like(values), scale, zero)
    no_words = np.flatnonzero(flip.words.number(codes, scale, zero) != values)
    if len(no_words):
        raise Rejected(f"failures: {alike[no_words[0]].name} is {alike[no_words[0]].value!r}, no word of {flip.format}")
    masks = np.array([[sum(1 << bit for bit in way) for way in ways]], dtype=np.uint64)
    becomes, changes = flip.replaced(codes, masks, scale, zero), flip.changes(codes, masks)
    for n, parameter in enumerate(alike):
        hows = [(float(becomes[n, w]), ways[w], *scalings[n]) for w in np.flatnonzero(changes[n])]
        if hows:
            yield parameter.name, Component.of(parameter), hows
