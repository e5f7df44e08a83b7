# SPDX-License-Identifier: MIT
"""What a certificate proves, and whether it is what was asked for."""

from __future__ import annotations

import math
import os
from contextlib import closing
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import as_path, flag, whole
from withstand._inputs import either_word
from withstand._progress import Line
from withstand._types import FloatArray
from withstand.certificate.budget import LIMITS, Rejected
from withstand.certificate.checker import Checker
from withstand.certificate.entries import require
from withstand.certificate.reading import parsed
from withstand.certificate.terms import covered, described, difference, named
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.spec import Argmax, Spec, asks_decisions
from withstand.statement import Inputs

#: Entries of an input that are shown.
SHOWN = 6


@dataclass(frozen=True, eq=False, repr=False)
class Check(Answer):
    """What `check_certificate` found.

    Attributes
    ----------
    valid : bool
        Whether the certificate proves its claim for this network, and the claim is of what was expected.
    reason : str
        "confirmed", or what is wrong, and where.
    lower, upper : float
        The claim: the witness does `lower`, to the rounding of an evaluation, and nothing in the space, at any of the
        inputs, does more than `upper` in real arithmetic. NaN where the file could not be read that far.
    failures, inputs, goal
        What the claim speaks of: the failure models as the file states them, the number of inputs, "error" or "argmax".
    domain : ndarray, shape (inputs, d)
        The inputs themselves, in the order in which the search was given them. Nothing is proved about others.
    classes : tuple of int
        For decisions, the class that the intact network picks at each of them.
    network : str
        Checksum of the network that the file speaks of.
    nodes, bounded, enumerated : int
        Nodes of the tree, and leaves of both kinds, seen before the end. Where more than single neurons crash or are
        stuck there is no tree, and one enumerated leaf for every input.
    configurations : int
        Configurations that the checker evaluated one by one.
    refined : int
        Further parts into which the checker split leaves because its own bound was weaker than the search's.
    """

    valid: bool
    reason: str
    lower: float
    upper: float
    failures: tuple[dict[str, Any], ...]
    inputs: int
    goal: str
    domain: FloatArray
    classes: tuple[int, ...]
    network: str
    nodes: int
    bounded: int
    enumerated: int
    configurations: int
    refined: int

    @property
    def spec(self) -> Spec:
        """What `worst_case` was asked with: None for errors, `Argmax()` for decisions."""
        return Argmax() if self.goal == "argmax" else None

    def _said(self) -> str:
        if math.isnan(self.upper):  # not read as far as the claim
            return f"Check: NOT valid, {self.reason}"
        harm = "harm to the decision" if self.goal == "argmax" else "error"
        said = f"{self.lower!r} <= worst {harm} <= {self.upper!r}"
        lines = [f"Check: {said}, {named(self.failures)}", f"  {'valid' if self.valid else 'NOT valid'}  {self.reason}"]
        lines += [f"  input {n}  {_row(x)}" for n, x in enumerate(self.domain[:5])]
        lines += [f"  and {self.inputs - 5} more inputs"] if self.inputs > 5 else []
        return "\n".join([*lines, f"  network  {self.network}"])


def _row(x: FloatArray) -> str:
    """Return an input, as far as it fits on a line."""
    first = ", ".join(map(str, x[:SHOWN].tolist()))
    return f"[{first}]" if len(x) <= SHOWN else f"[{first}, ...], {len(x):,} entries"


