# SPDX-License-Identifier: MIT
"""What a campaign compared, what was refused, and what was wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

#: What no question can be asked about, by a part of the sentence.
KNOWN = (
    "which share no count",
    "takes outputs behind",
    "no other yet",
    "name the synapses that may fail",
    "biases have the formats",
)
#: What may be refused, likewise.
REFUSALS = {
    "configurations": KNOWN,
    "enumerate": (*KNOWN, "range of doubles", "leave the range", "overflow"),
    "bound": (*KNOWN, "an execution might overflow"),
    "worst_case": (*KNOWN, "range of doubles", "leave the range", "overflow"),
    "box": (*KNOWN, "scale", "range of doubles", "leave the range", "overflow"),
}


class Tally:
    """What was compared, what was refused, and what was wrong."""

    def __init__(self, show: Any = print) -> None:
        self.answers: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._show = show

    def check(self, kind: str, holds: Any, what: Any) -> None:
        self.answers[kind] += 1
        if not holds:
            self.wrong.append(f"{kind}: {what() if callable(what) else what}")
            self._show(f"VIOLATION {self.wrong[-1]}")

    def ask(self, kind: str, name: str, question: Any, more: tuple[str, ...] = ()) -> Any:
        """Return the answer; None where it may be refused, and is."""
        try:
            return question()
        except (ValueError, OverflowError) as error:
            allowed = [part for part in (*REFUSALS[kind], *more) if part in str(error)]
            self.check("refusals", allowed, f"{name}: {kind} refused by {type(error).__name__}: {error}")
            self.refused[f"{kind}: {allowed[0] if allowed else error}"] += 1
        except Exception as error:
            self.check("errors", False, f"{name}: {kind} raised {type(error).__name__}: {error}")
        return None
