# SPDX-License-Identifier: MIT
"""A real quantised file against its float original: how far apart, proved and observed, and which layer is why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import Epsilon, as_limit, shown
from withstand._plural import counted
from withstand._types import FloatArray
from withstand.model.apply import applied
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Noise
from withstand.model.graph import Layer, bias_of
from withstand.model.layout import Layout, stored
from withstand.model.maps import Conv, Map
from withstand.model.network import Network, as_network
from withstand.questions.bounds import bound, bound_within
from withstand.statement import TOLERATED, UNKNOWN, VIOLATED, Inputs

#: For each bound, by the methods' expected cost.
_SECONDS = 2.0


@dataclass(frozen=True)
class LayerDifference:
    """What one layer of a quantised file, with the stages before it that cannot fail, does to the outputs.

    Attributes
    ----------
    layer : int
        0 the inputs, L+1 the outputs.
    name : str
        What the file calls it.
    parameters : float or None
        Largest change of an output seen when the original takes its weights and biases alone from the file; None where
        the two do not store alike.
    proved : float
        How far its roundings alone can move an output, at any of the inputs.
    observed : float
        How far they did when every signal was rounded once, to the nearest word.
    """

    layer: int
    name: str
    parameters: float | None
    proved: float
    observed: float


@dataclass(frozen=True, eq=False, repr=False)
class Difference(Answer):
    """How far a quantised file is from its original.

    Attributes
    ----------
    epsilon : float
    bound : float
        No output of any covered execution of the file is further from the original's, at any of the inputs.
    slack : float
        How much more evaluations in double precision may differ by, from their own rounding.
    observed : float
        Largest difference seen, of the execution that rounds every signal once, to the nearest word.
    real : float
        Largest difference seen of the real network that the file's numbers define, without any rounding of signals.
    inputs : int
    layers : tuple of LayerDifference
        Inputs, layers 1..L, outputs.
    """

    epsilon: float
    bound: float
    slack: float
    observed: float
    real: float
    inputs: int
    layers: tuple[LayerDifference, ...]

    @property
    def holds(self) -> bool:
        """Whether the file is proved to be within epsilon of its original."""
        return self.bound + self.slack <= self.epsilon

    def _rows(self) -> list[dict[str, Any]]:
        return [dict(vars(layer)) for layer in self.layers]

    def __repr__(self) -> str:
        lines = [
            f"Difference: error <= {self.bound:.6g} (epsilon {self.epsilon:g}), observed {self.observed:.6g} on "
            f"{counted(self.inputs, 'input')}, {self.real:.6g} of it by stored numbers and ranges",
            "  layer  parameters  roundings <=  observed  name",
        ]
        for row in self.layers:
            parameters = "-" if row.parameters is None else f"{row.parameters:.4g}"
            lines.append(f"  {row.layer:5}  {parameters:>10}  {row.proved:12.4g}  {row.observed:8.4g}  {row.name}")
        return "\n".join(line.rstrip() for line in lines)


def difference(net: Network, quantised: Network, epsilon: Epsilon, domain: npt.ArrayLike | Box) -> Difference:
    """Compare a quantised file with its float original; see `precision`."""
    as_network(net)
    if not _is_file(quantised):
        raise TypeError(f"quantised must be a network loaded from a quantised file, got {shown(quantised)}")
    if isinstance(domain, Box):
        raise ValueError("domain must be inputs: the difference to an original is proved at each of them")
    if (net.widths[0], net.widths[-1]) != (quantised.widths[0], quantised.widths[-1]):
        raise ValueError(f"net has {net.widths[0]} inputs and {net.widths[-1]} outputs, quantised has "
                         f"{quantised.widths[0]} and {quantised.widths[-1]}")  # fmt: skip
    limit, X = as_limit(epsilon), bounds_of(quantised, domain, "domain")[0]
    original, real = net.forward(X), quantised.forward(X)
    noise, rounding = quantised.noise, quantised.output_rounding
    assert noise is not None and rounding is not None
    proved = bound_within(quantised, Noise(noise), X, _SECONDS)
    apart = np.abs(real - original).max(axis=1)
    slack = proved.slack + bound(net, Noise(0.0), X, method="signed").slack
    places = range(len(quantised._described().given) + 1)
    seen = float(np.abs(execute(quantised, X, set(places)) - original).max())
    rows = _rows(net, quantised, X, real)
    most = float((proved.per_input + apart).max()) + rounding
    words = "the words of a quantised file"
    rigor = f"against the file with fingerprint {quantised.fingerprint}; the bound covers every execution "
    rigor += "that rounds each signal once, and is rounded outward"
    told = Told(net, Inputs.of(X), words, rigor, epsilon=epsilon, verdict=TOLERATED if most + slack <= limit else
                VIOLATED if seen > limit else UNKNOWN)  # fmt: skip
    return Difference(limit, most, slack, seen, float(apart.max()), len(X), rows, _told=told)


def _is_file(quantised: object) -> bool:
    return isinstance(quantised, Network) and quantised.noise is not None


def execute(net: Network, X: FloatArray, places: set[int]) -> FloatArray:
    """Return the outputs where the signals of some places are rounded once, to the nearest word, half to even."""
    layout, found = net._described(), net._quantisation
    assert found is not None
    noise = (*(found.noise or ()), 1.0)  # the others, as what clips a signal, hold words already

    def sent(place: int, y: FloatArray) -> FloatArray:
        form = found.formats[place].signal
        return y if form is None or place not in places or not noise[place] else form.round(y)

    signals = [sent(0, X.reshape(len(X), *layout.shapes[0]))]
    for place, layer in enumerate(layout.given, start=1):
        shape = (len(X), *layout.shapes[place])
        s = np.broadcast_to(bias_of(layer, layout.shapes[place]).reshape(shape[1:]), shape).copy()
        for source, kind in layer.reads:
            s += applied(kind, signals[source]).reshape(shape)
        signals.append(sent(place, layer.activation(s)))
    return signals[-1].reshape(len(X), -1)


# layer by layer ------------------------------------------------------------------------------------------------------
def _rows(net: Network, quantised: Network, X: FloatArray, real: FloatArray) -> tuple[LayerDifference, ...]:
    layout, noise = quantised._described(), quantised.noise
    assert noise is not None and quantised.output_rounding is not None
    names = ["inputs", *(layer.name for layer in quantised.layers)]
    parameters = _by_parameters(net, quantised, X)
    rows, last, before = [], len(layout.given), -1
    for number, place in enumerate(layout.places):
        group = set(range(before + 1, place + 1))
        alone = [amplitude if n in group else 0.0 for n, amplitude in enumerate(noise)]
        moved = bound_within(quantised, Noise(alone), X, _SECONDS).value if any(alone) else 0.0
        moved += quantised.output_rounding if place == last else 0.0
        seen = float(np.abs(execute(quantised, X, group) - real).max())
        rows.append(LayerDifference(number, names[number], parameters[number], moved, seen))
        before = place
    return tuple(rows)


def _by_parameters(net: Network, quantised: Network, X: FloatArray) -> list[float | None]:
    """Return what each layer's parameters of the file do alone, in the original."""
    own, other = net._described(), quantised._described()
    taken, given = _stored(own), _stored(other)
    if [row[:2] for row in taken] != [row[:2] for row in given]:
        return [None] * len(other.places)
    original, found = net.forward(X), [None if n == 0 else 0.0 for n in range(len(other.places))]
    for number in range(1, len(other.places)):
        pairs = [(one[2:], two[2:]) for one, two in zip(taken, given) if one[0] == number]
        changed = Network(layers=_taken(own, other, pairs), shape=own.shapes[0])
        found[number] = float(np.abs(changed.forward(X) - original).max())
    return found


