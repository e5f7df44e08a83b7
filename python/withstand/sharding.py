# SPDX-License-Identifier: MIT
"""Spreading an enumeration over an executor, and keeping what is done in a file.

A shard is a range of batches of the space's grid. Shards merge associatively, to the last bit, so neither their order
nor where they ran matters.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from withstand import _core
from withstand._types import FloatArray
from withstand._version import version
from withstand.failures import Failures
from withstand.network import Network

Shard = tuple[int, int]
Report = Callable[[int], object]

#: Shards of a space with at least as many batches: enough for many workers, few enough to cost nothing.
SHARDS = 256
#: Shards in flight per worker: one runs while the next one waits.
AHEAD = 2
#: How often a shard that was lost with its worker is given to the executor again before it is done here.
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
    digest: str = ""  # of the inputs

    @classmethod
    def of(
        cls, net: Network, failures: Failures, rows: FloatArray, epsilon: float | None, decisions: bool, top: int
    ) -> Problem:
        """Build a problem, with the digest of its inputs."""
        return cls(net, failures, rows, epsilon, decisions, top, _digest(rows))

    def engine(self) -> Any:
        """Return the enumerator."""
        space = self.failures._space(self.net)
        return _core.Enumerator(self.net._core, space, self.rows, self.decisions, self.epsilon, self.top)

    def empty(self) -> Any:
        """Return the statistics of nothing."""
        return _core.Statistics(self.net.widths[-1], self.top)

    def fingerprint(self, engine: Any) -> dict[str, str]:
        """Return what makes two runs the same, by name."""
        layers = [*self.net.weights, *self.net.biases]
        activations = [*self.net.activations, self.net.output_activation]
        return {
            "network": _digest(*layers) + " " + " ".join(map(repr, activations)),
            "inputs": f"{self.rows.shape} {self.digest}",
            "failures": repr(self.failures._terms),
            "epsilon": repr(self.epsilon),
            "spec": "argmax" if self.decisions else "error",
            "grid": f"{engine.batches} batches of {engine.batch_size}, {len(shards(engine.batches))} shards",
            "kernels": str(_core.variant()),
            "version": version,
        }


def _digest(*arrays: FloatArray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def shards(batches: int) -> list[Shard]:
    """Return the ranges of batches that are run and kept as a whole."""
    size = max(1, -(-batches // SHARDS))
    return [(first, min(first + size, batches)) for first in range(0, batches, size)]


@lru_cache(maxsize=1)
def _engine(problem: Problem) -> Any:
    return problem.engine()


def run_shard(problem: Problem, shard: Shard, threads: int) -> Any:
    """Run one shard; what an executor's worker calls."""
    return _engine(problem).run(shard[0], shard[1], threads)


def run_here(
    engine: Any, todo: list[Shard], threads: int, done: int, report: Report | None
) -> Iterator[tuple[Shard, Any, bool]]:
    """Yield (shard, statistics, whether it is whole); an interrupted shard is the last one."""
    for shard in todo:
        before = done
        inner = None if report is None else lambda count, before=before: report(before + count)
        statistics = engine.run(shard[0], shard[1], threads, inner)
        done += int(statistics.count)
        whole = int(statistics.count) == engine.rank(shard[1]) - engine.rank(shard[0])
        yield shard, statistics, whole
        if not whole:
            return


def run_on(executor: Executor, problem: Problem, todo: list[Shard], threads: int) -> Iterator[tuple[Shard, Any, bool]]:
    """Yield (shard, statistics, True) as the executor's workers finish them; lost shards are redone."""
    waiting = list(reversed(todo))
    tries: dict[Shard, int] = {}
    flying: dict[Future[Any], Shard] = {}
    broken = False
    try:
        while waiting or flying:
            while waiting and not broken and len(flying) < AHEAD * workers(executor):
                shard = waiting.pop()
                try:
                    flying[executor.submit(run_shard, problem, shard, threads)] = shard
                except (BrokenExecutor, RuntimeError):  # a dead pool takes nothing any more: finish here
                    waiting.append(shard)
                    broken = True
            if not flying:
                shard = waiting.pop()
                yield shard, run_shard(problem, shard, threads), True
                continue
            finished, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in finished:
                shard = flying.pop(future)
                statistics = _result(future)
                if statistics is not None:
                    yield shard, statistics, True
                    continue
                tries[shard] = tries.get(shard, 0) + 1
                if tries[shard] > RETRIES:
                    yield shard, run_shard(problem, shard, threads), True
                else:
                    waiting.append(shard)
    finally:
        for future in flying:
            future.cancel()


def _result(future: Future[Any]) -> Any:
    """Return the statistics, or None where the shard was lost with its worker."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError, OSError):
        return None
    except Exception as error:
        if type(error).__name__ in ("KilledWorker", "CancelledError", "TerminatedWorkerError", "CommClosedError"):
            return None
        raise


def workers(executor: Executor) -> int:
    """Return how many shards the executor can run at once, as far as it tells."""
    client = getattr(executor, "_client", None)
    if client is not None and hasattr(client, "nthreads"):  # dask.distributed
        return max(1, int(sum(client.nthreads().values())))
    known = getattr(executor, "_max_workers", None)
    return known if isinstance(known, int) and known > 0 else os.cpu_count() or 1
