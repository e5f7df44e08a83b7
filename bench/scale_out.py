# SPDX-License-Identifier: MIT
"""One enumeration or search on more and more threads, and on workers of an executor, wall time, answers checked equal.

    python bench/scale_out.py                                  # 1 and 2 threads, on runs over 2 seconds
    python bench/scale_out.py --threads 1 2 4 8 16             # the curve of a larger machine
    python bench/scale_out.py --threads 2 --executors dask --seconds 60
    python bench/scale_out.py --threads 2 --executors dask loky processes --workers 2
    python bench/scale_out.py --threads 2 --executors processes loky dask --search 14   # one input of digits
    python bench/scale_out.py --threads 2 --executors processes --search 6 --network acasxu_1_1.onnx

Of an enumeration, the numbers of crashes and inputs are chosen so that the run on the largest number of threads takes
`--seconds`. The forms take turns and the median round of each counts, by its time on the clock. The machine may be
shared: `--calm` waits before every turn until its processors are idle, and beside the wall time stands the CPU time of
all processes that take part, which others disturb less.
A search is the exact worst case of `--search` crashes anywhere at one input.
`efficiency` is the speed-up over the first row, divided by the ratio of their threads; workers have one thread each and
are started, and have imported the package, before the clock. "dask-quiet" is Dask without its profiler and with slower
heartbeats, which by default take a few percent of every core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from contextlib import contextmanager
from math import comb
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402

EXECUTORS = ("processes", "loky", "dask", "dask-quiet")
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}


def numbers(found: ws.Enumeration | ws.WorstCase) -> tuple[object, ...]:
    """Everything that must not depend on where the work was done, bit by bit."""
    if isinstance(found, ws.WorstCase):
        assert found.witness is not None
        return found.status, found.lower, found.witness.failed, found.witness.input_index, found.configurations
    arrays = (found.per_output, found.histogram.edges, found.histogram.counts)
    return (found.done, found.worst, found.witness, found.mean, found.std, found.top, found.exceeding,
            found.quantile(0.5), *(array.tobytes() for array in arrays))  # fmt: skip


class Place(NamedTuple):
    """Where a form runs: the arguments that say so, its threads in all, and the processes that help."""

    arguments: dict[str, Any]
    threads: int
    pids: frozenset[int] = frozenset()

    def cpu(self) -> float:
        """CPU seconds of this process and those that help (Linux)."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return time.process_time() + sum(int(s[11]) + int(s[12]) for s in stats) / os.sysconf("SC_CLK_TCK")


class Round(NamedTuple):
    """A round of a form."""

    wall: float
    cpu: float
    threads: int
    found: ws.Enumeration | ws.WorstCase


def warm(_: int) -> int:
    """Say which worker this is."""
    time.sleep(0.3)  # long enough for every worker to take one
    return os.getpid()


