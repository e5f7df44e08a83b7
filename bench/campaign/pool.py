# SPDX-License-Identifier: MIT
"""Workers that can be lost: a case that hangs or dies costs its own answers, is named, and the campaign goes on."""

from __future__ import annotations

import ctypes
import multiprocessing as mp
import os
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from .tally import Tally, Violation

Play = Callable[[int, int, Tally, tuple[str, ...], Callable[[str], None]], None]
WORD = 64


def _work(
    play: Play,
    seed: int,
    indices: list[int],
    questions: tuple[str, ...],
    pipe: Connection,
    at: Any,
    word: Any,
    chunk: int,
) -> None:
    os.environ["WITHSTAND_NUM_THREADS"] = "1"
    tally, done = Tally(), 0

    def started(question: str) -> None:
        word.value = question.encode()[: WORD - 1]

    for index in indices:
        at[0], at[1] = float(index), time.monotonic()
        try:
            play(seed, index, tally, questions, started)
        except Exception as fault:
            tally.wrong["campaign"] += 1
            tally.violations.append(
                Violation(
                    "campaign",
                    f"the oracle failed: {type(fault).__name__}",
                    f"{seed}:{index}",
                    "",
                    "",
                    "",
                    traceback.format_exc(limit=-4),
                    "",
                )
            )
        done += 1
        if done == chunk:
            pipe.send((done, tally))
            tally, done = Tally(), 0
    pipe.send((done, tally))
    pipe.send(None)


class Worker:
    """One process over a list of indices, started again behind a case that never ends."""

    def __init__(self, play: Play, seed: int, indices: list[int], questions: tuple[str, ...], chunk: int) -> None:
        self.play, self.seed, self.indices, self.questions, self.chunk = play, seed, indices, questions, chunk
        self.ended = not indices
        if indices:
            self._start()

    def _start(self) -> None:
        context = mp.get_context("fork")
        self.at = context.Array(ctypes.c_double, [float(self.indices[0]), time.monotonic()], lock=False)
        self.word = context.Array(ctypes.c_char, WORD, lock=False)
        self.pipe, end = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_work,
            args=(self.play, self.seed, self.indices, self.questions, end, self.at, self.word, self.chunk),
            daemon=True,
        )
        self.process.start()
        end.close()

    def gather(self, tally: Tally) -> int:
        """Take what has arrived; the number of cases it is about."""
        done = 0
        while not self.ended:
            try:
                if not self.pipe.poll():
                    break
                message = self.pipe.recv()
            except (EOFError, OSError):
                break
            if message is None:
                self.ended = True
                self.process.join()
                break
            done += message[0]
            tally.merge(message[1])
        return done

    def look(self, limit: float, tally: Tally) -> int:
        """Gather; replace the process where it hangs or died."""
        done = self.gather(tally)
        if self.ended:
            return done
        alive = self.process.is_alive()
        if alive and time.monotonic() - self.at[1] <= limit:
            return done
        index, question = int(self.at[0]), self.word.value.decode()
        if alive:
            self.process.kill()
        self.process.join()
        done += self.gather(tally)
        if self.ended:
            return done
        kind = "hangs" if alive else f"dies with exit code {self.process.exitcode}"
        source = self._source(index)
        tally.wrong[question] += 1
        tally.violations.append(
            Violation(
                question,
                kind,
                f"{self.seed}:{index}",
                "",
                source,
                question,
                f"none within {limit} s" if alive else "none",
                "an answer",
            )
        )
        self.indices = self.indices[self.indices.index(index) + 1 :]
        self.ended = not self.indices
        if self.indices:
            self._start()
        return done + 1

    def _source(self, index: int) -> str:
        make = getattr(self.play, "case", None)
        return make(self.seed, index).source() if make else ""

    def stop(self) -> None:
        if not self.ended:
            self.process.kill()
            self.process.join()


def run(
    play: Play,
    seed: int,
    indices: range,
    questions: tuple[str, ...],
    workers: int,
    limit: float,
    minutes: float,
    progress: Callable[[int, Tally], bool],
) -> tuple[int, Tally]:
    """Play all indices, until `progress` says to stop; (cases played, tally)."""
    tally, done, began = Tally(), 0, time.monotonic()
    crew = [Worker(play, seed, list(indices[k::workers]), questions, 1) for k in range(workers)]
    try:
        while not all(w.ended for w in crew):
            done += sum(w.look(limit, tally) for w in crew)
            if progress(done, tally) or (minutes and time.monotonic() - began > 60 * minutes):
                break
            time.sleep(0.05)
    finally:
        for w in crew:
            w.stop()
    return done, tally
