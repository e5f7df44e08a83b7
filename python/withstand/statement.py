# SPDX-License-Identifier: MIT
"""What an answer is a statement about: of which network, for which inputs, under which failures, in which sense."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from withstand._plural import counted
from withstand._types import FloatArray

if TYPE_CHECKING:
    from withstand.model.failures import Failures

#: Verdicts: what is asked about does no harm, does harm, or neither is known.
TOLERATED, VIOLATED, UNKNOWN = "tolerated", "violated", "unknown"


@dataclass(frozen=True)
class Inputs:
    """For which inputs a statement holds.

    Attributes
    ----------
    kind : {"given", "box", "any", "none"}
        The rows of an array, all inputs of a box, all inputs whatsoever, or none: of a certificate that is not read.
    rows : int or None
        How many were given.
    sha256 : str or None
        Of the given inputs as doubles in little-endian order; of the lower and then the upper ends of a box.
    origin : str
        Which rows of what, in words, where anybody said so.
    """

    kind: str
    rows: int | None = None
    sha256: str | None = None
    origin: str = ""

    @classmethod
    def of(cls, lower: FloatArray | None, upper: FloatArray | None = None) -> Inputs:
        """Return what names the inputs between two ends: given ones where there is only one end, or they are equal."""
        if lower is None:
            return cls("any")
        if not len(lower):
            return cls("none", 0)
        if upper is None or upper is lower or np.array_equal(lower, upper):
            return cls("given", len(lower), digest(lower))
        return cls("box", None, digest(np.concatenate([lower, upper])))

    @property
    def words(self) -> str:
        """How many inputs, in words; empty where there are none."""
        if self.kind == "none":
            return ""
        if self.kind == "given":
            return counted(self.rows or 0, "given input")
        return "every input of a box" if self.kind == "box" else "every input whatsoever"

    def __str__(self) -> str:
        of = f": {self.origin}" if self.origin else ""
        return f"{self.words}{of}{f', SHA-256 {self.sha256}' if self.sha256 else ''}"


@dataclass(frozen=True)
class Statement:
    """What a result is a statement about; every result has one, and every table, JSON, report and page tells it.

    Attributes
    ----------
    network : str
        Name or path of the network, where it has one.
    fingerprint : str
        SHA-256 of everything that determines the network's function: `Network.fingerprint`.
    version : str
        Of the package that made it.
    inputs : Inputs
        For which inputs it holds.
    failures : str or None
        What may fail; None where it speaks of none in particular.
    spec : {"error", "argmax"}
        Whether numbers are errors of the outputs, or harm to the decision: the class flips where it is at least 0.
    lowest : bool
        Whether the class is the smallest output.
    covers : {"at most", "exactly"}
        Whether fewer failures than counted are covered, too.
    epsilon : str or None
        The largest error that is no harm, as it was given.
    rigor : str
        How it is known.
    verdict : {"tolerated", "violated", "unknown", None}
        Whether the failures do harm, where somebody said what harm is.
    seed : int or None
        Of what was drawn at random.
    command : str
        The command line that asked, if one did.
    answer : str
        What was found, in one sentence, where it is said in one: of a report.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> said = ws.enumerate_failures(net, ws.Crash(1), [[3.0]], epsilon=5).statement
    >>> said.failures, said.rows, said.spec, said.covers, said.epsilon, said.verdict
    ('Crash(1)', 1, 'error', 'at most', '5', 'violated')
    """

    fingerprint: str
    version: str
    inputs: Inputs
    failures: str | None
    rigor: str
    spec: str = "error"
    lowest: bool = False
    covers: str = "at most"
    epsilon: str | None = None
    verdict: str | None = None
    seed: int | None = None
    network: str = ""
    command: str = ""
    answer: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Statement:
        """Return the statement that `to_dict` told; what else stands there is left out."""
        own = {each.name: told[each.name] for each in fields(cls) if each.name in told}
        return cls(**{**own, "inputs": Inputs(rows=told["rows"], **told["inputs"])})

    @property
    def rows(self) -> int | None:
        """How many inputs were given; None where it holds for more than given ones."""
        return self.inputs.rows

    @property
    def word(self) -> str:
        """What its numbers are: "error" or "harm"."""
        return word_of(self.spec == "argmax")

    @property
    def harm(self) -> str:
        """What harm is, in words."""
        if self.spec == "argmax":
            which = "smallest" if self.lowest else "largest"
            return f"the class, the {which} output, changes: harm, the lead of another class, is at least 0"
        said = "the error is the largest |failed - intact| over outputs and inputs"
        limit = "no limit of it was given (epsilon)" if self.epsilon is None else f"harm is more than {self.epsilon}"
        return f"{said}; {limit}"

    @property
    def brief(self) -> str:
        """What was asked, on one line."""
        budget = "decisions" if self.spec == "argmax" else "" if self.epsilon is None else f"epsilon {self.epsilon}"
        return ", ".join(filter(None, (self.failures, self.inputs.words, budget)))

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return what text and pages tell of it: names and sentences; what is not known is left out."""
        said = {
            "answer": self.answer,
            "network": self.network,
            "fingerprint": self.fingerprint,
            "inputs": str(self.inputs),
            "failures": self.failures,
            "covers": self.covers,
            "harm": self.harm,
            "epsilon": self.epsilon,
            "rigor": self.rigor,
            "verdict": self.verdict,
            "seed": None if self.seed is None else str(self.seed),
            "version": f"withstand {self.version}",
            "command": self.command,
        }
        return tuple((name, text) for name, text in said.items() if text)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `withstand schema statement` describes it."""
        return {
            "network": self.network,
            "fingerprint": self.fingerprint,
            "version": self.version,
            "rows": self.rows,
            "inputs": {"kind": self.inputs.kind, "origin": self.inputs.origin, "sha256": self.inputs.sha256},
            "failures": self.failures,
            "spec": self.spec,
            "lowest": self.lowest,
            "covers": self.covers,
            "epsilon": self.epsilon,
            "rigor": self.rigor,
            "verdict": self.verdict,
            "seed": self.seed,
            "command": self.command,
            "answer": self.answer,
        }

    def __str__(self) -> str:
        return "\n".join(f"{name:<11}  {text}" for name, text in self.lines())

    def _repr_html_(self) -> str:
        cells = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in self.lines())
        return f"<table><caption>Statement</caption>{cells}</table>"


def word_of(decisions: bool) -> str:
    """Return what numbers are called: errors of the outputs, or harm to the decision."""
    return "harm" if decisions else "error"


def digest(X: FloatArray) -> str:
    """Return the SHA-256 of inputs as doubles in little-endian order."""
    return hashlib.sha256(np.ascontiguousarray(X, dtype="<f8").tobytes()).hexdigest()


def judged(lower: float, upper: float, epsilon: float | Fraction | None, decisions: bool) -> str | None:
    """Return what an interval of the worst error, or harm, says; None where nobody said what harm is."""
    if decisions:
        return TOLERATED if upper < 0 else VIOLATED if lower >= 0 else UNKNOWN
    if epsilon is None:
        return None
    return TOLERATED if upper <= epsilon else VIOLATED if lower > epsilon else UNKNOWN


def covers_of(failures: Failures) -> str:
    """Return whether fewer failures than counted are covered, too."""
    counted = [term for term in failures._terms if term.effect != "noise"]
    return "exactly" if counted and all(term.exactly for term in counted) else "at most"
