# SPDX-License-Identifier: MIT
"""What a report tells of the answers: a section each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from withstand._coerce import as_budget
from withstand._pictures import coarse
from withstand._plural import counted
from withstand._result import plain
from withstand._types import FloatArray
from withstand.model.deciding import class_of
from withstand.model.witness import Witness
from withstand.questions.interval import WorstCase
from withstand.questions.results import Enumeration
from withstand.report import drawing
from withstand.report.origin import printed
from withstand.report.text import Cell, Section
from withstand.uses.accuracy import Accuracy
from withstand.uses.campaign import Campaign
from withstand.uses.criticality import Criticality
from withstand.uses.curve import Curve
from withstand.uses.precision import Precision
from withstand.uses.reliability import Reliability
from withstand.uses.tolerance import Tolerance

if TYPE_CHECKING:
    from withstand.report.asked import Asked

#: Neurons that are listed.
TOP = 10
#: What is proved is printed to nine digits: the last ones depend on when a bound was asked.
_ROUNDED = "[float(f'{u:.9g}') for u in curve.upper]"
#: Shares of the configurations whose error is told.
SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


def network(asked: Asked) -> Section:
    """Tell what the network is, and how far off it is intact."""
    net, X = asked.net, asked.rows
    names = [a.name for a in (*net.activations, net.output_activation)]
    rows: list[tuple[Cell, ...]] = [
        (l, net.widths[l], names[l - 1], largest, sum(math.prod(shape) for shape in layer.parameters.values()))
        for l, (layer, largest) in enumerate(zip(net.layers, net._largest_weights()), start=1)
    ]
    text = f"{counted(net.n_neurons, 'hidden neuron')} in {counted(net.depth, 'layer')}; every statement is about "
    text += f"{counted(len(X), 'given input')}."
    if asked.targets is not None:
        text += " " + _own_error(asked, asked.targets)
    header = ("layer", "neurons", "activation", "largest weight", "parameters")
    return Section("network", "The network", text, header, tuple(rows))


def _own_error(asked: Asked, targets: FloatArray) -> str:
    """Say how far off the intact network is, or how many of the given classes it picks."""
    outputs = asked.net.forward(asked.rows)
    n, m = outputs.shape
    each = targets.reshape(-1) if targets.size == n else None
    if asked.spec is not None and each is not None:
        right = int((class_of(asked.net, outputs, asked.spec.lowest) == each).sum())
        return f"Intact, it picks the given class for {right:,} of them."
    if m > 1 and each is not None and bool(np.all(each == np.floor(each))):  # one for several outputs: no target
        right = int((outputs.argmax(axis=1) == each).sum())
        return f"Intact, the largest output is that of the given class for {right:,} of them."
    if asked.spec is not None or targets.size != n * m or (n > 1 and m > 1 and targets.shape != (n, m)):
        expected = f"{(n,)}, a class each" if asked.spec is not None or m > 1 else f"{(n,)}"
        expected += "" if asked.spec is not None else f", or {(n, m)}, what the outputs should be"
        raise ValueError(f"targets have shape {targets.shape}, expected {expected}")
    own = float(np.abs(outputs - targets.reshape(n, m)).max())
    epsilon = asked.epsilon
    whole = "" if epsilon is None else f", so that the whole budget is {float(as_budget(epsilon)) + own:.6g}"
    return f"Intact, it is off its targets by at most epsilon' = {own:.6g}{whole}."


def curve(asked: Asked, found: Curve) -> Section:
    """Tell the interval of each count, what proved it, and what attains it."""
    drawn = found.random.max(axis=1)
    rows = tuple(
        (k, float(a), float(b), search.lower, search.upper, _by(search, float(b)), float(c), told(search.witness))
        for k, a, b, search, c in zip(found.counts, found.paper, found.proved, found.searches, drawn)
    )
    series = {
        "proved without search": found.proved.tolist(),
        "exact worst case" if all(s.exact for s in found.searches) else "witnessed": found.lower.tolist(),
        f"worst of {counted(found.random.shape[1], 'random set')}": drawn.tolist(),
        "the paper's bound": found.paper.tolist(),
    }
    what = "lead of another class" if found.decisions else "output error"
    if found.decisions:  # on a linear scale the other lines would be one
        del series["the paper's bound"]
    figure = drawing.lines(found.counts, series, log=not found.decisions, x=found.kind, y=f"largest {what}")
    text = f"Largest {what} of at most so many {found.kind}: witnessed \u2264 truth \u2264 proved."
    header = ("crashes", "paper", "proved", "witnessed", "search proved", "by", "worst random", "witness")
    given = f"net, X, {found.counts}{_spec(asked)}, samples={asked.samples}, seed={asked.seed}"
    code = (
        "from withstand.curve import measure_curve\n"
        f"curve = measure_curve({given}, node_limit={asked.node_limit})\n"
        f"{printed('curve.lower.tolist()', found.lower.tolist())}\n"
        f"{printed(_ROUNDED, [float(f'{u:.9g}') for u in found.upper])}"
    )
    data = {"series": plain(series), "witnesses": [plain(search.witness) for search in found.searches]}
    return Section("curve", "How bad it can get", text, header, rows, figure, data, code)


def _by(search: WorstCase, bound: float) -> str:
    """Return what the upper end of an interval rests on."""
    return "exact search" if search.exact else "bound" if search.upper == bound else "search, cut short"


def told(witness: Witness | None) -> str | None:
    """Return which components fail at which input."""
    if witness is None:
        return None
    return f"{', '.join(witness._names()) or 'none'} at input {witness.input_index}"


def tolerated(asked: Asked, found: Tolerance) -> Section:
    """Tell how many failures are harmless, by what proof, and which are not."""
    limits = [("anywhere", found), *((f"layer {n} alone", each) for n, each in enumerate(found.per_layer, start=1))]
    rows = tuple(
        (name, each.guaranteed, each.breaking, each.exact, each.method, told(each.witness)) for name, each in limits
    )
    harm = "change of class" if asked.decisions else f"error above {asked.epsilon}"
    text = f"Crashes that certainly cause no {harm}, and the fewest that do"
    if not all(each.exact for _, each in limits):
        text += "; where it is not exact, the fewest known: a limit was met first, fewer may do harm, and more may be "
        text += "harmless than are proved to be"
    header = ("failures", "harmless", "harmful", "exact", "by", "witness")
    code = (
        f"found = ws.tolerance(net, {_epsilon(asked)}, X{_spec(asked)}, node_limit={asked.node_limit})\n"
        f"{printed('found.guaranteed, found.breaking', found.guaranteed, found.breaking)}"
    )
    data = {"witnesses": [plain(each.witness) for _, each in limits]}
    return Section("tolerance", "What it tolerates", f"{text}.", header, rows, "", data, code)


def histogram(asked: Asked, found: Enumeration, k: int) -> Section:
    """Tell what all configurations do, not the worst alone."""
    what = "harm to the decision" if asked.decisions else "error"
    edges, counts = coarse(found.histogram)
    text = f"All {counted(found.done, 'configuration')} of at most {counted(k, 'crash', 'crashes')}: "
    text += f"mean {what} {found.mean:.6g}, standard deviation {found.std:.6g}."
    mark = None
    if found.exceeding is not None:
        text += f" {found.exceeding:.4%} of them do harm."
        mark = ("the class changes", 0.0) if asked.decisions else ("epsilon", float(asked.budget or 0))
    figure = drawing.bars(edges, counts, x=what, y="configurations", mark=mark) if len(counts) else ""
    limit = "" if asked.decisions or asked.budget is None else f", epsilon={_epsilon(asked)}"
    code = (
        f"found = ws.enumerate_failures(net, ws.Crash({k}), X{_spec(asked)}{limit})\n"
        f"{printed('found.worst, found.mean, found.std', found.worst, found.mean, found.std)}\n"
        f"{printed('found.exceeding', found.exceeding)}"
    )
    rows = tuple((share, float(found.quantile(share))) for share in SHARES)
    data = {"edges": edges.tolist(), "counts": counts.tolist(), "crashes": k, "configurations": found.done}
    title = f"What every set of {k} does" if k > 1 else "What every neuron does"
    return Section("histogram", title, text, ("share of configurations", f"{what} at most"), rows, figure, data, code)


def critical(asked: Asked, found: Criticality) -> Section:
    """Tell which neurons matter."""
    rows = tuple(
        (layer, i, float(found.worst[layer - 1][i]), float(found.mean[layer - 1][i]))
        for layer, i in found.ranking()[:TOP]
    )
    word = "harm" if asked.decisions else "error"
    figure = drawing.heat(found.worst, f"worst {word} of each neuron's crash", f"worst {word} of its crash")
    text = f"{word.capitalize()} when a neuron crashes alone; the {len(rows)} most critical."
    if asked.decisions:
        flipping = sum(int((layer >= 0).sum()) for layer in found.worst)
        text += " Harm is the lead of another class: the class flips where it is at least 0, which "
        text += f"{flipping:,} of the {counted(asked.net.n_neurons, 'neuron')} can do alone at one of the inputs."
    if not found.exact:
        text += f" The time was up before all inputs were tried: {word}s are at least these."
    most = printed("found.largest, found.ranking()[0]", found.largest, found.ranking()[0])
    code = f"found = ws.criticality(net, X{_spec(asked)})\n{most}"
    data = {"worst": plain(found.worst), "mean": plain(found.mean)}
    return Section("criticality", "Which neurons matter", text, ("layer", "neuron", "worst", "mean"), rows, figure,
                   data, code)  # fmt: skip


def accuracy(asked: Asked, found: Accuracy, random: Mapping[int, Campaign]) -> Section:
    """Tell how many inputs keep their right class, whatever fails, and what is typical."""
    rows = tuple(
        (k, low, high, *((None,) * 3 if k not in random else (random[k].accuracy, *random[k].accuracy_interval)))
        for k, low, high in zip(found.curve.counts, found.curve.lower.tolist(), found.curve.upper.tolist())
    )
    series = {
        "proved": found.curve.lower.tolist(),
        "not refuted by a witness": found.curve.upper.tolist(),
        "mean over random sets": [random[k].accuracy if k in random else math.nan for k in found.curve.counts],
    }
    figure = drawing.lines(found.curve.counts, series, log=False, x="crashes anywhere", y="share of inputs right")
    text = "Share of the inputs whose class is right and stays right: proved \u2264 truth \u2264 not refuted, whatever "
    text += "fails; and the mean over random sets of exactly so many, with an interval that holds with 95% confidence."
    header = ("crashes", "proved", "not refuted", "random sets", "from", "to")
    counts = found.curve.counts[-1]
    ends = [printed(f"found.curve.{end}.tolist()", series[name]) for end, name in zip(("lower", "upper"), series)]
    code = "\n".join([f"found = ws.certified_accuracy(net, X, y, ws.Crash({counts}){_spec(asked)})", *ends])
    return Section("accuracy", "How accurate it stays", text, header, rows, figure, {"series": plain(series)}, code)


def reliable(asked: Asked, p: Sequence[float], found: Sequence[Reliability]) -> Section:
    """Tell how likely harm is."""
    rows = tuple((q, r.lower, r.upper, r.confidence, r.method) for q, r in zip(p, found))
    text = "Probability of harm when every neuron crashes independently with probability p."
    header = ("p", "at least", "at most", "confidence", "by")
    given = f"{_epsilon(asked)}, X{_spec(asked)}, samples={asked.samples}, seed={asked.seed}"
    lines = [f"found = ws.reliability(net, {q}, {given})\n{printed('found.lower, found.upper', r.lower, r.upper)}"
             for q, r in zip(p, found)]  # fmt: skip
    return Section("reliability", "How likely harm is", text, header, rows, code="\n".join(lines))


def precise(asked: Asked, found: Precision) -> Section:
    """Tell how few bits do."""
    header = ("bits of values", "bits of weights", "proved error", "observed error", "bytes", "in single precision")
    bits = [" ".join(map(str, b)) for b in (found.activation_bits, found.weight_bits) if b is not None]
    row: tuple[Cell, ...] = (*bits, found.bound, found.observed, found.bytes, found.bytes_single)
    text = f"Fewest bits per layer with a proved error of at most {float(as_budget(asked.epsilon)):g}."
    said = printed("found.bound, found.bytes", found.bound, found.bytes)
    code = f"found = ws.precision(net, {_epsilon(asked)}, X)\n{said}"
    return Section("precision", "How few bits do", text, header, (row,), code=code)


def _spec(asked: Asked) -> str:
    """Return the argument `spec` in Python, where there is one."""
    if asked.spec is None:
        return ""
    return f", spec=ws.Argmax({'lowest=True' if asked.spec.lowest else ''})"


def _epsilon(asked: Asked) -> str:
    """Return the budget in Python: as it was given, or the exact quotient as text."""
    given: Any = asked.epsilon
    if asked.decisions or given is None:
        return "None"
    return repr(given) if type(given) in (int, float, str) else repr(str(asked.budget))
