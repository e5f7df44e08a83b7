# SPDX-License-Identifier: MIT
"""Make a reproducer small: simplify a case step by step while the same question stays wrong in the same way."""

from __future__ import annotations

import multiprocessing as mp
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from .plain import Case, Net, Term
from .tally import Tally, Violation

Ask = Callable[[Case, Tally, tuple[str, ...], Callable[[str], None]], None]
GROUPS = {
    "bound": "bound",
    "enumerate": "enumerate",
    "worst_case": "worst_case",
    "certificate": "certificate",
    "replic": "replicas",
}


def group(question: str, questions: tuple[str, ...]) -> str:
    """The part of a campaign that asks a question."""
    return next(
        (g for head, g in GROUPS.items() if question.startswith(head)),
        question if question in questions else questions[0],
    )


def _again(ask: Ask, case: Case, questions: tuple[str, ...], pipe: Any) -> None:
    tally = Tally()
    with suppress(Exception):
        ask(case, tally, questions, lambda question: None)
    pipe.send(tally.violations)


def violations(ask: Ask, case: Case, questions: tuple[str, ...], limit: float = 5.0) -> list[Violation]:
    """What is wrong with a case, asked in a process of its own; that the process dies is wrong too."""
    context = mp.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_again, args=(ask, case, questions, theirs), daemon=True)
    process.start()
    theirs.close()
    found: list[Violation] = []
    try:
        if mine.poll(limit):
            found = mine.recv()
    except EOFError:
        process.join()
        kind = f"dies with exit code {process.exitcode}"
        found = [
            Violation(questions[0], kind, case.name, case.family, case.source(), questions[0], "none", "an answer")
        ]
    process.kill()
    process.join()
    return found


def shrink(ask: Ask, case: Case, wrong: Violation, questions: tuple[str, ...], seconds: float = 8.0) -> Violation:
    """The same violation of a smaller case."""
    asked, best, end = (group(wrong.question, questions),), wrong, time.monotonic() + seconds
    key = (wrong.question, re.sub(r", .*", "", wrong.kind))
    improved = True
    while improved and time.monotonic() < end:
        improved = False
        for smaller in _simpler(case):
            if time.monotonic() > end:
                break
            same = [v for v in violations(ask, smaller, asked) if (v.question, re.sub(r", .*", "", v.kind)) == key]
            if same:
                case, best, improved = smaller, same[0], True
                break
    return best


def _simpler(case: Case) -> Iterator[Case]:
    """Neighbours with less in them, the boldest first."""
    make = _maker(case)
    net = case.net
    for row in range(len(case.X) if len(case.X) > 1 and case.box is None else 0):
        yield make(X=np.delete(case.X, row, 0))
    if len(case.model) > 1:
        for t in range(len(case.model)):
            yield make(model=case.model[:t] + case.model[t + 1 :])
    for layer in range(1, net.depth + 2):
        for j in range(net.widths[layer] if net.widths[layer] > 1 else 0):
            yield make(net=_without(net, layer, j))
    if net.widths[0] > 1 and case.box is None:
        for i in range(net.widths[0]):
            yield make(
                net=replace(net, weights=(np.delete(net.weights[0], i, 1), *net.weights[1:])), X=np.delete(case.X, i, 1)
            )
    for t, term in enumerate(case.model):
        for other in _terms(term):
            yield make(model=case.model[:t] + (other,) + case.model[t + 1 :])
    if net.out != ("identity", 1.0, None):
        yield make(net=replace(net, out=("identity", 1.0, None)))
    for k, act in enumerate(net.acts):
        for other_act in {(act[0], 1.0, act[2]), ("relu", 1.0, None), ("identity", 1.0, None)} - {act}:
            yield make(net=replace(net, acts=net.acts[:k] + (other_act,) + net.acts[k + 1 :]))
    yield from (make(net=other) for other in _numbers(net))
    for x in np.ndindex(case.X.shape if case.box is None else (0, 0)):
        for value in _rounder(float(case.X[x])):
            X = case.X.copy()
            X[x] = value
            yield make(X=X)


def _maker(case: Case) -> Callable[..., Case]:
    def make(**changed: Any) -> Case:
        fields = {"net": case.net, "model": case.model, "X": case.X, **changed}
        extra = {"seed": case.extra.get("seed", (0,))}
        return Case(case.name, box=case.box, family=case.family, decisions=case.decisions, extra=extra, **fields)

    return make


def _without(net: Net, layer: int, j: int) -> Net:
    weights, biases = list(net.weights), list(net.biases)
    weights[layer - 1], biases[layer - 1] = np.delete(weights[layer - 1], j, 0), np.delete(biases[layer - 1], j)
    if layer <= net.depth:
        weights[layer] = np.delete(weights[layer], j, 1)
    return replace(net, weights=tuple(weights), biases=tuple(biases))


def _terms(term: Term) -> Iterator[Term]:
    if term.exactly:
        yield term.at_most()
    if isinstance(term.count, int) and term.count > 1:
        yield term.with_count(term.count - 1)
    if isinstance(term.count, tuple):
        for k, f in enumerate(term.count):
            if f:
                yield term.with_count(term.count[:k] + (f - 1,) + term.count[k + 1 :])
    if term.among is not None:
        for k in range(len(term.among) if len(term.among) > 1 else 0):
            yield replace(term, among=term.among[:k] + term.among[k + 1 :])
    if term.effect not in ("crash", "synapse-crash", "noise") and term.size not in (1.0, 0.0):
        yield replace(term, size=1.0)


def _rounder(v: float) -> Iterator[float]:
    """Simpler numbers than v, never as long as v itself."""
    if v == 0.0:
        return
    for simple in (0.0, float(f"{v:.0e}"), float(f"{v:.1e}"), float(f"{v:.3e}")):
        if simple != v and len(repr(simple)) < len(repr(v)):
            yield simple


def _numbers(net: Net) -> Iterator[Net]:
    for k in range(net.depth + 1):
        if net.biases[k].any():
            yield replace(net, biases=net.biases[:k] + (0 * net.biases[k],) + net.biases[k + 1 :])
    for name in ("weights", "biases"):
        tables = getattr(net, name)
        for k, table in enumerate(tables):
            for at in np.ndindex(table.shape):
                for value in _rounder(float(table[at])):
                    changed = table.copy()
                    changed[at] = value
                    yield replace(net, **{name: (*tables[:k], changed, *tables[k + 1 :])})
