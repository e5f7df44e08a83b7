# SPDX-License-Identifier: MIT
"""The finished shards of an enumeration, in an SQLite file that survives being killed."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import Any

from withstand import _core
from withstand.sharding import Shard

FORMAT = "withstand enumeration 1"


class Checkpoint:
    """Opens or creates the file of one problem; every added shard is committed at once.

    Raises
    ------
    ValueError
        If the file belongs to another problem (the message names the difference), or is no such file.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: dict[str, str]) -> None:
        self._path = os.fspath(path)
        self._db = sqlite3.connect(self._path, timeout=60.0, isolation_level=None)
        try:
            self._open({"format": FORMAT, **fingerprint})
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ValueError(f"{self._path} is no checkpoint of an enumeration: {error}") from None
        except ValueError:
            self._db.close()
            raise

    def _open(self, fingerprint: dict[str, str]) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("CREATE TABLE IF NOT EXISTS problem (name TEXT PRIMARY KEY, value TEXT)")
        self._db.execute("CREATE TABLE IF NOT EXISTS shards (first INTEGER PRIMARY KEY, last INTEGER, state TEXT)")
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

    def load(self) -> dict[Shard, Any]:
        """Return the statistics of the finished shards."""
        rows = self._db.execute("SELECT first, last, state FROM shards")
        return {(first, last): _statistics(json.loads(state)) for first, last, state in rows}

    def add(self, shard: Shard, statistics: Any) -> None:
        """Keep a finished shard."""
        state = json.dumps(statistics.__getstate__())
        self._db.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", (*shard, state))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _statistics(state: list[Any]) -> Any:
    state[8] = [tuple(entry) for entry in state[8]]
    statistics = _core.Statistics.__new__(_core.Statistics)
    statistics.__setstate__(tuple(state))
    return statistics
