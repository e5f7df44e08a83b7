# SPDX-License-Identifier: MIT
"""One report about a network: how bad it gets, what it tolerates, which neurons matter, how likely harm is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
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
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand._result import plain
from withstand._version import version
from withstand.model.domain import rows_of
from withstand.model.network import Network, as_network
from withstand.model.spec import Spec, asks_decisions
from withstand.questions.clock import Clock
from withstand.report import evidence
from withstand.report.asked import Asked
from withstand.report.origin import Origin, created
from withstand.report.page import as_html, page
from withstand.report.text import Section, as_text
from withstand.statement import Statement

#: What the JSON is: `withstand schema report` says what it holds.
FORMAT = "withstand report 1"


@dataclass(frozen=True, repr=False)
class Report(Answer):
    """What `report` found, as text, JSON and HTML.

    Attributes
    ----------
    title : str
    sections : tuple of Section
    status : {"complete", "budget", "interrupted"}
        Whether every question was answered as far as it could be, or a limit of time or nodes left a part of one open,
        or Ctrl-C came: the sections then hold what was known by then, and after Ctrl-C some are missing.
    limits : dict
        How many crashes are proved harmless and witnessed to be harmful, and how hard that was tried.
    origin : withstand.report.Origin
    code : str
        Python that makes the network and the inputs; that of the sections goes on from there.
    unwritten : str or None
        Why the certificate that was asked for is not there; None where it is, and where nobody asked for one.
    undecided : str or None
        Why the certificate that is there does not prove what the report states to be tolerated; None where it does, and
        where the report states no such thing.
    created : str
        When, in UTC; where SOURCE_DATE_EPOCH is set, that time.
    """

    title: str
    sections: tuple[Section, ...]
    status: str = "complete"
    limits: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)
    code: str = ""
    created: str = ""
    unwritten: str | None = None
    undecided: str | None = None

    def __str__(self) -> str:
        command = [f"How to do it again\n{self.origin.command}"] if self.origin.command else []
        return "\n\n".join([self.title, *(as_text(section) for section in self.sections), *command])

    @property
    def statement(self) -> Statement:
        """What it is a statement about, and with which verdict."""
        return replace(super().statement, command=self.origin.command)

    def _said(self) -> str:
        return f"Report({self.title!r}: {', '.join(section.key for section in self.sections)})"

    def _rows(self) -> list[dict[str, Any]]:
        return [{"section": s.key, "rows": len(s.rows), "title": s.title} for s in self.sections]

    def _repr_html_(self) -> str:
        return "".join(as_html(section) for section in self.sections)

    def json(self) -> str:
        """Return everything as JSON, for each section a list of rows, each an object; NaN is null, infinities "inf".

        `withstand schema report` prints what it holds.
        """
        tables = {s.key: [dict(zip(s.header, row)) for row in s.rows] for s in self.sections}
        said: dict[str, Any] = {} if self._told is None else {**self.statement.to_dict(), **self.limits}
        told = {
            "format": FORMAT, "title": self.title, "created": self.created, "status": self.status,
            "statement": said, "command": self.origin.command, "unwritten": self.unwritten,
            "undecided": self.undecided, **tables,
            "data": {s.key: s.data for s in self.sections if s.data},
            "code": {"first": self.code, **{s.key: s.code for s in self.sections if s.code}},
        }  # fmt: skip
        return json.dumps(plain(told), indent=2, allow_nan=False)

    def html(self) -> str:
        """Return one page that needs nothing else: no script, no style sheet, no picture from elsewhere."""
        foot = f"withstand {version}, {self.created}"
        return page(self.title, self.sections, self.code, self.origin.command, foot)

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


@either_word
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
    origin: Origin | None = None,
    certificate: str | os.PathLike[str] | None = None,
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
        What the outputs should be: the report then says how far off the intact network is itself, epsilon', and the
        whole budget epsilon + epsilon'. Or the classes: with `spec`, and wherever there is one integer per input and
        several outputs; the report then says how many of them the intact network picks.
    most : int, default 5
        Largest number of crashes of the curve.
    p : sequence of float, default (1e-4, 1e-3, 1e-2)
        Failure probabilities of a neuron.
    samples, seed : int
        Random sets for each count of the curve, larger sets drawn for the reliability.
    node_limit, threads
        Of each search, as for `tolerance`; that of the certificate ends by the `time_limit` alone where there is one.
    time_limit : float or None, default 60.0
        Seconds in all: each question gets a share of what is left, and answers with an interval. None: no limit.
    title : str, default "withstand"
    origin : withstand.report.Origin, optional
        Where network and inputs come from, for whoever wants to compute the numbers again.
    certificate : path, optional
        Write a proof of what is tolerated there, as `worst_case` does, and have it checked: last, in all the time left.
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
    Made of `measure_curve`, `tolerance`, `enumerate_failures`, `criticality`, `certified_accuracy`, `campaign`,
    `reliability` and `precision`, each with its own defaults. The same network and inputs make the same report, but for
    the time it was made and for searches that the time limit cut short; set SOURCE_DATE_EPOCH for equal bytes.

    Examples
    --------
    >>> import withstand as ws
    >>> net, X, _ = ws.embedded("diabetes")
    >>> found = ws.report(net, X[:4], epsilon=0.5, most=2, samples=10)
    >>> [section.key for section in found.sections][:5]
    ['asked', 'network', 'curve', 'tolerance', 'histogram']
    """
    as_network(net), node_count(node_limit), thread_count(threads)
    decisions, rows = asks_decisions(spec), rows_of(net, X)
    budget = None if decisions or epsilon is None else as_budget(epsilon)
    most, seed = whole(most, "most", least=1), whole(seed, "seed")
    samples = whole(samples, "samples", least=1, most=SAMPLES)
    probabilities = _probabilities(p)
    if not isinstance(title, str):
        raise TypeError(f"title must be a string, got {shown(title)}")
    if origin is not None and not isinstance(origin, Origin):
        raise TypeError(f"origin must be an Origin, got {shown(origin)}")
    origin, progress, seconds = origin or Origin(), flag(progress, "progress"), as_seconds(time_limit)
    asked = Asked(
        net, rows, budget, epsilon, spec, None if targets is None else real_array(targets, "targets"), samples, seed,
        node_limit, threads, None if certificate is None else as_path(certificate, "certificate"), origin, seconds,
    )  # fmt: skip
    arguments_fit()
    sections: list[Section] = []
    clock = Clock(seconds, Line(False))
    try:
        for section in asked.sections(clock, most, probabilities, progress):
            sections.append(section)
        clock.over()
        told_of = {section.key for section in sections}
        sections += [s for s in (evidence.witness_section(asked), evidence.rigor(asked, told_of)) if s is not None]
    except KeyboardInterrupt:
        clock.interrupt()
    said, status = evidence.statement(asked, origin), asked.status(clock)
    sections.insert(0, evidence.asked_section(asked, said, status))
    return Report(title, tuple(sections), status, evidence.limits(asked), origin,
                  origin.preamble(net, rows), created(), asked.unwritten, asked.undecided,
                  _told=Told.already(said))  # fmt: skip


def _probabilities(p: Any) -> tuple[float, ...]:
    """Return common failure probabilities of all neurons, one or several."""
    found = tuple(float(q) for q in np.atleast_1d(real_array(p, "p")).ravel())
    for q in found:
        if not 0 <= q <= 1:
            raise ValueError(f"p must lie in [0, 1], got {q}")
    return found
