# SPDX-License-Identifier: MIT
"""The worst crashes of a ReLU network at given inputs as mixed-integer programs, solved by HiGHS.

At most k crashes anywhere, or at most counts[l-1] in hidden layer l. For every output and sign
one program maximises the change of that output. Neuron j of layer l has a crash p in {0, 1}, its
transmitted value y >= 0 and a phase a in {0, 1}, "alive and active"; with s = W y' + b in [lo, hi]
whatever fails,

    y >= s - hi p,    y <= s - lo (1 - a),    y <= hi a,    a <= 1 - p.

a = 1 forces p = 0 and y = s; a = 0 forces y = 0, allowed only if crashed or s <= 0. Where lo >= 0
the phase is 1 - p; where hi <= 0 the neuron transmits 0 anyway and needs no variables. lo and hi
come from interval propagation with the failures chosen afresh for every receiver.

The solver's answer holds to its tolerances, so the crashes it names are replayed: `error` is what
they really do, `bound` what the solver claims nothing exceeds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from .common import Array, Net

Failed = tuple[tuple[int, int], ...]
Terms = dict[int, float]  # variable -> coefficient


@dataclass(frozen=True)
class Proved:
    """The replayed error of the best crashes found, the solver's bound, and what it cost."""

    error: float
    bound: float
    failed: Failed
    nodes: int
    seconds: float  # CPU
    optimal: bool  # every program was solved to optimality


@dataclass
class Program:
    """Variables in [0, upper] and rows `terms <= right` of one mixed-integer program."""

    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[tuple[Terms, float]] = field(default_factory=list)

    def variable(self, upper: float, integer: bool = False) -> int:
        """Add a variable and return its index."""
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.upper) - 1

    def at_most(self, right: float, terms: Terms) -> None:
        """Add a row."""
        self.rows.append((terms, right))

    def solver(self) -> highspy.Highs:
        """Return the program inside HiGHS, to be maximised on one thread without a gap."""
        lp, kind = highspy.HighsLp(), highspy.HighsVarType
        lp.num_col_, lp.num_row_ = len(self.upper), len(self.rows)
        lp.col_cost_, lp.col_lower_ = np.zeros(lp.num_col_), np.zeros(lp.num_col_)
        lp.col_upper_ = np.array(self.upper)
        lp.integrality_ = [kind.kInteger if i else kind.kContinuous for i in self.integer]
        lp.row_lower_ = np.full(lp.num_row_, -highspy.kHighsInf)
        lp.row_upper_ = np.array([right for _, right in self.rows])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0] + [len(terms) for terms, _ in self.rows])
        lp.a_matrix_.index_ = np.array([i for terms, _ in self.rows for i in terms])
        lp.a_matrix_.value_ = np.array([v for terms, _ in self.rows for v in terms.values()])
        lp.sense_ = highspy.ObjSense.kMaximize
        solver = highspy.Highs()
        options = {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 1e-9}
        for option, value in options.items():
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        return solver


