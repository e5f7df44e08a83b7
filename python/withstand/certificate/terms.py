# SPDX-License-Identifier: MIT
"""Failure models as a certificate states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.statement import EFFECTS
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term
from withstand.model.words import bias_words, signal_scalings, weight_scalings

_NAMES = {"crash": "Crash", "stuck": "StuckAt", "bit_flip": "BitFlip", "weight_flip": "WeightFlip",
          "weight_crash": "WeightCrash", "synapse_crash": "SynapseCrash"}  # fmt: skip


def covered(failures: Failures) -> None:
    """Refuse models that certificates do not cover.

    Raises
    ------
    ValueError
        By name.
    """
    if any(term.effect not in EFFECTS for term in failures._terms):
        known = "crashed and stuck neurons, flipped bits, crashed weights and synapses"
        raise ValueError(f"certificates cover {known}, not {failures!r}")


def of_neurons(failures: Failures) -> bool:
    """Whether single neurons crash or are stuck, and nothing else fails."""
    return all(term.effect in ("crash", "stuck") and not term.together for term in failures._terms)


def described(failures: Failures, net: Network | None = None, inputs: FloatArray | None = None) -> list[dict[str, Any]]:
    """Return the failure models as a certificate states them; words with the scales that they have in the network.

    Raises
    ------
    ValueError
        For models that certificates do not cover.
    """
    covered(failures)
    plain = [_plain(term) for term in failures._terms]
    if of_neurons(failures):
        return plain
    assert net is not None and inputs is not None
    return [{**stated, "groups": None if term.groups is None else [[list(n) for n in g] for g in term.groups],
             "unit": term.unit, "words": None if term.flips is None else _words(term, net, inputs)}
            for stated, term in zip(plain, failures._terms)]  # fmt: skip


def _plain(term: Term) -> dict[str, Any]:
    value = float(term.amount[0]) if term.effect == "stuck" else 0.0  # the format's own words, for what reads them
    among = None if term.among is None else [[list(p) if isinstance(p, tuple) else p for p in c] for c in term.among]
    return {"effect": term.effect, "value": value, "counts": list(term.counts), "total": term.total,
            "exactly": term.exactly, "among": among}  # fmt: skip


def _words(term: Term, net: Network, inputs: FloatArray) -> dict[str, Any]:
    """Return which bits of which words flip, with scales and zero points, one for a layer or one per neuron."""
    flips = term.worded(net).flips
    assert flips is not None
    biases = None
    if term.on_weights:
        scales = weight_scalings(flips, net)
        if (kept := bias_words(flips, net)) is not None:
            form, scalings = kept
            biases = {"format": form.name, "ways": [list(way) for way in flips.ways(form.bits)],
                      "scales": None if form.is_float else _pairs(scalings)}  # fmt: skip
    else:
        signals = [float(np.abs(y).max()) for y in net.trace(inputs)[:-1]]
        inputs_fail = any(component[0] == 0 for component in term.among or ())
        scales = signal_scalings(flips, net, signals, inputs_fail, net._described().places[1:-1])
    return {"format": flips.format, "ways": [list(way) for way in flips.bits], "to": flips.to,
            "clamp": None if flips.clamp is None else list(flips.clamp),
            "scales": None if "float" in flips.format else _pairs(scales), "biases": biases}  # fmt: skip


def _pairs(scalings: Sequence[Sequence[tuple[float, float]]]) -> list[list[list[float]]]:
    return [[[scale, int(zero)] for scale, zero in of_layer] for of_layer in scalings]


def named(terms: Sequence[Mapping[str, Any]]) -> str:
    """Return failure models of a file as they are written in Python."""
    return " + ".join(map(_named, terms)) or "nothing that fails"


def _named(term: Mapping[str, Any]) -> str:
    counts = term["counts"][0] if term["total"] else tuple(term["counts"])
    parts = [str(counts)] + [f"value={term['value']:g}"] * (term["effect"] == "stuck")
    if (words := term.get("words")) is not None:
        bits = tuple(way[0] if len(way) == 1 else tuple(way) for way in words["ways"])
        parts += [f"format='{words['format']}'", f"bits={bits}" if len(bits) < 5 else f"{len(bits)} ways"]
        parts += [f"to={words['to']}"] * (words["to"] is not None)
        parts += [f"clamp={tuple(words['clamp'])}"] if words["clamp"] is not None else []
        parts += ["biases=True"] * (words["biases"] is not None)
    parts += ["exactly"] * term["exactly"] + ["unit='channel'"] * (term.get("unit") is not None)
    parts += [f"{len(term['groups'])} groups"] if term.get("groups") is not None else []
    parts += [f"among {len(term['among'])}"] if term["among"] is not None else []
    return f"{_NAMES[term['effect']]}({', '.join(parts)})"


def difference(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> str | None:
    """Return in what two lists of models differ first; None where they say the same, in the same order."""
    if len(one) != len(other):
        return "the number of models"
    for mine, theirs in zip(one, other):
        for key, value in _canonical(mine).items():
            if _canonical(theirs)[key] != value:
                return key
    return None


def _canonical(term: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model with what is a set in order, and with what older files leave out."""
    found = {**dict.fromkeys(("groups", "unit", "words")), **term}
    for key in ("among", "groups"):
        if found[key] is not None:
            found[key] = sorted({_frozen(part, key == "groups") for part in found[key]}, key=repr)
    words = found.pop("words") or {}
    biases = words.get("biases") or {}
    for prefix, stated in (("", {**words, "biases": bool(biases)}), ("biases: ", biases)):
        for key in ("format", "ways", "to", "clamp", "scales", "biases"):
            found[prefix + key] = stated.get(key)
    for key in ("ways", "biases: ways"):
        found[key] = found[key] and sorted(sorted(way) for way in found[key])
    return found


def _frozen(part: Any, is_set: bool = False) -> Any:
    if not isinstance(part, (list, tuple)):
        return part
    return tuple(sorted(map(_frozen, part))) if is_set else tuple(map(_frozen, part))
