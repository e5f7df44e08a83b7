# SPDX-License-Identifier: MIT
"""The words that a network states for its signals: those that flip, where its failure model names no others."""

from __future__ import annotations

from collections.abc import Iterable

from withstand.model.formats import Format
from withstand.model.network import Network
from withstand.model.words import OWN, Flips, flips_of

#: The format of signals whose network states none, where none is asked about by name.
_ELSE = "int8"
#: Of a model that is told without a network: the widest integers, whose bits are those of any format of integers.
_ANY = "int32"


def own_words(flips: Flips, net: Network, layers: Iterable[int] | None) -> Flips:
    """Return flipped bits of the words that the signals of layers are, of all hidden ones where `layers` is None.

    Raises
    ------
    ValueError
        If another format is asked about than the network states, if it states several, or for bits or a scale that its
        words do not have.
    """
    stated = _stated(net, range(1, net.depth + 1) if layers is None else layers)
    if flips.format != OWN:
        others = {name: on for name, on in stated.items() if name != flips.format}
        if others:
            raise ValueError(f"BitFlip: {_said(others)}, none of {flips.format}: drop format")
        return flips
    if len(stated) > 1:
        raise ValueError(f"BitFlip: {_said(stated)}: ask about layers of one format, give among")
    bits = None if flips.every else flips.bits
    own = flips_of("BitFlip", next(iter(stated), _ELSE), flips.scale, bits, flips.to, flips.clamp)
    return own._replace(signals=flips.signals)


def of_any(flips: Flips) -> Flips:
    """Return flipped bits as they are told where no network says which words they are of."""
    bits = Format(_ANY).bits
    return flips._replace(format=_ANY, bits=tuple((bit,) for bit in range(bits)) if flips.every else flips.bits)


def untold(text: str) -> str:
    """Return what is told of a failure model without the format that `of_any` gave it."""
    return text.replace(f", format='{_ANY}'", "", 1)


def _stated(net: Network, layers: Iterable[int]) -> dict[str, list[int]]:
    """Return the layers whose signals are words of each format, as far as the network states them."""
    if net._quantisation is None:
        return {}
    places, found = net._described().places, dict[str, list[int]]()
    for number in sorted({number for number in layers if number <= net.depth}):
        form = net._quantisation.formats[places[number]].signal
        if form is not None:
            found.setdefault(form.name, []).append(number)
    return found


def _said(stated: dict[str, list[int]]) -> str:
    parts = (f"{name} (layer{'s' * (len(on) > 1)} {', '.join(map(str, on))})" for name, on in stated.items())
    return f"signals are words of {' and '.join(parts)}"
