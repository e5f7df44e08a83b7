# SPDX-License-Identifier: MIT
"""A bar on standard error, for work long enough to be watched."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

WIDTH = 30
#: Seconds between two drawings.
INTERVAL = 0.1


def bar(total: int) -> Callable[[int], None]:
    """Return a function that draws `done` of `total` with the rate and the time left.

    Plain carriage returns: no dependency, and the same on a terminal and in a notebook.
    """
    started = time.perf_counter()
    drawn = started - 1

    def draw(done: int) -> None:
        nonlocal drawn
        now = time.perf_counter()
        if done < total and now - drawn < INTERVAL:
            return
        drawn = now
        share = done / total if total else 1.0
        rate = done / max(now - started, 1e-9)
        left = f"{(total - done) / rate:.0f} s left" if 0 < done < total else f"{now - started:.1f} s"
        filled = "#" * int(share * WIDTH)
        line = f"\r{filled:<{WIDTH}} {share:6.1%}  {done:,} of {total:,}  {rate:,.0f}/s  {left}   "
        sys.stderr.write(line + ("\n" if done >= total else ""))
        sys.stderr.flush()

    return draw
