# SPDX-License-Identifier: MIT
"""The checker: the tree covers the space at every input, each leaf is below the claim, and the witness attains it."""

from __future__ import annotations

import heapq
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from withstand._types import FloatArray
from withstand.certificate.budget import Budget, Rejected
from withstand.certificate.leaf_bound import Judge
from withstand.certificate.lowering import lowered
from withstand.certificate.reading import require
from withstand.certificate.space import Neuron, Space, State, Way
from withstand.model.fingerprint import fingerprint
from withstand.model.network import Network

#: Configurations that an enumerated leaf may hold.
CAP = 20_000
#: Below this size a part is evaluated, without trying to bound it.
_FEW = 64
_BATCH = 2048

_Part = tuple[float, int, State, Neuron | None]  # -bound, order of arrival, decisions, what to split on
_Leaf = tuple[float, int, State, Judge]  # bound (infinite: enumerated), node, decisions


class Checker:
    """One network, one certificate; what has been seen of it so far."""

    def __init__(self, net: Network, effort: int) -> None:
        self._net, self._effort, self._budget = net, effort, Budget()
        self.lower = self.upper = math.nan
        self.failures: list[dict[str, Any]] = []
        self.goal, self.network = "", ""
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
        require(self.network == fingerprint(self._net), "the certificate speaks of another network")

    def prepare(self) -> list[Judge]:
        """Set up what judges the failures at each input."""
        net = self._net
        self._space = Space(self.failures, net.widths, self._budget)
        chain = lowered(net)
        judges = []
        with np.errstate(all="ignore"):  # what overflows is not below a claim
            for x in self.inputs:
                self._budget.spend("multiply-adds", 3 * sum(w.size for w in chain.weights))
                judges.append(Judge(chain, self._space, x, self.goal, self._budget))
        self.classes = tuple(j.predicted for j in judges) if self.goal == "argmax" else ()
        return judges

    def check(self, file: dict[str, Any]) -> None:
        """Reject the certificate that was read unless it proves its claim."""
        roots, nodes, inputs = file["roots"], file["nodes"], len(self.inputs)
        require(inputs > 0 and len(roots) == inputs, f"{inputs} inputs, {len(roots)} trees: every input needs one")
        judges = self.prepare()
        with np.errstate(all="ignore"):
            self._replay(file["claim"]["witness"], judges)
            self._seen: set[int] = set()
            leaves: list[_Leaf] = []
            for judge, root in zip(judges, roots):
                leaves += [(bound, n, state, judge) for bound, n, state in self._leaves(nodes, root, judge)]
            require(len(self._seen) == len(nodes), f"{len(nodes) - len(self._seen)} nodes hang nowhere")
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
            require(bool(ways) and (l, i) not in state.decided, f"witness: neuron {(l, i)} cannot fail by term {term}")
            child = self._space.fail(state, (l, i), ways[0])
            if child is None:
                raise Rejected("witness: more failures than the counts allow")
            state = child
        short = any(n and q.exactly for n, q in zip(state.left, self._space.quotas))
        require(not short, "witness: fewer failures than exactly asked for")
        n = witness["input"]
        require(n < len(judges), f"witness: there is no input {n}")
        harm, error = (float(v[0]) for v in judges[n].harms([state.failed]))
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
            _, _, part, best = heapq.heappop(heap)
            free = self._space.free(part)
            if size := self._few(part, free):
                judge.evaluating(size)
                self._evaluate(index, part, judge)
                continue
            for child in self._space.children(part, best if best is not None else free[0]).values():
                self.refined += 1
                short = f"node {index}: no proof within {self._effort} further parts that it is below the claim"
                require(self.refined <= self._effort, short)
                judge.bounding(splitting=True)
                self._consider(heap, next(order), child, judge)

    def _few(self, part: State, free: list[Neuron]) -> int:
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

    def _evaluate(self, index: int, state: State, judge: Judge) -> None:
        """Evaluate every configuration; in rational arithmetic where rounding leaves it open."""
        sets = self._space.completions(state)
        while batch := list(itertools.islice(sets, _BATCH)):
            self.configurations += len(batch)
            harm, error = judge.harms(batch)
            for n in np.flatnonzero(~(harm + error <= self.upper)):
                done = f"node {index}: failures {_shown(batch[n])} do {float(harm[n])!r} to within {error[n]:.3g}"
                require(not harm[n] - error[n] > self.upper, f"{done}, above the claim {self.upper!r}")
                unsure = f"{done}, too close to be sure that it is not above the claim {self.upper!r}"
                require(judge.exact.possible, unsure)
                exactly = judge.exact.harm(batch[n], self.goal)
                require(exactly <= Fraction(self.upper), f"{done}, exactly more, above the claim {self.upper!r}")


def _names(keys: Any) -> str:
    return ", ".join("alive" if key is None else f"failed by term {key}" for key in keys)


def _shown(failed: tuple[tuple[Neuron, Way], ...]) -> str:
    return "{" + ", ".join(f"{neuron}: {way.value:g}" for neuron, way in failed) + "}"
