# SPDX-License-Identifier: MIT
"""Harm in rational arithmetic, of networks whose activations are piecewise linear: where rounding leaves it open."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from withstand._types import FloatArray
from withstand.certificate.activation_lines import Phi, Wired
from withstand.certificate.budget import Budget
from withstand.certificate.lowering import Chain
from withstand.certificate.shapes import Smooth
from withstand.certificate.space import Neuron, Way


class Exact:
    """A network at one input, without any rounding."""

    def __init__(self, chain: Chain, x: FloatArray, budget: Budget) -> None:
        self._weights, self._biases, self._phis, self._numbers = chain.weights, chain.biases, chain.phis, chain.numbers
        self._x, self._budget = x, budget
        self._intact: list[Fraction] | None = None

    @property
    def possible(self) -> bool:
        """Whether every activation is piecewise linear."""
        return not any(isinstance(phi.shape, Smooth) for phi in self._phis)

    def outputs(self, failed: Sequence[tuple[Neuron, Way]] = ()) -> list[Fraction]:
        """Return the outputs under failures."""
        self._budget.spend("multiply-adds in rational arithmetic", sum(w.size for w in self._weights))
        held = {neuron: Fraction(way.value) for neuron, way in failed}
        y = [held.get((0, i), Fraction(v)) for i, v in enumerate(self._x.tolist())]
        for l, (w, b, phi) in enumerate(zip(self._weights, self._biases, self._phis), start=1):
            rows = zip(w.tolist(), b.tolist())
            s = [sum((Fraction(a) * v for a, v in zip(row, y) if a and v), Fraction(bias)) for row, bias in rows]
            own = phi.own if isinstance(phi, Wired) else len(s)
            of = phi.phi if isinstance(phi, Wired) else phi
            number = self._numbers[l]
            y = [held.get((number, j), _value(of, t)) for j, t in enumerate(s[:own])] + s[own:]
        return y

    def first_largest(self) -> int:
        """Return the class: the first of the largest outputs of the intact network."""
        intact = self._nominal()
        return intact.index(max(intact))

    def harm(self, failed: Sequence[tuple[Neuron, Way]], goal: str) -> Fraction:
        """Return the harm of failures."""
        y, intact = self.outputs(failed), self._nominal()
        if goal == "error":
            return max(abs(a - b) for a, b in zip(y, intact))
        c = self.first_largest()
        return max(v - y[c] for j, v in enumerate(y) if j != c)

    def _nominal(self) -> list[Fraction]:
        if self._intact is None:
            self._intact = self.outputs()
        return self._intact


def _value(phi: Phi, s: Fraction) -> Fraction:
    assert not isinstance(phi.shape, Smooth)
    return phi.shape.exact(phi.slope, Fraction(phi.gain) * s)
