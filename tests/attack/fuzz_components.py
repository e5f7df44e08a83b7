# SPDX-License-Identifier: MIT
"""Mutated certificates of words, groups, parameters and synapses: nothing foreign is raised, what is accepted is true.

    python tests/attack/fuzz_components.py --executions 20000

The truth is the oracle's, of the failure models that the mutated file states; models that it has no words for (zero
points, biases of another format, flipped inputs) are only watched for what is raised.
"""

from __future__ import annotations

import json
import math
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import withstand as ws
from fuzz_files import Certificates, campaign, checksum_of, flipped, restructured
from oracle import Activation, failing_words, formats
from oracle.failing_words import Term
from oracle.words import Layer, Net, fitted
from withstand.certificate.budget import LIMITS
from word_nouns import built

KINDS = {"crash": "neuron", "stuck": "neuron", "bit_flip": "neuron", "weight_flip": "weight", "weight_crash": "weight",
         "synapse_crash": "synapse"}  # fmt: skip


class ComponentCertificates(Certificates):
    """Certificates of a small network of words, and what is true of it."""

    def __init__(self, folder: Path) -> None:
        LIMITS.update({"multiply-adds": 10**8, "multiply-adds of components": 10**7, "ways to fail": 2_000,
                       "configurations of components": 3_000, "steps of counting configurations": 10**5})  # fmt: skip
        rng = np.random.default_rng(0)
        self.plain = Net([_layer(rng, l, *sizes) for l, sizes in enumerate(((3, 2), (2, 3), (2, 2)))], (2,))
        self.net = built(self.plain, None)
        self.judged = 0
        groups = [[(1, 0), (2, 1)], [(1, 1)], [(2, 0)]]
        flips = ws.WeightFlip(1, format="int8", scale=0.25, bits=[0, (1, 7)], biases=True)
        models = [
            (flips + ws.Crash(1, groups=groups), None),
            (ws.BitFlip((1, 1), format="int8", scale=[0.13, [0.1, 0.2]], bits=[2, 6], to=1) + ws.WeightCrash(1), None),
            (ws.WeightFlip(1, format="float16", clamp=(-2.0, 1.0), exactly=True), ws.Argmax()),
            (ws.SynapseCrash(2) + ws.StuckAt(1, 0.5, unit="channel"), ws.Argmax()),
        ]  # fmt: skip
        self.prove(folder, rng, models)

    def mutated(self, seed: dict[str, Any], rng: random.Random) -> bytes:
        """Return a certificate with something else in it, or in its models or its claim."""
        if rng.random() < 0.3:
            return flipped(json.dumps(seed).encode(), rng)
        part = rng.choice([seed, seed, seed["failures"], seed["claim"]])
        file = restructured(part, rng)
        if part is not seed:
            file = {**seed, "failures" if part is seed["failures"] else "claim": file}
        if isinstance(file, dict):
            file["checksum"] = checksum_of(file)
        return json.dumps(file).encode()

    def untrue(self, check: ws.Check) -> str | None:
        """Return what is wrong with a certificate that was confirmed."""
        terms = [_term(stated, self.plain) for stated in check.failures]
        if None in terms:
            return None
        self.judged += 1
        with np.errstate(all="ignore"):
            found = failing_words.truth(self.plain, tuple(filter(None, terms)), check.domain, check.goal == "argmax")
        worst = float(found.errors.max())
        slack = 1e-9 * max(1.0, abs(worst))
        holds = check.lower <= worst + slack and check.upper >= worst - slack
        counted = check.configurations == len(found.all_of) * len(check.domain)
        return None if holds and counted else f"confirmed {check.lower!r}..{check.upper!r}, the worst is {worst!r}"


def _layer(rng: np.random.Generator, source: int, neurons: int, senders: int) -> Layer:
    """Return a layer of words of int8 and of float16 with scale 1/4, the biases of 1/256."""
    bias = rng.integers(-100, 100, size=neurons) / 256
    bias[0] = 127 / 256
    phi = Activation("identity") if source == 2 else Activation("relu")
    return Layer(((source, rng.integers(-8, 9, size=(neurons, senders)) / 4),), bias, phi)


def _term(stated: dict[str, Any], net: Net) -> Term | None:
    """Return a failure model of a file as the oracle has it; None where it has no words for it."""
    words, among = stated["words"], stated["among"]
    counts = stated["counts"][0] if stated["total"] else tuple(stated["counts"])
    kind = KINDS[stated["effect"]]
    effect = "flip" if "flip" in stated["effect"] else "stuck" if stated["effect"] == "stuck" else "crash"
    named = None if among is None else tuple(_name(part) for part in among)
    groups = None if stated["groups"] is None else tuple(tuple(map(tuple, group)) for group in stated["groups"])
    how_many = counts, stated["exactly"], float(stated["value"])
    common = (kind, effect, *how_many, named, groups, stated["unit"] is not None)
    if words is None:
        return Term(*common)
    scale = _scale(words, kind)
    inputs = kind == "neuron" and any(neuron[0] == 0 for neuron in named or ())
    if scale is math.nan or inputs or not _usual_biases(words, net):
        return None
    bits = tuple(tuple(sorted(way)) for way in words["ways"])
    clamp = None if words["clamp"] is None else (float(words["clamp"][0]), float(words["clamp"][1]))
    return Term(*common, words["format"], scale, bits, words["to"], clamp, words["biases"] is not None)


def _name(part: list[Any]) -> tuple[Any, ...]:
    return tuple(tuple(entry) if isinstance(entry, list) else entry for entry in part)


def _scale(words: dict[str, Any], kind: str) -> Any:
    """Return scales as the oracle takes them; not a number where there are zero points, or layers are missing."""
    if words["scales"] is None:
        return None
    layers = words["scales"] if kind == "weight" else words["scales"][1:]
    if any(zero for layer in layers for _, zero in layer) or not all(layers):
        return math.nan
    return [[scale for scale, _ in layer] if len(layer) > 1 else layer[0][0] for layer in layers]


def _usual_biases(words: dict[str, Any], net: Net) -> bool:
    """Whether the words of biases are those that follow from the format of the weights."""
    if words["biases"] is None:
        return True
    form, own = words["format"], words["biases"]
    if own["format"] != form or own["ways"] != words["ways"]:
        return False
    usual = [[[fitted(form, float(np.abs(layer.bias).max())), 0]] for layer in net.layers if layer.bias is not None]
    return own["scales"] == (None if formats.is_float(form) else usual)


CAMPAIGNS = {"components": partial(campaign, ComponentCertificates)}

if __name__ == "__main__":
    from _campaign import main

    sys.exit(main("mutated files", CAMPAIGNS, 20_000))
