# SPDX-License-Identifier: MIT
"""Harm in rational arithmetic, of networks whose activations are piecewise linear: where rounding leaves it open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from withstand._types import FloatArray
from withstand.certificate.activation_lines import Phi, Wired
from withstand.certificate.budget import Budget
from withstand.certificate.components import Component
from withstand.certificate.lowering import Chain
from withstand.certificate.shapes import Smooth
from withstand.certificate.space import Name, Way

_Failed = Sequence[tuple[Name, Way]]


class Endless(ValueError):
    """A word became no finite number."""


class Exact:
    """A network at one input, without any rounding."""

    def __init__(
        self, chain: Chain, x: FloatArray, budget: Budget, components: Mapping[Name, Component] | None = None
    ) -> None:
        self._weights, self._biases, self._phis, self._numbers = chain.weights, chain.biases, chain.phis, chain.numbers
        self._x, self._budget, self._components = x, budget, components or {}
        self._intact: list[Fraction] | None = None

    @property
    def possible(self) -> bool:
        """Whether every activation is piecewise linear."""
        return not any(isinstance(phi.shape, Smooth) for phi in self._phis)

    def outputs(self, failed: _Failed = ()) -> list[Fraction]:
        """Return the outputs under failures.

        Raises
        ------
        Endless
            If a word becomes no finite number.
        """
        self._budget.spend("multiply-adds in rational arithmetic", sum(w.size for w in self._weights))
        ways = self._ways(failed)
        y = [_sent(Fraction(v), ways.get((self._numbers[0], i))) for i, v in enumerate(self._x.tolist())]
        for l, (w, b, phi) in enumerate(zip(self._weights, self._biases, self._phis), start=1):
            rows = self._rows(l, w, b, failed)
            heard = [*y, Fraction(1)]
            s = [sum((Fraction(a) * v for a, v in zip(row, heard) if a and v), Fraction(0)) for row in rows]
            own = phi.own if isinstance(phi, Wired) else len(s)
            of = phi.phi if isinstance(phi, Wired) else phi
            number = self._numbers[l]
            y = [_sent(_value(of, t), ways.get((number, j))) for j, t in enumerate(s[:own])] + s[own:]
        return y

    def first_largest(self) -> int:
        """Return the class: the first of the largest outputs of the intact network."""
        intact = self._nominal()
        return intact.index(max(intact))

    def harm(self, failed: _Failed, goal: str) -> Fraction | float:
        """Return the harm of failures; infinite, by convention, where a word becomes no finite number."""
        try:
            y = self.outputs(failed)
        except Endless:
            return math.inf
        if goal == "error":
            return max(abs(a - b) for a, b in zip(y, self._nominal()))
        c = self.first_largest()
        return max(v - y[c] for j, v in enumerate(y) if j != c)

    def _nominal(self) -> list[Fraction]:
        if self._intact is None:
            self._intact = self.outputs()
        return self._intact

    def _ways(self, failed: _Failed) -> dict[Name, Way]:
        """Return how every failed neuron fails."""
        found: dict[Name, Way] = {}
        for name, way in failed:
            component = self._components.get(name)
            found.update((neuron, way) for neuron in ((name,) if component is None else component.neurons))
        return found

    def _rows(self, l: int, w: FloatArray, b: FloatArray, failed: _Failed) -> list[list[float]]:
        """Return the rows of a stage's matrix, biases behind, as failures have changed them."""
        rows = [[*row, bias] for row, bias in zip(w.tolist(), b.tolist())]
        touched = [(self._components[name], way) for name, way in failed if name in self._components]
        for component, way in sorted(touched, key=lambda pair: pair[0].dead):  # a dead synapse delivers nothing
            if component.stage == l:
                for row, column in zip(component.rows.tolist(), component.columns.tolist()):
                    rows[row][column] = way.value
        return rows


def _value(phi: Phi, s: Fraction) -> Fraction:
    assert not isinstance(phi.shape, Smooth)
    return phi.shape.exact(phi.slope, Fraction(phi.gain) * s)


def _sent(signal: Fraction, way: Way | None) -> Fraction:
    """Return what a neuron transmits."""
    if way is None or way.flip is None:
        return signal if way is None else Fraction(way.value)
    value = way.flip.exactly(signal, way.mask, way.scale, way.zero)
    if not math.isfinite(value):
        raise Endless
    return Fraction(value)
