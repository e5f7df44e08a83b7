# SPDX-License-Identifier: MIT
"""A game: cases drawn from a seed and an index, and what each of them is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .plain import Case
from .tally import Tally

Started = Callable[[str], None]


@dataclass(frozen=True)
class Game:
    """What a campaign plays; called with a seed and an index, it plays one case."""

    case: Callable[[int, int], Case]
    ask: Callable[[Case, Tally, tuple[str, ...], Started], None]

    def __call__(
        self,
        seed: int,
        index: int,
        tally: Tally,
        questions: tuple[str, ...],
        started: Started = lambda question: None,
    ) -> None:
        """Ask the questions that fit the case."""
        self.ask(self.case(seed, index), tally, questions, started)
