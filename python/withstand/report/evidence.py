# SPDX-License-Identifier: MIT
"""What a report says of its own numbers: what was asked, what attains them, what proves them, and in which sense."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from withstand._answer import Told
from withstand._plural import counted
from withstand._result import plain
from withstand.certificate import Check, check_certificate
from withstand.certificate.writing import OutOfTime
from withstand.model.failures import Crash
from withstand.model.network import Network
from withstand.model.witness import Witness
from withstand.questions.bounds import bound
from withstand.questions.clock import Clock
from withstand.questions.search import worst_case
from withstand.report.origin import Origin, printed
from withstand.report.sections import told
from withstand.report.text import Cell, Section
from withstand.statement import TOLERATED, UNKNOWN, VIOLATED, Inputs, Statement, judged

if TYPE_CHECKING:
    from withstand.report.asked import Asked


#: Of the time that is left, the share of a certificate: as much again is for the checker, and then it is read back.
SEARCHING = 0.2


def statement(asked: Asked, origin: Origin) -> Statement:
    """Return of what, about what, and with which verdict the report speaks: what a program asks of it first."""
    count, verdict = (None, None) if asked.tolerance is None else asked.tolerance._stated
    told = Told(
        asked.net, replace(Inputs.of(asked.rows), origin=origin.inputs), None if count is None else Crash(count),
        "what is witnessed was replayed, what is proved is rounded outward; the last section says it number by number",
        spec=asked.spec, epsilon=None if asked.budget is None else asked.epsilon, verdict=verdict, seed=asked.seed,
    )  # fmt: skip
    return replace(told.statement(), network=origin.network, answer=_answer(asked))


def limits(asked: Asked) -> dict[str, int | None]:
    """Return how many crashes are harmless and how many are not, and how hard that was tried."""
    found = asked.tolerance
    return {
        "harmless": None if found is None else found.guaranteed,
        "harmful": None if found is None else found.breaking,
        "samples": asked.samples,
        "node_limit": asked.node_limit,
    }


def asked_section(asked: Asked, said: Statement, status: str) -> Section:
    """Tell what was asked, of what, and the answer in one sentence."""
    net = asked.net
    names = ", ".join(a.name for a in (*net.activations, net.output_activation))
    draws = f"{counted(asked.samples, 'random set')}, seed {asked.seed}"
    nodes = "no limit" if asked.node_limit is None else f"at most {counted(asked.node_limit, 'node')}"
    met = f" ({', '.join(asked.cut)})" if asked.cut else ""
    ends = {
        "complete": "every question was answered as far as it could be",
        "budget": f"a limit, of time or of nodes, was met before everything was tried{met}: what is told was known "
                  "by then, and is true",
        "interrupted": "interrupted: what is told was known by then, and is true; some sections are missing",
    }  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        ("answer", said.answer),
        ("network", f"{said.network} {net!r}".strip()),
        ("widths", ", ".join(map(str, net.widths))),
        ("activations", names),
        *(line for line in said.lines() if line[0] not in {"answer", "network"}),
        ("crashes", f"A crashed neuron transmits 0 to whatever reads it, at every input. Each of the "
                    f"{net.n_neurons:,} hidden neurons may crash, inputs and outputs do not; at most k at once, "
                    "in any layers."),
        *_left_out(net),
        ("searches", f"{nodes} each; {draws}"),
        ("end", ends[status]),
    ]  # fmt: skip
    return Section(
        "asked", "What was asked", "What this report speaks of, and what it says.", ("what", "is"), tuple(rows)
    )


def _left_out(net: Network) -> tuple[tuple[Cell, ...], ...]:
    """Say that a network that states its words or roundings has more than crashes to be asked about."""
    if net.formats is None:
        return ()
    said = "The network holds words: what flips of their bits do is asked by --weight-flip and --bit-flip "
    said += "(ws.WeightFlip, ws.BitFlip)"
    if net.noise is not None:
        said += ", what rounding does by --noise file (ws.Noise(net.noise))"
    return (("left out", f"{said}."),)


def _answer(asked: Asked) -> str:
    found = asked.tolerance
    if found is None and asked.harm_is_known:
        return "interrupted before it was known: no verdict"
    if found is None:
        return "no budget and no decisions were given: no verdict"
    if found.guaranteed < 0:
        return "harm without any failure" if found.breaking == 0 else "not even for the intact network is harm excluded"
    n = found.guaranteed
    if found.witness is not None and found.breaking == 1:
        return f"a single crash can do harm, witnessed: {told(found.witness)}"
    proved = (
        f"any {n:,} crashes are" if n > 1 else "any single crash is" if n else "no number of crashes is known to be"
    )
    proved += " harmless" + (f", proved by {found.method!r}" if n else "")
    if found.witness is not None:
        return f"{proved}; {found.breaking:,} can do harm, witnessed: {told(found.witness)}"
    return f"{proved}; that is all that can fail" if found.exact else f"{proved}; of more nothing is known"


def witness_section(asked: Asked) -> Section | None:
    """Tell of the failures that do harm, or else of the worst ones, how to see it."""
    seen = None if asked.tolerance is None else asked.tolerance.witness
    if seen is None and asked.curve is not None:
        seen = asked.curve.searches[-1].witness
    if seen is None:
        return None
    net, before = asked.net, asked.net.forward(seen.input)
    after = net.forward(seen.input, failed=seen.values)
    rows = tuple((n, float(a), float(b), float(b - a)) for n, (a, b) in enumerate(zip(before, after)))
    harm = "harm to the decision" if asked.decisions else "error"
    text = f"{told(seen)}: {harm} {seen.error:.6g}, worst at output {seen.output}. Replayed while this was written."
    return Section("witness", "A witness", text, ("output", "intact", "failed", "difference"), rows[:20], "",
                   {"witness": plain(seen), "input": seen.input.tolist()}, _replay(seen, after))  # fmt: skip


def _replay(seen: Witness, after: Any) -> str:
    return (
        f"x = np.array({seen.input.tolist()})  # row {seen.input_index} of X\n"
        f"failed = {seen.values}\n"
        f"{printed('net.forward(x, failed=failed).tolist()', after.tolist())}\n"
        f"{printed(f'bool((x == X[{seen.input_index}]).all())', True)}"
    )


def certificate(asked: Asked, path: str | os.PathLike[str], k: int, clock: Clock) -> Section:
    """Write a proof for so many crashes, have it checked, and tell what came of it."""
    title = "A proof to keep"
    header = ("file", "claims at least", "claims at most", "check", "verdict", "SHA-256")
    most = counted(k, "crash", "crashes")
    text = f"The worst of at most {most}, as a file that is checked without trusting the search."
    code = f"check = ws.check_certificate({os.fspath(path)!r}, net, failures=ws.Crash({k}), domain=X)\n"
    try:
        if clock.left() <= 0:
            raise OutOfTime("no certificate is written: the time was up before it was begun")
        found = worst_case(asked.net, Crash(k), asked.rows, spec=asked.spec, node_limit=asked.node_limit,
                           time_limit=clock.part(SEARCHING), threads=asked.threads, certificate=path)  # fmt: skip
    except ValueError as error:
        asked.unwritten, asked.open = str(error), isinstance(error, OutOfTime)
        return Section("certificate", title, f"{text} There is none: {error}.", header, ())
    asked.unwritten = None
    asked.ended = "complete" if found.status in ("exact", "gap") else found.status
    check = check_certificate(path, asked.net, failures=Crash(k), domain=asked.rows, spec=asked.spec)
    verdict, why = _verdict(asked, check)
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


def rigor(asked: Asked, told_of: Collection[str]) -> Section:
    """Tell in which sense each kind of number is true, of the sections that there are."""
    k = Crash(1)
    bounds = [
        (name, f"{found.rigor} ({found.reference})")
        for name, found in (("the paper's bound", bound(asked.net, k, asked.rows, method="at-most", spec=asked.spec)),
                            ("proved without search", bound(asked.net, k, asked.rows, spec=asked.spec)))
    ]  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = (
        ("witnessed", "what a replayed configuration does, by the evaluation that Network.forward repeats bit by bit"),
        ("search proved", "no configuration at any of the inputs does more, in real arithmetic, rounded outward; "
                          "exact: the interval is as narrow as evaluations with twice the digits of a double tell"),
        *bounds,
        ("histogram", "every configuration, evaluated in double precision; worst is canonical, mean and deviation are "
                      "sums without rounding of such errors"),
        ("worst random", "seen among the random sets: a statement about these sets alone"),
        ("reliability", "proved where the confidence is 1; else true with that probability over the sets drawn"),
        ("precision", "proved error in real arithmetic; observed: seen at the given inputs"),
    )  # fmt: skip
    absent = {"histogram", "reliability", "precision"} - set(told_of)
    rows = tuple(row for row in rows if row[0] not in absent)
    text = "Nothing here is about other inputs, other kinds of failure, or a network with another fingerprint."
    return Section("rigor", "In which sense", text, ("number", "sense"), rows)
