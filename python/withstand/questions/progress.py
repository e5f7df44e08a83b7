# SPDX-License-Identifier: MIT
"""How much work there is, and a bar on standard error while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress

from withstand import _core
from withstand._coerce import flag
from withstand.questions.sharding import is_whole

WIDTH = 30
#: Seconds between two drawings.
INTERVAL = 0.1
#: The estimate comes from a trial of at most so many parts of the space, and no new one after so many seconds.
PARTS, TRIAL = 4, 0.3


def say(text: str) -> None:
    """Write to standard error, if there is one: work is not lost because nobody can be told of it."""
    with suppress(OSError, ValueError, AttributeError):  # a full disk, a closed file, None
        sys.stderr.write(text)
        sys.stderr.flush()


class Line:
    """Says on one line what is being done and since when; close it when the work ends."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._started = time.perf_counter()
        self._drawn = -1.0
        self._width = 0

    def __call__(self, text: str) -> None:
        """Draw, unless that was a moment ago."""
        now = time.perf_counter()
        if not self._shown or now - self._drawn < INTERVAL:
            return
        self._drawn = now
        text = f"{text}, {duration(now - self._started)}"
        say(f"\r{text:<{self._width}}")
        self._width = len(text)

    def close(self) -> None:
        """End the line."""
        if self._width:
            say("\n")
        self._width = 0


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


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


class Steps:
    """Called about twenty times a second: Ctrl-C ends the search with what it has, progress goes to stderr."""

    def __init__(self, progress: bool | Callable[[int], object]) -> None:
        self._line = Line(not callable(progress) and flag(progress, "progress"))
        self._report: Callable[[int], object] = progress if callable(progress) else self._show

    def __call__(self, finished: int) -> bool:
        """Tell of the steps."""
        self._report(finished)
        return True

    def _show(self, finished: int) -> None:
        self._line(f"worst case: {finished:,} steps")

    def end(self) -> None:
        """Nothing more comes."""
        self._line.close()
