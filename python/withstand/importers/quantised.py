# SPDX-License-Identifier: MIT
"""Quantised tensors as layers of a real network: clipped to what their words can be, and how far rounding moves them.

A quantised tensor is a real one, clipped to the least and largest number that its words stand for, and rounded. The
network computes the clipped one; the rounding is noise of the layer that transmits it, so many steps of its words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from withstand.model.activations import Activation
from withstand.model.formats import Format
from withstand.model.layout import Layout
from withstand.model.maps import Conv, Map, Select
from withstand.model.quantisation import LayerFormat, Quantisation, carried

from .budget import Account
from .form import Form
from .graph import Graph, GraphBuilder
from .layers import Array, Layers, Phi

__all__ = ["Grid", "QuantisedBuilder", "Stored"]

#: Relative widening of amplitudes: far more than the rounding of doubles in a clip.
_OUTWARD: Final = 1 + 2.0**-30
#: Unit roundoff of single precision.
_SINGLE: Final = 2.0**-24


@dataclass(frozen=True)
class Grid:
    """The numbers that a quantised tensor's words stand for: from low to high in steps.

    Parameters
    ----------
    low, high, step : float
    format : Format or None
        None where the words have no format of that name, as those of three bits.
    """

    low: float
    high: float
    step: float
    format: Format | None = None

    @classmethod
    def of(cls, form: Format) -> Grid:
        """Return the grid of an integer format with one scale."""
        if isinstance(form.scale, tuple):
            raise ValueError("has scales per channel on a computed tensor, supported are those of weights")
        return cls(form.low, form.high, form.scale, form)


class Stored(NamedTuple):
    """The formats of a stage's weights and biases, None of what is not quantised."""

    weight: Format | None = None
    bias: Format | None = None


NOTHING: Final = Stored()


