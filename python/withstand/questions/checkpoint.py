# SPDX-License-Identifier: MIT
"""The finished shards of an enumeration or a campaign, in an SQLite file that survives being killed.

Every shard is one transaction of a write-ahead log: a process that is killed at any moment loses the shards in flight,
never a finished one and never the file. What is read is believed only where it carries the mark of this very problem.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from withstand import _core
from withstand.questions.database_file import database_path, holders, identity
from withstand.questions.sharding import Part, Problem, Shard, is_whole, shards

File = TypeVar("File", bound="ShardFile[Any]")

FORMAT = "withstand enumeration 4"
#: SQLite's mark of the application that a file belongs to: "wstd".
APPLICATION = 0x77737464
TABLES = (
    "CREATE TABLE problem (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE shards (first INTEGER PRIMARY KEY, last INTEGER, state TEXT, digest TEXT)",
)
#: Seconds to wait for another process that holds the file, and between two attempts: Ctrl-C acts in between.
PATIENCE = 60.0
STEP = 0.05
#: What SQLite raises; the second one where its own message quotes a damaged file.
ERRORS = (sqlite3.Error, UnicodeDecodeError)
_GONE = "it has been deleted, or another file has taken its place"


class CheckpointWarning(RuntimeWarning):
    """A checkpoint could not be kept to the end: the result is right, a killed run would begin where the file ends."""


class ShardFile(Generic[Part]):
    """Opens or creates the file of one problem; every added shard is committed at once.

    What is kept of a shard, and as which text, is for those who inherit.

    Several processes may work on one file: a shard that two of them do is the same to the last bit. A file that can no
    longer be written, or is no longer there, ends the keeping with a RuntimeWarning, and not the run.

    Raises
    ------
    TypeError
        If `path` is no path.
    ValueError
        If the file belongs to another problem (the message names the difference), is damaged, is no such file, cannot
        be opened or written, or is held by another process for longer than `PATIENCE`.
    """

    #: What the shards are of.
    what = "an enumeration"

    def __init__(self, path: str | os.PathLike[str], fingerprint: dict[str, str], todo: list[Shard]) -> None:
        self._path = database_path(path)
        self._fingerprint, self._todo = fingerprint, todo
        self._kept: set[int] = set()  # where the shards begin that the file must hold in the end
        self._keeps = True
        real = os.path.realpath(self._path)
        self._files = (self._path, real + "-wal", real + "-shm")
        try:
            self._db = sqlite3.connect(self._path, timeout=0.0, isolation_level=None)
        except ERRORS as error:
            raise ValueError(f"checkpoint {self._path}: {error}") from None
        try:
            self._open()
        except BaseException as error:
            self._db.close()
            if isinstance(error, ERRORS):
                raise self._refusal(error) from None
            raise
        self._identity = identity(self._files)

    def _open(self) -> None:
        """Create the tables, or compare the fingerprint; a file that is not ours is left as it is."""
        self._claim()
        self._execute("PRAGMA journal_mode=WAL")
        self._execute("PRAGMA synchronous=NORMAL")
        self._execute("BEGIN IMMEDIATE")
        known = dict(self._execute("SELECT name, value FROM problem"))
        if not known and self._execute("SELECT first FROM shards").fetchone():
            raise ValueError(f"{self._path} is damaged: it does not say which problem its shards are of")
        for entry in {} if known else self._fingerprint.items():
            self._execute("INSERT INTO problem VALUES (?, ?)", entry)
        self._execute("COMMIT")
        if known:
            self._compare(known)

    def _claim(self) -> None:
        """Make an empty file ours, in one transaction."""
        self._execute("BEGIN IMMEDIATE")
        (owner,) = self._execute("PRAGMA application_id").fetchone()
        tables = {sql for (sql,) in self._execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        if owner != APPLICATION and tables:
            raise ValueError(f"{self._path} is no checkpoint of {self.what}: a database of another application")
        if tables and tables != set(TABLES):
            raise ValueError(f"{self._path} is damaged: its tables are not those that were written")
        if not tables:
            self._execute(f"PRAGMA application_id = {APPLICATION}")
            for table in TABLES:
                self._execute(table)
        self._execute("COMMIT")

    def _compare(self, known: dict[str, Any]) -> None:
        now = self._fingerprint
        differences = [name for name in {**now, **known} if known.get(name) != now.get(name)]
        if differences:
            name = differences[0]
            raise ValueError(
                f"{self._path} is the checkpoint of another problem: {', '.join(map(_short, differences))} differ"
                f" ({_short(name)}: {_short(known.get(name))} in the file, {_short(now.get(name))} now)"
            )

    def _encoded(self, part: Part) -> str:
        """Return a shard's part as text."""
        raise NotImplementedError

    def _decoded(self, shard: Shard, text: str) -> Part | None:
        """Return the part that a text describes; None where it cannot be that of the shard."""
        raise NotImplementedError

    def load(self) -> Iterator[tuple[Shard, Part]]:
        """Yield the finished shards with their parts; raise ValueError where they are not what was written."""
        left = set(self._todo)
        try:
            for first, last, state, digest in self._execute("SELECT first, last, state, digest FROM shards"):
                shard = (first, last)
                marked = isinstance(state, str) and digest == self._mark(shard, state) and shard in left
                part = self._decoded(shard, state) if marked else None
                if part is None:
                    where = f"[{_short(first)}, {_short(last)})"
                    raise ValueError(f"{self._path} is damaged: its shard {where} is not what was written")
                left.remove(shard)  # a damaged index may show one twice
                self._kept.add(first)
                yield shard, part
        except ERRORS as error:
            raise self._refusal(error) from None

    def add(self, shard: Shard, part: Part) -> None:
        """Keep a finished shard, as long as the file takes it."""
        if not self._keeps:
            return
        state = self._encoded(part)
        row = (*shard, state, self._mark(shard, state))
        try:
            self._execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?)", row)
        except ERRORS as error:
            self._lose(self._reason(error))
            return
        self._kept.add(shard[0])
        if self._is_gone():
            self._lose(_GONE)

    def _is_gone(self) -> bool:
        """Return whether the name leads elsewhere: the system goes on writing into a file that has none any more."""
        return identity(self._files) != self._identity

    def _lose(self, reason: str) -> None:
        self._keeps = False
        text = f"checkpoint {self._path} keeps no more shards, the result is returned without it: {reason}"
        warnings.warn(text, CheckpointWarning, stacklevel=7)

    def close(self) -> None:
        """Close the file, and look whether it holds what it was given."""
        gone = self._keeps and self._is_gone()
        self._db.close()
        found = _GONE if gone else self._verify() if self._keeps else None
        if found is not None:
            self._lose(found)

    def _verify(self) -> str | None:
        """Read the file as another process would, and return what is wrong."""
        try:
            self._db = sqlite3.connect(self._path, timeout=0.0, isolation_level=None)
            try:
                known = dict(self._db.execute("SELECT name, value FROM problem"))
                kept = {first for (first,) in self._db.execute("SELECT first FROM shards")}
            finally:
                self._db.close()
        except ERRORS as error:
            return None if _is_locked(error) else str(error)
        return None if known == self._fingerprint and self._kept <= kept else "it no longer holds what was written"

    def __enter__(self: File) -> File:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self._db.close()

    def _execute(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run a statement; while another process holds the file, try again in steps that Ctrl-C can interrupt."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._db.execute(sql, values)
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or time.monotonic() >= end:
                    raise
            time.sleep(STEP)

    def _reason(self, error: Exception) -> str:
        if not _is_locked(error):
            return str(error)
        pids = holders(self._files)
        named = "another process" if not pids else f"process {', '.join(map(str, pids))}"
        return f"{error}, waited {PATIENCE:g} s for {named} to let it go"

    def _refusal(self, error: Exception) -> ValueError:
        if "not a database" in str(error):
            return ValueError(f"{self._path} is no checkpoint of {self.what}: {error}")
        return ValueError(f"checkpoint {self._path}: {self._reason(error)}")

    def _mark(self, shard: Shard, state: str) -> str:
        """Return the digest that binds a shard to its range, its state and every line of the fingerprint."""
        bound = json.dumps([self._fingerprint, *map(str, shard)], sort_keys=True)
        return hashlib.sha256(f"{bound}\n{state}".encode()).hexdigest()


class Checkpoint(ShardFile[_core.Statistics]):
    """The file of an enumeration."""

    def __init__(self, path: str | os.PathLike[str], problem: Problem, engine: _core.Enumerator) -> None:
        self._problem, self._engine = problem, engine
        self._components = len(engine.components) if problem.components else 0
        super().__init__(path, {"format": FORMAT, **problem.fingerprint(engine)}, shards(engine.batches))

    def _encoded(self, part: _core.Statistics) -> str:
        return json.dumps(part.__getstate__())

    def _decoded(self, shard: Shard, text: str) -> _core.Statistics | None:
        try:
            state = json.loads(text)
            if not 0 <= state[10][0] <= self._components:
                return None
            state[8] = [tuple(entry) for entry in state[8]]
            statistics = _core.Statistics.__new__(_core.Statistics)
            statistics.__setstate__(tuple(state))
        except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError):
            return None
        return statistics if self._fits(statistics) and is_whole(self._engine, shard, statistics) else None

    def _fits(self, statistics: _core.Statistics) -> bool:
        """Return whether the worst configurations speak of this problem's inputs, outputs and failures."""
        outputs, inputs = len(self._problem.empty().per_output), range(len(self._problem.rows))
        # The words of biases may have up to 64 bits.
        flips = [term.flips for term in self._problem.failures._terms]
        ways = [1 if f is None else 64 if f.biases else len(f.bits) for f in flips]
        manners = range(sum(ways))
        return len(statistics.per_output) == outputs and all(
            index in inputs
            and output in range(outputs)
            and len(sites) == len(named)
            and all(m in manners for m in named)
            for _, sites, named, index, output in statistics.top
        )


def _is_locked(error: Exception) -> bool:
    return "locked" in str(error)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
