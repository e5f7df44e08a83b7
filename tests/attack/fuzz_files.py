# SPDX-License-Identifier: MIT
"""Mutated certificates and checkpoints: nothing foreign is raised, and what is accepted is true.

A certificate that is confirmed must state an interval that holds; a checkpoint that is accepted must lead to the right
bits. Half of the certificates get a right checksum, so that the mutation reaches what lies behind it.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import withstand as ws
from runs import numbers
from withstand.certificate import checksum
from withstand.certificate.budget import LIMITS

#: Seconds after which a mutated file counts as a hang.
HANG = 10.0
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**63, 2**64, 10**400, "", "x", "0",
    "1e5", "NaN", [], [[]], {}, [0], {"0": 0}, [None], "\ud800", "a" * 5000, math.nan, math.inf,
)  # fmt: skip
TEXTS = (b"NaN", b"1e999", b"-Infinity", b"9" * 5000, b"[" * 3000, b'{"a":' * 3000, b"\xff\xfe", b"\x00", b"null",
         b"-0", b"1e-999", b"\\ud800", b'"', b",", b"}")  # fmt: skip


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Change bytes: flip, cut, double, drop, splice."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at, size = rng.randrange(len(data) + 1), rng.choice([1, 2, 16, 256])
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + size] = rng.randbytes(size)
        elif kind == 2:
            del data[at : at + size]
        elif kind == 3:
            data[at:at] = data[at : at + size]
        elif kind == 4:
            start = rng.randrange(len(data) + 1)
            data[at : at + size] = data[start : start + size]
        else:
            data[at:at] = rng.choice(TEXTS)
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.05 else data)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a JSON value."""
    found: list[tuple[Any, Any]] = []
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        found += places(value[key])
    return found


