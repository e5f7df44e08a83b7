# SPDX-License-Identifier: MIT
"""What many workers do to one search: tasks measured here, a cluster simulated event by event.

    python bench/simulate_scale.py acasxu_1_1.onnx --crashes 5              # one input
    python bench/simulate_scale.py acasxu_1_1.onnx --crashes 4 --inputs 40 --copies 250

Measured: every task of the search, run one after the other in this process, its CPU time, what it left to which tasks,
and its pickling; the CPU time of this process per task of a ProcessPoolExecutor, and with `--dask` of a local
Dask cluster, for tasks of the same size that do nothing, and how long such a one takes alone. Simulated: the workers.
One process gives out tasks and merges what they find, one at a time; a task is on its way as long as it was here, and
takes what it took here. It is given out when the one that left it has been merged, at most two per worker at once, as
`worst_case` does.
`--copies` repeats the measured tree of tasks, in an order drawn from `--seed`: that many times as many inputs. What the
simulation does not know: the incumbent's age. The tasks were measured one after the other, each with the worst that all
before it had found; with many workers the first ones start with less and may take longer, and leave more.
"""

from __future__ import annotations

import argparse
import heapq
import pickle
import random
import time
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from withstand.questions import agenda  # noqa: E402

WORKERS = (1, 2, 4, 8, 16, 64, 256, 1000)


class Here(Executor):
    """Runs every task at once, in this process, and keeps its CPU time and the size of what crosses to a worker."""

    def __init__(self) -> None:
        self._max_workers = 1
        self.seconds: list[float] = []
        self.bytes: list[int] = []
        self.pickling: list[float] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it."""
        future: Future[Any] = Future()
        started = time.process_time()
        self.bytes.append(len(pickle.dumps((fn, args))))
        self.pickling.append(time.process_time() - started)
        started = time.process_time()
        found = fn(*args, **kwargs)
        self.seconds.append(time.process_time() - started)
        future.set_result(found)
        return future


class Tree(NamedTuple):
    """Tasks in the order in which they were done: how long each took, and those that it left."""

    seconds: list[float]
    left: list[list[int]]
    first: int

    def copies(self, number: int, seed: int) -> Tree:
        """Return the same tree so many times, tasks of the beginning in a random order."""
        trees = list(range(number))
        random.Random(seed).shuffle(trees)
        size = len(self.seconds)
        begin = [(n, copy) for copy in trees for n in range(self.first)]
        rest = [(n, copy) for copy in trees for n in range(self.first, size)]
        place = {key: at for at, key in enumerate([*begin, *rest])}
        left: list[list[int]] = [[] for _ in place]
        seconds = [0.0] * len(place)
        for (n, copy), at in place.items():
            seconds[at] = self.seconds[n]
            left[at] = [place[child, copy] for child in self.left[n]]
        return Tree(seconds, left, len(begin))


def measured(net: ws.Network, crashes: int, rows: np.ndarray[Any, Any]) -> tuple[Tree, Here, ws.WorstCase]:
    """Search, task by task."""
    numbers: list[int] = []  # of tasks, in the order in which they were done
    left: dict[int, range] = {}
    enter, executor = agenda.Agenda.enter, Here()

    def watched(waiting: agenda.Agenda, shard: tuple[int, int], found: agenda.Proved) -> None:
        before = len(waiting._tasks)
        enter(waiting, shard, found)
        numbers.append(shard[0])
        left[shard[0]] = range(before, len(waiting._tasks))

    agenda.Agenda.enter = watched  # type: ignore[method-assign]
    try:
        found = ws.worst_case(net, ws.Crash(crashes), rows, executor=executor)
    finally:
        agenda.Agenda.enter = enter  # type: ignore[method-assign]
    done = dict(zip(numbers, executor.seconds, strict=True))
    order = sorted(done)  # the first tasks have the first numbers
    place = {number: at for at, number in enumerate(order)}
    children = [[place[child] for child in left[number] if child in place] for number in order]
    first = len(order) - sum(map(len, children))
    return Tree([done[number] for number in order], children, first), executor, found


def nothing(payload: bytes) -> int:
    """Return at once."""
    return len(payload)


def overhead(executor: Executor, size: int, tasks: int = 400) -> tuple[float, float]:
    """Return what a task of so many bytes costs this process in CPU seconds, and how long one alone is on its way."""
    payload = [np.random.default_rng(n).bytes(size) for n in range(tasks)]
    for one in payload[:8]:
        executor.submit(nothing, one).result()
    started = time.process_time()
    for future in [executor.submit(nothing, one) for one in payload]:
        future.result()
    cost = (time.process_time() - started) / tasks
    ways = []
    for one in payload[:40]:
        begun = time.perf_counter()
        executor.submit(nothing, one + b".").result()
        ways.append(time.perf_counter() - begun)
    return cost, sorted(ways)[len(ways) // 2]


def simulated(tree: Tree, workers: int, cost: float, latency: float) -> float:
    """Return when the last task has been merged."""
    waiting = deque(range(tree.first))
    idle, queue = workers, deque[int]()  # workers without a task; tasks given out that no worker has begun
    events: list[tuple[float, int, int]] = []  # (when, 0: has arrived, 1: is done, task)
    now = free = 0.0  # when the process that gives out tasks is free
    flying = 0
    while waiting or events:
        while waiting and flying < 2 * workers:
            free = max(free, now) + 0.5 * cost
            heapq.heappush(events, (free + 0.5 * latency, 0, waiting.popleft()))
            flying += 1
        now, kind, task = heapq.heappop(events)
        if kind == 0:
            queue.append(task)
        elif kind == 1:
            idle += 1
            heapq.heappush(events, (now + 0.5 * latency, 2, task))
        else:
            free = max(free, now) + 0.5 * cost
            flying -= 1
            waiting.extend(tree.left[task])
            now = free
        while idle and queue:
            idle -= 1
            begun = queue.popleft()
            heapq.heappush(events, (now + tree.seconds[begun], 1, begun))
    return free


def chain(tree: Tree) -> float:
    """Return the longest chain of tasks each of which was left by the one before."""
    longest = [0.0] * len(tree.seconds)
    for task in reversed(range(len(tree.seconds))):
        longest[task] = tree.seconds[task] + max((longest[n] for n in tree.left[task]), default=0.0)
    return max(longest)


def table(tree: Tree, cost: float, latency: float) -> None:
    """Print speed-up and efficiency over one worker without any overhead."""
    work = sum(tree.seconds)
    print("| workers | seconds | speed-up | efficiency |\n|---|---|---|---|")
    for workers in WORKERS:
        seconds = simulated(tree, workers, cost, latency)
        print(f"| {workers:,} | {seconds:.2f} | {work / seconds:.1f} | {work / seconds / workers:.3f} |")
    print()


def costs(size: int, dask: bool) -> dict[str, tuple[float, float]]:
    """Return CPU time and way of a task, by executor."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = {"ProcessPoolExecutor": overhead(pool, size)}
    if dask:
        import distributed

        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            found["Dask"] = overhead(client.get_executor(), size)
    return found


