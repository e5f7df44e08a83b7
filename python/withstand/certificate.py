# SPDX-License-Identifier: MIT
"""Certificates: a search writes down its tree, and an independent checker confirms what it proves."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from withstand._certified_space import Neuron, Rejected, Space, State, Way
from withstand._checked_bound import Judge
from withstand._checked_lines import Phi
from withstand.network import Network

FORMAT = "withstand certificate 1"
#: Configurations that an enumerated leaf may hold.
CAP = 20_000
#: Below this size a part is evaluated, without trying to bound it.
_FEW = 64
_BATCH = 2048

_Part = tuple[float, int, State, Neuron | None]  # -bound, order of arrival, decisions, what to split on


@dataclass(frozen=True)
class Check:
    """What `check_certificate` found.

    Attributes
    ----------
    valid : bool
        Whether the certificate proves its claim for this network.
    reason : str
        "confirmed", or what is wrong, and where.
    lower, upper : float
        The claim: the witness does `lower`, and nothing in the space, at any of the inputs, does more than `upper`.
        NaN where the file could not be read that far.
    failures, inputs, goal
        What the claim speaks of: the failure models as the file states them, the number of inputs, "error" or "argmax".
    nodes, bounded, enumerated : int
        Nodes of the tree, and leaves of both kinds, seen before the end.
    configurations : int
        Configurations that the checker evaluated one by one.
    refined : int
        Further parts into which the checker split leaves because its own bound was weaker than the search's.
    """

    valid: bool
    reason: str
    lower: float
    upper: float
    failures: tuple[dict[str, Any], ...]
    inputs: int
    goal: str
    nodes: int
    bounded: int
    enumerated: int
    configurations: int
    refined: int


def check_certificate(path: str | os.PathLike[str], net: Network, *, effort: int = 20_000) -> Check:
    """Check a certificate that `worst_case` wrote.

    Parameters
    ----------
    path : path
        The file.
    net : Network
        The network that it speaks of.
    effort : int, default 20000
        Parts into which the checker may split leaves that its own bound does not close.

    Returns
    -------
    Check
        `valid` or not, and why. Nothing of a certificate is believed: that the tree covers the whole space at every
        input, that each leaf is below the claim and that the witness attains the lower claim is all recomputed here, in
        plain Python and NumPy rounded outward, with code that the search does not use.

    Raises
    ------
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile, withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     worst = ws.worst_case(net, ws.Crash(1), [[3.0]], certificate=folder + "/proof.json")
    ...     check = ws.check_certificate(folder + "/proof.json", net)
    >>> check.valid, check.lower, check.reason
    (True, 6.0, 'confirmed')
    """
    with open(path, "rb") as file:
        content = file.read()
    checker = _Checker(net, effort)
    try:
        checker.check(_parsed(content))
        valid, reason = True, "confirmed"
    except Rejected as error:
        valid, reason = False, str(error)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        valid, reason = False, f"not a certificate: {type(error).__name__}: {error}"
    c = checker
    return Check(valid, reason, c.lower, c.upper, tuple(c.failures), c.inputs, c.goal, c.nodes, c.bounded, c.enumerated,
                 c.configurations, c.refined)  # fmt: skip


def fingerprint(net: Network) -> str:
    """Return a checksum of everything that the network computes with."""
    phis = [(a.name, a.gain, a.slope) for a in (*net.activations, net.output_activation)]
    digest = hashlib.sha256(json.dumps([net.widths, phis]).encode())
    for array in (*net.weights, *net.biases):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def checksum(certificate: dict[str, Any]) -> str:
    """Return the checksum of a certificate, its own entry left out."""
    body = {key: value for key, value in certificate.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        certificate = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not a certificate: {error}") from None
    if not isinstance(certificate, dict) or certificate.get("format") != FORMAT:
        raise Rejected(f"not a certificate: the format is not {FORMAT!r}")
    if certificate.get("checksum") != checksum(certificate):
        raise Rejected("the checksum is wrong: the file has been changed or cut")
    return certificate


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise Rejected(why)


class _Checker:
    def __init__(self, net: Network, effort: int) -> None:
        self._net, self._effort = net, effort
        self.lower = self.upper = math.nan
        self.failures: list[dict[str, Any]] = []
        self.goal, self.inputs = "", 0
        self.nodes = self.bounded = self.enumerated = self.configurations = self.refined = 0

    def check(self, file: dict[str, Any]) -> None:
        _require(file["network"]["sha256"] == fingerprint(self._net), "the certificate speaks of another network")
        claim, net = file["claim"], self._net
        self.lower, self.upper = _number(claim["lower"], "claim"), _number(claim["upper"], "claim")
        self.failures, self.goal, self.inputs = list(file["failures"]), file["goal"], len(file["inputs"])
        _require(self.goal in ("error", "argmax"), f"goal {self.goal!r} is neither error nor argmax")
        _require(self.inputs > 0 and len(file["roots"]) == self.inputs,
                 f"{self.inputs} inputs, {len(file['roots'])} trees: every input needs one")  # fmt: skip
        self._space = Space(self.failures, net.widths)
        phis = [Phi(a.name, a.gain, a.slope or 0.0) for a in (*net.activations, net.output_activation)]
        judges = []
        for n, x in enumerate(file["inputs"]):
            row = np.array([_number(v, f"input {n}") for v in x])
            _require(row.shape == (net.widths[0],), f"input {n} has {len(row)} entries, not {net.widths[0]}")
            judges.append(Judge(net.weights, net.biases, phis, self._space, row, self.goal))
        self._replay(claim["witness"], judges)
        self._seen: set[int] = set()
        leaves: list[tuple[float, int, State, Judge]] = []
        for judge, root in zip(judges, file["roots"]):
            leaves += [(bound, n, state, judge) for bound, n, state in self._leaves(file["nodes"], root)]
        _require(len(self._seen) == len(file["nodes"]), f"{len(file['nodes']) - len(self._seen)} nodes hang nowhere")
        for bound, n, state, judge in sorted(leaves, key=lambda leaf: -leaf[0]):  # likely false ones first
            if bound == math.inf:
                self._evaluate(n, state, judge)
            else:
                self._close(n, state, judge)

    def _replay(self, witness: dict[str, Any], judges: list[Judge]) -> None:
        """Confirm that the witness is a configuration of the space and does the harm claimed."""
        state = self._space.root()
        for l, i, term in witness["failed"]:
            ways = [w for w in self._space.ways.get((l, i), []) if w.term == term]
            _require(bool(ways) and (l, i) not in state.decided, f"witness: neuron {(l, i)} cannot fail by term {term}")
            child = self._space.fail(state, (l, i), ways[0])
            if child is None:
                raise Rejected("witness: more failures than the counts allow")
            state = child
        short = any(n and q.exactly for n, q in zip(state.left, self._space.quotas))
        _require(not short, "witness: fewer failures than exactly asked for")
        n = witness["input"]
        _require(type(n) is int and 0 <= n < len(judges), f"witness: there is no input {n}")
        harm, error = (float(v[0]) for v in judges[n].harms([state.failed]))
        _require(self.lower <= harm + error, f"witness: does {harm}, less than the claimed {self.lower}")
        _require(harm - error <= self.upper, f"witness: does {harm}, more than the claimed {self.upper}")

    def _leaves(self, nodes: list[dict[str, Any]], root: int) -> list[tuple[float, int, State]]:
        """Walk from the root and return the leaves, which cover the space: bounds (infinite: enumerated), decisions."""
        stack, leaves = [(root, self._space.root())], []
        while stack:
            index, state = stack.pop()
            _require(type(index) is int and 0 <= index < len(nodes), f"node {index} is missing")
            _require(index not in self._seen, f"node {index} is used twice")
            self._seen.add(index)
            self.nodes += 1
            node = nodes[index]
            if "split" in node:
                stack.extend(self._children(index, node, state))
            else:
                bound = self._bounded(index, node) if "bounded" in node else self._enumerated(index, node, state)
                leaves.append((bound, index, state))
        return leaves

    def _children(self, index: int, node: dict[str, Any], state: State) -> list[tuple[int, State]]:
        """Return the children of a node: all that can become of one neuron, no more and no less."""
        neuron = (node["split"][0], node["split"][1])
        _require(neuron in self._space.ways, f"node {index} splits on {neuron}, which cannot fail")
        _require(neuron not in state.decided, f"node {index} splits on {neuron}, which is decided already")
        becomes = self._space.children(state, neuron)
        given: dict[int | None, int] = {None: node["alive"], **{int(t): k for t, k in node["failed"].items()}}
        _require(given.keys() == becomes.keys(), f"node {index}: neuron {neuron} can become {_names(becomes)}, "
                 f"the node covers {_names(given)}")  # fmt: skip
        return [(given[key], becomes[key]) for key in becomes]

    def _bounded(self, index: int, node: dict[str, Any]) -> float:
        bound = _number(node["bounded"], f"node {index}")
        _require(bound <= self.upper, f"node {index} is bounded by {bound}, above the claim {self.upper}")
        self.bounded += 1
        return bound

    def _enumerated(self, index: int, node: dict[str, Any], state: State) -> float:
        count, size = node["enumerated"], self._space.size(state)
        _require(count == size, f"node {index} has {size} configurations, it says {count}")
        _require(size <= CAP, f"node {index} has {size} configurations, a leaf may have {CAP}")
        self.enumerated += 1
        return math.inf

    def _close(self, index: int, state: State, judge: Judge) -> None:
        """Bound a leaf by the checker's own method; split it, worst part first, where that is not enough."""
        order = itertools.count()
        heap: list[_Part] = []
        self._consider(heap, next(order), state, judge)
        while heap:
            _, _, part, best = heapq.heappop(heap)
            free = self._space.free(part)
            if not free or self._space.size(part) <= _FEW:
                self._evaluate(index, part, judge)
                continue
            for child in self._space.children(part, best if best is not None else free[0]).values():
                self.refined += 1
                short = f"node {index}: no proof within {self._effort} further parts that it is below the claim"
                _require(self.refined <= self._effort, short)
                self._consider(heap, next(order), child, judge)

    def _consider(self, heap: list[_Part], order: int, part: State, judge: Judge) -> None:
        estimate = judge.bound(part)
        if not estimate.harm <= self.upper:
            heapq.heappush(heap, (-estimate.harm, order, part, estimate.best))

    def _evaluate(self, index: int, state: State, judge: Judge) -> None:
        """Evaluate every configuration."""
        sets = self._space.completions(state)
        while batch := list(itertools.islice(sets, _BATCH)):
            self.configurations += len(batch)
            harm, error = judge.harms(batch)
            worst = int(np.argmax(harm + error))
            if not harm[worst] + error[worst] <= self.upper:
                shown = _shown(batch[worst])
                raise Rejected(f"node {index}: failures {shown} do {harm[worst]}, above the claim {self.upper}")


def _number(value: Any, where: str) -> float:
    number = float(value)
    _require(not isinstance(value, bool) and math.isfinite(number), f"{where}: {value!r} is not a finite number")
    return number


def _names(keys: Any) -> str:
    return ", ".join("alive" if key is None else f"failed by term {key}" for key in keys)


def _shown(failed: tuple[tuple[Neuron, Way], ...]) -> str:
    return "{" + ", ".join(f"{neuron}: {way.value:g}" for neuron, way in failed) + "}"


