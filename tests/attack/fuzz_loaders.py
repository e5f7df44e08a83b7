# SPDX-License-Identifier: MIT
"""Mutation fuzzing of the parsers of this package: `.npz` and `.nnet` files, in this process.

    python tests/attack/fuzz_loaders.py --executions 250000 --seed 1

A violation is an exception that the loaders do not document, a message that does not name the file, more than ten
seconds or a gibibyte for one file, and a network that does not compute after it was loaded.
"""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _fuzzing import Tally, loaded, main, watched
from _mutate import mutated_archive, mutated_text
from withstand import Network
from withstand.importers import Budget

#: Far below what one execution may take: a budget is kept where it is small, too.
BUDGET = Budget(entries=1 << 20, bytes=1 << 25, operations=1 << 28, nodes=1000)
ACTIVATIONS = ("relu", "logistic", "tanh", "hard_tanh", "clip", "softplus", "identity")


def npz_seeds(folder: Path) -> list[bytes]:
    rng = np.random.default_rng(1)
    seeds = []
    for number, widths in enumerate([(1, 1, 1), (2, 3, 1), (3, 4, 4, 2), (1, 2, 3, 2, 1), (8, 16, 4)]):
        pairs = list(zip(widths, widths[1:]))
        weights = [rng.normal(size=(n, m)) for m, n in pairs]
        net = Network(weights, [rng.normal(size=n) for _, n in pairs], activation=ACTIVATIONS[number])
        net.save(folder / "seed.npz")
        seeds.append((folder / "seed.npz").read_bytes())
    return seeds


def nnet_seeds() -> list[bytes]:
    rng = np.random.default_rng(2)
    seeds = []
    for widths in [(1, 1, 1), (2, 3, 1), (3, 4, 4, 2), (5, 2, 2, 2, 5)]:
        lines = ["// a network", f"{len(widths) - 1},{widths[0]},{widths[-1]},{max(widths)},", _row(widths), "0,"]
        lines += [_row([-1] * widths[0]), _row([1] * widths[0])]
        lines += [_row(rng.normal(size=widths[0] + 1)), _row(rng.uniform(1, 2, size=widths[0] + 1))]
        for fan_in, width in zip(widths, widths[1:]):
            lines += [_row(row) for row in rng.normal(size=(width, fan_in))]
            lines += [_row([bias]) for bias in rng.normal(size=width)]
        seeds.append(("\n".join(lines) + "\n").encode())
    return seeds


def _row(values: object) -> str:
    return ",".join(str(value) for value in values) + ","  # type: ignore[attr-defined]


def attack(path: Path) -> str:
    """Load one damaged file; a network that loads must compute."""
    net = loaded(path, BUDGET)
    x = np.zeros(net.widths[0]) if net.input_box is None else net.input_box[0]
    with np.errstate(all="ignore"):
        net.forward(x)
    return "loaded"


def run(executions: int, seed: int, kinds: tuple[str, ...] = (".npz", ".nnet")) -> Tally:
    """Attack so many times, the formats in turn."""
    rng, tally = Random(seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = {".npz": npz_seeds(folder), ".nnet": nnet_seeds()}
        mutate = {".npz": mutated_archive, ".nnet": mutated_text}
        for number in range(executions):
            suffix = kinds[number % len(kinds)]
            path = folder / f"bad{suffix}"
            path.write_bytes(mutate[suffix](rng, rng.choice(seeds[suffix]), seeds[suffix]))
            watched(functools.partial(attack, path), tally, f"seed {seed}, execution {number}")
    return tally


if __name__ == "__main__":
    sys.exit(main("fuzz_loaders", ".npz and .nnet", run, 250_000))
