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
from runs import LONG, LONG_NET, LONG_X, NET, X, numbers
from withstand import _core
from withstand.questions import checkpoint
from withstand.questions.checkpoint import Checkpoint
from withstand.questions.database_file import holders
from withstand.questions.sharding import Problem

FAILURES = ws.Crash(3)
WHOLE = ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5)
OTHER = X + 1


def enumerate_to(path, inputs=X, **options):
    return ws.enumerate_failures(NET, FAILURES, inputs, epsilon=0.5, checkpoint=path, threads=1, **options)


def altered(path, *statements):
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


@pytest.fixture
def file(tmp_path):
    """A finished checkpoint."""
    path = tmp_path / "run.db"
    enumerate_to(path)
    return path


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
        Checkpoint(path, *_problem())
        answer.put("opened")
    except ValueError as error:
        answer.put(str(error))


def _problem(inputs=X):
    problem = Problem.of(NET, FAILURES, inputs, 0.5, False, 10)
    return problem, problem.engine()


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
    assert told[0].filename == __file__


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


# What a file says that somebody has altered.


def test_shards_without_their_problem_are_refused(file):
    altered(file, "DELETE FROM problem")
    for inputs in (X, OTHER):
        with pytest.raises(ValueError, match="is damaged: it does not say which problem its shards are of"):
            enumerate_to(file, inputs)


def test_shards_under_the_name_of_another_problem_are_refused(file, tmp_path):
    """Every line of the fingerprint is bound to every shard."""
    enumerate_to(tmp_path / "other.db", OTHER)
    altered(file, f"ATTACH '{tmp_path / 'other.db'}' AS other", "DELETE FROM problem",
            "INSERT INTO problem SELECT * FROM other.problem")  # fmt: skip
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(file, OTHER)


def test_a_shard_of_another_problem_is_refused(file, tmp_path):
    enumerate_to(tmp_path / "other.db", OTHER)
    altered(file, f"ATTACH '{tmp_path / 'other.db'}' AS other", "DELETE FROM shards WHERE first = 0",
            "INSERT INTO shards SELECT * FROM other.shards WHERE first = 0")  # fmt: skip
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(file)


def test_shards_that_change_places_are_refused(file):
    altered(file, "CREATE TABLE t AS SELECT * FROM shards LIMIT 2", "DROP TABLE t",
            "UPDATE shards SET state = (SELECT state FROM shards WHERE first > 0 LIMIT 1),"
            " digest = (SELECT digest FROM shards WHERE first > 0 LIMIT 1) WHERE first = 0")  # fmt: skip
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(file)


@pytest.mark.parametrize("statement", [
    "UPDATE shards SET state = NULL", "UPDATE shards SET state = x'00ff'", "UPDATE shards SET state = 1e999",
    "UPDATE shards SET last = 'x'", "UPDATE shards SET last = last + 0.5", "UPDATE shards SET first = -first - 5",
    "UPDATE shards SET digest = NULL", "UPDATE shards SET state = cast(x'c3283132' AS TEXT)",
    "UPDATE problem SET value = NULL", "UPDATE problem SET value = x'00'", "DELETE FROM problem WHERE name = 'network'",
    "INSERT INTO problem VALUES ('more', 'x')", "UPDATE problem SET value = hex(zeroblob(100000)) WHERE name = 'grid'",
    "INSERT INTO shards VALUES (9999999, 3, '[]', 'x')", "DROP TABLE shards", "DROP TABLE problem",
    "ALTER TABLE shards ADD COLUMN more", "ALTER TABLE shards RENAME COLUMN state TO what", "CREATE TABLE more (x)",
    "CREATE TRIGGER t AFTER INSERT ON shards BEGIN DELETE FROM shards; END", "PRAGMA application_id = 5",
])  # fmt: skip
def test_every_alteration_is_refused_by_name(file, statement):
    altered(file, statement)
    with pytest.raises(ValueError, match=r"run\.db") as refusal:
        enumerate_to(file)
    assert len(str(refusal.value)) < 3000


def test_names_of_tables_that_are_no_text_are_refused(file):
    """SQLite quotes them in its message, which Python cannot decode then."""
    content = file.read_bytes()
    for name, wrong in ((b"TABLE shards", b"TABLE \xff\xf8ards"), (b"(first ", b"(\xff\xf8rst ")):
        file.write_bytes(content.replace(name, wrong))
        with pytest.raises(ValueError, match=r"run\.db"):
            enumerate_to(file)


def test_files_of_the_former_format_are_refused(file):
    altered(file, "UPDATE problem SET value = 'withstand enumeration 3' WHERE name = 'format'")
    with pytest.raises(ValueError, match=r"another problem: format differ .* 3 in the file, .* 4 now"):
        enumerate_to(file)


# What a state says that carries the right digest.


def wrong_states():
    _, engine = _problem()
    state = list(engine.run(0, 1, 1).__getstate__())
    for place, value in [
        (0, -1), (0, 2**64), (0, 1.5), (2, [0, [2**70]]), (2, [-5, [1]]), (2, [0, [-(2**63)]]), (3, None),
        (4, "x"), (5, 2**31 - 1), (5, -(2**31)), (5, 2**40), (6, [-1]), (6, "xy"), (7, []), (7, [0.0] * 50),
        (7, ["x"] * 3), (8, [[1.0]]), (8, [[1.0, [[1, 0, 0]], [7], 0, 0]]), (8, [[1.0, [[1, 0, 0]], [0], 2**40, 0]]),
        (8, [[1.0, [[1, 0, 0]], [0], -1, 0]]), (8, [[1.0, [[1, 0, 0]], [0], 0, 9]]),
        (8, [[1.0, [[1, 0, 0]], [], 0, 0]]),
        (8, 5), (9, -1), (9, 1e300), (10, [2**62, []]), (10, [0, [[5, 1, [0, []], 0.0]]]), (10, None),
    ]:  # fmt: skip
        yield [*state[:place], value, *state[place + 1 :]]
    yield from ([], {}, None, "text", 7, state[:10], [*state, 1], [state], [None] * 11)


@pytest.mark.parametrize("state", list(wrong_states()), ids=lambda state: f"{str(state)[:30]}")
def test_no_state_crashes_or_says_something_foreign(tmp_path, monkeypatch, state):
    path, (problem, engine) = tmp_path / "run.db", _problem()
    part = engine.run(0, 1, 1)

    class Wrong:
        def __getstate__(self):
            return state

    with Checkpoint(path, problem, engine) as kept:
        first = next(iter(sorted(checkpoint.shards(engine.batches))))
        kept.add(first, Wrong())
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(path)
    assert part.count > 0


def test_statistics_of_other_shapes_do_not_merge():
    mine, other = _core.Statistics(3, 10), _core.Statistics(2, 10)
    with pytest.raises(ValueError, match="statistics of 2 outputs cannot be merged into those of 3"):
        mine.merge(other)


@pytest.mark.parametrize("key", [2**31 - 1, -(2**31), 10**6])
def test_bins_that_no_double_has(key):
    state = list(_core.Statistics(3, 10).__getstate__())
    state[5], state[6] = key, [1, 1]
    blank = _core.Statistics.__new__(_core.Statistics)
    with pytest.raises(ValueError, match="no double falls into bin"):
        blank.__setstate__(tuple(state))


def test_a_digit_that_has_no_size():
    state = list(_core.Statistics(3, 10).__getstate__())
    state[2] = (0, [-(2**63)])
    with pytest.raises(ValueError, match="not the digits of an exact sum"):
        _core.Statistics.__new__(_core.Statistics).__setstate__(tuple(state))
