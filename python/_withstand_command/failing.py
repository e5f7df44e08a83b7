# SPDX-License-Identifier: MIT
"""How the command says that it could not do what it was asked: one line on standard error, and exit code 4."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from _withstand_command.interrupts import INTERRUPTED, ignore, leave

#: Exit codes of what was asked wrongly, and of what was asked properly and did not work.
USAGE, FAILED = 2, 4

#: Shows the traceback too.
DEBUG = "WITHSTAND_DEBUG"

#: Errors of writing; where no file is named, it was the answer that could not be written.
_OF_WRITING = (errno.EPIPE, errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EBADF)


def reason(error: BaseException) -> str:
    """Return what to say of an error: the file and the reason where it is known, the type where it is a surprise."""
    if isinstance(error, OSError) and error.strerror:
        unnamed = "standard output" if error.errno in _OF_WRITING else ""
        name = unnamed if error.filename is None else os.fsdecode(error.filename)
        return f"{name}: {error.strerror}".removeprefix(": ")
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}".removesuffix(": ")
    if isinstance(error, (OSError, ValueError, TypeError, OverflowError, ImportError)) and str(error):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}".removesuffix(": ")


def tell(message: str, error: BaseException | None = None) -> None:
    """Say in one line what did not work, under the traceback where the environment asks for it."""
    line = " ".join(f"Error: {message}".split())
    if error is not None and os.environ.get(DEBUG):
        from traceback import format_exception

        line = "".join(format_exception(error)) + line
    elif error is not None:
        line += f" ({DEBUG}=1 shows where)"
    with suppress(OSError, ValueError):  # where nobody listens, the exit code says it
        if sys.stderr is not None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def end(code: int) -> NoReturn:
    """End the process; an answer that could not be delivered did not work.

    The interpreter's own end would try again to write what cannot be written, with an exit code of its own, and would
    die of Ctrl-C with the answer given.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if code not in (USAGE, FAILED, INTERRUPTED):
            tell(reason(error), error)
            code = FAILED
    ignore()
    import atexit

    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.flush()
    os._exit(code)


def foreign_ends_fail() -> None:
    """Let a library that ends the process by itself, as OpenBLAS does where memory is short, end it with `FAILED`.

    The C library runs what is registered here last, and only for an end that is not ours.
    """
    with suppress(ImportError, OSError, AttributeError):  # without ctypes, their exit code stays theirs
        import ctypes

        library = ctypes.CDLL(None)
        library.__cxa_atexit(ctypes.cast(library._exit, ctypes.c_void_p), ctypes.c_void_p(FAILED), None)


def spare_memory() -> None:
    """Keep OpenBLAS to one thread where memory is limited: it sends itself SIGINT when it cannot start another."""
    import resource

    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def quietly(unraisable: Any) -> None:
    """Say nothing of errors that Python can only print, such as of files that are closed a second time."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        leave()
    if os.environ.get(DEBUG):
        sys.__unraisablehook__(unraisable)
