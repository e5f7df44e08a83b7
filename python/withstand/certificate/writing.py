# SPDX-License-Identifier: MIT
"""Writing down what a search proved. The leaves come from the search; here they become a tree, and a file."""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from withstand._types import AnyComponent, FloatArray, neuron
from withstand.certificate.budget import LIMITS, Budget, Rejected
from withstand.certificate.checker import CAP, Checker
from withstand.certificate.components import Components
from withstand.certificate.reading import COMPONENTS, FORMAT, checksum, parsed
from withstand.certificate.space import Failed, Name, Sets, Space, State
from withstand.certificate.terms import described, of_neurons
from withstand.model.failures import Failures
from withstand.model.fingerprint import fingerprint
from withstand.model.network import Network
from withstand.model.witness import Witness

if TYPE_CHECKING:
    from withstand import _core

#: Of the claim, for the roundings of whoever checks it.
ROOM = 1e-9
#: Configurations that all enumerated leaves together may hold.
MOST = LIMITS["configurations to evaluate"]
#: Parts into which the checker may split leaves, by default.
EFFORT = 20_000


class OutOfTime(ValueError):
    """The checker did not confirm a certificate in time."""


def require_checkable(net: Network, failures: Failures, inputs: FloatArray, goal: str) -> float:
    """Refuse, before any search, what the checker would reject whatever the search finds.

    Returns
    -------
    float
        Seconds that the checker takes for one bound, which every leaf needs; 0 where it evaluates everything instead.

    Raises
    ------
    ValueError
        For models that certificates do not cover, more than the checker is willing to look at, and tied classes.
    """
    checker = Checker(net, 0)
    checker.failures, checker.inputs, checker.goal = described(failures, net, inputs), inputs, goal
    try:
        if not of_neurons(failures):
            checker.prepare_components()
            return 0.0
        judges = checker.prepare()
        judges[0].bounding(len(judges))
        space = Space(checker.failures, net.widths)
        space.size(space.root())
        started = time.perf_counter()
        with np.errstate(all="ignore"):
            judges[0].bound(space.root())
        return time.perf_counter() - started
    except Rejected as error:
        raise ValueError(f"no certificate can be written: {error}") from None


def write(path: str | os.PathLike[str], net: Network, failures: Failures, inputs: FloatArray, goal: str,
          lower: float, upper: float, witness: Witness, leaves: Sequence[_core.Leaf],
          say: Callable[[str], object] = len, until: float = math.inf) -> None:  # fmt: skip
    """Write the certificate of lower <= truth <= upper, whose leaves a search recorded where there is a tree.

    Where every configuration is evaluated anyway, the witness itself is claimed to be the worst, if the checker agrees.
    The upper claim gets a billionth of room, so that roundings are no reason to reject it. `say` is told how far it is.
    Refused is what the checker has not confirmed by `until`, a time of `time.perf_counter`.
    """

    def go_on(said: str) -> None:
        say(said)
        if time.perf_counter() > until:
            raise OutOfTime(f"no certificate is written: the time was up while the checker looked at it ({said})")

    claims = [end for end in ((upper,) if of_neurons(failures) else sorted({lower, upper})) if math.isfinite(end)]
    if not claims or not math.isfinite(lower):
        raise ValueError(f"the search ended with the upper end {upper}: there is nothing to certify")
    terms = described(failures, net, inputs)
    if of_neurons(failures):
        proof, failed = _tree(net, terms, witness, upper, leaves, len(inputs))
    else:
        proof, failed = _components(net, terms, witness)
    body: dict[str, Any] = {
        "format": FORMAT if of_neurons(failures) else COMPONENTS,
        "network": {"widths": list(net.widths), "sha256": fingerprint(net)},
        "failures": terms,
        "inputs": [[float(v) for v in x] for x in inputs],
        "goal": goal,
        "claim": {"lower": lower, "upper": math.nan, "witness": {"input": witness.input_index, "failed": failed}},
        **proof,
    }
    text = _confirmed(body, net, [claim + ROOM * max(1.0, abs(claim)) for claim in claims], go_on)
    with open(path, "wb") as file:
        file.write(text)


def _confirmed(body: dict[str, Any], net: Network, claims: list[float], say: Callable[[str], object]) -> bytes:
    """Return the file with the first upper claim that the checker confirms: what it rejects is not written."""
    rejected = None
    for upper in claims:
        body["claim"]["upper"] = upper
        body["checksum"] = checksum(body)
        text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
        checker = Checker(net, EFFORT, say)
        try:
            file = parsed(text)
            checker.read(file)
            checker.check(file)
            return text
        except Rejected as error:
            rejected = error
    found = f"the search found {body['claim']['lower']!r} <= worst <= {claims[-1]!r}"
    raise ValueError(f"no certificate is written: {found}, but the checker says: {rejected}")


