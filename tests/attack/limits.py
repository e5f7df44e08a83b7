# SPDX-License-Identifier: MIT
"""Limits kept and Ctrl-C answered, on hard problems.

    python tests/attack/limits.py [--only NAME] [--quick] [--interrupts N]

Asks `worst_case` every problem under every time limit and prints what came of it; with `--interrupts`, sends SIGINT
at random moments to `worst_case`, `bound` and `enumerate_failures`. Every call runs in a process of its own, which is
killed when it outstays its limit by `--patience`. Exit code 1 if anything that is promised did not hold:

- a limit is kept within max(`--allow`, 10 %), an interrupt is answered within `--answer`;
- lower <= upper, and lower is the replayed harm of the witness, which is an allowed configuration;
- upper is at most every `bound` that ends within the limit, asked one after the other, cheapest first;
- an interrupted search returns an interval, an interrupted enumeration what it has seen.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import withstand as ws
from _problems import PROBLEMS, Problem

#: Of every bound: the seconds it took, and its value.
Bounds = dict[str, tuple[float, float]]
LIMITS = (0.0, 0.1, 0.5, 2.0, 10.0)
METHODS = ("fep", "at-most", "capped", "matrix", "adjoint", "signed", "linear", "split", "tightest")
#: Seconds in which a worker makes its network.
MAKING = 60.0
FORK = multiprocessing.get_context("fork")


def replayed(problem: Problem, witness: ws.Witness) -> float:
    """Return the harm of a witness, by the canonical evaluation."""
    nominal = problem.net.forward(witness.input)
    faulty = problem.net.forward(witness.input, failed=witness.values)
    if problem.spec is None:
        return float(np.abs(faulty - nominal).max())
    first = int(nominal.argmax())
    return float(np.delete(faulty, first).max() - faulty[first])


def faults_of(problem: Problem, lower: float, upper: float, witness: ws.Witness | None) -> list[str]:
    """Return what is wrong with an interval."""
    faults = [] if lower <= upper else [f"lower {lower} above upper {upper}"]
    if witness is None:
        return [*faults, "no witness"]
    if replayed(problem, witness) != lower:
        faults.append(f"the witness replays to {replayed(problem, witness)}, not {lower}")
    count, exactly, (least, most) = problem.allowed
    if len(witness.failed) > count or (exactly and len(witness.failed) < count):
        faults.append(f"the witness has {len(witness.failed)} failures")
    if not all(least <= value <= most for value in witness.values.values()):
        faults.append("the witness transmits what it may not")
    box = problem.domain if isinstance(problem.domain, ws.Box) else None
    if box is not None and not ((box.lower <= witness.input) & (witness.input <= box.upper)).all():
        faults.append("the witness lies outside the box")
    if box is None and not (problem.domain == witness.input).all(axis=1).any():
        faults.append("the witness is at another input")
    return faults


def search(problem: Problem, **options: Any) -> ws.WorstCase:
    return ws.worst_case(problem.net, problem.failures, problem.domain, spec=problem.spec, **options)


def bound(problem: Problem, method: str = "tightest") -> ws.Bound:
    return ws.bound(problem.net, problem.failures, problem.domain, spec=problem.spec, method=method)


def enumerate_all(problem: Problem) -> ws.Enumeration:
    return ws.enumerate_failures(problem.net, problem.failures, problem.domain, spec=problem.spec)


def limited(limit: float) -> Callable[[Problem], tuple[Any, ...]]:
    """Return the action: a search under a limit, and what is wrong with its result."""

    def action(problem: Problem) -> tuple[Any, ...]:
        found, seconds = timed(lambda: search(problem, time_limit=limit))
        faults = faults_of(problem, found.lower, found.upper, found.witness)
        return seconds, found.status, found.lower, found.upper, faults

    return action


def bounded(method: str) -> Callable[[Problem], tuple[float, float]]:
    """Return the action: one bound. Infinite where the method does not apply."""

    def action(problem: Problem) -> tuple[float, float]:
        try:
            found, seconds = timed(lambda: bound(problem, method))
        except ValueError:
            return 0.0, math.inf
        return seconds, found.value

    return action


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    started = time.monotonic()
    found = call()
    return found, time.monotonic() - started


@contextlib.contextmanager
def worker(name: str, seed: int, action: Callable[[Problem], Any]) -> Iterator[tuple[Any, Connection]]:
    """Run an action on a problem in a process of its own: "go" when it begins, then its result."""

    def work(connection: Connection) -> None:
        problem = PROBLEMS[name](seed)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # it waits for an action that can answer it
        connection.send("go")
        try:
            connection.send(action(problem))
        except Exception as error:
            connection.send(error)

    here, there = FORK.Pipe()
    process = FORK.Process(target=work, args=(there,))
    process.start()
    there.close()
    try:
        with contextlib.suppress(EOFError):  # the process died: whoever waits for its answer finds that out
            if here.poll(MAKING):
                here.recv()
        yield process, here
    finally:
        process.kill()
        process.join()


def answer(connection: Connection, patience: float) -> Any:
    """Return what a worker sends, or a reason why it sent nothing."""
    try:
        return connection.recv() if connection.poll(patience) else TimeoutError("no answer")
    except EOFError:
        return RuntimeError("the process died")


def try_limits(name: str, options: argparse.Namespace) -> int:
    """Print a row for every limit; return how many broke a promise."""
    bounds: Bounds = {}
    for method in METHODS:
        with worker(name, options.seed, bounded(method)) as (_, connection):
            found = answer(connection, max(options.limits))
            bounds[method] = (math.inf, math.inf) if isinstance(found, Exception) else found
    broken = 0
    for limit in options.limits:
        with worker(name, options.seed, limited(limit)) as (_, connection):
            found = answer(connection, limit + options.patience)
        faults = row_faults(found, limit, bounds, options)
        broken += bool(faults)
        print(row(name, limit, found, bounds, faults), flush=True)
    return broken


def row_faults(found: Any, limit: float, bounds: Bounds, options: argparse.Namespace) -> list[str]:
    if isinstance(found, Exception):
        return [f"{type(found).__name__}: {found}"]
    seconds, _, _, upper, faults = found
    if seconds - limit > max(options.allow, 0.1 * limit):
        faults = [*faults, "late"]
    less = {method: bounds[method][1] for method in in_time(bounds, limit) if bounds[method][1] < upper}
    return faults + [f"{method} is {upper - value:.2g} less" for method, value in less.items()]


def in_time(bounds: Bounds, limit: float) -> list[str]:
    """Return the methods that end within the limit when they are asked one after the other, cheapest first."""
    single = sorted((took, method) for method, (took, _) in bounds.items() if method != "tightest")
    totals = list(itertools.accumulate(took for took, _ in single))
    known = [method for (_, method), total in zip(single, totals) if total <= limit]
    return [*known, "tightest"] if len(known) == len(single) and "tightest" in bounds else known


def row(name: str, limit: float, found: Any, bounds: Bounds, faults: list[str]) -> str:
    least = min((value for took, value in bounds.values() if took <= limit), default=math.inf)
    if isinstance(found, Exception):
        numbers = f"{'-':>8} {'-':>8} {'-':>11} {'-':>12} {'-':>12}"
    else:
        seconds, status, lower, upper, _ = found
        numbers = f"{seconds:8.2f} {seconds - limit:8.2f} {status:>11} {lower:12.6g} {upper:12.6g}"
    return f"{name:<17} {limit:5.1f} {numbers} {least:12.6g}  {'; '.join(faults) or 'ok'}"


def interruptible(kind: str) -> Callable[[Problem], tuple[Any, ...]]:
    """Return the action: work until Ctrl-C; when it ended, how, and what is wrong with that."""

    def action(problem: Problem) -> tuple[Any, ...]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        started, found = time.monotonic(), None
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            found = {"worst_case": search, "bound": bound, "enumerate": enumerate_all}[kind](problem)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt:
            pass
        ended = time.monotonic()
        if found is None:  # right for a bound, and while arguments are read
            early = kind == "bound" or ended - started < 0.1
            return ended, "raised", [] if early else ["KeyboardInterrupt instead of a result"]
        if kind == "bound":
            return ended, "finished", []
        lower, upper = (found.lower, found.upper) if kind == "worst_case" else (found.worst, math.inf)
        nothing = found.witness is None and found.status == "interrupted"
        return ended, found.status, [] if nothing else faults_of(problem, lower, upper, found.witness)

    return action


def try_interrupts(options: argparse.Namespace) -> tuple[int, float]:
    """Send signals at random moments; return how many broke a promise, and the slowest answer."""
    draw, longest, took = random.Random(options.seed), dict[tuple[str, str], float](), list[float]()
    kinds = ("worst_case", "bound", "enumerate")
    pairs = [(name, kind) for name in options.only for kind in kinds]
    pairs = [(n, kind) for n, kind in pairs if kind != "enumerate" or PROBLEMS[n](options.seed).enumerable]
    broken = 0
    for _ in range(20 * options.interrupts):
        if len(took) == options.interrupts:
            return broken, max(took)
        name, kind = pair = draw.choice(pairs)
        moment = draw.uniform(0, longest.get(pair, 3.0))
        found = interrupted(name, kind, moment, options)
        if found is None:
            longest[pair] = moment / 2
            continue
        took.append(found[0])
        faults = found[2] if found[0] <= options.answer else [*found[2], "late"]
        broken += bool(faults)
        told = "; ".join(faults) or "ok"
        print(f"{name:<17} {kind:<10} at {moment:5.2f} s: {found[0]:6.3f} s, {found[1]}  {told}", flush=True)
    print(f"only {len(took)} of {options.interrupts} signals came before the end of the work")
    return broken + 1, max(took, default=math.inf)


def interrupted(name: str, kind: str, moment: float, options: argparse.Namespace) -> tuple[Any, ...] | None:
    """Interrupt a call: seconds from the signal to its end, how it ended, faults. None where it ended by itself."""
    with worker(name, options.seed, interruptible(kind)) as (process, connection):
        if connection.poll(moment):
            return None
        asked = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        found = answer(connection, options.patience)
    if isinstance(found, Exception):
        return math.inf, "-", [f"{type(found).__name__}: {found}"]
    ended, how, faults = found
    return (ended - asked, how, faults) if ended > asked else None


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    hard = [name for name in PROBLEMS if name != "small"]
    parser.add_argument("--only", action="append", choices=list(PROBLEMS), help="these problems alone")
    parser.add_argument("--quick", action="store_true", help="limits 0 and 0.5 s alone")
    parser.add_argument("--limits", type=float, nargs="*", help="seconds; none: interrupts alone")
    parser.add_argument("--interrupts", type=int, default=0, help="signals to send")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--allow", type=float, default=1.0, help="seconds that a limit may be overrun by")
    parser.add_argument("--answer", type=float, default=0.3, help="seconds in which an interrupt is answered")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds after which a call is killed")
    options = parser.parse_args()
    options.only = options.only or hard
    if options.limits is None:
        options.limits = (0.0, 0.5) if options.quick else LIMITS
    return options


def main() -> int:
    options = parsed()
    broken, rows, slowest = 0, 0, 0.0
    if options.limits:
        print("problem           limit     wall  overrun      status        lower        upper        bound")
        for name in options.only:
            broken += try_limits(name, options)
            rows += len(options.limits)
    if options.interrupts:
        late, slowest = try_interrupts(options)
        broken += late
    print(f"limits: {rows} calls and {options.interrupts} interrupts (slowest answer {slowest:.3f} s), {broken} broken")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
