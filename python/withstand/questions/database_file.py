# SPDX-License-Identifier: MIT
"""What a file has to be before SQLite may open it: a name, a regular file, one that may be written."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

#: Files that SQLite keeps beside a database.
BESIDE = ("-journal", "-wal", "-shm")

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def database_path(path: str | os.PathLike[str]) -> str:
    """Return the absolute path of a database that can be opened or made there.

    Raises
    ------
    TypeError, ValueError
        If it is no path, or the message says why nothing can be kept there.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be a path, got {path!r}")
    name = os.fsdecode(path)
    if not name or "\0" in name or name.endswith(os.sep):
        raise ValueError(f"checkpoint must name a file, got {name!r}")
    if name == ":memory:" or name.startswith("file:"):
        raise ValueError(f"checkpoint {name!r} is an address of SQLite, not the name of a file; ./{name} is one")
    absolute = os.path.abspath(name)
    real = os.path.realpath(absolute)
    folder = os.path.dirname(real)
    if not os.path.isdir(folder):
        raise ValueError(f"checkpoint {name}: there is no folder {folder}")
    for file in (absolute, *(real + suffix for suffix in BESIDE)):
        _require_regular(file)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"checkpoint {name}: the folder {folder} may not be written, where SQLite keeps its log")
    return absolute


def _require_regular(file: str) -> None:
    try:
        mode = os.stat(file).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ValueError(f"checkpoint {file}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise ValueError(f"checkpoint {file} is {_KINDS.get(stat.S_IFMT(mode), 'special')}, not a regular file")
    if not os.access(file, os.R_OK | os.W_OK):
        raise ValueError(f"checkpoint {file} may not be read and written")


def identity(files: Sequence[str]) -> tuple[tuple[int, int] | None, ...]:
    """Return what tells files from others that take their places: device and inode, None where there is no file."""
    return tuple(_inode(file) for file in files)


def _inode(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def holders(files: Sequence[str]) -> list[int]:
    """Return the other processes that have locked one of the files for writing, as far as the system tells."""
    places = {f"{os.major(one[0]):02x}:{os.minor(one[0]):02x}:{one[1]}" for one in identity(files) if one is not None}
    try:
        with open("/proc/locks") as table:
            entries = [line.split() for line in table]
    except OSError:  # not Linux
        return []
    found = {int(entry[4]) for entry in entries if "WRITE" in entry and len(entry) == 8 and entry[5] in places}
    return sorted(pid for pid in found if pid > 0 and pid != os.getpid())