def main() -> None:
    """Measure, then simulate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("--crashes", type=int, default=5)
    parser.add_argument("--inputs", type=int, default=1)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dask", action="store_true")
    options = parser.parse_args()
    net = ws.load(options.network)
    rows = np.random.default_rng(7).uniform(-0.5, 0.5, size=(max(20, options.inputs), net.widths[0]))[: options.inputs]
    tree, here, found = measured(net, options.crashes, rows)
    size = int(np.median(here.bytes))
    print(f"{machine.markdown()}\n\n{net}, {options.crashes} crashes anywhere, {options.inputs} inputs: {found.status}")
    tree = tree.copies(options.copies, options.seed)
    print(f"measured: {len(tree.seconds):,} tasks ({options.copies} copies), {tree.first:,} at first, CPU"
          f" {sum(tree.seconds):.2f} s, longest task {max(tree.seconds):.3f} s, longest chain {chain(tree):.3f} s,"
          f" {size:,} bytes each")  # fmt: skip
    pickling = float(np.mean(here.pickling))
    for name, (bare, latency) in costs(size, options.dask).items():
        cost = bare + pickling
        print(f"\n{name}, measured: {1e3 * cost:.2f} ms of CPU of the giving process per task,"
              f" of which {1e3 * pickling:.2f} ms pickle it, {1e3 * latency:.2f} ms"
              " on the way; simulated:\n")  # fmt: skip
        table(tree, cost, latency)


if __name__ == "__main__":
    main()
