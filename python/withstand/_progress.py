# SPDX-License-Identifier: MIT
"""A line on standard error that says what is being done."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

#: Seconds between two drawings.
INTERVAL = 0.1


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


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
