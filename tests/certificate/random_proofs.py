# SPDX-License-Identifier: MIT
"""Certificates of random failures of words, groups, parameters and synapses, held against every configuration."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import withstand as ws
from alterations import save
from oracle import failing_words
from random_failures import Problem
from withstand.certificate.reading import COMPONENTS

#: What no certificate is about, or could not be decided without rounding.
REFUSALS = {
    "there is nothing to certify": "infinite",
    "is no finite number": "infinite",
    "too close to": "rounding decides",
    "largest of several outputs": "of the lowest, or of one output",
    "too much to check": "too much",
    "name the synapses that may fail": "refused by the engines",
    "share no count": "refused by the engines",
    "takes outputs behind": "refused by the engines",
    "the checker says": "rounding decides",
    "an execution might overflow": "refused by the engines",
}


def proved(p: Problem, folder: Path) -> str:
    """Ask for a certificate; return what became of it. Raises where it does not prove the truth, or proves more."""
    path, spec = folder / "proof.json", ws.Argmax(lowest=p.lowest) if p.argmax else None
    with np.errstate(all="ignore"):
        found = failing_words.truth(p.net, p.terms, p.X, p.argmax, p.lowest)
    truth = float(found.errors.max())
    try:
        worst = ws.worst_case(p.network, p.failures, p.X, spec=spec, certificate=path)
    except (ValueError, OverflowError) as error:
        kind = next((kind for text, kind in REFUSALS.items() if text in str(error)), None)
        assert kind is not None, error
        assert kind != "infinite" or truth == math.inf, error
        assert kind != "rounding decides" or not p.exact, error
        return kind
    check = ws.check_certificate(path, p.network, failures=p.failures, domain=p.X, spec=spec)
    assert check.valid, check.reason
    room = 1e-9 * max(1.0, abs(truth))
    content = json.loads(path.read_text())
    evaluated = content["format"] == COMPONENTS
    assert abs(check.lower - truth) <= room and truth - room <= check.upper, (check, truth)
    assert check.upper <= max(truth, worst.upper) + 3 * room, (check, truth)
    assert not evaluated or check.configurations == len(found.all_of) * len(p.X)
    lowered(p, content, truth, path)
    if not evaluated:
        return "confirmed, of a tree"
    return "confirmed" if check.upper <= truth + 3 * room else "confirmed, as wide as rounding makes the search"


def lowered(p: Problem, content: dict, truth: float, path: Path) -> None:
    """What claims less than the truth is rejected, whoever the witness is."""
    empty = not any(term["exactly"] for term in content["failures"])
    for less in (1e-6, 0.1):
        wrong, claim = json.loads(json.dumps(content)), truth - less * max(1.0, abs(truth))
        witness = {"input": 0, "failed": []} if empty else content["claim"]["witness"]
        wrong["claim"] = {"lower": -1e300, "upper": claim, "witness": witness}
        save(wrong, path)
        check = ws.check_certificate(path, p.network, effort=300)
        assert not check.valid and ("above the claim" in check.reason or "no proof within" in check.reason), check