@contextmanager
def started(name: str, workers: int) -> Iterator[Place]:
    """Give an executor whose workers are up."""
    if name.startswith("dask"):
        import dask
        import distributed

        with (
            dask.config.set(QUIET if name == "dask-quiet" else {}),
            distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            yield ready(client.get_executor(pure=False), workers)
    elif name == "loky":
        import loky

        with loky.ProcessPoolExecutor(workers) as pool:
            yield ready(pool, workers)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield ready(pool, workers)


def ready(executor: Executor, workers: int) -> Place:
    """Wait until every worker answers."""
    answers = wait([executor.submit(warm, n) for n in range(3 * workers)]).done
    return Place({"executor": executor}, workers, frozenset(answer.result() for answer in answers))


class Work(NamedTuple):
    """Crashes, in the first layer of digits or to be searched anywhere, and the inputs."""

    net: ws.Network
    crashes: int
    inputs: np.ndarray[Any, Any]
    search: bool = False

    def do(self, arguments: dict[str, Any]) -> ws.Enumeration | ws.WorstCase:
        """Ask the question."""
        if self.search:
            return ws.worst_case(self.net, ws.Crash(self.crashes), self.inputs, **arguments)
        failures = ws.Crash((self.crashes, 0), exactly=True)
        return ws.enumerate_failures(self.net, failures, self.inputs, epsilon=5.0, **arguments)


def run(work: Work, place: Place) -> Round:
    """Time one question."""
    cpu, wall = place.cpu(), time.perf_counter()
    found = work.do(place.arguments)
    return Round(time.perf_counter() - wall, place.cpu() - cpu, place.threads, found)


def on_threads(count: int) -> Place:
    """Run in this process."""
    return Place({"threads": count}, count)


def sized(seconds: float, threads: int) -> Work:
    """Return the fewest crashes and as many inputs, at most 24, as take about so long."""
    net, inputs, _ = ws.embedded("digits")
    trial = run(Work(net, 5, inputs[:8]), on_threads(threads))
    evaluations = seconds * trial.found.evaluations / trial.wall
    crashes = next(k for k in range(5, 64) if evaluations <= 24 * comb(64, k))
    return Work(net, crashes, inputs[: max(1, round(evaluations / comb(64, crashes)))])


def searched(crashes: int, path: str | None, row: int) -> Work:
    """Return the search at one input: of digits, or of a network in a file, drawn for all its inputs in [-0.5, 0.5]."""
    if path is None:
        net, inputs, _ = ws.embedded("digits")
    else:
        net = ws.load(path)
        inputs = np.random.default_rng(7).uniform(-0.5, 0.5, size=(20, net.widths[0]))
    return Work(net, crashes, inputs[row : row + 1], search=True)


def calm(patience: float) -> None:
    """Wait until nine tenths of the processors are idle for two seconds (Linux), at most so long."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = Path("/proc/stat").read_text().split()[1:9]
        time.sleep(2.0)
        spent = [int(b) - int(a) for a, b in zip(before, Path("/proc/stat").read_text().split()[1:9], strict=True)]
        if spent[3] >= 0.9 * sum(spent):
            return


def measure(options: argparse.Namespace) -> dict[str, Round]:
    """Return the median round of every form, the forms taking turns."""
    if options.search is None:
        work = sized(options.seconds, max(options.threads))
        print(f"digits, {work.crashes} crashes in layer 1, {len(work.inputs)} inputs")
    else:
        work = searched(options.search, options.network, options.row)
        print(f"{work.net}, {work.crashes} crashes anywhere, one input")
    rounds: dict[str, list[Round]] = {}

    def turn(name: str, place: Place) -> None:
        calm(options.calm)
        found = run(work, place)
        rounds.setdefault(name, []).append(found)
        print(f"  {name}: {found.wall:.2f} s, CPU {found.cpu:.2f} s, load {os.getloadavg()[0]:.1f}", flush=True)

    for _ in range(options.rounds):
        for count in options.threads:
            turn(f"threads {count}", on_threads(count))
        for kind in options.executors:
            with started(kind, options.workers) as place:
                turn(f"{kind} {options.workers}", place)
    return {name: sorted(found, key=lambda form: form.wall)[(len(found) - 1) // 2] for name, found in rounds.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--executors", nargs="*", choices=EXECUTORS, default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the run on most threads, about")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--search", type=int, metavar="CRASHES", help="search for the worst so many, at one input")
    parser.add_argument("--network", help="file of the network of the search; digits if absent")
    parser.add_argument("--row", type=int, default=0, help="number of the input of the search")
    parser.add_argument("--calm", type=float, default=0.0, help="seconds to wait for idle processors, at most")
    options = parser.parse_args()
    forms = measure(options)
    base = next(iter(forms.values()))
    for name, form in forms.items():
        if numbers(form.found) != numbers(base.found):
            raise SystemExit(f"{name} gives another answer")
    print("\nanswers equal")
    print(f"{base.found.evaluations:,} evaluations. {machine.markdown()}\n")
    print("| form | wall s | CPU s | evaluations / s | speed-up | efficiency |\n|---|---|---|---|---|---|")
    for name, form in forms.items():
        speedup = base.wall / form.wall
        print(f"| {name} | {form.wall:.2f} | {form.cpu:.2f} | {form.found.evaluations / form.wall / 1e6:.1f} M"
              f" | {speedup:.2f} | {speedup * base.threads / form.threads:.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
