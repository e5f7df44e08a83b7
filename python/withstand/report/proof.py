# SPDX-License-Identifier: MIT
"""The certificate of a report: what it proves, what it leaves open, and how to go on."""

from __future__ import annotations

import hashlib
import os
import shlex
from typing import TYPE_CHECKING

from withstand._plural import counted
from withstand.certificate import Check, check_certificate
from withstand.certificate.writing import OutOfTime
from withstand.model.failures import Crash
from withstand.questions.clock import Clock
from withstand.questions.search import worst_case
from withstand.report.origin import printed
from withstand.report.text import Section
from withstand.statement import TOLERATED, UNKNOWN, VIOLATED, judged

if TYPE_CHECKING:
    from withstand.report.asked import Asked

#: Of the time that is left, the share of the search, its checker included: what was written is then read back.
SEARCHING = 0.45


def certificate(asked: Asked, path: str | os.PathLike[str], k: int, clock: Clock) -> Section:
    """Write a proof for so many crashes, have it checked, and tell what came of it.

    Nothing is asked after it, so that it has all the time that is left; where that is unlimited, the report's nodes.
    """
    title = "A proof to keep"
    header = ("file", "claims at least", "claims at most", "check", "verdict", "SHA-256")
    most = counted(k, "crash", "crashes")
    text = f"The worst of at most {most}, as a file that is checked without trusting the search."
    code = f"check = ws.check_certificate({os.fspath(path)!r}, net, failures=ws.Crash({k}), domain=X)\n"
    nodes = None if asked.timed else asked.node_limit
    try:
        if clock.left() <= 0:
            raise OutOfTime("no certificate is written: the time was up before it was begun")
        found = worst_case(asked.net, Crash(k), asked.rows, spec=asked.spec, node_limit=nodes,
                           time_limit=clock.part(SEARCHING), threads=asked.threads, certificate=path)  # fmt: skip
    except ValueError as error:
        asked.unwritten, asked.open = str(error), isinstance(error, OutOfTime)
        return Section("certificate", title, f"{text} There is none: {error}.", header, ())
    asked.unwritten = None
    asked.ended = "complete" if found.status in ("exact", "gap") else found.status
    check = check_certificate(path, asked.net, failures=Crash(k), domain=asked.rows, spec=asked.spec)
    verdict, why = _verdict(asked, check)
    if found.status == "budget":
        why += _onward(asked, path, k, nodes)
    asked.undecided = _undecided(asked, check, k)
    with open(path, "rb") as file:
        sha = hashlib.sha256(file.read()).hexdigest()
    row = (os.path.basename(os.fspath(path)), check.lower, check.upper,
           "valid, confirmed" if check.valid else f"NOT valid: {check.reason}", verdict, sha)  # fmt: skip
    code += printed("check.valid, check.lower, check.upper", check.valid, check.lower, check.upper)
    return Section("certificate", title, f"{text}{why}", header, (row,), code=code)


def _verdict(asked: Asked, check: Check) -> tuple[str | None, str]:
    """Return what a certificate says of harm, in a word and in a sentence; neither where nobody said what harm is."""
    if not check.valid:
        return "proves nothing", " It proves nothing."
    verdict = judged(check.lower, check.upper, asked.budget, asked.decisions)
    harm = "harm of at least 0, a change of class," if asked.decisions else f"an error above {asked.epsilon}"
    said = {
        TOLERATED: ("proves that it is tolerated", f" It proves that this is tolerated: {harm} is excluded."),
        UNKNOWN: ("does not decide it", f" It does not prove that this is tolerated: up to {check.upper:.6g} is left "
                                        f"open, so that {harm} is neither shown nor excluded."),
        VIOLATED: ("shows harm", f" It shows that this is not tolerated: {harm} is witnessed."),
    }  # fmt: skip
    return (None, "") if verdict is None else said[verdict]


def _undecided(asked: Asked, check: Check, k: int) -> str | None:
    """Return why the certificate does not prove what the report states to be tolerated; None where it does."""
    if asked.tolerance is None or asked.tolerance._stated[1] != TOLERATED:
        return None
    if check.valid and judged(check.lower, check.upper, asked.budget, asked.decisions) == TOLERATED:
        return None
    ends = f"{check.lower:.6g} to {check.upper:.6g}"
    left = f"it leaves {ends} open" if check.valid else f"it is not valid, {check.reason}"
    most = counted(k, "crash", "crashes")
    return f"does not prove what the report states, that at most {most} are tolerated: {left}"


def _onward(asked: Asked, path: str | os.PathLike[str], k: int, nodes: int | None) -> str:
    """Return which limit left the proof open, and what takes as long as it needs."""
    met = "the time that was left" if nodes is None else f"that of {counted(nodes, 'node')}"
    goal = "" if asked.spec is None else f", spec=ws.{asked.spec!r}"
    call = f"ws.worst_case(net, ws.Crash({k}), X{goal}, certificate={os.fspath(path)!r})"
    said = f" A limit was met, {met}: without one it is asked by {call}"
    if not asked.origin.question:
        return f"{said}."
    harm = ["--argmax"] if asked.decisions else [] if asked.epsilon is None else ["--epsilon", str(asked.epsilon)]
    words = shlex.join(["--crash", str(k), *harm, "--certificate", os.fspath(path)])
    return f"{said}, and in a shell: withstand worst-case {asked.origin.question} {words}."
