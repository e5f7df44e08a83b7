# SPDX-License-Identifier: MIT
"""What a report asks, and what it tells of the answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import Epsilon, as_budget, real_array
from withstand._types import FloatArray
from withstand.model.network import Network
from withstand.model.spec import Spec
from withstand.questions.clock import Clock
from withstand.report import drawing
from withstand.report.text import Cell, Section
from withstand.uses.criticality import Criticality, criticality
from withstand.uses.curve import Curve, measure_curve
from withstand.uses.precision import precision
from withstand.uses.reliability import Reliability, reliability
from withstand.uses.tolerance import Tolerance, tolerance

#: Neurons that are listed.
TOP = 10


@dataclass(frozen=True, eq=False)
class Asked:
    """The questions: each gets a share of the time that is left, and answers with what it knows by then."""

    net: Network
    rows: FloatArray
    budget: Fraction | None
    epsilon: Epsilon | None
    spec: Spec
    samples: int
    seed: int
    node_limit: int | None
    threads: int | None

    def network(self, targets: npt.ArrayLike | None) -> Section:
        """Tell what the network is."""
        epsilon = None if self.budget is None else self.epsilon
        return network_section(self.net, self.rows, epsilon, targets, self.spec is not None)

    def sections(self, clock: Clock, most: int, p: Sequence[float], progress: bool) -> Iterator[Section]:
        """Yield one section after the other."""
        harm_is_known = self.spec is not None or self.budget is not None
        drawn: dict[str, Any] = {"spec": self.spec, "samples": self.samples, "seed": self.seed}
        clock.say("report: the curve")
        counts = range(1, min(most, self.net.n_neurons) + 1)
        yield _curve(measure_curve(self.net, self.rows, counts, node_limit=self.node_limit, threads=self.threads,
                                   time_limit=clock.part(0.3), **drawn))  # fmt: skip
        if harm_is_known:
            found = tolerance(self.net, self.budget, self.rows, spec=self.spec, node_limit=self.node_limit,
                              time_limit=clock.part(0.6), threads=self.threads, progress=progress)  # fmt: skip
            yield _tolerance(found, self.epsilon, self.spec is not None)
            clock.end_as(found.status)
        clock.say("report: the neurons")
        yield _criticality(criticality(self.net, self.rows, time_limit=clock.part(0.4), threads=self.threads))
        if harm_is_known:
            clock.say("report: the reliability")
            parts = [0.8 / n for n in range(len(p), 0, -1)]
            drawn["threads"] = self.threads
            intervals = [
                reliability(self.net, q, self.budget, self.rows, time_limit=clock.part(part), **drawn)
                for q, part in zip(p, parts)
            ]
            yield _reliability(p, intervals)
        if self.budget is not None:
            clock.say("report: the precision")
            yield _precision(self.net, self.rows, self.budget)


def network_section(
    net: Network, X: FloatArray, epsilon: Epsilon | None, targets: npt.ArrayLike | None, decisions: bool
) -> Section:
    """Tell what the network is, and how far off it is intact."""
    names = [a.name for a in (*net.activations, net.output_activation)]
    rows: list[tuple[Cell, ...]] = [
        (l, net.widths[l], names[l - 1], largest, sum(math.prod(shape) for shape in layer.parameters.values()))
        for l, (layer, largest) in enumerate(zip(net.layers, net._largest_weights()), start=1)
    ]
    text = f"{net.n_neurons:,} hidden neurons in {net.depth} layers; every statement is about {len(X):,} given inputs."
    if targets is not None:
        text += " " + _own_error(net, X, epsilon, real_array(targets, "targets"), decisions)
    header = ("layer", "neurons", "activation", "largest weight", "parameters")
    return Section("network", "The network", text, header, tuple(rows))


def _own_error(net: Network, X: FloatArray, epsilon: Epsilon | None, targets: FloatArray, decisions: bool) -> str:
    """Say how far off the intact network is."""
    outputs = net.forward(X)
    wide = 1 if decisions or targets.ndim < 2 else outputs.shape[1]
    if targets.shape not in {(len(X),), (len(X), wide)} and targets.size != len(X):
        raise ValueError(f"targets have shape {targets.shape}, expected {(len(X),)} or {(len(X), outputs.shape[1])}")
    if decisions:
        right = int((outputs.argmax(axis=1) == targets.reshape(len(X), -1)[:, 0]).sum())
        return f"Intact, it picks the given class for {right:,} of them."
    wanted = np.broadcast_to(targets.reshape(len(X), -1), outputs.shape)
    own = float(np.abs(outputs - wanted).max())
    whole = "" if epsilon is None else f", so that the whole budget is {float(as_budget(epsilon)) + own:.6g}"
    return f"Intact, it is off its targets by at most epsilon' = {own:.6g}{whole}."


def _curve(curve: Curve) -> Section:
    drawn = curve.random.max(axis=1)
    rows = tuple(
        (k, float(a), float(b), search.lower, search.upper, float(c))
        for k, a, b, search, c in zip(curve.counts, curve.paper, curve.proved, curve.searches, drawn)
    )
    series = {
        "the paper's bound": curve.paper.tolist(), "proved without search": curve.proved.tolist(),
        "exact worst case" if all(s.exact for s in curve.searches) else "witnessed": curve.lower.tolist(),
        "worst random set": drawn.tolist(),
    }  # fmt: skip
    what = "lead of another class" if curve.decisions else "output error"
    figure = drawing.lines(curve.counts, series, log=not curve.decisions, x=curve.kind, y=f"largest {what}")
    text = f"Largest {what} of at most so many {curve.kind}: witnessed \u2264 truth \u2264 proved."
    header = ("crashes", "paper", "proved", "witnessed", "search proved", "worst random")
    return Section("curve", "How bad it can get", text, header, rows, figure)


def _tolerance(found: Tolerance, epsilon: Epsilon | None, decisions: bool) -> Section:
    limits = [("anywhere", found), *((f"layer {n} alone", each) for n, each in enumerate(found.per_layer, start=1))]
    rows = tuple((name, each.guaranteed, each.breaking, each.exact, each.method) for name, each in limits)
    harm = "change of class" if decisions else f"error above {epsilon}"
    text = f"Crashes that certainly cause no {harm}, and the fewest that do."
    if found.status != "complete":
        text += " The time was up: more may be harmless than are proved to be."
    if found.witness is not None:
        names = ", ".join(map(str, found.witness.failed))
        text += f" Those of {names} do, at input {found.witness.input_index}."
    return Section("tolerance", "What it tolerates", text, ("failures", "harmless", "harmful", "exact", "by"), rows)


def _criticality(found: Criticality) -> Section:
    rows = tuple(
        (layer, i, float(found.worst[layer - 1][i]), float(found.mean[layer - 1][i]))
        for layer, i in found.ranking()[:TOP]
    )
    figure = drawing.heat(found.worst, "worst error of each neuron's crash")
    text = f"Error when a neuron crashes alone; the {len(rows)} most critical."
    if not found.exact:
        text += " The time was up before all inputs were tried: errors are at least these."
    return Section("criticality", "Which neurons matter", text, ("layer", "neuron", "worst", "mean"), rows, figure)


def _reliability(p: Sequence[float], found: Sequence[Reliability]) -> Section:
    rows = tuple((q, r.lower, r.upper, r.confidence, r.method) for q, r in zip(p, found))
    text = "Probability of harm when every neuron crashes independently with probability p."
    header = ("p", "at least", "at most", "confidence", "by")
    return Section("reliability", "How likely harm is", text, header, rows)


def _precision(net: Network, X: FloatArray, budget: Fraction) -> Section:
    header = ("bits of values", "bits of weights", "proved error", "observed error", "bytes", "in single precision")
    try:
        found = precision(net, budget, X)
    except ValueError as error:  # no number of bits is enough
        return Section("precision", "How few bits do", str(error), header, ())
    bits = [" ".join(map(str, b)) for b in (found.activation_bits, found.weight_bits) if b is not None]
    row: tuple[Cell, ...] = (*bits, found.bound, found.observed, found.bytes, found.bytes_single)
    return Section("precision", "How few bits do",
                   f"Fewest bits per layer with a proved error of at most {float(budget):g}.", header, (row,))
