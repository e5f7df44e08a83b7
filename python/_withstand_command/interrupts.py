# SPDX-License-Identifier: MIT
"""What Ctrl-C does: it ends the command at once, with one line and exit code 130, unless there is something to keep."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType
from typing import NoReturn

#: What shells report of a command that SIGINT ended.
INTERRUPTED = 130


def leave(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    """End the process: nothing it holds needs closing, and no code of others can swallow the interruption."""
    ignore()
    with suppress(OSError):  # standard error may be closed or full
        os.write(2, b"\ninterrupted\n" if os.isatty(2) else b"interrupted\n")
    os._exit(INTERRUPTED)


def ignore() -> None:
    """Let Ctrl-C do nothing any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def take_over() -> None:
    """Let Ctrl-C `leave`, unless this process was started to ignore it, as jobs in the background are."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


class Interruption:
    """Whether Ctrl-C came; as a handler it raises `KeyboardInterrupt`."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        """Take the signal."""
        self.came = True
        raise KeyboardInterrupt


@contextmanager
def keeping() -> Iterator[Interruption]:
    """Within this, Ctrl-C raises, so that the library ends with what is known so far."""
    interruption = Interruption()
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or current_thread() is not main_thread():  # ignored, or not ours to handle
        yield interruption
        return
    signal.signal(signal.SIGINT, interruption)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
