# SPDX-License-Identifier: MIT
"""Which bits of which words flip, as a failure model is given it and as the core takes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from withstand import _core
from withstand._coerce import choice, finite, flag, real_array, shown, whole
from withstand._types import FloatArray
from withstand.model.formats import FORMATS, Format
from withstand.model.layout import Layout, stored, stores_bias
from withstand.model.network import Network
from withstand.model.parameters import channels, owner, weight_names

Scales = tuple[tuple[float, ...], ...]
#: One for all words of a layer, or one per neuron.
Scaling = list[tuple[float, float]]

#: Stands for the format that a network states for its signals, where none is asked about by name.
OWN = "own"
#: How many bits the largest words have.
WIDEST = 64


class Flips(NamedTuple):
    """How words fail.

    Attributes
    ----------
    format : str
        `OWN` until a network tells which words its signals are.
    scale : float, tuple of tuple of float, or None
        One for all, or one per layer and channel; None: as `scalings` says.
    bits : tuple of tuple of int
        Ways to fail: bits that flip together.
    to : int or None
        Of cells that are stuck: the only value that flips are to.
    clamp : (float, float) or None
        Of the value that replaces.
    biases : bool
    every : bool
        Whether the ways are every single bit, also of biases, whose words may have more.
    signals : tuple of float or None
        The largest signals of every hidden layer, where they are known: of all inputs that a question is about, also
        where a part of it is about some of them.
    """

    format: str
    scale: float | Scales | None = None
    bits: tuple[tuple[int, ...], ...] = ()
    to: int | None = None
    clamp: tuple[float, float] | None = None
    biases: bool = False
    every: bool = True
    signals: tuple[float, ...] | None = None

    def ways(self, bias_bits: int | None = None) -> tuple[tuple[int, ...], ...]:
        """Return the bits that flip together in each way; of biases, whose words have so many bits."""
        return tuple((bit,) for bit in range(bias_bits)) if self.every and bias_bits is not None else self.bits

    def _fitting(self) -> tuple[tuple[int, ...], ...]:
        """Return the ways that the words have, of ways of which only wider words of biases have some."""
        if not self.biases or self.format == OWN:
            return self.bits
        return tuple(bits for bits in self.bits if max(bits) < Format(self.format).bits)

    def core(
        self, net: Network | None, parameters: bool, signals: Sequence[float] | None, inputs: bool = False
    ) -> _core.Words:
        """Return what the core takes, of a network or of none in particular.

        `signals` are the largest ones of the inputs and each hidden layer, `inputs` whether they may fail.
        """
        given = ((self.scale,),) if isinstance(self.scale, float) else self.scale or ()
        weights: list[Scaling] = [[(scale, 0.0) for scale in scales] for scales in given]
        biases: list[Scaling] = []
        bias_format = self.format if self.biases and net is None else None
        if net is not None and parameters:
            weights = [[], *weight_scalings(self, net)]
            found = bias_words(self, net)
            bias_format, biases = (None, []) if found is None else (found[0].name, [[], *found[1]])
        elif net is not None:
            weights = signal_scalings(self, net, signals, inputs, _stages(net._described()))
        return _core.Words(
            format=self.format,
            masks=_masks(self._fitting()),
            to=self.to,
            clamp=self.clamp,
            scalings=weights if any(weights) else [],
            biases=bias_format,
            bias_masks=[] if bias_format is None else _masks(self.ways(Format(bias_format).bits)),
            bias_scalings=biases,
        )


def flips_of(who: str, format: object, scale: Any, bits: Any, to: object, clamp: Any, biases: object = False) -> Flips:
    """Return what the arguments of a failure model ask for."""
    to, clamp, with_biases = _to(who, to), _clamp(who, clamp), flag(biases, f"{who}: biases")
    if format is None:
        given_ways = () if bits is None else _bits(who, bits, WIDEST)
        return Flips(OWN, _scale(who, scale), given_ways, to, clamp, with_biases, bits is None)
    name, given = (format.name, format) if isinstance(format, Format) else (format, None)
    known = Format(choice(name, f"{who}: format", FORMATS))
    if given is not None and scale is None and not known.is_float:
        if given.zero_point != 0 or isinstance(given.scale, tuple):
            raise ValueError(f"{who}: format must have one scale and zero point 0, or give scale, got {shown(given)}")
        scale = given.scale
    if known.is_float and scale is not None:
        raise ValueError(f"{who}: scale must not be given for {known.name}, floats have none, got {shown(scale)}")
    ways = _bits(who, bits, known.bits)
    return Flips(known.name, _scale(who, scale), ways, to, clamp, with_biases, bits is None)


def _masks(ways: Iterable[tuple[int, ...]]) -> list[int]:
    return [sum(1 << bit for bit in bits) for bits in ways]


# what it is given -----------------------------------------------------------------------------------------------
def _scale(who: str, scale: Any) -> float | Scales | None:
    if scale is None:
        return None
    if not isinstance(scale, (list, tuple)) and np.ndim(scale) == 0:
        return _positive(who, finite(scale, f"{who}: scale"))
    return tuple(tuple(_positive(who, s) for s in real_array(s, f"{who}: scale").reshape(-1).tolist()) for s in scale)


def _positive(who: str, scale: float) -> float:
    if scale <= 0:
        raise ValueError(f"{who}: scale must be positive, got {scale}")
    return float(scale)


def _bits(who: str, bits: Any, size: int) -> tuple[tuple[int, ...], ...]:
    if bits is None:
        return tuple((bit,) for bit in range(size))
    if isinstance(bits, (str, bytes)) or not isinstance(bits, Iterable):
        raise TypeError(f"{who}: bits must be a sequence of bits, or of tuples of bits, got {shown(bits)}")
    ways = []
    for entry in bits:
        together = entry if isinstance(entry, (tuple, list)) else (entry,)
        try:
            way = tuple(sorted(whole(bit, f"{who}: a bit", most=size - 1) for bit in together))
        except ValueError:
            raise ValueError(f"{who}: bits are numbered 0 to {size - 1}, got {shown(entry)}") from None
        if not way or len(set(way)) != len(way):
            raise ValueError(f"{who}: bits that flip together must differ, got {shown(entry)}")
        ways.append(way)
    if not ways or len(set(ways)) != len(ways):
        raise ValueError(f"{who}: bits must name different ways to fail, got {shown(bits)}")
    return tuple(ways)


def _to(who: str, to: object) -> int | None:
    if to is None:
        return None
    value = whole(to, f"{who}: to")
    if value not in (0, 1):
        raise ValueError(f"{who}: to must be 0 or 1, got {value}")
    return value


def _clamp(who: str, clamp: Any) -> tuple[float, float] | None:
    if clamp is None:
        return None
    try:
        low, high = clamp
    except (TypeError, ValueError):
        raise TypeError(f"{who}: clamp must be a pair (low, high), got {shown(clamp)}") from None
    ends = finite(low, f"{who}: clamp"), finite(high, f"{who}: clamp")
    if ends[0] > ends[1]:
        raise ValueError(f"{who}: clamp must be a pair (low, high), got {ends}")
    return ends


# scales of a network's words ------------------------------------------------------------------------------------
def _stages(layout: Layout) -> range:
    return range(1, len(layout.given) + 1)


def _given(flips: Flips, layers: int, number: int, what: str) -> tuple[float, ...] | None:
    """Return the scale that a layer is given, or its scales per channel."""
    if flips.scale is None or isinstance(flips.scale, float):
        return None if flips.scale is None else (flips.scale,)
    if len(flips.scale) != layers:
        given = len(flips.scale)
        raise ValueError(f"scale must be a number, or one for each of the {layers} layers of {what}, got {given}")
    return flips.scale[number - 1]


def _spread(layout: Layout, place: int, form: Format) -> Scaling:
    """Return the scaling of a format, for every neuron where channels have their own."""
    if form.channels is None:
        return [(form.scale, float(form.zero_point))]  # type: ignore[list-item, arg-type]
    of = channels(layout, place)
    if form.channels != max(of) + 1:
        raise ValueError(f"layer {owner(layout, place)} has {max(of) + 1} channels, its scale {form.channels}")
    single = [form.channel(c) for c in range(form.channels)]
    return [(single[c].scale, float(single[c].zero_point)) for c in of]  # type: ignore[misc, arg-type]


def _fitted(name: str, largest: float) -> Format:
    """Return the format whose largest word is the largest number."""
    words = Format(name)
    most = words.high
    return words if words.is_float or largest == 0 else Format(name, largest / most)


def _known(net: Network, place: int, name: str, own: str) -> Format | None:
    """Return what the file says of an array's format, where it is the one asked about; of biases, whatever it says."""
    if net._quantisation is None:
        return None
    form = dict(net._quantisation.formats[place].parameters).get(own)
    return form if form is not None and (form.name == name or own == "bias") else None


