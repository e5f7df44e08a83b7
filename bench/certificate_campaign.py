# SPDX-License-Identifier: MIT
"""Random certificates of words, groups, parameters and synapses, held against every configuration.

    python bench/certificate_campaign.py --cases 2500 --seed 11

Problems are those of tests/random_failures.py. `worst_case` writes a certificate of each; `check_certificate` has to
confirm it, its claim has to be the largest harm that the oracle finds by trying everything, it has to count as many
configurations, and a claim below the truth has to be rejected. Prints a line for every violation, and what became of
the problems; exit code 1 if there was a violation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "certificate"))
from random_failures import problem
from random_proofs import proved


def campaign(cases: int, seed: int, first: int = 0, limit: int = 300) -> tuple[Counter[str], list[str]]:
    """Ask for so many certificates; return what became of them, and what was wrong."""
    seen: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(first, first + cases):
            drawn = problem(np.random.default_rng((seed, index)), limit=limit)
            try:
                seen[proved(drawn, Path(folder))] += 1
            except AssertionError as error:
                wrong.append(f"{seed}:{index} {drawn.failures!r}: {error}")
                print(wrong[-1], flush=True)
    return seen, wrong


def main() -> int:
    """Run it and tell the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--limit", type=int, default=300, help="most configurations of a case")
    asked = parser.parse_args()
    started = time.perf_counter()
    seen, wrong = campaign(asked.cases, asked.seed, asked.first, asked.limit)
    for what, count in seen.most_common():
        print(f"{count:7,}  {what}")
    print(f"{asked.cases:,} cases, seed {asked.seed}: {len(wrong)} violations, {time.perf_counter() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
