# SPDX-License-Identifier: MIT
"""Checkpoints on disks that fill up at every size, and files that go away at every moment: the result is never lost.

Each execution is an enumeration with a limit on the size of its files, or with its file deleted, at a random moment.
The result must be that of an undisturbed run, told where it was not kept, and what was kept must be of use afterwards.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runs import NET, X, numbers, ws


def run(path: Path | None, progress: object = False) -> ws.Enumeration:
    return ws.enumerate_failures(NET, ws.Crash(3), X, epsilon=0.5, threads=1, checkpoint=path, progress=progress)


def full(path: Path, rng: random.Random, truth: object) -> str | None:
    """No file may grow beyond a random size."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    size = int(2 ** rng.uniform(8, 18))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        return told(path, truth, False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def gone(path: Path, rng: random.Random, truth: object) -> str | None:
    """The file, or what SQLite keeps beside it, is deleted or replaced at a random moment."""
    left, share = [rng.choice(["", "-wal", "-shm"])], rng.random()

    def act(done: int, total: int) -> None:
        if left and done >= share * total and done > 0:
            victim = Path(f"{path}{left.pop()}")
            victim.unlink(missing_ok=True)
            if rng.random() < 0.3:
                victim.write_bytes(b"")

    return told(path, truth, act)


def told(path: Path, truth: object, progress: object) -> str | None:
    """Run; refused at the start, or the right result: with a warning, or a file that holds all of it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = run(path, progress)
        except ValueError as error:
            return None if str(path) in str(error) else f"no path in {error}"
    if numbers(found) != truth:
        return "other bits"
    if said:
        return None if str(path) in str(said[0].message) else f"no path in {said[0].message}"
    return None if path.exists() else "the file is gone, and nothing tells it"


def campaign(kind: str, executions: int, seed: int, workers: int) -> list[str]:
    """Return what went wrong; limits on files are those of a process, so there is one worker."""
    truth, wrong = numbers(run(None)), []
    attack = {"full": full, "gone": gone}[kind]
    for n in range(executions):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "run.db")
            said = attack(path, random.Random(f"{seed}-{n}"), truth)
            if said is None and kind == "full" and numbers(run(path)) != truth:
                said = "resumed to other bits"
            if said is not None:
                wrong.append(f"{kind}, execution {n} of seed {seed}: {said}")
    return wrong


CAMPAIGNS = {kind: partial(campaign, kind) for kind in ("full", "gone")}

if __name__ == "__main__":
    from _campaign import main

    sys.exit(main("checkpoints on bad disks", CAMPAIGNS, 300))
