# SPDX-License-Identifier: MIT
"""What a quantised file says beside its function: formats, how far roundings move signals, and where these arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withstand._types import FloatArray
from withstand.model.apply import applied, magnitude
from withstand.model.formats import Format

if TYPE_CHECKING:
    from withstand.model.layout import Layout

#: Relative widening: far more than the rounding of any chain of nonnegative operations here.
_OUTWARD = 1 + 1e-9


@dataclass(frozen=True)
class LayerFormat:
    """The number formats of a layer.

    Attributes
    ----------
    parameters : tuple of (str, Format)
        Of each stored array, by the name that `Network.layers` gives it; what stages before it store that cannot
        fail, as a convolution without an activation, is called "stage.weight" and "stage.bias" by their names. A format
        per channel has its channels along the first axis.
    signal : Format or None
        Of what the layer transmits; None where it is not quantised.
    """

    parameters: tuple[tuple[str, Format], ...] = ()
    signal: Format | None = None

    @property
    def weight(self) -> Format | None:
        """The format of the weights, where they have but one."""
        return self._only("weight")

    @property
    def bias(self) -> Format | None:
        """The format of the biases, where they have but one."""
        return self._only("bias")

    def _only(self, what: str) -> Format | None:
        found = {form for name, form in self.parameters if name.split(".")[-1].split("_")[0] == what}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class Quantisation:
    """What is known of a quantised network; places count its inputs and all its layers, those that cannot fail too.

    Attributes
    ----------
    formats : tuple of LayerFormat
        One per place.
    noise : tuple of float or None
        How far rounding moves what each place but the last transmits; None where nothing but parameters is rounded.
    output_rounding : float or None
        How far roundings move the outputs that no layer of neurons stands behind.
    """

    formats: tuple[LayerFormat, ...]
    noise: tuple[float, ...] | None = None
    output_rounding: float | None = None

    def per_layer(self, layout: Layout) -> tuple[LayerFormat, ...]:
        """Return the formats of layers 1..L+1, each with those of the stages before it that cannot fail."""
        return tuple(self._with_stages(layout, place) for place in layout.places[1:])

    def _with_stages(self, layout: Layout, place: int) -> LayerFormat:
        own, found = self.formats[place], list(self.formats[place].parameters)
        for stage in sorted(_stages(layout, place), reverse=True):
            name = layout.given[stage - 1].name or f"stage{stage}"
            found += [(f"{name}.{what}", form) for what, form in self.formats[stage].parameters]
        return LayerFormat(tuple(found), own.signal)


def _stages(layout: Layout, place: int) -> set[int]:
    """Return the layers that cannot fail between a layer and the nearest ones that can."""
    found: set[int] = set()
    for source, _ in layout.given[place - 1].reads:
        if source not in layout.numbers and source not in found:
            found |= {source} | _stages(layout, source)
    return found


def carried(layout: Layout, noise: Sequence[float]) -> tuple[list[float], FloatArray]:
    """Return noise of all places as noise of the layers that may fail, and what it does to the outputs directly.

    What a layer that cannot fail is off by reaches its readers through their maps: a reader computes
    phi(s + M n) = phi(s) + n', where n' is at most K times the sizes of M times those of n, so n' is noise of the
    reader, and so on. Neurons keep their own.
    """
    last, off = len(layout.given), [np.zeros(layout.shapes[0]) + noise[0]]
    kept = [0.0] * last
    for place, layer in enumerate(layout.given, start=1):
        arriving = np.zeros(layout.shapes[place])
        for source, kind in layer.reads:
            if np.any(off[source]):
                arriving += applied(magnitude(kind), off[source][None])[0].reshape(arriving.shape)
        own = 0.0 if place == last else noise[place]
        arriving = arriving * (layer.activation.lipschitz * _OUTWARD) + own
        fails = place in layout.numbers and place != last
        if fails:
            kept[place - 1] = float(arriving.max())
        off.append(np.zeros_like(arriving) if fails else arriving)
    return [kept[place - 1] for place in layout.places[1:-1]], off[-1].reshape(-1)