def restructured(value: Any, rng: random.Random) -> Any:
    """Change a JSON value: other numbers, other types, entries dropped, doubled, exchanged."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2, 4])):
        holder, key = rng.choice(places(value))
        other, there = rng.choice(places(value))
        kind, old = rng.randrange(6), holder[key]
        if kind == 0:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif kind == 1 and isinstance(old, (int, float)):
            near = [old * (1 + 1e-7), old * (1 - 1e-7), float(old)] if abs(old) < 1e300 else [old * 10]
            holder[key] = rng.choice([old + 1, old - 1, -old, old * 2, *near])
        elif kind == 2:
            del holder[key]
        elif kind == 3 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(old))
        elif kind == 4:
            holder[key] = copy.deepcopy(other[there])
        elif isinstance(holder, dict):
            holder[f"{key}{rng.choice(['', '0', 'x'])}"] = copy.deepcopy(other[there])
        if not places(value):
            break
    return value


class Certificates:
    """Certificates of a small network, and what is true of it."""

    def __init__(self, folder: Path) -> None:
        LIMITS.update({"multiply-adds": 10**8, "multiply-adds of splitting leaves": 10**7, "ways to fail": 10_000,
                       "configurations to evaluate": 50_000, "steps of counting configurations": 10**6,
                       "decisions on the paths of the tree": 10**6})  # fmt: skip
        rng = np.random.default_rng(0)
        self.net = ws.Network([rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(2, 5))])
        models = [(ws.Crash(2), None), (ws.StuckAt(1, value=0.5), None), (ws.Crash(1), ws.Argmax())]
        self.prove(folder, rng, models)

    def prove(self, folder: Path, rng: np.random.Generator, models: Sequence[tuple[ws.Failures, Any]]) -> None:
        """Write the certificates that are mutated, of models at two inputs each."""
        self.path, self.seeds, self.rejected = folder / "mutated.json", [], 0
        for n, (failures, spec) in enumerate(models):
            path = folder / f"{n}.json"
            ws.worst_case(self.net, failures, rng.normal(size=(2, self.net.widths[0])), spec=spec, certificate=path)
            self.seeds.append(json.loads(path.read_text()))

    def attempt(self, rng: random.Random) -> str | None:
        """Check one mutated certificate; return what is wrong with the answer."""
        self.path.write_bytes(self.mutated(rng.choice(self.seeds), rng))
        check = ws.check_certificate(self.path, self.net, effort=200)
        repr(check)
        if not check.valid:
            self.rejected += 1
            return None if check.reason else "rejected without a reason"
        return self.untrue(check)

    def mutated(self, seed: dict[str, Any], rng: random.Random) -> bytes:
        """Return a certificate with something else in it."""
        if rng.random() < 0.4:
            return flipped(json.dumps(seed).encode(), rng)
        file = restructured(seed, rng)
        if isinstance(file, dict) and rng.random() < 0.9:
            file["checksum"] = checksum_of(file)
        return json.dumps(file).encode()

    def untrue(self, check: ws.Check) -> str | None:
        """Return what is wrong with a certificate that was confirmed."""
        lower, upper = self.truth(check)
        slack = 1e-9 * max(1.0, abs(upper))
        holds = check.lower <= upper + slack and check.upper >= upper - slack and lower <= upper
        return None if holds else f"confirmed {check.lower!r}..{check.upper!r}, the worst is {upper!r}"

    def truth(self, check: ws.Check) -> tuple[float, float]:
        """Return the least and the worst harm over all configurations that the certificate speaks of."""
        harms = []
        for failed in configurations(check.failures, self.net.widths):
            for n, x in enumerate(check.domain):
                harms.append(harm(self.net, failed, x, check.classes[n] if check.goal == "argmax" else None))
        return min(harms), max(harms)


def checksum_of(file: dict[str, Any]) -> str:
    try:
        return checksum(file)
    except (ValueError, TypeError, UnicodeError):
        return "none"


def configurations(terms: Sequence[dict[str, Any]], widths: Sequence[int]) -> list[dict[tuple[int, int], float]]:
    """Return what the terms of a certificate allow to fail, by trying every set of neurons."""
    neurons = [(layer, i) for layer in range(len(widths) - 1) for i in range(widths[layer])]
    found: list[dict[tuple[int, int], float]] = [{}]
    for term in terms:
        own = [n for n in neurons if (n[0] > 0 if term["among"] is None else list(n) in term["among"])]
        size = min(len(own), sum(term["counts"]))
        sets = [s for k in range(size + 1) for s in itertools.combinations(own, k) if allowed(s, term)]
        found = [{**before, **dict.fromkeys(s, term["value"])} for before in found for s in sets
                 if not set(before) & set(s)]  # fmt: skip
    return found


def allowed(failed: tuple[tuple[int, int], ...], term: dict[str, Any]) -> bool:
    """Return whether a term's counts, in total or layer by layer, allow such a set."""
    counts = [len(failed)] if term["total"] else [
        sum(layer == n + 1 for layer, _ in failed) for n in range(len(term["counts"]))
    ]  # fmt: skip
    pairs = list(zip(counts, term["counts"]))
    return all(have == most if term["exactly"] else have <= most for have, most in pairs)


def harm(net: ws.Network, failed: dict[tuple[int, int], float], x: Any, predicted: int | None) -> float:
    """Evaluate a configuration in plain NumPy: its error, or by how much another class is ahead."""
    values, intact = np.array(x), np.array(x)
    for (place, i), value in failed.items():
        if place == 0:
            values[i] = value
    for layer, (weight, bias) in enumerate(zip(net.weights, net.biases), 1):
        phi = net.activations[layer - 1] if layer < len(net.weights) else net.output_activation
        values, intact = phi(weight @ values + bias), phi(weight @ intact + bias)
        for (place, i), value in failed.items():
            if place == layer:
                values[i] = value
    if predicted is None:
        return float(np.max(np.abs(values - intact)))
    return float(np.max(np.delete(values, predicted)) - values[predicted])


