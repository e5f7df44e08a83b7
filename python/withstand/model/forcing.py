# SPDX-License-Identifier: MIT
"""Failed components as the canonical evaluation takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from withstand import _core
from withstand._coerce import finite, shown
from withstand._types import AnyComponent, FloatArray
from withstand.model.failure_arguments import named_component
from withstand.model.parameters import as_weight, shared_biases, site
from withstand.model.witness import Witness

if TYPE_CHECKING:
    from withstand.model.network import Network

#: What a caller says has failed.
Failed = Mapping[Any, float] | Witness | None


class Forcing:
    """Components held at values: neurons and synapses whatever the input, parameters by what their senders transmit."""

    def __init__(self, net: Network, failed: Failed) -> None:
        self._net = net
        held = failed.values if isinstance(failed, Witness) else {} if failed is None else failed
        if not isinstance(held, Mapping):
            raise TypeError(f"failed must be a mapping from components to values, or a witness, got {shown(failed)}")
        named = {_named(component): value for component, value in held.items()}
        named = {c: v for c, v in named.items() if not self._is_unheard(c, v, named)}
        values = {c: finite(v, f"failed component {c}: transmitted value") for c, v in named.items()}
        values = {component: net._told(component, value) for component, value in values.items()}
        self._weights = any(isinstance(c[1], str) for c in values)
        parts = [(self._site(component), value) for component, value in values.items()]
        parts.sort(key=lambda part: (part[0].layer, part[0].to, part[0].from_))
        if self._weights:
            biases = shared_biases(net._described())
            terms = [_term(place, value, biases) for place, value in parts]
            self._space = _core.Space(net._core, terms)
            self._failed = [_core.FailedWay(place, n, 0, value) for n, (place, value) in enumerate(parts)]
        else:
            self._forced = [_core.Forced(place, value) for place, value in parts]

    def _is_unheard(self, component: Any, value: object, named: Mapping[Any, Any]) -> bool:
        """Whether it is an infinite parameter whose synapses are all held at something else: it does nothing then."""
        if not isinstance(component[1], str) or not isinstance(value, float) or not math.isinf(value):
            return False
        held = [self._site(c) for c in named if not isinstance(c[1], str) and len(c) == 3]
        place, core = self._site(component), self._net._core
        biases = shared_biases(self._net._described())
        uses = _core.synapses_of(core, _core.Space(core, [_term(place, 0.0, biases)]), place)
        at = {(s.layer, s.to, s.from_) for s in held}
        return all((s.layer, s.to, s.from_) in at for s in uses)

    def outputs(self, rows: FloatArray) -> FloatArray:
        """Return the outputs at inputs."""
        if self._weights:
            return _core.forward_failed(self._net._core, self._space, rows, self._failed)
        return _core.forward_batch(self._net._core, rows, self._forced)

    def at(self, row: FloatArray) -> list[_core.Forced]:
        """Return what neurons and synapses are held at, at an input."""
        return _core.forced_by(self._net._core, self._space, row, self._failed) if self._weights else self._forced

    def trace(self, row: FloatArray) -> list[FloatArray]:
        """Return what every layer of the core transmits."""
        return _core.trace(self._net._core, row, self.at(row))

    def _site(self, component: Any) -> _core.Site:
        if isinstance(component[1], str):
            return site(self._net._described(), self._net._core, component)
        return self._net._place(component)


def _named(component: Any) -> AnyComponent:
    is_weight = isinstance(component, tuple) and len(component) == 3 and isinstance(component[1], str)
    return as_weight(component) if is_weight else named_component(component)


def _term(place: _core.Site, value: float, shared: list[list[int]]) -> _core.Failure:
    """One component that fails by sending, delivering or being a value."""
    effect, amount = _core.Effect.stuck, value
    if place.from_ >= _core.parameters:
        effect = _core.Effect.weight_stuck
    elif place.from_ >= 0:
        effect, amount = _core.Effect.synapse_replace, abs(value)
    biases = shared if place.from_ == _core.parameters + _core.one else None
    return _core.Failure(
        effect=effect, amount=[amount], counts=[1], total=True, exactly=False, among=[place], biases=biases
    )
