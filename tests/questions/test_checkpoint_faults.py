# SPDX-License-Identifier: MIT
"""Checkpoints under attack: what cannot be kept is refused before the work, or told without losing its result."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import socket
import sqlite3
import threading
from contextlib import contextmanager

import pytest
import withstand as ws
from checkpoints import OTHER, WHOLE, enumerate_to, finished, problem
from runs import LONG, LONG_NET, LONG_X, numbers
from withstand.questions import checkpoint
from withstand.questions.checkpoint import Checkpoint
from withstand.questions.database_file import holders

# What is no file, or may not be written.


@pytest.mark.parametrize("path", ["", "a\0b", "folder/", ":memory:", "file:run.db", "file::memory:?cache=shared"])
def test_names_under_which_nothing_would_be_kept(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"checkpoint .*{re.escape(repr(path))}"):
        enumerate_to(path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [3, True, b"run.db", ["run.db"], sqlite3])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match="checkpoint must be a path, got "):
        enumerate_to(path)


def test_what_is_no_regular_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "pipe-link").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    os.mkdir("kept.db-wal")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for name, kind in {
            ".": "a folder", "pipe": "a pipe", "pipe-link": "a pipe", "/dev/null": "a device", "socket": "a socket",
            "kept.db": "kept.db-wal is a folder", "loop": "Too many levels", "n" * 300: "name too long",
            "pipe/run.db": "there is no folder",
        }.items():  # fmt: skip
            with pytest.raises(ValueError, match=f"(?i)checkpoint .*{kind}"):
                enumerate_to(name)


def _refused_as_another_user(path, answer):
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        Checkpoint(path, *problem())
        answer.put("opened")
    except ValueError as error:
        answer.put(str(error))


@pytest.mark.parametrize(("name", "folder", "reason"), [
    ("run.db", 0o555, "the folder .* may not be written, where SQLite keeps its log"),
    ("new.db", 0o555, "the folder .* may not be written"),
    ("run.db", 0o755, "run.db may not be read and written"),
])  # fmt: skip
def test_what_may_not_be_written_is_refused_at_the_start(tmp_path, name, folder, reason):
    for above in tmp_path.parents[: len(tmp_path.parents) - 2]:
        above.chmod(0o755)  # the other user has to come here
    (tmp_path / "run.db").touch()
    (tmp_path / "run.db").chmod(0o444 if folder == 0o755 else 0o666)
    tmp_path.chmod(folder)
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_refused_as_another_user, args=(tmp_path / name, answer))
    child.start()
    assert re.search(reason, answer.get(timeout=60))
    child.join()
    tmp_path.chmod(0o755)


# What happens to the file in mid-run.


def once(share, action):
    """Return a progress callback that acts once, when so much is done."""
    left = [action]

    def act(done, total):
        if left and done > share * total:
            left.pop()()

    return act


def _delete(path):
    path.unlink()


def _delete_all(path):
    for name in path.parent.glob("run.db*"):
        name.unlink()


def _replace(path):
    path.rename(path.with_name("moved.db"))
    path.write_text("a file of somebody else")


def _delete_log(path):
    path.with_name("run.db-wal").unlink()


@pytest.mark.parametrize("loss", [_delete, _delete_all, _replace, _delete_log])
def test_a_file_that_goes_away_is_told_and_the_result_returned(tmp_path, loss):
    path = tmp_path / "run.db"
    with pytest.warns(RuntimeWarning, match=r"checkpoint .*run\.db keeps no more.* deleted, or another file") as told:
        found = enumerate_to(path, progress=once(0.3, lambda: loss(path)))
    assert numbers(found) == numbers(WHOLE)
    assert len(told) == 1
    assert told[0].filename == enumerate_to.__code__.co_filename


def test_a_file_that_goes_away_at_the_end(tmp_path):
    path = tmp_path / "run.db"
    with pytest.warns(RuntimeWarning, match="deleted, or another file"):
        found = enumerate_to(path, progress=once(0.9999, lambda: path.unlink()))
    assert numbers(found) == numbers(WHOLE)
    if path.exists():
        assert path.stat().st_size == 0


def _overwrite(path, other):
    path.with_name("run.db-wal").write_bytes(b"")
    path.write_bytes(other.read_bytes())


def test_a_file_that_is_overwritten_is_told(tmp_path):
    """The file is the same one, what it holds is not."""
    enumerate_to(tmp_path / "other.db", OTHER)
    with pytest.warns(RuntimeWarning, match="keeps no more"):
        found = enumerate_to(
            tmp_path / "run.db", progress=once(0.5, lambda: _overwrite(tmp_path / "run.db", tmp_path / "other.db"))
        )
    assert numbers(found) == numbers(WHOLE)


@contextmanager
def files_of_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_full_disk_costs_the_checkpoint_and_not_the_result(tmp_path, interrupted):
    path = tmp_path / "run.db"

    def stop(done, total):
        if interrupted and done > 0.7 * total:
            raise KeyboardInterrupt

    reason = r"run\.db keeps no more shards.*: (disk I/O error|database or disk is full)"
    with files_of_at_most(300_000), pytest.warns(RuntimeWarning, match=reason) as told:
        found = long_run(path, progress=stop)
    assert len(told) == 1
    assert found.status == ("interrupted" if interrupted else "complete")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        ((kept,),) = db.execute("SELECT count(*) FROM shards")
    assert kept > 0
    seen = []
    again = long_run(path, progress=lambda done, total: seen.append(done))
    assert seen[0] > 0  # what was kept is used
    whole = ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=2)
    assert numbers(again) == numbers(whole)
    assert interrupted or numbers(found) == numbers(whole)


def long_run(path, **options):
    return ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=1, checkpoint=path, **options)


def test_a_full_disk_at_the_start_is_an_error(tmp_path):
    with files_of_at_most(1000), pytest.raises(ValueError, match=r"checkpoint .*run\.db: "):
        enumerate_to(tmp_path / "run.db")


# Other processes.


@pytest.fixture
def file(tmp_path):
    return finished(tmp_path)


def _hold(path, ready, release):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    ready.set()
    release.wait(60)
    db.execute("ROLLBACK")


@pytest.fixture
def holder(file):
    """Another process that holds the lock of a checkpoint."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(file, ready, release))
    process.start()
    assert ready.wait(60)
    yield process, release
    release.set()
    process.join()


