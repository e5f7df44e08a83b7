# SPDX-License-Identifier: MIT
"""Spreading an enumeration over an executor, and keeping what is done in a file.

A shard is a range of batches of the space's grid. Shards merge associatively, to the last bit, so neither their order
nor where they ran matters.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Protocol, TypeVar

from withstand import _core
from withstand._types import FloatArray
from withstand._version import version
from withstand.model.failures import Failures
from withstand.model.network import Network

Shard = tuple[int, int]
Report = Callable[[int], object]
Part = TypeVar("Part")

#: Shards of a space with at least as many batches: enough for many workers, few enough to cost nothing. Beyond the
#: square of it, both the number of shards and their size grow like a square root: a killed run loses little of it.
SHARDS = 128
#: Shards in flight per worker: one runs while the next one waits.
AHEAD = 2
#: Seconds after which the workers are counted again: clusters grow, and asking one costs milliseconds.
RECOUNT = 1.0
#: How often a shard that was lost with its worker is given to the executor again before it is left to the caller.
RETRIES = 2


@dataclass(frozen=True)
class Problem:
    """An enumeration, complete and picklable."""

    net: Network
    failures: Failures
    rows: FloatArray = field(hash=False, compare=False)
    epsilon: float | None
    decisions: bool
    top: int
    components: bool = False
    digest: str = ""  # of the inputs

    @classmethod
    def of(
        cls,
        net: Network,
        failures: Failures,
        rows: FloatArray,
        epsilon: float | None,
        decisions: bool,
        top: int,
        components: bool = False,
    ) -> Problem:
        """Build a problem, with the digest of its inputs."""
        return cls(net, failures, rows, epsilon, decisions, top, components, digest_of(rows))

    def engine(self) -> _core.Enumerator:
        """Return the enumerator."""
        space, core = self.failures._space(self.net, self.rows), self.net._core
        return _core.Enumerator(core, space, self.rows, self.decisions, self.epsilon, self.top, self.components)

    @property
    def is_plain(self) -> bool:
        """Whether components are single neurons and synapses that fail in one way."""
        return all(t.flips is None and not t.together and not t.on_weights for t in self.failures._terms)

    def empty(self) -> _core.Statistics:
        """Return the statistics of nothing."""
        return _core.Statistics(self.net.widths[-1], self.top)

    def fingerprint(self, engine: _core.Enumerator) -> dict[str, str]:
        """Return what makes two runs the same, by name."""
        return {
            "network": _told(self.net),
            "formats": repr(self.net.formats),
            "inputs": f"{self.rows.shape} {self.digest}",
            "failures": repr(tuple(map(tuple, self.failures._terms))),
            "epsilon": repr(self.epsilon),
            "spec": "argmax" if self.decisions else "error",
            "components": repr(self.components),
            "grid": f"{engine.batches} batches of {engine.batch_size}, {len(shards(engine.batches))} shards",
            "kernels": str(_core.variant()),
            "version": version,
        }


def _told(net: Network) -> str:
    """Return what a network computes with."""
    if net.is_graph:
        return net.fingerprint
    activations = [*net.activations, net.output_activation]
    return digest_of(*net.weights, *net.biases) + " " + " ".join(map(repr, activations))


def digest_of(*arrays: FloatArray) -> str:
    """Return a checksum of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def shards(batches: int) -> list[Shard]:
    """Return the ranges of batches that are run and kept as a whole."""
    size = max(1, min(-(-batches // SHARDS), math.isqrt(batches)))
    return [(first, min(first + size, batches)) for first in range(0, batches, size)]


def is_whole(engine: _core.Enumerator, shard: Shard, statistics: _core.Statistics) -> bool:
    """Return whether `statistics` cover all of `shard`: those of an interrupted run cover less."""
    return int(statistics.count) == int(engine.rank(shard[1])) - int(engine.rank(shard[0]))


@lru_cache(maxsize=1)
def _engine(problem: Problem) -> _core.Enumerator:
    return problem.engine()


def run_shard(problem: Problem, shard: Shard, threads: int) -> _core.Statistics:
    """Run one shard; what an executor's worker calls. Ctrl-C may reach it too: what returns then is not whole."""
    return _engine(problem).run(shard[0], shard[1], threads)


def run_here(
    engine: _core.Enumerator, todo: Iterable[Shard], threads: int, total: _core.Statistics, report: Report | None
) -> Iterator[tuple[Shard, _core.Statistics]]:
    """Yield (shard, statistics), one after the other; after an interruption the last one is not whole.

    `total` is what the caller merges the shards into: progress counts from there.
    """
    for shard in todo:
        before = int(total.count)
        inner = None if report is None else lambda count, before=before: report(before + count)
        statistics = engine.run(shard[0], shard[1], threads, inner)
        yield shard, statistics
        if not is_whole(engine, shard, statistics):
            return


def require_executor(executor: object) -> None:
    """Raise TypeError for what has no workers to submit to, and name what has."""
    if isinstance(executor, Executor):
        return
    raise TypeError(
        "executor must be a concurrent.futures.Executor (ProcessPoolExecutor, ThreadPoolExecutor, loky's,"
        f" mpi4py.futures' or client.get_executor() of dask.distributed), got {executor!r}"
    )


class Waiting(Protocol):
    """The shards that no worker has yet, in the order in which they are given out; more may come in the meantime."""

    def __len__(self) -> int:
        """Return how many wait."""

    def popleft(self) -> Shard:
        """Take out the next one."""

    def append(self, shard: Shard, /) -> None:
        """Let one wait that has been taken out."""

    def clear(self) -> None:
        """Forget them: nobody takes any more."""


def everywhere(
    executor: Executor | None,
    left: dict[Shard, None],
    submit: Callable[[Executor, Shard], Future[Part]],
    whole: Callable[[Shard, Part], bool],
    here: Callable[[], Iterator[tuple[Shard, Part]]],
    waiting: Waiting | None = None,
) -> Iterator[tuple[Shard, Part]]:
    """Yield (shard, part), and take the shard out of `left`: what the executor finds, then what it lost, done here.

    `here` goes through what is left by then. `waiting` is by default `left`, in its order.
    """
    if executor is not None:
        waiting = deque(left) if waiting is None else waiting
        for shard, part in spread(executor, partial(submit, executor), whole, waiting):
            del left[shard]
            yield shard, part
        if left:
            lost = f"the executor lost {len(left)} of its shards, they are done in this process"
            warnings.warn(lost, RuntimeWarning, stacklevel=_outside())
    for shard, part in here():
        del left[shard]
        yield shard, part


def _outside() -> int:
    """Return the stack level, for a warning of the caller, of the first frame that is not of this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "withstand":
        frame, level = frame.f_back, level + 1
    return level


def spread(
    executor: Executor,
    submit: Callable[[Shard], Future[Part]],
    whole: Callable[[Shard, Part], bool],
    waiting: Waiting,
) -> Iterator[tuple[Shard, Part]]:
    """Yield (shard, part) as the executor's workers finish them, those that are whole.

    Lost shards are given to the executor again. Left out is what it loses too often and, once it is dead, the rest.
    """
    taken = False
    lost: Counter[Shard] = Counter()
    flying: dict[Future[Part], Shard] = {}
    counted, ahead = -math.inf, 0
    try:
        while waiting or flying:
            try:
                if time.monotonic() > counted + RECOUNT:
                    counted, ahead = time.monotonic(), AHEAD * workers(executor)
                while waiting and len(flying) < ahead:
                    shard = waiting.popleft()
                    flying[submit(shard)] = shard
                    taken = True
            except (BrokenExecutor, OSError):  # a dead pool takes nothing any more
                waiting.clear()
            except RuntimeError as error:
                if not taken:  # it has never taken any: no accident but a pool that is shut down
                    raise ValueError(f"executor {executor!r} takes no work: {error}") from None
                waiting.clear()
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                shard = flying.pop(future)
                part = _result(future)
                if part is not None and whole(shard, part):
                    yield shard, part
                elif lost[shard] < RETRIES:
                    lost[shard] += 1
                    waiting.append(shard)
                del future  # while one is held that failed, Dask answers an equal call with the same failure
    finally:
        for future in flying:
            future.cancel()


#: What dask.distributed and loky call the loss of a worker; by name, since neither needs to be installed.
LOSSES = ("KilledWorker", "CancelledError", "TerminatedWorkerError", "CommClosedError")


def _result(future: Future[Part]) -> Part | None:
    """Return what a worker found, or None where it was lost with the worker, or a Ctrl-C reached only the worker."""
    try:
        error = future.exception()
    except CancelledError:
        return None
    if error is None:
        return future.result()
    if isinstance(error, (BrokenExecutor, CancelledError, OSError, KeyboardInterrupt)):
        return None
    if type(error).__name__ in LOSSES:
        return None
    raise error


def workers(executor: Executor) -> int:
    """Return how many shards the executor can run at once, as far as it tells."""
    client = getattr(executor, "_client", None)
    if client is not None and hasattr(client, "nthreads"):  # dask.distributed
        return max(1, int(sum(client.nthreads().values())))
    for name in ("_max_workers", "num_workers"):  # the standard library and loky; mpi4py.futures
        known = getattr(executor, name, None)
        if isinstance(known, int) and known > 0:
            return known
    return os.cpu_count() or 1
