# SPDX-License-Identifier: MIT
"""Ctrl-C at random moments of the whole life of commands: always exit code 130 and one line, or the answer as always.

    python tests/attack/cli_signals.py --executions 200

Before the first line of the command runs, the interpreter itself starts; what Ctrl-C does then is counted apart. Exit
code 1 where anything else was seen.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

COMMANDS = {
    "inspect": ("inspect", "digits"),
    "worst-case": ("worst-case", "digits", "-k", "4"),
    "report": ("report", "digits", "--rows", "0:4", "-e", "13", "--most", "2"),
    "enumerate": ("enumerate", "digits_small", "-k", "4", "--rows", "0:4", "-e", "30"),
    "tolerance": ("tolerance", "digits_small", "--rows", "0:4", "-e", "13"),
}
#: What the console script does; the number of a pipe that hears when the command has begun comes first.
CODE = "from _withstand_command.entry import main; import os, sys; os.write(int(sys.argv.pop(1)), b'x'); main()"


@dataclass(frozen=True)
class End:
    """How a run ended: `begun` says whether the command's first line had run, `delay` is from the signal to the end."""

    code: int
    answer: str
    said: str
    begun: bool
    delay: float


def run(name: str, moment: float | None) -> End:
    """Run a command and interrupt it at a moment, in seconds after its start."""
    heard, tells = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(tells), *COMMANDS[name]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[tells],
    )  # fmt: skip
    os.close(tells)
    started = time.perf_counter()
    if moment is not None:
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
    sent = time.perf_counter() if moment is not None else started
    answer, said = process.communicate(timeout=300)
    delay = time.perf_counter() - sent
    begun = os.read(heard, 1) == b"x"
    os.close(heard)
    return End(process.returncode, answer, said, begun, delay)


def until_begun(name: str) -> float:
    """Return the seconds until the command's first line has run."""
    heard, tells = os.pipe()
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", CODE, str(tells), *COMMANDS[name]], stdout=subprocess.DEVNULL,
                               pass_fds=[tells])  # fmt: skip
    os.close(tells)
    os.read(heard, 1)
    seconds = time.perf_counter() - started
    os.close(heard)
    process.wait(timeout=300)
    return seconds


def judge(name: str, end: End, regular: int) -> str:
    """Return what kind of end it is; "wrong ..." is a violation."""
    if not end.begun and end.code != 130:
        return "before the first line"
    if end.code == 130 and end.said == "interrupted\n":
        return "interrupted, with what is known" if end.answer else "interrupted"
    if end.code == regular and end.said == "" and end.answer:
        return "answered"
    return f"wrong: {name} ended with {end.code}: {end.said!r}"


def campaign(executions: int, seed: int, workers: int) -> tuple[Counter[str], list[tuple[float, str]], str]:
    """Interrupt `executions` runs; return how they ended, how long each interrupted one took, and the start's share."""
    rng, kinds, delays, shares = random.Random(seed), Counter[str](), [], []
    names = list(COMMANDS)
    with ThreadPoolExecutor(workers) as pool:
        whole = {name: max(pool.map(lambda n: run(n, None).delay, [name] * workers)) for name in names}
        regular = {name: run(name, None).code for name in names}
        for name in names:
            share = median(until_begun(name) for _ in range(3)) / whole[name]
            shares.append(f"{name} {share:.0%} of {whole[name]:.2f} s")
        turns = (names[i % len(names)] for i in range(executions))
        plan = [(name, rng.uniform(0, 1.02 * whole[name])) for name in turns]
        for (name, _), end in zip(plan, pool.map(lambda step: run(*step), plan)):
            kind = judge(name, end, regular[name])
            kinds[kind] += 1
            if kind.startswith("interrupted"):
                delays.append((end.delay, name))
    return kinds, delays, ", ".join(shares)


def main() -> int:
    """Run the campaign and say in one line how it ended."""
    parser = argparse.ArgumentParser(description="Ctrl-C at random moments of commands")
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background hand down that they ignore it
    kinds, delays, shares = campaign(asked.executions, asked.seed, asked.workers)
    found = "; ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    seconds = [delay for delay, _ in delays] or [0.0]
    longest, slowest = max(delays, default=(0.0, "none"))
    print(f"{asked.executions} interruptions, seed {asked.seed}: {found}; "
          f"from signal to end median {median(seconds):.3f} s, longest {longest:.3f} s ({slowest}); "
          f"start of the interpreter: {shares}")  # fmt: skip
    return int(any(kind.startswith("wrong") for kind in kinds))


if __name__ == "__main__":
    sys.exit(main())
