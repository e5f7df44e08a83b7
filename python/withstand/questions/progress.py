# SPDX-License-Identifier: MIT
"""How much work there is, and a bar on standard error while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

from withstand import _core
from withstand._coerce import flag
from withstand._progress import INTERVAL, Line, duration, say
from withstand.questions.sharding import is_whole

WIDTH = 30
#: The estimate comes from a trial of at most so many parts of the space, and no new one after so many seconds.
PARTS, TRIAL = 4, 0.3


class Bar:
    """Draws `done` of `total` with the rate and the time left; close it when the work ends.

    Plain carriage returns: no dependency, and the same on a terminal and in a notebook.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._drawn = -1.0
        self._line = ""
        self.resume(0)

    def announce(self, text: str) -> None:
        """Say something on a line of its own, before the work starts."""
        say(text + "\n")
        self.resume(0)

    def resume(self, done: int) -> None:
        """Count rate and time left from here: what a file held already cost no time now."""
        self._started, self._before = time.perf_counter(), done

    def __call__(self, done: int) -> None:
        """Draw, unless that was a moment ago."""
        now = time.perf_counter()
        if done < self._total and now - self._drawn < INTERVAL:
            return
        self._drawn = now
        share = done / self._total if self._total else 1.0
        pace = self._pace(now - self._started, done)
        line = f"{'#' * int(share * WIDTH):<{WIDTH}} {share:6.1%}  {done:,} of {self._total:,}  {pace}"
        say(f"\r{line:<{len(self._line)}}")
        self._line = line

    def _pace(self, seconds: float, done: int) -> str:
        new = done - self._before
        if done >= self._total:
            return duration(seconds)
        if new == 0 or seconds < INTERVAL:
            return ""
        return f"{new / seconds:,.0f}/s  {duration((self._total - done) * seconds / new)} left"

    def close(self) -> None:
        """End the line."""
        if self._line:
            say("\n")
        self._line = ""


def announcement(engine: _core.Enumerator, inputs: int, threads: int) -> str:
    """Return how many configurations there are, and about how long they take on this machine.

    The estimate comes from running a few batches spread over the space; where that is a good part of all, there is
    nothing to announce but the count. Ctrl-C is passed on.
    """
    configurations, batches = int(engine.configurations), int(engine.batches)
    text = f"{configurations:,} configurations x {inputs} input{'s' * (inputs != 1)}"
    group = 4 * threads  # a run costs a moment before its first batch
    if batches < 16 * PARTS * group:
        return text
    done, started = 0, time.perf_counter()
    for part in range(PARTS):
        first = (2 * part + 1) * batches // (2 * PARTS)
        statistics = engine.run(first, first + group, threads)
        if not is_whole(engine, (first, first + group), statistics):
            raise KeyboardInterrupt
        done += int(statistics.count)
        seconds = time.perf_counter() - started
        if seconds > TRIAL:
            break
    return f"{text}, about {duration(seconds * configurations / done)}"


class Steps:
    """Called about twenty times a second: Ctrl-C ends the search with what it has, progress goes to stderr."""

    def __init__(self, progress: bool | Callable[[int], object]) -> None:
        self._line = Line(not callable(progress) and flag(progress, "progress"))
        self._report: Callable[[int], object] = progress if callable(progress) else self._show
        self._what = "worst case"

    def now(self, what: str) -> None:
        """Say from now on that this is what steps are made for."""
        self._what = what

    def say(self, text: str) -> None:
        """Say what is done where no steps are counted."""
        self._line(text)

    def __call__(self, finished: int) -> bool:
        """Tell of the steps."""
        self._report(finished)
        return True

    def _show(self, finished: int) -> None:
        self._line(f"{self._what}: {finished:,} steps")

    def end(self) -> None:
        """Nothing more comes."""
        self._line.close()