def _tree(net: Network, terms: list[dict[str, Any]], witness: Witness, upper: float,
          leaves: Sequence[_core.Leaf], inputs: int) -> tuple[dict[str, Any], list[list[Any]]]:  # fmt: skip
    """Return the proof by trees, and how the neurons of the witness fail."""
    space = Space(terms, net.widths)
    forest = _Forest(space, net, upper)
    roots = [forest.root([leaf for leaf in leaves if leaf.input_index == n]) for n in range(inputs)]
    failed = _assigned(space, [(neuron(name), (), witness.values[name]) for name in witness.failed])
    return {"roots": roots, "nodes": forest.nodes}, [[*name, way.term] for name, way in failed]


def _components(net: Network, terms: list[dict[str, Any]], witness: Witness) -> tuple[dict[str, Any], list[list[Any]]]:
    """Return the proof by evaluation of everything, and how the components of the witness fail."""
    sets = Components(terms, net, Budget())
    together = {member for group in witness.groups for member in group}
    named: list[tuple[Name, AnyComponent]] = [(tuple(sorted(group)), group[0]) for group in witness.groups]
    named += [(name, name) for name in witness.failed if name not in together]
    bits = {name: (way,) if isinstance(way, int) else way for name, way in witness.ways.items()}
    failed = _assigned(sets, [(name, bits.get(part, ()), witness.values[part]) for name, part in named])
    return {"configurations": sets.size(sets.root())}, [[name, way.term, way.bits] for name, way in failed]


def _assigned(sets: Sets, wanted: list[tuple[Name, tuple[int, ...], float]]) -> Failed:
    """Return components with ways in which these bits of them flip, or else that value is sent: as counts allow."""
    stack = [(sets.root(), 0)]
    while stack:
        state, n = stack.pop()
        if n == len(wanted):
            if not any(left and q.exactly for left, q in zip(state.left, sets.quotas)):
                return state.failed
            continue
        name, bits, value = wanted[n]
        for way in sets.ways[name]:
            child = sets.fail(state, name, way) if way.bits == bits and (bits or way.value == value) else None
            if child is not None:
                stack.append((child, n + 1))
    raise AssertionError("the witness is a configuration of the space")


class _Forest:
    """Trees from their leaves: a neuron that all leaves of a part decide is what the part was split on."""

    def __init__(self, space: Space, net: Network, upper: float) -> None:
        self._net, self._upper = net, upper
        self.nodes: list[dict[str, Any]] = []
        self._space, self._room = space, MOST

    def root(self, leaves: list[_core.Leaf]) -> int:
        if not leaves:  # the search ended before there was a tree
            return self._add({"bounded": self._upper})
        decided = []
        for leaf in leaves:
            ways: dict[Name, int | None] = {self._neuron(l, i): None for l, i in leaf.alive}
            ways.update({self._neuron(l, i): term for l, i, term in leaf.failed})
            decided.append((leaf, ways))
        return self._build(decided)

    def _neuron(self, layer: int, to: int) -> Name:
        return neuron(self._net._component(layer, to, -1))

    def _build(self, leaves: list[tuple[_core.Leaf, dict[Name, int | None]]]) -> int:
        root: dict[str, Any] = {}
        index = self._add(root)
        stack = [(root, self._space.root(), leaves)]
        while stack:
            node, state, part = stack.pop()
            if len(part) == 1 and part[0][1].keys() <= state.decided:
                stack.extend(self._leaf(node, state, part[0][0]))
                continue
            counts = Counter(neuron for _, ways in part for neuron in ways if neuron not in state.decided)
            neuron = next(n for n, count in counts.items() if count == len(part))
            for key, child in self._split(node, state, neuron):
                mine = [leaf for leaf in part if leaf[1][neuron] == key]
                assert mine, f"a search left out {neuron} becoming {key}"
                stack.append((*child, mine))
        return index

    def _leaf(
        self, node: dict[str, Any], state: State, leaf: _core.Leaf
    ) -> list[tuple[dict[str, Any], State, list[tuple[_core.Leaf, dict[Name, int | None]]]]]:
        """Make a node a leaf; where it enumerates too much for a checker, split it instead."""
        if not leaf.enumerated:
            node["bounded"] = float(leaf.bound)
            return []
        size = self._space.size(state)
        if size <= CAP:
            self._room -= size
            if self._room < 0:
                raise ValueError(f"the certificate would leave more than {MOST:,} configurations to enumerate")
            node["enumerated"] = size
            return []
        if size > self._room:
            raise ValueError(f"the certificate would leave {size:,} configurations to enumerate, more than {MOST:,}")
        neuron = self._space.free(state)[0]
        return [(*child, [(leaf, {})]) for _, child in self._split(node, state, neuron)]

    def _split(
        self, node: dict[str, Any], state: State, neuron: Name
    ) -> list[tuple[int | None, tuple[dict[str, Any], State]]]:
        node.update(split=list(neuron), alive=0, failed={})
        parts = []
        for key, child in self._space.children(state, neuron).items():
            made: dict[str, Any] = {}
            index = self._add(made)
            if key is None:
                node["alive"] = index
            else:
                node["failed"][str(key)] = index
            parts.append((key, (made, child)))
        return parts

    def _add(self, node: dict[str, Any]) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1
