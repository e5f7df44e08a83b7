# SPDX-License-Identifier: MIT
"""What was asked, what was answered, and what was wrong."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .plain import Case

REFUSALS = (ValueError, OverflowError, TypeError)


@dataclass
class Violation:
    """One wrong answer: where, what was said, what is right."""

    question: str
    kind: str
    case: str
    family: str
    source: str
    call: str
    answer: str
    truth: str

    def text(self) -> str:
        return (
            f"[{self.question}] {self.kind}  (case {self.case}, {self.family})\n{self.source}\n"
            f"# {self.call}\n# answer: {self.answer}\n# truth:  {self.truth}"
        )


@dataclass
class Tally:
    """Counts per question, violations and the words of refusals."""

    asked: Counter = field(default_factory=Counter)
    checked: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    wrong: Counter = field(default_factory=Counter)
    words: Counter = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def merge(self, other: Tally) -> None:
        for name in ("asked", "checked", "refused", "wrong", "words"):
            getattr(self, name).update(getattr(other, name))
        self.violations += other.violations


class Desk:
    """Checks the answers to one case."""

    def __init__(self, case: Case, tally: Tally, started: Callable[[str], None] = lambda question: None) -> None:
        self.case, self.tally, self.started = case, tally, started
        self.question = ""

    def takes(self) -> bool:
        """Whether the package takes the network and the failures at all."""
        self.open("network")
        case = self.case
        net = self.ask("net", lambda: case.built)
        return net is not None and self.ask("failures", lambda: case.failures) is not None

    def open(self, question: str) -> None:
        self.question = question
        self.tally.asked[question] += 1
        self.started(question)

    def ask(self, call: str, answer: Callable[[], Any], allow: tuple[type[Exception], ...] = REFUSALS) -> Any:
        """The answer, or None where it was refused by name."""
        try:
            return answer()
        except allow as refusal:
            self.tally.refused[self.question] += 1
            words = f"{self.question}: {type(refusal).__name__}: {str(refusal)[:70]}"
            self.tally.words["".join("#" if ch.isdigit() else ch for ch in words)] += 1
            if not str(refusal).strip():
                self.fail("refusal without words", call, repr(refusal), "a named condition")
            return None
        except Exception as crash:
            self.fail("exception", call, traceback.format_exc(limit=-2), repr(crash))
            return None

    def check(self, right: bool, kind: str, call: str, answer: Any, truth: Any) -> bool:
        self.tally.checked[self.question] += 1
        if not right:
            self.fail(kind, call, answer, truth)
        return bool(right)

    def fail(self, kind: str, call: str, answer: Any, truth: Any) -> None:
        self.tally.wrong[self.question] += 1
        self.tally.violations.append(
            Violation(
                self.question,
                kind,
                self.case.name,
                self.case.family,
                self.case.source(),
                call,
                str(answer) if isinstance(answer, str) else repr(answer),
                str(truth) if isinstance(truth, str) else repr(truth),
            )
        )
