# SPDX-License-Identifier: MIT
"""Certificates made false: well formed, the checksum right, and the claim wrong or no longer proved.

Where the claim is lowered, everything that would give the lie away is lowered with it: bounds, the lower claim, the
witness.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from withstand.certificate import checksum

File = dict[str, Any]
Alteration = Callable[[File, np.random.Generator, float], None]


def _pick(rng: np.random.Generator, items: list[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def _splits(file: File) -> list[int]:
    return [n for n, node in enumerate(file["nodes"]) if "split" in node]


def _children(node: dict[str, Any]) -> list[int]:
    return [node["alive"], *node["failed"].values()] if "split" in node else []


def _compact(file: File) -> None:
    """Drop nodes that hang nowhere and number the others again, so that only what is missing is wrong."""
    order, stack = [], list(file["roots"])
    while stack:
        n = stack.pop()
        order.append(n)
        stack.extend(_children(file["nodes"][n]))
    place = {n: k for k, n in enumerate(order)}
    nodes = []
    for n in order:
        node = dict(file["nodes"][n])
        if "split" in node:
            node["failed"] = {t: place[k] for t, k in node["failed"].items()}
            node["alive"] = place[node["alive"]]
        nodes.append(node)
    file["nodes"], file["roots"] = nodes, [place[n] for n in file["roots"]]


def _quiet(file: File, claim: float) -> None:
    """Claim less than the truth, and say so everywhere."""
    file["claim"] = {"lower": min(claim, 0.0) - 1e6, "upper": claim, "witness": {"input": 0, "failed": []}}
    for node in file["nodes"]:
        if "bounded" in node:
            node["bounded"] = min(node["bounded"], claim)


def drop_leaf(file: File, rng: np.random.Generator, truth: float) -> None:
    """A way to fail is left out, with all that hangs below."""
    node = file["nodes"][_pick(rng, [n for n in _splits(file) if file["nodes"][n]["failed"]])]
    del node["failed"][_pick(rng, list(node["failed"]))]
    _compact(file)


def drop_alive(file: File, rng: np.random.Generator, truth: float) -> None:
    """The case in which a neuron lives is left out: its split is replaced by what follows its failure."""
    n = _pick(rng, [n for n in _splits(file) if file["nodes"][n]["failed"]])
    file["nodes"][n] = file["nodes"][_pick(rng, list(file["nodes"][n]["failed"].values()))]
    _compact(file)
    _quiet(file, truth - abs(truth) * float(rng.uniform(1e-6, 0.3)))


def flip(file: File, rng: np.random.Generator, truth: float) -> None:
    """What was shown of a live neuron is claimed of the failed one, and the claim lowered to match."""
    node = file["nodes"][_pick(rng, [n for n in _splits(file) if file["nodes"][n]["failed"]])]
    term = _pick(rng, list(node["failed"]))
    node["alive"], node["failed"][term] = node["failed"][term], node["alive"]
    _quiet(file, truth - abs(truth) * float(rng.uniform(1e-6, 0.3)))


def one_for_both(file: File, rng: np.random.Generator, truth: float) -> None:
    """The proof for a live neuron is used for its failure too."""
    node = file["nodes"][_pick(rng, [n for n in _splits(file) if file["nodes"][n]["failed"]])]
    node["failed"][_pick(rng, list(node["failed"]))] = node["alive"]


def decide_twice(file: File, rng: np.random.Generator, truth: float) -> None:
    """A neuron that is decided already is split on again."""
    nodes = file["nodes"]
    pairs = [(n, k) for n in _splits(file) for k in _children(nodes[n]) if "split" in nodes[k]]
    above, below = _pick(rng, pairs)
    nodes[below]["split"] = list(nodes[above]["split"])


def lower_claim(file: File, rng: np.random.Generator, truth: float) -> None:
    """The claim is below the truth."""
    _quiet(file, truth - abs(truth) * float(10 ** rng.uniform(-7, -0.3)))


def raise_claim(file: File, rng: np.random.Generator, truth: float) -> None:
    """More harm is claimed than the witness does."""
    more = abs(truth) * float(10 ** rng.uniform(-7, 0))
    file["claim"]["lower"] += more
    file["claim"]["upper"] += more


def trust_me(file: File, rng: np.random.Generator, truth: float) -> None:
    """A subtree becomes one bounded leaf, and the claim is below the truth."""
    n = _pick(rng, _splits(file))
    file["nodes"][n] = {"bounded": 0.0}
    _compact(file)
    _quiet(file, truth - abs(truth) * float(rng.uniform(1e-6, 0.5)))


def miscount(file: File, rng: np.random.Generator, truth: float) -> None:
    """An enumerated leaf forgets a configuration."""
    node = _pick(rng, [node for node in file["nodes"] if "enumerated" in node])
    node["enumerated"] += int(rng.choice([-1, 1]))


def more_failures(file: File, rng: np.random.Generator, truth: float) -> None:
    """The tree was made for fewer failures than the claim speaks of."""
    _pick(rng, file["failures"])["counts"][0] += 1


def forget_input(file: File, rng: np.random.Generator, truth: float) -> None:
    """One input has no tree of its own: it shares another's, or there is none."""
    n = int(rng.integers(len(file["roots"])))
    if rng.integers(2):
        file["inputs"].append(file["inputs"][n])
        file["roots"].append(file["roots"][n])
    else:
        del file["roots"][n]
        _compact(file)


ALTERATIONS: tuple[Alteration, ...] = (drop_leaf, drop_alive, flip, one_for_both, decide_twice, lower_claim,
                                       raise_claim, trust_me, miscount, more_failures, forget_input)  # fmt: skip


def altered(file: File, seed: int, truth: float) -> tuple[str, File]:
    """Return the name of an alteration and a copy of the certificate with it."""
    rng, wrong = np.random.default_rng(seed), copy.deepcopy(file)
    alteration = ALTERATIONS[seed % len(ALTERATIONS)]
    alteration(wrong, rng, truth)
    wrong["checksum"] = checksum(wrong)
    return alteration.__name__, wrong


def save(file: File, path: Any) -> None:
    """Write a certificate, the checksum recomputed."""
    file["checksum"] = checksum(file)
    path.write_text(json.dumps(file))
