# SPDX-License-Identifier: MIT
"""What a report says of its own numbers: what was asked, what attains them, and in which sense they are true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from withstand._answer import Told
from withstand._plural import counted
from withstand._result import plain
from withstand.model.failures import Crash
from withstand.model.network import Network
from withstand.model.witness import Witness
from withstand.questions.bounds import bound
from withstand.report.origin import Origin, printed
from withstand.report.sections import told
from withstand.report.text import Cell, Section
from withstand.statement import Inputs, Statement

if TYPE_CHECKING:
    from withstand.report.asked import Asked



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
        ("searches", f"{nodes} each{_but_for_the_proof(asked)}; {draws}"),
        ("end", ends[status]),
    ]  # fmt: skip
    return Section(
        "asked", "What was asked", "What this report speaks of, and what it says.", ("what", "is"), tuple(rows)
    )


def _but_for_the_proof(asked: Asked) -> str:
    kept = asked.certificate is None or asked.node_limit is None or not asked.timed
    return "" if kept else ", that of the certificate as long as there is time"


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
