# SPDX-License-Identifier: MIT
"""One report about a network: how bad it gets, what it tolerates, which neurons matter, how likely harm is."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import (
    SAMPLES,
    Epsilon,
    as_budget,
    as_path,
    as_seconds,
    flag,
    node_count,
    real_array,
    shown,
    thread_count,
    whole,
)
from withstand._result import Result
from withstand._version import version
from withstand.model.domain import rows_of
from withstand.model.network import Network, as_network
from withstand.model.spec import Spec, asks_decisions
from withstand.questions.clock import Clock
from withstand.questions.progress import Line
from withstand.report.sections import Asked
from withstand.report.text import PAGE, STYLE, Section, as_html, as_text, plain


@dataclass(frozen=True, repr=False)
class Report(Result):
    """What `report` found, as text, JSON and HTML.

    Attributes
    ----------
    title : str
    sections : tuple of Section
    status : {"complete", "budget", "interrupted"}
        Whether every question was answered as far as it could be, or the time was up, or Ctrl-C came: the sections
        then hold what was known by then, and after Ctrl-C some are missing.
    """

    title: str
    sections: tuple[Section, ...]
    status: str = "complete"

    def __str__(self) -> str:
        return "\n\n".join([self.title, *(as_text(section) for section in self.sections)])

    def __repr__(self) -> str:
        return f"Report({self.title!r}: {', '.join(section.key for section in self.sections)})"

    def _rows(self) -> list[dict[str, Any]]:
        return [{"section": s.key, "rows": len(s.rows), "title": s.title} for s in self.sections]

    def _repr_html_(self) -> str:
        return "".join(as_html(section) for section in self.sections)

    def json(self) -> str:
        """Return all tables as JSON: each section a list of rows, each row an object; NaN is null."""
        tables = {s.key: [dict(zip(s.header, map(plain, row))) for row in s.rows] for s in self.sections}
        return json.dumps({"title": self.title, "version": version, "status": self.status, **tables}, indent=2)

    def html(self) -> str:
        """Return one page that needs nothing else: no script, no style sheet, no picture from elsewhere."""
        return PAGE.format(title=escape(self.title), style=STYLE, body=self._repr_html_(), version=escape(version))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as the suffix says: .html, .json, or .txt.

        Raises
        ------
        TypeError, ValueError
            For what is no path, and for another suffix.
        OSError
            If the file cannot be written.
        """
        kinds = {".html": self.html, ".json": self.json, ".txt": self.__str__}
        path = Path(as_path(path, "path"))
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
    time_limit: float | None = 60.0,
    threads: int | None = None,
    title: str = "withstand",
    progress: bool = False,
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
    time_limit : float or None, default 60.0
        Seconds in all: each question gets a share of what is left, and answers with an interval. None: no limit.
    title : str, default "withstand"
    progress : bool, default False
        Say on standard error what is being asked.

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
    as_network(net), node_count(node_limit), thread_count(threads)
    decisions, rows = asks_decisions(spec), rows_of(net, X)
    budget = None if decisions or epsilon is None else as_budget(epsilon)
    most, seed = whole(most, "most", least=1), whole(seed, "seed")
    samples = whole(samples, "samples", least=1, most=SAMPLES)
    probabilities = _probabilities(p)
    if not isinstance(title, str):
        raise TypeError(f"title must be a string, got {shown(title)}")
    asked = Asked(net, rows, budget, epsilon, spec, samples, seed, node_limit, threads)
    sections: list[Section] = []
    with closing(Line(flag(progress, "progress"))) as line:
        clock = Clock(as_seconds(time_limit), line)
        try:
            sections.append(asked.network(targets))
            for section in asked.sections(clock, most, probabilities, progress):
                sections.append(section)
            clock.over()
        except KeyboardInterrupt:
            clock.interrupt()
    return Report(title, tuple(sections), clock.status)


def _probabilities(p: Any) -> tuple[float, ...]:
    """Return common failure probabilities of all neurons, one or several."""
    found = tuple(float(q) for q in np.atleast_1d(real_array(p, "p")).ravel())
    for q in found:
        if not 0 <= q <= 1:
            raise ValueError(f"p must lie in [0, 1], got {q}")
    return found