def ranges(net: Net, low: Array, high: Array, limits: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """Pre-activation ranges of layers 1 .. L + 1 on the inputs `low` <= x <= `high` (d,) under the failures."""
    limit, found = 0, []
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        most, least = np.maximum(w * low, w * high), np.minimum(w * low, w * high)
        lifted = np.sort(np.maximum(-most, 0.0))[:, ::-1][:, :limit].sum(axis=1)
        lowered = np.sort(np.maximum(least, 0.0))[:, ::-1][:, :limit].sum(axis=1)
        found.append((least.sum(axis=1) + b - lowered, most.sum(axis=1) + b + lifted))
        low, high = (np.maximum(s, 0.0) for s in found[-1])  # of a neuron that is alive
        limit = limits[layer] if layer < len(limits) else 0
    return found


def neuron(program: Program, s: Terms, offset: float, lo: float, hi: float, p: Terms) -> int:
    """Add a neuron with pre-activation `s + offset`; `p` is its crash, empty if it cannot fail."""
    y, minus_s = program.variable(hi), {i: -v for i, v in s.items()}
    crash = next(iter(p), -1)
    program.at_most(-offset, {**s, y: -1.0, **{i: -hi for i in p}})  # y >= s - hi p
    if lo >= 0.0:
        program.at_most(offset, {**minus_s, y: 1.0, **{i: lo for i in p}})  # y <= s - lo p
        program.at_most(hi, {y: 1.0, **{i: hi for i in p}})  # y <= hi (1 - p)
        return y
    a = program.variable(1.0, integer=True)
    program.at_most(offset - lo, {**minus_s, y: 1.0, a: -lo})  # y <= s - lo (1 - a)
    program.at_most(0.0, {y: 1.0, a: -hi})  # y <= hi a
    if crash >= 0:
        program.at_most(1.0, {a: 1.0, crash: 1.0})  # a <= 1 - p
    return y


def add_network(
    program: Program,
    net: Net,
    inputs: dict[int, int],
    offsets: Array,
    boxes: list[tuple[Array, Array]],
    limits: tuple[int, ...],
) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
    """Add one execution of the network; return the neuron of every crash variable, and y of layer L.

    `inputs` are those that are variables; `offsets` is what layer 1 receives beside them.
    """
    crashes = dict[int, tuple[int, int]]()
    for layer, (limit, box) in enumerate(zip(limits, boxes, strict=False), start=1):
        w, transmitted, here = net.weights[layer - 1], dict[int, int](), list[int]()
        for j, (lo, hi) in enumerate(zip(*box, strict=True)):
            if hi <= 0.0:
                continue
            p = {program.variable(1.0, integer=True): 1.0} if limit else {}
            crashes.update({i: (layer, j) for i in p})
            here += p
            s = {y: float(w[j, i]) for i, y in inputs.items()}
            transmitted[j] = neuron(program, s, float(offsets[j]), float(lo), float(hi), p)
        program.at_most(limit, dict.fromkeys(here, 1.0))
        inputs, offsets = transmitted, net.biases[layer]
    return crashes, inputs


def encode(
    net: Net, x: Array, limits: tuple[int, ...], total: int
) -> tuple[Program, dict[int, tuple[int, int]], dict[int, int]]:
    """Return the program without objective, the neuron of every crash variable, and y of layer L."""
    program, offsets = Program(), net.weights[0] @ x + net.biases[0]  # the inputs are numbers, not variables
    crashes, y = add_network(program, net, {}, offsets, ranges(net, x, x, limits), limits)
    program.at_most(total, dict.fromkeys(crashes, 1.0))
    return program, crashes, y


def replay(net: Net, x: Array, failed: Failed) -> float:
    """Return the error these crashes really cause at the input `x` (d,)."""
    y, layers = x, len(net.weights)
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        y = w @ y + b
        if layer < layers:
            y = net.activate(y)
            y[[j for at, j in failed if at == layer]] = 0.0
    return float(np.abs(y - net.trace(x[None])[-1][0]).max())


def worst(net: Net, x: Array, counts: int | tuple[int, ...], time_limit: float = 150.0) -> Proved:
    """At most `counts` crashes at the inputs `x` (n, d); `time_limit` wall seconds an input."""
    if net.activation != "relu":
        raise ValueError(f"activation {net.activation}: the program is written for relu")
    start, total = time.process_time(), counts if isinstance(counts, int) else sum(counts)
    limits = tuple(min(total, n) for n in net.hidden) if isinstance(counts, int) else counts
    results = [_one_input(net, row, limits, total, time_limit) for row in x]
    top = max(results, key=lambda r: r.error)
    return Proved(
        top.error,
        max(r.bound for r in results),
        top.failed,
        sum(r.nodes for r in results),
        time.process_time() - start,
        all(r.optimal for r in results),
    )


@dataclass
class Objective:
    """Outputs as functions of the variables `y`, maximised one after the other."""

    solver: highspy.Highs
    y: NDArray[np.int32]
    rows: int  # of the program itself
    deadline: float  # of the wall clock, which is what the solver watches

    def beyond(self, error: float, cost: Array, offset: float) -> Solution:
        """Maximise cost . y + offset among the points where it is at least `error`.

        Without that row, which most programs answer by being infeasible, the whole is three times
        as slow.
        """
        solver, size = self.solver, len(cost)
        solver.changeColsCost(size, self.y, cost)
        solver.changeObjectiveOffset(offset)
        solver.addRow(error - offset, highspy.kHighsInf, size, self.y, cost)
        solver.setOptionValue("time_limit", max(0.0, self.deadline - time.perf_counter()))
        solver.run()
        status, info = solver.getModelStatus(), solver.getInfo()
        values = list(solver.getSolution().col_value)
        solver.deleteRows(1, np.array([self.rows], dtype=np.int32))
        if status == highspy.HighsModelStatus.kInfeasible:
            return Solution(error, [], info.mip_node_count, True)
        solved = status == highspy.HighsModelStatus.kOptimal
        return Solution(info.mip_dual_bound, values, info.mip_node_count, solved)


class Solution(NamedTuple):
    """What HiGHS says of one program; no values where nothing beats the error given."""

    bound: float
    values: list[float]
    nodes: int
    optimal: bool


def _one_input(net: Net, x: Array, limits: tuple[int, ...], total: int, time_limit: float) -> Proved:
    """Solve the programs of all outputs and signs, those with the widest range first."""
    program, crashes, inputs = encode(net, x, limits, total)
    y = np.array(list(inputs.values()), dtype=np.int32)
    deadline = time.perf_counter() + time_limit
    objective = Objective(program.solver(), y, len(program.rows), deadline)
    nominal, (low, high) = net.trace(x[None])[-1][0], ranges(net, x, x, limits)[-1]
    reach = {(o, 1): float(r) for o, r in enumerate(high - nominal)}
    reach |= {(o, -1): float(r) for o, r in enumerate(nominal - low)}
    best: Failed = ()
    error, bound, nodes, optimal = 0.0, 0.0, 0, True
    for (o, sign), range_bound in sorted(reach.items(), key=lambda item: -item[1]):
        if range_bound <= error:
            break
        cost = sign * net.weights[-1][o, list(inputs)]
        found = objective.beyond(error, cost, float(sign * (net.biases[-1][o] - nominal[o])))
        failed = tuple(sorted(at for i, at in crashes.items() if found.values and found.values[i] > 0.5))
        bound = max(bound, min(found.bound, range_bound))
        nodes, optimal = nodes + found.nodes, optimal and found.optimal
        if (replayed := replay(net, x, failed)) > error:
            error, best = replayed, failed
    return Proved(error, bound, best, nodes, 0.0, optimal)
