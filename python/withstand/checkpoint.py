# SPDX-License-Identifier: MIT
"""The finished shards of an enumeration, in an SQLite file that survives being killed.

Every shard is one transaction of a write-ahead log: a process that is killed at any moment loses the shards in flight,
never a finished one and never the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

from withstand import _core
from withstand.sharding import Shard, is_whole, shards

FORMAT = "withstand enumeration 3"
#: SQLite's mark of the application that a file belongs to: "wstd".
APPLICATION = 0x77737464


class Checkpoint:
    """Opens or creates the file of one problem; every added shard is committed at once.

    Several processes may work on one file: a shard that two of them do is the same to the last bit.

    Raises
    ------
    ValueError
        If the file belongs to another problem (the message names the difference), is damaged, is no such file, or
        cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: dict[str, str]) -> None:
        self._path = os.fspath(path)
        try:
            self._db = sqlite3.connect(self._path, timeout=60.0, isolation_level=None)
        except sqlite3.Error as error:
            raise ValueError(f"checkpoint {self._path}: {error}") from None
        try:
            self._open({"format": FORMAT, **fingerprint})
        except sqlite3.Error as error:
            self.close()
            raise ValueError(f"{self._path} is no checkpoint of an enumeration: {error}") from None
        except BaseException:
            self.close()
            raise

    def _open(self, fingerprint: dict[str, str]) -> None:
        """Create the tables, or compare the fingerprint; a file that is not ours is left as it is."""
        self._claim()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        known = dict(self._db.execute("SELECT name, value FROM problem"))
        if not known:
            self._db.executemany("INSERT INTO problem VALUES (?, ?)", fingerprint.items())
        self._db.execute("COMMIT")
        differences = [name for name in fingerprint if known and known.get(name) != fingerprint[name]]
        if differences:
            name = differences[0]
            raise ValueError(
                f"{self._path} is the checkpoint of another problem: {', '.join(differences)} differ"
                f" ({name}: {known.get(name)} in the file, {fingerprint[name]} now)"
            )

    def _claim(self) -> None:
        """Make an empty file ours, in one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        (owner,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if owner != APPLICATION and tables:
            raise ValueError(f"{self._path} is no checkpoint of an enumeration: a database of another application")
        if not tables:
            self._db.execute(f"PRAGMA application_id = {APPLICATION}")
            self._db.execute("CREATE TABLE problem (name TEXT PRIMARY KEY, value TEXT)")
            self._db.execute("CREATE TABLE shards (first INTEGER PRIMARY KEY, last INTEGER, state TEXT, digest TEXT)")
        self._db.execute("COMMIT")

    def load(self, engine: Any) -> Iterator[tuple[Shard, Any]]:
        """Yield the finished shards with their statistics; raise ValueError where they are not what was written."""
        grid = set(shards(engine.batches))
        for first, last, state, digest in self._db.execute("SELECT first, last, state, digest FROM shards"):
            statistics = _statistics(state) if digest == _digest(state) else None
            if statistics is None or (first, last) not in grid or not is_whole(engine, (first, last), statistics):
                raise ValueError(f"{self._path} is damaged: its shard [{first}, {last}) is not what was written")
            yield (first, last), statistics

    def add(self, shard: Shard, statistics: Any) -> None:
        """Keep a finished shard."""
        state = json.dumps(statistics.__getstate__())
        self._db.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?)", (*shard, state, _digest(state)))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def _statistics(text: str) -> Any:
    state = json.loads(text)
    state[8] = [tuple(entry) for entry in state[8]]
    statistics = _core.Statistics.__new__(_core.Statistics)
    statistics.__setstate__(tuple(state))
    return statistics
