# SPDX-License-Identifier: MIT
"""What the fuzzing of files shares: the command line, the watch over one execution, and what counts as a violation."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from withstand import Network
from withstand.importers import Budget, UnsupportedModel, load

#: What `load` documents for damaged files.
DOCUMENTED = (UnsupportedModel, OSError)
SECONDS = 10.0
MEMORY = 1 << 30
#: Executions of one forked child.
CHILD = 500


@dataclass
class Tally:
    """How executions ended, and the first violations in words."""

    ends: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.ends += other.ends
        self.violations += other.violations

    def violate(self, what: str, details: str) -> None:
        self.ends["VIOLATION " + what] += 1
        self.violations.append(f"{what}: {details}")


def main(name: str, files: str, run: Callable[[int, int], Tally], executions: int) -> int:
    """Run the campaign that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=f"Mutation fuzzing of {files} files.")
    parser.add_argument("--executions", type=int, default=executions)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    tally = campaign(run, options.executions, options.seed, options.workers)
    return finish(name, tally, time.monotonic() - start)


def loaded(path: Path, budget: Budget) -> Network:
    """Load one damaged file; what refuses it has to name the file, and to have been foreseen."""
    try:
        return load(path, budget=budget)
    except DOCUMENTED as error:
        if str(path) not in str(error):
            raise RuntimeError(f"the message does not name the file: {error}") from error
        if "cannot be read (" in str(error):
            raise RuntimeError(f"not foreseen: {error}") from error
        raise


def grown() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def limit_memory(more: int = MEMORY) -> None:
    """Let this process map no more than it has mapped, and `more`."""
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more, mapped + more))


def watched(action: Callable[[], str], tally: Tally, where: str) -> None:
    """Run one execution in this process: its end, its seconds and its memory."""
    before, start = grown(), time.monotonic()
    try:
        tally.ends[action()] += 1
    except DOCUMENTED as error:
        tally.ends[type(error).__name__] += 1
    except Exception as error:
        tally.violate("foreign exception", f"{where}: {type(error).__name__}: {error}")
    if time.monotonic() - start > SECONDS:
        tally.violate("hang", f"{where}: {time.monotonic() - start:.1f} s")
    if grown() - before > MEMORY:
        tally.violate("memory", f"{where}: {grown() - before} bytes")


def in_children(executions: int, one: Callable[[int, Tally], None], tally: Tally) -> None:
    """Run executions in forked children with limits: what ends a child is a violation, and the next goes on."""
    done = 0
    while done < executions:
        done += _child(range(done, min(executions, done + CHILD)), one, tally)


def _child(numbers: range, one: Callable[[int, Tally], None], tally: Tally) -> int:
    """Run these executions in one child, which reports after each; return how many it began."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            limit_memory()
            with os.fdopen(writing, "wb") as pipe:
                for number in numbers:
                    report = Tally()
                    signal.alarm(int(SECONDS) + 2)
                    one(number, report)
                    signal.alarm(0)
                    pickle.dump(report, pipe)
                    pipe.flush()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    done = 0
    with os.fdopen(reading, "rb") as pipe:
        while True:
            try:
                tally.add(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                break
            done += 1
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        tally.violate("crash or hang", f"a child ended with {status} in execution {numbers[0] + done}")
        done += 1
    return done


def shares(executions: int, workers: int) -> Iterator[int]:
    for worker in range(workers):
        yield executions // workers + (worker < executions % workers)


def campaign(run: Callable[[int, int], Tally], executions: int, seed: int, workers: int) -> Tally:
    """Run executions on forked workers, each with its own seed."""
    if workers == 1:
        return run(executions, seed)
    total = Tally()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        seeds = [1000 * seed + worker for worker in range(workers)]
        for tally in pool.map(run, shares(executions, workers), seeds):
            total.add(tally)
    return total


def finish(name: str, tally: Tally, seconds: float) -> int:
    """Print one line, and the first violations; return the exit code."""
    ends = ", ".join(f"{end} {count}" for end, count in sorted(tally.ends.items()))
    print(
        f"{name}: {sum(tally.ends.values())} executions in {seconds:.0f} s: {ends}; {len(tally.violations)} violations"
    )
    for violation in tally.violations[:20]:
        print("  " + violation[:600])
    return 1 if tally.violations else 0
