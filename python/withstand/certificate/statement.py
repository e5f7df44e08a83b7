# SPDX-License-Identifier: MIT
"""Failure models as a file states them: nothing but what the format allows."""

from __future__ import annotations

from typing import Any

from withstand.certificate.entries import entries, integers, items, number, require
from withstand.certificate.formats import FORMATS, Integer

#: What may fail how, in a certificate of components.
EFFECTS = ("crash", "stuck", "bit_flip", "weight_flip", "weight_crash", "synapse_crash")
_PLAIN = {"effect", "value", "counts", "total", "exactly", "among"}
_WORDS = {"format", "ways", "to", "clamp", "scales", "biases"}


def neurons_term(given: Any, where: str) -> None:
    """Check a model of single crashed or stuck neurons."""
    term = entries(given, _PLAIN, where)
    kind = term["effect"]
    require(kind in ("crash", "stuck"), f"{where}: of kind {kind!r}, only crash and stuck are covered")
    _counted(term, where)
    for place in [] if term["among"] is None else items(term["among"], f"{where}: among"):
        require(len(integers(place, f"{where}: among")) == 2, f"{where}: among names {place!r}, not layer and neuron")


def components_term(given: Any, where: str) -> None:
    """Check a model of words, groups, parameters or synapses."""
    term = entries(given, {*_PLAIN, "groups", "unit", "words"}, where)
    kind, groups = term["effect"], term["groups"]
    require(kind in EFFECTS, f"{where}: of kind {kind!r}, only {', '.join(EFFECTS)} are covered")
    _counted(term, where)
    together = groups is not None or term["unit"] is not None
    require(not together or kind in ("crash", "stuck"), f"{where}: groups crash or are stuck, not {kind}")
    require(term["unit"] in (None, "channel"), f"{where}: unit {term['unit']!r} is not channel")
    alone = groups is None or (term["total"] and term["among"] is None and term["unit"] is None)
    require(alone, f"{where}: groups go neither with counts per layer, nor with among or unit")
    for group in [] if groups is None else items(groups, f"{where}: groups"):
        require(len(items(group, f"{where}: a group")) > 0, f"{where}: a group is empty")
        for place in group:
            _place(place, 2, f"{where}: a group")
    for place in [] if term["among"] is None else items(term["among"], f"{where}: among"):
        _component(kind, place, f"{where}: among")
    require(("flip" in kind) == (term["words"] is not None), f"{where}: words are those of flips, of nothing else")
    if term["words"] is not None:
        _words(entries(term["words"], _WORDS, f"{where}: words"), kind, f"{where}: words")


def component(given: Any, where: str) -> Any:
    """Return the name of a component: lists of integers and texts, as tuples."""
    if isinstance(given, list):
        require(len(given) > 0, f"{where}: a name is empty")
        return tuple(component(part, where) for part in given)
    right = isinstance(given, str) or (type(given) is int and 0 <= given < 2**53)
    require(right, f"{where}: {str(given)[:40]} names nothing")
    return given


def _counted(term: dict[str, Any], where: str) -> None:
    kind = term["effect"]
    number(term["value"], f"{where}: value")
    require(kind == "stuck" or term["value"] == 0, f"{where}: a crashed neuron transmits 0")
    integers(term["counts"], f"{where}: counts")
    for key in ("total", "exactly"):
        require(isinstance(term[key], bool), f"{where}: {key} is {term[key]!r}, not true or false")
    one = not term["total"] or len(term["counts"]) == 1
    require(one, f"{where}: counts {str(term['counts'])[:40]} in total, not one number")


def _place(value: Any, size: int, where: str) -> None:
    require(len(integers(value, where)) == size, f"{where} names {value!r}, not {size} numbers")


def _component(kind: str, value: Any, where: str) -> None:
    if not kind.startswith("weight"):
        _place(value, 3 if kind == "synapse_crash" else 2, where)
        return
    parts = items(value, where)
    right = len(parts) == 3 and isinstance(parts[1], str)
    require(right, f"{where} names {str(value)[:60]}, not layer, parameter and index")
    integers([parts[0], *items(parts[2], where)], where)


def _words(words: dict[str, Any], kind: str, where: str) -> None:
    _ways(words, where)
    require(words["to"] is None or (type(words["to"]) is int and words["to"] in (0, 1)), f"{where}: to is no bit")
    if words["clamp"] is not None:
        ends = [number(end, f"{where}: clamp") for end in items(words["clamp"], f"{where}: clamp")]
        require(len(ends) == 2 and ends[0] <= ends[1], f"{where}: clamp {ends} is no range")
    if words["biases"] is not None:
        require(kind == "weight_flip", f"{where}: signals have no biases")
        _ways(entries(words["biases"], {"format", "ways", "scales"}, f"{where}: biases"), f"{where}: biases")


def _ways(words: dict[str, Any], where: str) -> None:
    """Check a format, its scales for every layer, and the bits that flip together."""
    known = isinstance(words["format"], str) and words["format"] in FORMATS
    require(known, f"{where}: the checker knows no format {str(words['format'])[:20]!r}")
    form = FORMATS[words["format"]]
    for way in items(words["ways"], f"{where}: ways"):
        bits = integers(way, f"{where}: ways")
        right = bits and len(set(bits)) == len(bits) and max(bits) < form.bits
        require(bool(right), f"{where}: bits {str(way)[:40]} of {form.bits} cannot flip together")
    ways = [tuple(sorted(way)) for way in words["ways"]]
    require(0 < len(ways) == len(set(ways)), f"{where}: the ways to flip are not different ones")
    if not isinstance(form, Integer):
        require(words["scales"] is None, f"{where}: {words['format']} has no scales")
        return
    for layer in items(words["scales"], f"{where}: scales"):
        for pair in items(layer, f"{where}: scales"):
            require(len(items(pair, f"{where}: scales")) == 2, f"{where}: {str(pair)[:40]} is no scale and zero point")
            scale = number(pair[0], f"{where}: scale")
            right = scale > 0 and scale * 2.0 ** (form.bits + 1) < 2.0**1023
            require(right, f"{where}: scale {scale} is not positive, or makes no finite words")
            least, most = form.ends
            require(type(pair[1]) is int and least <= pair[1] <= most, f"{where}: zero point {pair[1]!r} is no word")
