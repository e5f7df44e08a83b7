# SPDX-License-Identifier: MIT
"""The time that is left for a question made of many, and who is told how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from withstand._progress import Line


class Clock:
    """Runs out after so many seconds, or with Ctrl-C; what is known by then is the answer.

    Parameters
    ----------
    seconds : float
        In all; infinity for no limit.
    line : Line
        Where to say what goes on.
    """

    def __init__(self, seconds: float, line: Line) -> None:
        self._end = time.monotonic() + seconds
        self.say = line
        self.interrupted = False
        self.late = False

    def left(self) -> float:
        """Seconds left, at least 0."""
        return 0.0 if self.interrupted else max(0.0, self._end - time.monotonic())

    def limit(self) -> float | None:
        """Seconds left as a `time_limit`."""
        left = self.left()
        return None if math.isinf(left) else left

    def part(self, share: float) -> float | None:
        """A share of the seconds left as a `time_limit`."""
        left = self.left()
        return None if math.isinf(left) else share * left

    def lasts(self, share: float) -> Callable[[], bool]:
        """Return what says whether a share of the seconds left is not over yet."""
        end = time.monotonic() + share * self.left()
        return lambda: time.monotonic() < end

    def end_as(self, status: str) -> None:
        """Take over how a part of the question ended; Ctrl-C there ends the whole."""
        self.late = self.late or status != "complete"
        if status == "interrupted":
            raise KeyboardInterrupt

    def over(self) -> bool:
        """Whether nothing more is to be begun; remembers that something was not."""
        self.late = self.late or self.left() <= 0
        return self.late

    def interrupt(self) -> None:
        """End everything: Ctrl-C."""
        self.interrupted = self.late = True

    @property
    def status(self) -> str:
        """How it ended."""
        return "interrupted" if self.interrupted else "budget" if self.late else "complete"
