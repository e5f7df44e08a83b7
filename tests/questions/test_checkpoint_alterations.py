# SPDX-License-Identifier: MIT
"""What a checkpoint says that somebody has altered is refused by name."""

from __future__ import annotations

import sqlite3

import pytest
from checkpoints import OTHER, enumerate_to, finished, problem
from runs import X
from withstand import _core
from withstand.questions import checkpoint
from withstand.questions.checkpoint import Checkpoint


def altered(path, *statements):
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def mixed(path, other, *statements):
    """Alter a file by means of the checkpoint of another problem."""
    enumerate_to(other, OTHER)
    altered(path, f"ATTACH '{other}' AS other", *statements)


@pytest.fixture
def file(tmp_path):
    return finished(tmp_path)


def test_shards_without_their_problem_are_refused(file):
    altered(file, "DELETE FROM problem")
    for inputs in (X, OTHER):
        with pytest.raises(ValueError, match="is damaged: it does not say which problem its shards are of"):
            enumerate_to(file, inputs)


def test_shards_under_the_name_of_another_problem_are_refused(file, tmp_path):
    """Every line of the fingerprint is bound to every shard."""
    mixed(file, tmp_path / "other.db", "DELETE FROM problem", "INSERT INTO problem SELECT * FROM other.problem")
    with pytest.raises(ValueError, match=r"is damaged: its shard \[0, \d+\) is not what was written"):
        enumerate_to(file, OTHER)


def test_a_shard_of_another_problem_is_refused(file, tmp_path):
    taken = "INSERT INTO shards SELECT * FROM other.shards WHERE first = 0"
    mixed(file, tmp_path / "other.db", "DELETE FROM shards WHERE first = 0", taken)
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
    _, engine = problem()
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
    path, (asked, engine) = tmp_path / "run.db", problem()
    part = engine.run(0, 1, 1)

    class Wrong:
        def __getstate__(self):
            return state

    with Checkpoint(path, asked, engine) as kept:
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
