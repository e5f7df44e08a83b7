# SPDX-License-Identifier: MIT
"""The command ``withstand`` from its first line to its exit code, whatever happens in between.

It imports next to nothing, and takes Ctrl-C over at once.
"""

from __future__ import annotations

import os
import sys

try:
    from _withstand_command.interrupts import leave, take_over

    take_over()
except KeyboardInterrupt:
    os.write(2, b"interrupted\n")
    os._exit(130)

from contextlib import redirect_stderr
from io import StringIO
from typing import NoReturn

from _withstand_command.failing import DEBUG, FAILED, end, foreign_ends_fail, quietly, reason, spare_memory, tell

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command, end with its exit code, and say in one line why it did not work where it did not."""
    try:
        code = _run()
    except KeyboardInterrupt:
        leave()
    except Exception as error:
        tell(reason(error), error)
        code = FAILED
    end(code)


def _run() -> int:
    _keep_numbers()
    foreign_ends_fail()
    spare_memory()
    sys.unraisablehook = quietly
    if sys.stdout is None:
        tell("standard output is closed: there is nowhere to answer")
        return FAILED
    try:
        with redirect_stderr(sys.stderr if os.environ.get(DEBUG) else StringIO()):  # theirs is not one line
            from withstand.cli import run
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:  # NumPy wraps what is wrong in a page of advice
            cause = cause.__cause__
        tell(f"cannot start: {reason(cause)}", error)
        return FAILED
    return run()


def _keep_numbers() -> None:
    """Open the null device for every standard stream that is closed, so that no file gets its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
