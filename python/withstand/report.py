# SPDX-License-Identifier: MIT
"""One report about a network: how bad it gets, what it tolerates, which neurons matter, how likely harm is."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from withstand import _svg
from withstand._coerce import Epsilon, as_budget, real_array
from withstand._types import FloatArray
from withstand._version import version
from withstand.criticality import criticality
from withstand.curve import Curve, measure_curve
from withstand.enumeration import _rows
from withstand.network import Network
from withstand.precision import precision
from withstand.reliability import reliability
from withstand.spec import Spec, asks_decisions
from withstand.tolerance import Tolerance, tolerance

Cell = str | int | float | bool | None

#: Neurons that are listed.
TOP = 10


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, a table and perhaps a picture.

    Attributes
    ----------
    key : str
        Name in JSON.
    title, text : str
    header : tuple of str
    rows : tuple of tuples
        Plain values; None where there is none.
    figure : str
        SVG, or empty.
    """

    key: str
    title: str
    text: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figure: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """What `report` found, as text, JSON and HTML.

    Attributes
    ----------
    title : str
    sections : tuple of Section
    """

    title: str
    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return "\n\n".join([self.title, *(_text(section) for section in self.sections)])

    def __repr__(self) -> str:
        return f"Report({self.title!r}: {', '.join(section.key for section in self.sections)})"

    def json(self) -> str:
        """Return all tables as JSON: for each section a list of rows, each an object; what is not finite is null."""
        tables = {s.key: [dict(zip(s.header, map(_plain, row))) for row in s.rows] for s in self.sections}
        return json.dumps({"title": self.title, "version": version, **tables}, indent=2)

    def html(self) -> str:
        """Return one page that needs nothing else: no script, no style sheet, no picture from elsewhere."""
        body = "".join(_html(section) for section in self.sections)
        return _PAGE.format(title=escape(self.title), style=_STYLE, body=body, version=escape(version))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as the suffix says: .html, .json, or .txt.

        Raises
        ------
        ValueError
            For another suffix.
        """
        kinds = {".html": self.html, ".json": self.json, ".txt": self.__str__}
        path = Path(path)
        if path.suffix not in kinds:
            raise ValueError(f"{path}: a report is written as {', '.join(kinds)}")
        path.write_text(kinds[path.suffix]() + "\n", encoding="utf-8")


def report(
    net: Network,
    X: npt.ArrayLike,
    *,
    epsilon: Epsilon | None = None,
    spec: Spec = None,
    targets: npt.ArrayLike | None = None,
    most: int = 5,
    p: Sequence[float] = (1e-4, 1e-3, 1e-2),
    samples: int = 1000,
    seed: int = 0,
    node_limit: int | None = 50_000,
    threads: int | None = None,
    title: str = "withstand",
) -> Report:
    """Ask a network everything, and tell it in one report.

    Parameters
    ----------
    net : Network
    X : array_like, shape (n, d) or (d,)
        Inputs; every statement is about these.
    epsilon : int, float, str or Fraction, optional
        The budget, how far the failed network may be from the intact one. Without it (and without `spec`) the report
        has no tolerance, no reliability and no precision.
    spec : Argmax, optional
        Keep the decisions instead.
    targets : array_like, shape (n,) or (n, m), optional
        What the outputs should be; with `spec` the classes. The report then says how far off the intact network is
        itself, epsilon', and the whole budget epsilon + epsilon'.
    most : int, default 5
        Largest number of crashes of the curve.
    p : sequence of float, default (1e-4, 1e-3, 1e-2)
        Failure probabilities of a neuron.
    samples, seed : int
        Random sets for each count of the curve, larger sets drawn for the reliability.
    node_limit, threads
        Of each search, as for `tolerance`.
    title : str, default "withstand"

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        For arguments that the single questions refuse.

    Notes
    -----
    Made of `measure_curve`, `tolerance`, `criticality`, `reliability` and `precision`, each with its own defaults.

    Examples
    --------
    >>> import withstand as ws
    >>> net, X, _ = ws.embedded("diabetes")
    >>> found = ws.report(net, X[:4], epsilon=0.5, most=2, samples=10)
    >>> [section.key for section in found.sections]
    ['network', 'curve', 'tolerance', 'criticality', 'reliability', 'precision']
    """
    decisions, rows = asks_decisions(spec), _rows(net, X)
    asked = epsilon is not None or decisions
    sections = [_network(net, rows, None if decisions else epsilon, targets, decisions)]
    counts = range(1, min(most, net.n_neurons) + 1)
    sections.append(_curve(measure_curve(net, rows, counts, spec=spec, samples=samples, seed=seed,
                                         node_limit=node_limit, threads=threads)))  # fmt: skip
    limit = 0 if epsilon is None else epsilon
    if asked:
        found = tolerance(net, limit, rows, spec=spec, node_limit=node_limit, threads=threads)
        sections.append(_tolerance(found, limit, decisions))
    sections.append(_criticality(net, rows, threads))
    if asked:
        sections.append(_reliability(net, rows, None if decisions else float(as_budget(limit)), spec, p, samples, seed,
                                     threads))  # fmt: skip
    if asked and not decisions:
        sections.append(_precision(net, rows, float(as_budget(limit))))
    return Report(title, tuple(sections))


def _network(
    net: Network, X: FloatArray, epsilon: Epsilon | None, targets: npt.ArrayLike | None, decisions: bool
) -> Section:
    names = [a.name for a in (*net.activations, net.output_activation)]
    rows: list[tuple[Cell, ...]] = [
        (l, net.widths[l], names[l - 1], float(net.max_weights[l - 1]), int(net.weights[l - 1].size))
        for l in range(1, net.depth + 2)
    ]
    text = f"{net.n_neurons:,} hidden neurons in {net.depth} layers; every statement is about {len(X):,} given inputs."
    if targets is not None:
        text += " " + _own_error(net, X, epsilon, real_array(targets, "targets"), decisions)
    header = ("layer", "neurons", "activation", "largest weight", "synapses")
    return Section("network", "The network", text, header, tuple(rows))


def _own_error(net: Network, X: FloatArray, epsilon: Epsilon | None, targets: FloatArray, decisions: bool) -> str:
    """Say how far off the intact network is."""
    outputs = net.forward(X)
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
    figure = _svg.lines(curve.counts, series, log=not curve.decisions, x=curve.kind, y=f"largest {what}")
    text = f"Largest {what} of at most so many {curve.kind}: witnessed \u2264 truth \u2264 proved."
    header = ("crashes", "paper", "proved", "witnessed", "search proved", "worst random")
    return Section("curve", "How bad it can get", text, header, rows, figure)


def _tolerance(found: Tolerance, epsilon: Epsilon, decisions: bool) -> Section:
    limits = [("anywhere", found), *((f"layer {n} alone", each) for n, each in enumerate(found.per_layer, start=1))]
    rows = tuple((name, each.guaranteed, each.breaking, each.exact, each.method) for name, each in limits)
    harm = "change of class" if decisions else f"error above {epsilon}"
    text = f"Crashes that certainly cause no {harm}, and the fewest that do."
    if found.witness is not None:
        names = ", ".join(map(str, found.witness.failed))
        text += f" Those of {names} do, at input {found.witness.input_index}."
    return Section("tolerance", "What it tolerates", text, ("failures", "harmless", "harmful", "exact", "by"), rows)


def _criticality(net: Network, X: FloatArray, threads: int | None) -> Section:
    found = criticality(net, X, threads=threads)
    rows = tuple(
        (layer, i, float(found.worst[layer - 1][i]), float(found.mean[layer - 1][i]))
        for layer, i in found.ranking()[:TOP]
    )
    figure = _svg.heat(found.worst, "worst error of each neuron's crash")
    text = f"Error when a neuron crashes alone; the {len(rows)} most critical."
    return Section("criticality", "Which neurons matter", text, ("layer", "neuron", "worst", "mean"), rows, figure)


def _reliability(
    net: Network, X: FloatArray, epsilon: float | None, spec: Spec, p: Sequence[float], samples: int, seed: int,
    threads: int | None,
) -> Section:  # fmt: skip
    rows = []
    for q in p:
        found = reliability(net, q, epsilon, X, spec=spec, samples=samples, seed=seed, threads=threads)
        rows.append((float(q), found.lower, found.upper, found.confidence, found.method))
    text = "Probability of harm when every neuron crashes independently with probability p."
    return Section("reliability", "How likely harm is", text, ("p", "at least", "at most", "confidence", "by"),
                   tuple(rows))  # fmt: skip


def _precision(net: Network, X: FloatArray, epsilon: float) -> Section:
    header = ("bits of values", "bits of weights", "proved error", "observed error", "bytes", "in single precision")
    try:
        found = precision(net, epsilon, X)
    except ValueError as error:  # no number of bits is enough
        return Section("precision", "How few bits do", str(error), header, ())
    bits = [" ".join(map(str, b)) for b in (found.activation_bits, found.weight_bits) if b is not None]
    row: tuple[Cell, ...] = (*bits, found.bound, found.observed, found.bytes, found.bytes_single)
    return Section("precision", "How few bits do", f"Fewest bits per layer with a proved error of at most {epsilon:g}.",
                   header, (row,))  # fmt: skip


# writing ------------------------------------------------------------------------------------------------------------
def _shown(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def _plain(value: Cell) -> Cell:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _text(section: Section) -> str:
    cells = [section.header, *(tuple(map(_shown, row)) for row in section.rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(section.header))]
    table = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths)) for row in cells]
    return "\n".join([section.title, section.text, *(table if section.rows else [])])


def _html(section: Section) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row([_shown(cell) for cell in cells], "td") for cells in section.rows)
    table = f"<table>{row(section.header, 'th')}{body}</table>" if section.rows else ""
    return f"<section><h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>{section.figure}{table}</section>"


_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}"
    "svg{max-width:100%;height:auto}footer{color:#666;margin-top:3rem}"
)
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    "<body><h1>{title}</h1>{body}<footer>withstand {version}</footer></body></html>"
)
