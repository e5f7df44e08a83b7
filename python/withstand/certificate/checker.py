# SPDX-License-Identifier: MIT
"""The checker: the tree covers the space at every input, each leaf is below the claim, and the witness attains it."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.budget import Budget, Rejected
from withstand.certificate.components import Components
from withstand.certificate.entries import require
from withstand.certificate.leaf_bound import Judge
from withstand.certificate.lowering import Chain, lowered
from withstand.certificate.reading import COMPONENTS
from withstand.certificate.space import Failed, Name, Sets, Space, State
from withstand.certificate.statement import component
from withstand.certificate.values import Values
from withstand.model.fingerprint import fingerprint
from withstand.model.network import Network

#: Configurations that an enumerated leaf may hold.
CAP = 20_000
#: Below this size a part is evaluated, without trying to bound it.
_FEW = 64

_V = TypeVar("_V", bound=Values)
_Part = tuple[float, int, State, Name | None]  # -bound, order of arrival, decisions, what to split on
_Leaf = tuple[float, int, State, Judge]  # bound (infinite: enumerated), node, decisions


class Checker:
    """One network, one certificate; what has been seen of it so far, which `say` is told now and then."""

    def __init__(self, net: Network, effort: int, say: Callable[[str], object] = len) -> None:
        self._say = say
        self._net, self._effort, self._budget = net, effort, Budget()
        self.lower = self.upper = math.nan
        self.failures: list[dict[str, Any]] = []
        self.goal, self.network = "", ""
        self.by_components = False  # whether the file speaks of more than crashed and stuck neurons
        self.inputs: FloatArray = np.empty((0, net.widths[0]))
        self.classes: tuple[int, ...] = ()
        self.nodes = self.bounded = self.enumerated = self.configurations = self.refined = 0

    def read(self, file: dict[str, Any]) -> None:
        """Take in what the certificate speaks of."""
        claim, width = file["claim"], self._net.widths[0]
        self.lower, self.upper = float(claim["lower"]), float(claim["upper"])
        self.failures, self.goal, self.network = file["failures"], file["goal"], file["network"]["sha256"]
        for n, x in enumerate(file["inputs"]):
            require(len(x) == width, f"input {n} has {len(x)} entries, not {width}")
        self.inputs = np.array(file["inputs"], dtype=np.float64).reshape(-1, width)
        self.by_components = file["format"] == COMPONENTS
        require(self.network == fingerprint(self._net), "the certificate speaks of another network")

    def prepare(self) -> list[Judge]:
        """Set up what judges the failures of neurons at each input."""
        self._space = space = Space(self.failures, self._net.widths, self._budget)
        chain = lowered(self._net)
        return self._at_inputs(chain, lambda x: Judge(chain, space, x, self.goal, self._budget))

    def prepare_components(self) -> list[Values]:
        """Set up what evaluates the failures of components at each input, and count the work of it all."""
        chain = lowered(self._net)
        self._sets = sets = Components(self.failures, self._net, self._budget)
        size = sets.size(sets.root())
        self._budget.spend("configurations of components", size * len(self.inputs))
        values = self._at_inputs(chain, lambda x: Values(chain, x, self.goal, self._budget, sets.components))
        for at_input in values:
            at_input.evaluating_components(size, sum(quota.count for quota in sets.quotas))
        return values

    def _at_inputs(self, chain: Chain, made: Callable[[FloatArray], _V]) -> list[_V]:
        found = []
        with np.errstate(all="ignore"):  # what overflows is not below a claim
            for x in self.inputs:
                self._budget.spend("multiply-adds", 3 * sum(w.size for w in chain.weights))
                found.append(made(x))
        self.classes = tuple(at_input.predicted for at_input in found) if self.goal == "argmax" else ()
        return found

    def check(self, file: dict[str, Any]) -> None:
        """Reject the certificate that was read unless it proves its claim."""
        require(len(self.inputs) > 0, "0 inputs: nothing is proved")
        with np.errstate(all="ignore"):
            if self.by_components:
                self._check_components(file)
            else:
                self._check_trees(file)

    def _check_trees(self, file: dict[str, Any]) -> None:
        roots, nodes, inputs = file["roots"], file["nodes"], len(self.inputs)
        require(len(roots) == inputs, f"{inputs} inputs, {len(roots)} trees: every input needs one")
        judges = self.prepare()
        failed = [((l, i), term, ()) for l, i, term in file["claim"]["witness"]["failed"]]
        self._replay(file["claim"]["witness"]["input"], failed, self._space, judges)
        self._seen: set[int] = set()
        leaves: list[_Leaf] = []
        for judge, root in zip(judges, roots):
            leaves += [(bound, n, state, judge) for bound, n, state in self._leaves(nodes, root, judge)]
        require(len(self._seen) == len(nodes), f"{len(nodes) - len(self._seen)} nodes hang nowhere")
        leaves.sort(key=lambda leaf: -leaf[0])  # likely false ones first
        for done, (bound, n, state, judge) in enumerate(leaves):
            self._say(f"checking a proof: {done:,} of {len(leaves):,} leaves")
            if bound == math.inf:
                self._evaluate(f"node {n}", self._space, state, judge)
            else:
                self._close(n, state, judge)

    def _check_components(self, file: dict[str, Any]) -> None:
        """Evaluate every configuration at every input."""
        values = self.prepare_components()
        root, count = self._sets.root(), file["configurations"]
        size = self._sets.size(root)
        require(count == size, f"there are {size:,} configurations, the file says {count:,}")
        witness = file["claim"]["witness"]
        failed = [(component(name, "witness"), term, tuple(bits)) for name, term, bits in witness["failed"]]
        self._replay(witness["input"], failed, self._sets, values)
        for n, at_input in enumerate(values):
            self.enumerated += 1
            self._evaluate(f"input {n}", self._sets, root, at_input)

    def _replay(self, n: int, failed: Sequence[tuple[Name, int, tuple[int, ...]]], sets: Sets,
                at_inputs: Sequence[Values]) -> None:  # fmt: skip
        """Confirm that the witness is a configuration of the space and does the harm claimed."""
        state = sets.root()
        for name, term, bits in failed:
            ways = [w for w in sets.ways.get(name, []) if w.term == term and w.bits == bits]
            right = bool(ways) and name not in state.decided
            with_bits = f" with bits {bits}" if bits else ""
            require(right, f"witness: {_called(name)} cannot fail by term {term}{with_bits}")
            child = sets.fail(state, name, ways[0])
            if child is None:
                raise Rejected("witness: more failures than the counts allow")
            state = child
        short = any(left and q.exactly for left, q in zip(state.left, sets.quotas))
        require(not short, "witness: fewer failures than exactly asked for")
        require(n < len(at_inputs), f"witness: there is no input {n}")
        found = at_inputs[n].harms([state.failed])
        harm, error = float(found.harm[0]), float(found.error[0])
        if found.unsure[0]:
            require(at_inputs[n].exact.possible, "witness: too close to be sure which words its signals are")
            harm = float(at_inputs[n].exact.harm(state.failed, self.goal))
        off = f"to within {error:.3g}"
        require(self.lower <= harm + error, f"witness: does {harm!r} {off}, less than the claimed {self.lower!r}")
        require(harm - error <= self.upper, f"witness: does {harm!r} {off}, above the claim {self.upper!r}")

    def _leaves(self, nodes: list[dict[str, Any]], root: int, judge: Judge) -> list[tuple[float, int, State]]:
        """Walk from the root and return the leaves, which cover the space; count the work that they are."""
        stack, leaves = [(root, self._space.root())], []
        while stack:
            index, state = stack.pop()
            require(index < len(nodes), f"node {index} is missing")
            require(index not in self._seen, f"node {index} is used twice")
            self._seen.add(index)
            self.nodes += 1
            node = nodes[index]
            if "split" in node:
                stack.extend(self._children(index, node, state))
            else:
                one = self._bounded if "bounded" in node else self._enumerated
                leaves.append((one(index, node, state, judge), index, state))
        return leaves

    def _children(self, index: int, node: dict[str, Any], state: State) -> list[tuple[int, State]]:
        """Return the children of a node: all that can become of one neuron, no more and no less."""
        neuron = (node["split"][0], node["split"][1])
        require(neuron in self._space.ways, f"node {index} splits on {neuron}, which cannot fail")
        require(neuron not in state.decided, f"node {index} splits on {neuron}, which is decided already")
        size = len(state.decided) + len(state.left) + 1
        self._budget.spend("decisions on the paths of the tree", size * (1 + len(self._space.ways[neuron])))
        becomes = self._space.children(state, neuron)
        given: dict[int | None, int] = {None: node["alive"], **{int(t): k for t, k in node["failed"].items()}}
        require(given.keys() == becomes.keys(), f"node {index}: neuron {neuron} can become {_names(becomes)}, "
                f"the node covers {_names(given)}")  # fmt: skip
        return [(given[key], becomes[key]) for key in becomes]

    def _bounded(self, index: int, node: dict[str, Any], state: State, judge: Judge) -> float:
        bound = float(node["bounded"])
        require(bound <= self.upper, f"node {index} is bounded by {bound!r}, above the claim {self.upper!r}")
        judge.bounding()
        self.bounded += 1
        return bound

    def _enumerated(self, index: int, node: dict[str, Any], state: State, judge: Judge) -> float:
        count, size = node["enumerated"], self._space.size(state)
        require(count == size, f"node {index} has {size} configurations, it says {count}")
        require(size <= CAP, f"node {index} has {size} configurations, a leaf may have {CAP}")
        judge.evaluating(size)
        self.enumerated += 1
        return math.inf

    def _close(self, index: int, state: State, judge: Judge) -> None:
        """Bound a leaf by the checker's own method; split it, worst part first, where that is not enough."""
        order = itertools.count()
        heap: list[_Part] = []
        self._consider(heap, next(order), state, judge)
        while heap:
            self._say(f"checking a proof: leaf {index:,} in {self.refined:,} parts")
            _, _, part, best = heapq.heappop(heap)
            free = self._space.free(part)
            if size := self._few(part, free):
                judge.evaluating(size)
                self._evaluate(f"node {index}", self._space, part, judge)
                continue
            for child in self._space.children(part, best if best is not None else free[0]).values():
                self.refined += 1
                short = f"node {index}: no proof within {self._effort} further parts that it is below the claim"
                require(self.refined <= self._effort, short)
                judge.bounding(splitting=True)
                self._consider(heap, next(order), child, judge)

    def _few(self, part: State, free: list[Name]) -> int:
        """Return the number of configurations where there are few; 0 where there are many."""
        open_ways = sum(part.left[w.quota] > 0 for n in free for w in self._space.ways[n])
        at_most = not any(n and q.exactly for n, q in zip(part.left, self._space.quotas))
        if at_most and open_ways >= _FEW:  # so many with one more failure alone
            return 0
        size = self._space.size(part)
        return size if not free or size <= _FEW else 0

    def _consider(self, heap: list[_Part], order: int, part: State, judge: Judge) -> None:
        estimate = judge.bound(part)
        if not estimate.harm <= self.upper:
            heapq.heappush(heap, (-estimate.harm, order, part, estimate.best))

    def _evaluate(self, where: str, space: Sets, state: State, at_input: Values) -> None:
        """Evaluate every configuration; in rational arithmetic where rounding leaves it open."""
        sets = space.completions(state)
        while batch := list(itertools.islice(sets, at_input.batch)):
            self.configurations += len(batch)
            self._say(f"checking a proof: {self.configurations:,} configurations evaluated")
            found = at_input.harms(batch)
            for n in np.flatnonzero(~(found.harm + found.error <= self.upper) | found.unsure):
                harm, error, unsure = float(found.harm[n]), float(found.error[n]), bool(found.unsure[n])
                done = f"{where}: failures {_shown(batch[n])} do {harm!r} to within {error:.3g}"
                require(unsure or not harm - error > self.upper, f"{done}, above the claim {self.upper!r}")
                close = "which words their signals are" if unsure else f"that it is not above the claim {self.upper!r}"
                require(at_input.exact.possible, f"{done}, too close to be sure {close}")
                exactly = at_input.exact.harm(batch[n], self.goal)
                require(exactly <= Fraction(self.upper), f"{done}, exactly more, above the claim {self.upper!r}")


def _names(keys: Any) -> str:
    return ", ".join("alive" if key is None else f"failed by term {key}" for key in keys)


def _called(name: Name) -> str:
    """Return what a component is called in messages."""
    return f"neuron {name}" if len(name) == 2 and isinstance(name[1], int) else str(name)


def _shown(failed: Failed) -> str:
    parts = (f"{name}: {f'bits {way.bits}' if way.bits else format(way.value, 'g')}" for name, way in failed)
    return "{" + ", ".join(parts) + "}"
