# SPDX-License-Identifier: MIT
"""kill -9 at random moments of an enumeration with a checkpoint, its start and its end included.

Each history is one file: it is killed a few times, run again, and must end with the bits of an undisturbed run.
`here` kills a run in one process; `processes` and `loky` kill a worker of a pool, or the process that owns the pool.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runs import LONG, LONG_NET, LONG_X, numbers, ws
from withstand.questions.sharding import Problem, shards

RUN = """
import multiprocessing, pickle, sys
sys.path.insert(0, sys.argv[1])
from concurrent.futures import ProcessPoolExecutor
from runs import *

def run(executor):
    found = ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0, threads=1, checkpoint=sys.argv[2],
                                  executor=executor)
    sys.stdout.buffer.write(b"result " + pickle.dumps(numbers(found)))
    sys.stdout.flush()

if sys.argv[3] == "here":
    run(None)
elif sys.argv[3] == "processes":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        run(pool)
else:
    import loky
    with loky.ProcessPoolExecutor(2) as pool:
        run(pool)
"""
RESULT = b"result "
SHARDS = len(shards(Problem.of(LONG_NET, LONG, LONG_X, 6.0, False, 10).engine().batches))


class History:
    """One file and what happens to it."""

    def __init__(self, kind: str, path: Path, seed: str, truth: object) -> None:
        self.kind, self.path, self.truth = kind, path, truth
        self.output = path.with_suffix(".out")
        self.rng = random.Random(seed)
        self.name = f"{kind}, history {seed}"
        self.wrong: list[str] = []

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-c", RUN, str(Path(__file__).parents[1]), str(self.path), self.kind]
        with self.output.open("wb") as output:  # a pipe would be held open by workers that outlive their owner
            return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def kept(self) -> int:
        """Return the number of shards in the file; 0 where there is none yet, or no table."""
        if not self.path.exists():
            return 0
        try:
            db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
            try:
                return int(db.execute("SELECT count(*) FROM shards").fetchone()[0])
            finally:
                db.close()
        except sqlite3.OperationalError:
            return 0

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a random moment: of the start, of the middle, of the end."""
        phase, have = self.rng.choice(["start", "middle", "middle", "end"]), self.kept()
        if phase == "start":
            time.sleep(self.rng.uniform(0.0, 0.6))
            return
        wanted = min(SHARDS, have + self.rng.randrange(1, 40)) if phase == "middle" else SHARDS - self.rng.randrange(3)
        while process.poll() is None and self.kept() < wanted:
            time.sleep(0.002)
        time.sleep(self.rng.uniform(0.0, 0.02 if phase == "middle" else 0.15))

    def kill(self) -> bool:
        """Start a run and kill it, or one of its workers; return whether the kill came before its end."""
        process, before = self.start(), self.kept()
        self.wait(process)
        victims = children(process.pid) if self.kind != "here" else []
        if victims and self.rng.random() < 0.5:
            hit = send(self.rng.choice(victims))
            self.end(process)
        else:
            process.kill()
            hit = process.wait(60) == -signal.SIGKILL
            if not hit:
                self.compare()
        sweep(process.pid)
        self.require(self.kept() >= before, f"{before} shards were kept, {self.kept()} after the kill")
        return hit

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Let a run end, and compare what it found."""
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            sweep(process.pid)
            self.require(False, "a run did not end")
            return
        sweep(process.pid)
        if process.returncode == 0:
            self.compare()
        else:
            said = self.output.read_bytes()[-300:].decode(errors="replace")
            self.require(False, f"a run ended with {process.returncode}: {said}")

    def compare(self) -> None:
        _, mark, result = self.output.read_bytes().partition(RESULT)
        self.require(bool(mark) and pickle.loads(result) == self.truth, "other bits than the undisturbed run")

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(f"{self.name}: {what}")

    def run(self, kills: int) -> list[str]:
        """Kill so often, then let it end."""
        for _ in range(kills):
            while not self.kill() and not self.wrong:  # one that had ended already is compared, and does not count
                if self.kept() == SHARDS:
                    self.path.unlink()
        self.end(self.start())
        self.require(self.kept() == SHARDS, f"{self.kept()} shards are kept in the end, not {SHARDS}")
        return self.wrong


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def send(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def sweep(group: int) -> None:
    """End the workers that outlive their killed owner: all of the session that we started."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def campaign(kind: str, kills: int, seed: int, workers: int) -> Sequence[str]:
    """Return what went wrong in so many kills."""
    truth = numbers(ws.enumerate_failures(LONG_NET, LONG, LONG_X, epsilon=6.0))
    sizes = [4] * (kills // 4) + ([kills % 4] if kills % 4 else [])
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        histories = [History(kind, Path(folder, f"{n}.db"), f"{seed}-{n}", truth) for n in range(len(sizes))]
        return [line for lines in pool.map(History.run, histories, sizes) for line in lines]


CAMPAIGNS = {kind: partial(campaign, kind) for kind in ("here", "processes", "loky")}

if __name__ == "__main__":
    from _campaign import main

    sys.exit(main("kill -9 and resume", CAMPAIGNS, 100))