def of_weights(flips: Flips, net: Network, layout: Layout, place: int) -> Scaling:
    """Return the scaling of the weights of a stage; nothing for floats."""
    names = weight_names(layout, place)
    if not names or Format(flips.format).is_float:
        return []
    given = _given(flips, len(layout.places) - 1, owner(layout, place), "weights")
    if given is not None:
        return _spread(layout, place, Format(flips.format, given[0] if len(given) == 1 else given))
    single = len(layout.given[place - 1].reads) == 1
    found = {_known(net, place, flips.format, "weight" if single else f"weight_{n}") for _, n in names}
    if len(found) > 1:
        raise ValueError(f"layer {owner(layout, place)} stores weights of several formats: give scale")
    known = found.pop()
    arrays: list[FloatArray] = [array for _, kind in layout.given[place - 1].reads for array in stored(kind)]
    return _spread(layout, place, known or _fitted(flips.format, max(float(np.abs(a).max()) for a in arrays)))


def of_biases(flips: Flips, net: Network, layout: Layout, place: int) -> tuple[str, Scaling]:
    """Return the format of the biases of a stage, and their scaling."""
    layer = layout.given[place - 1]
    if not flips.biases or layer.bias is None or not stores_bias(layer):
        return flips.format, []
    known = _known(net, place, flips.format, "bias")
    form = known or _fitted(flips.format, float(np.abs(layer.bias).max()))
    return form.name, _spread(layout, place, form) if not form.is_float else [(1.0, 0.0)]