@either_word
def check_certificate(
    path: str | os.PathLike[str],
    net: Network,
    *,
    failures: Failures | None = None,
    domain: npt.ArrayLike | Box | None = None,
    spec: Spec | EllipsisType = ...,
    effort: int = 20_000,
    progress: bool = False,
) -> Check:
    """Check a certificate that `worst_case` wrote.

    Parameters
    ----------
    path : path
        The file.
    net : Network
        The network that it speaks of.
    failures : Failures, optional
        What you want a proof about; a certificate of other failures is rejected.
    domain : array_like of shape (n, d) or (d,), optional
        The inputs that you want a proof about; a certificate of others, or of these in another order, is rejected.
    spec : None or Argmax, optional
        What you want a proof about: errors (None) or decisions.
    effort : int, default 20000
        Parts into which the checker may split leaves that its own bound does not close.
    progress : bool, default False
        Say on standard error how much is checked.

    Returns
    -------
    Check
        `valid` or not, and why; and what the file speaks of, which is to be read where it was not given here.
        Nothing of a certificate is believed: that the tree covers the whole space at every
        input, that each leaf is below the claim and that the witness attains the lower claim is all recomputed here, in
        plain Python and NumPy rounded outward, with code that the search does not use. Trusted are the activations of
        NumPy to 16 units in the last place, and its sums of products to the error that any order of them may have.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError, ValueError
        If an argument is not what it should be. What is wrong with the file is no exception but a `reason`.

    Notes
    -----
    Work is counted before it is done, and a file that asks for more than the checker is willing to do is rejected by
    name: more than 100 MB, 5 million configurations, 10^12 multiply-adds, ... `worst_case` writes no such files. Of
    words, groups, parameters and synapses every configuration is evaluated, at most 1,000,000 at all inputs together.

    Examples
    --------
    >>> import tempfile, withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     worst = ws.worst_case(net, ws.Crash(1), [[3.0]], certificate=folder + "/proof.json")
    ...     check = ws.check_certificate(folder + "/proof.json", net, domain=[[3.0]])
    ...     other = ws.check_certificate(folder + "/proof.json", net, failures=ws.Crash(2))
    >>> check.valid, check.lower, check.reason, check.domain.tolist()
    (True, 6.0, 'confirmed', [[3.0]])
    >>> other.valid, other.reason
    (False, 'the certificate speaks of Crash(1), not of Crash(2)')
    """
    if isinstance(path, Network):
        raise TypeError(f"path must be a path, got {path!r}; the certificate comes first: check_certificate(path, net)")
    path, effort = as_path(path, "path"), whole(effort, "effort")
    as_network(net)
    line = Line(flag(progress, "progress"))
    expected = _Expected(net, failures, domain, spec)
    with open(path, "rb") as file:
        content = file.read(LIMITS["bytes"] + 1)
    checker = c = Checker(net, effort, line)
    try:
        with closing(line):
            certificate = parsed(content)
            checker.read(certificate)
            expected.compare(checker)
            checker.check(certificate)
        valid, reason = True, "confirmed"
    except Rejected as error:
        valid, reason = False, str(error)
    rigor = "recomputed by a checker that shares no code with the search" if valid else f"nothing is proved: {reason}"
    told = Told(net, Inputs.of(c.inputs), named(tuple(c.failures)) if c.failures else None, rigor,
                spec=Argmax() if c.goal == "argmax" else None)  # fmt: skip
    return Check(valid, reason, c.lower, c.upper, tuple(c.failures), len(c.inputs), c.goal, c.inputs, c.classes,
                 c.network, c.nodes, c.bounded, c.enumerated, c.configurations, c.refined, _told=told)  # fmt: skip


class _Expected:
    """What a caller wants a proof about."""

    def __init__(self, net: Network, failures: Failures | None, domain: Any, spec: Any) -> None:
        if failures is not None:
            covered(as_failures(failures))
        if isinstance(domain, Box):
            raise ValueError("certificates cover given inputs, not boxes")
        self._net, self._failures = net, failures
        self._inputs = None if domain is None else bounds_of(net, domain, "domain")[0]
        self._goal = None if spec is ... else "argmax" if asks_decisions(spec) else "error"
        if isinstance(spec, Argmax) and spec.lowest:
            raise ValueError("certificates of decisions are of the largest of several outputs, not of the lowest")

    def compare(self, checker: Checker) -> None:
        if self._failures is not None:
            wanted = described(self._failures, self._net, checker.inputs)
            differs = difference(checker.failures, wanted)
            other = f"the certificate speaks of {named(checker.failures)}, not of {self._failures!r}"
            alike = named(checker.failures) == named(wanted)
            require(differs is None, f"{other}: {differs} differ" if alike else other)
        if self._goal is not None:
            require(checker.goal == self._goal, f"the certificate speaks of {checker.goal}, not of {self._goal}")
        if self._inputs is None:
            return
        found, inputs = checker.inputs, self._inputs
        require(len(found) == len(inputs), f"the certificate speaks of {len(found)} inputs, not of {len(inputs)}")
        for n in np.flatnonzero((found != inputs).any(axis=1))[:1]:
            (differ,) = np.nonzero(found[n] != inputs[n])
            i, there, here = differ[0], found[n, differ[0]], inputs[n, differ[0]]
            more = f", and {len(differ) - 1:,} more entries differ" if len(differ) > 1 else ""
            raise Rejected(f"the certificate speaks of another input {n}: its entry {i} is {there}, not {here}{more}")
