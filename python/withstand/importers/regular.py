# SPDX-License-Identifier: MIT
"""Opening files: only regular ones, since opening a pipe waits for its writer and reading a device may never end."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO, Final

__all__ = ["check_regular", "open_regular"]

_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading bytes; refuse anything else without opening it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IsADirectoryError, OSError
        If it is a directory, pipe, device or socket, or cannot be read.
    """
    check_regular(path)
    # It may have been replaced since: opened like this, a pipe does not wait, and what was opened is looked at again.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(path: str | os.PathLike[str]) -> None:
    """Refuse a path that is no regular file; errors as in `open_regular`."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"{os.fspath(path)}: no such file") from None
    except ValueError as error:  # a null character
        raise OSError(f"{os.fspath(path)!r} is no path: {error}") from error
    _check(mode, path)


def _check(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)} is a directory, not a model file")
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "no regular file")
        raise OSError(f"{os.fspath(path)} is {kind}, not a model file")