class QuantisedBuilder(GraphBuilder):
    """A builder of networks some of whose tensors are quantised."""

    def __init__(self, account: Account | None = None) -> None:
        super().__init__(account)
        self.noise: dict[int, float] = {}
        self.signals: dict[int, Format] = {}
        self.parameters: dict[int, Stored] = {}
        self._floor: dict[int, float] = {}
        self._words: set[int] = set()  # what transmits nothing but words, once it is rounded

    def quantise(
        self,
        form: Form,
        grid: Grid,
        steps: float,
        stored: Stored = NOTHING,
        name: str = "",
        ceiling: float = math.inf,
        relu: bool = False,
        in_single: bool = False,
    ) -> Form:
        """Return a tensor clipped to a grid, as what one layer transmits.

        A stage without an activation whose least word stands for 0 is a layer of rectified neurons: the activation has
        become a zero point.

        Parameters
        ----------
        steps : float
            How far rounding moves it, before it is clipped.
        stored : Stored
            What the form is made with.
        ceiling : float
            Where a fused activation ends; the grid may end before.
        relu : bool
            Whether a rectifier is fused.
        in_single : bool
            Whether a runtime may compute it in single precision, which rounds every product and sum.
        """
        low, high = grid.low, min(grid.high, ceiling)
        amplitude = steps * grid.step * _OUTWARD
        if self.is_input(form) and not relu and form.shift is None:
            return self._quantised_input(form, grid, amplitude, name)
        floor = self.floor(form)
        if relu or (low == 0 and floor < 0):
            form, floor, low = self.activate(form, Phi("relu"), name, may_fail=True), max(floor, 0.0), 0.0
        elif not self._layering.is_plain(form):
            form = self.wire(form, name)
        place = form.terms[0].source
        if place in self.noise:  # a copy in other words of what has words already
            form = self._layering.close(form, Phi("identity"), name, may_fail=False)
            place = form.terms[0].source
        self.noise[place] = amplitude + (self._in_single(place) if in_single else 0.0)
        if grid.format is not None:
            self.signals[place] = grid.format
        if stored != NOTHING:
            self.parameters[place] = stored
        return self._clipped(form, floor, low, high, name, grid)

    def floor(self, form: Form) -> float:
        """Return what every entry of a tensor is known to be at least, -inf where nothing is known."""
        if form.shift is not None and np.any(form.shift):
            return -math.inf
        least = []
        for term in form.terms:
            if term.map is not None or (term.scale is not None and term.scale.min() < 0):
                return -math.inf
            floor = self._floor.get(term.source, self._least(term.source))
            factor = 1.0 if term.scale is None else float(term.scale.max() if floor < 0 else term.scale.min())
            reaches = term.index is None or bool(term.index.min() >= 0)
            least.append(floor * factor if reaches else min(0.0, floor * factor))
        return sum(least)

    def knows(self, form: Form, words: Format) -> None:
        """Note that what one layer transmits are words, since they were chosen among others."""
        place = form.terms[0].source
        self.signals[place], self._floor[place] = words, words.low
        self._words.add(place)

    def words(self, form: Form) -> set[Format | None]:
        """Return the formats of what a form reads, None among them where it reads what is no word."""
        sources = [term.source for term in form.terms]
        return {self.signals.get(source) if source in self._words else None for source in sources}

    def finished(self, outputs: list[Form], logits: bool, name: str) -> Graph | Layers:
        """Close the network, and say what its tensors' words are and amount to."""
        result = self.finish(outputs, logits=logits, name=name)
        kept = self._layering.kept
        formats = [LayerFormat(signal=self.signals.get(0))]
        for place in kept:
            own = self.parameters.get(place, NOTHING)
            named = [(what, form) for what, form in own._asdict().items() if form is not None]
            formats.append(LayerFormat(tuple(named), self.signals.get(place)))
        if formats[-1].signal is None:  # the outputs are read off what has words
            signal = {self.signals.get(term.source) for form in outputs for term in form.terms}
            formats[-1] = LayerFormat(formats[-1].parameters, signal.pop() if len(signal) == 1 else None)
        noise = [self.noise.get(place, 0.0) for place in (0, *kept)]
        if isinstance(result, Layers):
            raise ValueError("has no quantised tensor before its outputs")
        layout = Layout(result.layers, result.shape)
        _, outwards = carried(layout, noise[:-1])
        rounding = float(outwards.max()) + noise[-1]
        found = Quantisation(tuple(formats), tuple(noise[:-1]), rounding)
        return Graph(result.layers, result.shape, result.outputs, result.input_box, found)

    # -- helpers -------------------------------------------------------------------------------------------------
    def _quantised_input(self, form: Form, grid: Grid, amplitude: float, name: str) -> Form:
        clipped = self.clip_input(form, grid.low, grid.high, name)
        result = self.wire(clipped, name)
        place = result.terms[0].source
        at_inputs = 0 not in self.noise and all(term.scale is None for term in form.terms)
        self.noise[0 if at_inputs else place] = amplitude
        if grid.format is not None:
            self.signals[place] = grid.format
            self.signals.setdefault(0, grid.format)
        self._floor[place] = grid.low
        self._words.add(place)
        return result

    def _clipped(self, form: Form, floor: float, low: float, high: float, name: str, grid: Grid) -> Form:
        """Return a plain tensor clipped to [low, high] by layers that may not fail."""
        phi = Activation(*self._layering.phis[form.terms[0].source - 1])
        if floor < low:
            form = self._rectified(form.plus(np.asarray(-low)), name).plus(np.asarray(low))
        if phi.range[1] > high:
            over = form.times(np.asarray(-1.0)).plus(np.asarray(high))
            form = self._rectified(over, name).times(np.asarray(-1.0)).plus(np.asarray(high))
        result = self.wire(form, name)
        place = result.terms[0].source
        self._floor[place] = max(floor, low)
        self._words.add(place)
        if grid.format is not None:
            self.signals.setdefault(place, grid.format)
        return result

    def _in_single(self, place: int) -> float:
        """Return how far sums in single precision, in any order, may be from the exact ones, of what has words."""
        layer, total = self._layering.layers[place - 1], 0.0
        for source, kind in layer.reads:
            known = self.signals.get(source) if source in self._words else None
            largest = 0.0 if known is None else max(-known.low, known.high)
            weight = _factors(kind)
            rows = np.abs(weight.reshape(len(weight), -1))
            total += float(rows.sum(axis=1).max()) * largest * (rows.shape[1] + 3) * _SINGLE
        bias = 0.0 if layer.bias is None else float(np.abs(layer.bias).max())
        return (total + 3 * bias * _SINGLE) * layer.activation.lipschitz

    def _least(self, place: int) -> float:
        return -math.inf if place == 0 else Activation(*self._layering.phis[place - 1]).range[0]


def _factors(kind: Map) -> Array:
    """Return the weights of a map, one row for each that meets other signals."""
    if isinstance(kind, Conv):
        return kind.kernel
    if isinstance(kind, Select):
        return np.ones((1, 1)) if kind.weight is None else kind.weight.reshape(-1, 1)
    return np.ones((1, 1)) if kind is None else kind
