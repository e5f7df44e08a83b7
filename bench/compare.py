# SPDX-License-Identifier: MIT
"""The ratio of two sets of pytest-benchmark results; `bench/compare.sh` calls it."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def best(folder: Path, commit: str, rounds: int) -> dict[str, float]:
    """Least time of every benchmark over the rounds."""
    times: dict[str, float] = {}
    for number in range(1, rounds + 1):
        for entry in json.loads((folder / f"{commit}-{number}.json").read_text())["benchmarks"]:
            times[entry["fullname"]] = min(entry["stats"]["min"], times.get(entry["fullname"], float("inf")))
    return times


def main() -> None:
    """Print a table: seconds of both, and how many times as fast the new one is."""
    folder, old, new, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    before, after = best(folder, old, rounds), best(folder, new, rounds)
    print(f"| benchmark | {old}, CPU s | {new}, CPU s | old / new |\n|---|---|---|---|")
    for name in before:
        if name in after:
            print(f"| {name} | {before[name]:.4g} | {after[name]:.4g} | {before[name] / after[name]:.2f} |")


if __name__ == "__main__":
    main()
