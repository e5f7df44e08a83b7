# SPDX-License-Identifier: MIT
"""Processes, threads and memory limits: the right bits, or an exception with a message; never an abort or a hang.

Every execution is one child process with a scenario of its own and a time limit. `memory` allows a child that much
address space beyond what it has after the imports, step by step; `threads` allows no further process or thread.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runs import NET, X, numbers, ws

LIMIT = 120.0
#: What a call may answer when memory or threads run out.
SAID = (MemoryError, OSError)


def run(threads: int = 2) -> object:
    """Return the numbers of a small enumeration on threads."""
    return numbers(ws.enumerate_failures(NET, ws.Crash(3), X, epsilon=0.5, threads=threads))


def check(truth: object, threads: int = 2) -> None:
    if run(threads) != truth:
        raise ValueError("other bits")


def start_method(method: str, before: bool, truth: object) -> None:
    """Use the library in a child process, and, or not, in its parent before."""
    if before:
        check(truth)
    child = multiprocessing.get_context(method).Process(target=check, args=(truth,))
    child.start()
    if before:
        check(truth)
    child.join()
    if child.exitcode != 0:
        raise ValueError(f"a child by {method} ended with {child.exitcode}")
    check(truth)


def fork_while_others_work(truth: object) -> None:
    """Fork while another Python thread is in the middle of a call."""
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(lambda: [check(truth) for _ in range(20)])
        for _ in range(10):
            start_method("fork", False, truth)
        busy.result()


def many_threads(truth: object) -> None:
    for threads in (64, 1000, 64):
        check(truth, threads)


def many_callers(truth: object) -> None:
    with ThreadPoolExecutor(64) as pool:
        for future in [pool.submit(check, truth, 1 + n % 3) for n in range(256)]:
            future.result()


def small_calls(truth: object, calls: int = 100_000) -> None:
    """Call often; what is resident after a warm-up must not grow with the number of calls."""
    net, crash = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]]), ws.Crash(1)
    x = [[3.0]]
    small = [lambda: net.forward(x), lambda: ws.bound(net, crash, x), lambda: ws.worst_case(net, crash, x),
             lambda: ws.enumerate_failures(net, crash, x, threads=1)]  # fmt: skip
    repeat(small, calls // 10)
    before = resident()
    repeat(small, calls - calls // 10)
    grown = resident() - before
    if grown > 8 << 20:
        raise ValueError(f"{grown:,} bytes more after {calls} calls")


def repeat(calls: Sequence[Callable[[], object]], times: int) -> None:
    for n in range(times):
        calls[n % len(calls)]()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def short_of_memory(truth: object, allowed: int) -> None:
    """Work in little address space beyond what the process has now, on one thread and on many."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    for threads in (1, 2, 64):
        resource.setrlimit(resource.RLIMIT_AS, (used + allowed, hard))
        try:
            right = run(threads) == truth
        except SAID:
            right = True
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        if not right:
            raise ValueError("other bits")
    check(truth)  # it works again when there is memory


def short_of_threads(truth: object) -> None:
    """Work where the system starts no further thread."""
    os.setgid(65534)
    os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    try:
        threading.Thread(target=int).start()
    except RuntimeError:
        check(truth, 64)
        return
    raise ValueError("the limit on threads had no effect")


def scenarios(executions: int) -> list[tuple[str, Callable[[object], None]]]:
    """Return the named scenarios; the steps of memory are as many as executions are left."""
    fixed: list[tuple[str, Callable[[object], None]]] = [
        (f"{method}, {'used' if before else 'not used'} before",
         lambda truth, method=method, before=before: start_method(method, before, truth))
        for method in ("fork", "spawn", "forkserver") for before in (False, True)
    ]  # fmt: skip
    fixed += [("fork while others work", fork_while_others_work), ("64 and 1,000 threads", many_threads),
              ("64 callers", many_callers), ("100,000 small calls", small_calls)]  # fmt: skip
    if os.getuid() == 0:  # others count the threads of all their processes
        fixed.append(("no further thread", short_of_threads))
    steps = max(1, executions - len(fixed))
    sizes = [int(2 ** (14 + 16 * n / steps)) for n in range(steps)]  # 16 KiB to 1 GiB
    memory = [(f"{size:,} bytes", lambda truth, size=size: short_of_memory(truth, size)) for size in sizes]
    return [*fixed, *memory]


def attempt(number: int, executions: int) -> str | None:
    """Run a scenario in a process of its own; return what is wrong with its end."""
    name, _ = scenarios(executions)[number]
    command = [sys.executable, __file__, "--scenario", str(number), str(executions)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _, said = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return f"{name}: more than {LIMIT:g} s"
    return None if process.returncode == 0 else f"{name}: exit {process.returncode}, {said.decode()[-400:]}"


def campaign(executions: int, seed: int, workers: int) -> list[str]:
    """Return what went wrong in all scenarios; nothing in them is random."""
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(attempt, range(len(scenarios(executions))), [executions] * len(scenarios(executions)))
        return [line for line in found if line is not None]


def child() -> None:
    """Be the process of one scenario."""
    number, executions = map(int, sys.argv[2:4])
    truth = pickle.loads(pickle.dumps(run(1)))
    scenarios(executions)[number][1](truth)


CAMPAIGNS = {"all": campaign}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--scenario"]:
        child()
        sys.exit(0)
    from _campaign import main

    sys.exit(main("processes, threads and memory", CAMPAIGNS, 100))