def _taken(own: Layout, other: Layout, pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> list[Layer]:
    """Return a network's layers, some reads' weights another's; a layer of several reads adds up their biases."""
    layers, biases = list(own.given), dict[int, FloatArray]()
    for (place, read), (there, index) in pairs:
        layer, new = layers[place - 1], other.given[there - 1]
        reads = list(layer.reads)
        reads[read] = (reads[read][0], _replaced(reads[read][1], new.reads[index][1]))
        if new.bias is not None:
            biases[place] = biases.get(place, 0.0) + bias_of(new, other.shapes[there])
        bias = biases.get(place, layer.bias)
        layers[place - 1] = Layer(reads, bias, layer.activation, layer.may_fail, layer.shape, layer.name)
    return layers


def _stored(layout: Layout) -> list[tuple[int, tuple[int, ...], int, int]]:
    """Return layer, shape, place and read of all stored weights, of a layer by their shapes."""
    return sorted(
        (next(n for n, at in enumerate(layout.places) if at >= place), array.shape, place, read)
        for place, layer in enumerate(layout.given, start=1)
        for read, (_, kind) in enumerate(layer.reads)
        for array in stored(kind)
    )


def _replaced(kind: Map, other: Map) -> Map:
    if isinstance(kind, Conv) and isinstance(other, Conv):
        return Conv(other.kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    return other