def test_who_holds_the_file_is_named(file, holder, monkeypatch):
    monkeypatch.setattr(checkpoint, "PATIENCE", 0.2)
    with pytest.raises(ValueError, match=rf"locked, waited 0\.2 s for (process {holder[0].pid}|another process) to"):
        enumerate_to(file)
    if os.path.exists("/proc/locks"):
        assert holders([str(file), f"{file}-shm"]) == [holder[0].pid]


def test_a_file_that_is_let_go_is_taken(file, holder):
    threading.Timer(0.3, holder[1].set).start()
    assert numbers(enumerate_to(file)) == numbers(WHOLE)


def test_ctrl_c_while_another_process_holds_the_file(file, holder, sigint):
    threading.Timer(0.3, os.kill, [os.getpid(), sigint]).start()
    found = enumerate_to(file)
    assert (found.status, found.done) == ("interrupted", 0)
    assert checkpoint.STEP <= 0.2


def test_a_file_that_is_held_in_mid_run(tmp_path, monkeypatch):
    """The lock is taken by a connection of this process; the patience of one statement is over soon."""
    monkeypatch.setattr(checkpoint, "PATIENCE", 0.1)
    path, taken = tmp_path / "run.db", []

    def take():
        taken.append(sqlite3.connect(path, isolation_level=None))
        taken[0].execute("BEGIN IMMEDIATE")

    with pytest.warns(RuntimeWarning, match=r"database is locked, waited 0\.1 s for another process"):
        found = enumerate_to(path, progress=once(0.5, take))
    taken[0].close()
    assert numbers(found) == numbers(WHOLE)