def weight_scalings(flips: Flips, net: Network) -> list[Scaling]:
    """Return the scaling of the weights of every stage."""
    layout = net._described()
    return [of_weights(flips, net, layout, place) for place in _stages(layout)]


def bias_words(flips: Flips, net: Network) -> tuple[Format, list[Scaling]] | None:
    """Return the one format of all biases that may fail, and their scaling in every stage; None where none may.

    Raises
    ------
    ValueError
        If they have several formats.
    """
    layout = net._described()
    found = [of_biases(flips, net, layout, place) for place in _stages(layout)]
    names = {name for name, scaling in found if scaling}
    if len(names) > 1:
        raise ValueError(f"WeightFlip: biases have the formats {' and '.join(sorted(names))}; ask without")
    return (Format(names.pop()), [scaling for _, scaling in found]) if names else None


def signal_scalings(
    flips: Flips, net: Network, signals: Sequence[float] | None, inputs: bool, places: Sequence[int]
) -> list[Scaling]:
    """Return the scaling of the signals of the inputs, nothing where they cannot fail, and of the layers at places.

    `signals` are the largest that layers 0..L transmit.
    """
    layout, known = net._described(), signals if flips.signals is None else flips.signals
    scalings = [_of_signals(flips, net, layout, place, known) for place in places]
    return [_of_signals(flips, net, layout, 0, known) if inputs else [], *scalings]


def _of_signals(flips: Flips, net: Network, layout: Layout, place: int, signals: Sequence[float] | None) -> Scaling:
    if place not in layout.numbers or place == layout.places[-1] or Format(flips.format).is_float:
        return []
    number = layout.numbers[place]
    if number > 0 or isinstance(flips.scale, float):  # a scale per layer speaks of hidden ones
        given = _given(flips, len(layout.places) - 2, number, "signals")
        if given is not None:
            return _spread(layout, place, Format(flips.format, given[0] if len(given) == 1 else given))
    known = None if net._quantisation is None else net._quantisation.formats[place].signal
    if known is not None and known.name == flips.format:
        return _spread(layout, place, known)
    largest = math.inf if number == 0 else max(map(abs, layout.given[place - 1].activation.range))
    if not math.isfinite(largest):
        if signals is None:
            who = "inputs are" if number == 0 else f"layer {number} ({layout.given[place - 1].activation.name}) is"
            raise ValueError(f"BitFlip: {who} unbounded, so words need a scale: give scale, or ask about given inputs")
        largest = signals[number]
    return _spread(layout, place, _fitted(flips.format, largest))