class Checkpoints:
    """Checkpoints, finished and half finished, of a small enumeration."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(1)
        self.net = ws.Network([rng.normal(size=(5, 3)), rng.normal(size=(4, 5)), rng.normal(size=(2, 4))])
        self.inputs, self.folder = rng.normal(size=(2, 3)), folder
        self.path, self.rejected = folder / "mutated.db", 0
        self.truth = numbers(self.run(None))
        self.run(folder / "whole.db")
        self.run(folder / "half.db", lambda done, total: _stop(done > total / 2))
        self.seeds = [(folder / name).read_bytes() for name in ("whole.db", "half.db")]

    def run(self, path: Path | None, progress: Callable[[int, int], object] | bool = False) -> ws.Enumeration:
        return ws.enumerate_failures(self.net, ws.Crash(4), self.inputs, epsilon=0.5, threads=1, checkpoint=path,
                                     progress=progress)  # fmt: skip

    def attempt(self, rng: random.Random) -> str | None:
        """Go on from one mutated checkpoint; return what is wrong with the answer."""
        for name in self.folder.glob("mutated.db*"):
            name.unlink()
        content = rng.choice(self.seeds)
        if rng.random() < 0.5:
            self.path.write_bytes(flipped(content, rng))
        else:
            self.path.write_bytes(swapped(content, rng))
        try:
            found = self.run(self.path)
        except ValueError as error:
            self.rejected += 1
            return None if "mutated.db" in str(error) else f"no path in {error!s:.200}"
        return None if numbers(found) == self.truth else "accepted, and other bits"


def swapped(content: bytes, rng: random.Random) -> bytes:
    """Change digits and letters of the text of a database, its pages left in order."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 2, 5, 20])):
        at = rng.randrange(len(data))
        if 48 <= data[at] < 58 or rng.random() < 0.2:
            data[at] = rng.choice(b"0123456789,[].e-\x00\x01\xff")
    return bytes(data)


Kind = type[Certificates] | type[Checkpoints]


def _stop(now: bool) -> None:
    if now:
        raise KeyboardInterrupt


def part(kind: Kind, executions: int, seed: str, keep: str | None = None) -> list[str]:
    """Return the violations of one worker's share; the files are kept in a folder."""
    rng, wrong = random.Random(seed), []
    folder, limits = Path(tempfile.mkdtemp()), dict(LIMITS)
    try:
        target = kind(folder)
        for n in range(executions):
            started = time.monotonic()
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "checkpoint .*mutated.db keeps no more shards", RuntimeWarning)
                    said = target.attempt(rng)
            except Exception as error:  # whatever it is, it is foreign here
                said = f"{type(error).__name__}: {error!s:.200}"
            seconds = time.monotonic() - started
            said = f"{seconds:.0f} s" if said is None and seconds > HANG else said
            if said is not None:
                wrong.append(f"{kind.__name__}, execution {n} of seed {seed}: {said}")
                if keep is not None:
                    shutil.copy(target.path, f"{keep}/violation-{kind.__name__}-{seed}-{n}")
    finally:
        shutil.rmtree(folder)
        LIMITS.update(limits)
    return wrong


def campaign(kind: Kind, executions: int, seed: int, workers: int) -> list[str]:
    """Spread the executions over processes."""
    shares = [executions // workers + (n < executions % workers) for n in range(workers)]
    if workers == 1:
        return part(kind, executions, f"{seed}-0", tempfile.gettempdir())
    with ProcessPoolExecutor(workers) as pool:
        seeds, keep = [f"{seed}-{n}" for n in range(workers)], [tempfile.gettempdir()] * workers
        parts = pool.map(partial(part, kind), shares, seeds, keep)
        return [line for lines in parts for line in lines]


CAMPAIGNS = {"certificates": partial(campaign, Certificates), "checkpoints": partial(campaign, Checkpoints)}

if __name__ == "__main__":
    from _campaign import main

    sys.exit(main("mutated files", CAMPAIGNS, 25_000))
