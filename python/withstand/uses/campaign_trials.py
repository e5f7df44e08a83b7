# SPDX-License-Identifier: MIT
"""The trials of a campaign: run in shards, here or by an executor, and kept in a file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand._version import version
from withstand.model.deciding import class_of
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.questions.checkpoint import ShardFile
from withstand.questions.sharding import Shard, digest_of, everywhere, shards
from withstand.uses.random_failures import RandomFailures
from withstand.uses.random_sets import Drawn

Ints = npt.NDArray[np.int64]

FORMAT = "withstand campaign 1"


class Trials(NamedTuple):
    """What random failures did, trial after trial.

    Attributes
    ----------
    correct : ndarray of int
        Inputs whose class is right.
    flipped : ndarray of int
        Inputs whose class was right without failures, and is wrong.
    errors : ndarray
        Largest |faulty - intact| over inputs and outputs; infinite where the outputs overflow.
    failed : ndarray of int
        Components that failed.
    kept : ndarray of int, one per input
        Trials in which its class is right.
    """

    correct: Ints
    flipped: Ints
    errors: FloatArray
    failed: Ints
    kept: Ints


@dataclass(frozen=True)
class Plan:
    """A campaign, complete and picklable."""

    net: Network
    failures: Failures
    rows: FloatArray = field(hash=False, compare=False)
    classes: Ints = field(hash=False, compare=False)
    rates: tuple[float, ...] | None
    lowest: bool
    trials: int
    seed: int
    digest: str  # of inputs and classes

    def generator(self, trial: int) -> np.random.Generator:
        """Return the random numbers of a trial, whoever runs it."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(trial,)))

    def drawer(self) -> RandomFailures:
        """Return what draws the failures."""
        return RandomFailures(self.net, self.failures, self.rates)

    def fingerprint(self) -> dict[str, str]:
        """Return what makes two campaigns the same, by name."""
        return {
            "format": FORMAT,
            "network": self.net.fingerprint,
            "inputs and classes": f"{self.rows.shape} {self.digest}",
            "failures": repr(tuple(map(tuple, self.failures._terms))),
            "rates": repr(self.rates),
            "spec": "argmin" if self.lowest else "argmax",
            "trials": repr(self.trials),
            "seed": repr(self.seed),
            "version": version,
        }


class _Runner:
    """Runs trials, with what they share."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._drawer = plan, plan.drawer()
        self._intact = plan.net.forward(plan.rows)
        self._right = class_of(plan.net, self._intact, plan.lowest) == plan.classes

    def run(self, shard: Shard) -> Trials:
        """Run some trials."""
        plan, kept = self._plan, np.zeros(len(self._plan.rows), dtype=np.int64)
        found: list[tuple[int, int, float, int]] = []
        for trial in range(*shard):
            drawn = self._drawer.draw(plan.generator(trial))
            right, error = self._effects(drawn)
            kept += right
            found.append((int(right.sum()), int((self._right & ~right).sum()), error, len(drawn)))
        correct, flipped, errors, failed = (np.array(column) for column in zip(*found))
        return Trials(correct, flipped, errors.astype(np.float64), failed, kept)

    def _effects(self, drawn: list[Drawn]) -> tuple[npt.NDArray[np.bool_], float]:
        """Return which classes are right, and the largest error."""
        if not drawn:
            return self._right, 0.0
        outputs = self._drawer.outputs(self._plan.rows, drawn)
        known = np.isfinite(outputs).all(axis=1)
        right = known & (class_of(self._plan.net, outputs, self._plan.lowest) == self._plan.classes)
        return right, float(np.abs(outputs - self._intact).max()) if known.all() else math.inf


@lru_cache(maxsize=1)
def _runner(plan: Plan) -> _Runner:
    return _Runner(plan)


def run_trials(plan: Plan, shard: Shard) -> Trials:
    """Run some trials of a campaign; what an executor's worker calls. Equal calls have equal results."""
    return _runner(plan).run(shard)


class CampaignFile(ShardFile[Trials]):
    """The finished trials of a campaign."""

    what = "a campaign"

    def __init__(self, path: str | os.PathLike[str], plan: Plan) -> None:
        self._rows = len(plan.rows)
        super().__init__(path, plan.fingerprint(), shards(plan.trials))

    def _encoded(self, part: Trials) -> str:
        return json.dumps({name: values.tolist() for name, values in part._asdict().items()})

    def _decoded(self, shard: Shard, text: str) -> Trials | None:
        try:
            stored = json.loads(text)
            correct, flipped, failed, kept = (
                np.array(stored[name], dtype=np.int64) for name in ("correct", "flipped", "failed", "kept")
            )
            errors = np.array(stored["errors"], dtype=np.float64)
        except (ValueError, TypeError, LookupError, OverflowError):
            return None
        sizes = {values.shape for values in (correct, flipped, errors, failed)}
        fits = sizes == {(shard[1] - shard[0],)} and kept.shape == (self._rows,)
        return Trials(correct, flipped, errors, failed, kept) if fits else None


def run_campaign(
    plan: Plan,
    executor: Executor | None,
    checkpoint: str | os.PathLike[str] | None,
    report: Callable[[int], object] | None,
) -> dict[Shard, Trials]:
    """Return the finished shards, all of them unless Ctrl-C came: those of the file, and those that are left."""
    done: dict[Shard, Trials] = {}
    left = dict.fromkeys(shards(plan.trials))
    try:
        with nullcontext() if checkpoint is None else CampaignFile(checkpoint, plan) as file:
            for shard, part in () if file is None else file.load():
                done[shard] = part
                del left[shard]
            _tell(report, done)
            for shard, part in _parts(plan, executor, left):
                done[shard] = part
                if file is not None:
                    file.add(shard, part)
                _tell(report, done)
    except KeyboardInterrupt:  # what is known so far is the answer
        pass
    return done


def _tell(report: Callable[[int], object] | None, done: dict[Shard, Trials]) -> None:
    if report is not None:
        report(sum(last - first for first, last in done))


def _parts(plan: Plan, executor: Executor | None, left: dict[Shard, None]) -> Iterator[tuple[Shard, Trials]]:
    """Yield finished shards."""

    def here() -> Iterator[tuple[Shard, Trials]]:
        runner = _Runner(plan)
        for shard in list(left):
            yield shard, runner.run(shard)

    return everywhere(executor, left, lambda e, shard: e.submit(run_trials, plan, shard), lambda _, part: True, here)


def plan_of(
    net: Network,
    failures: Failures,
    rows: FloatArray,
    classes: Ints,
    rates: tuple[float, ...] | None,
    lowest: bool,
    trials: int,
    seed: int,
) -> Plan:
    """Return a campaign with the digest of its inputs."""
    return Plan(net, failures, rows, classes, rates, lowest, trials, seed, digest_of(rows, classes.astype(np.float64)))
