# SPDX-License-Identifier: MIT
"""Random failures of words, parameters, groups and synapses: every answer against every configuration.

    python bench/words_campaign.py --cases 8000 --seed 1

Networks are chains and graphs whose parameters are words (tests/random_failures.py); failure models are bit flips of
signals and of parameters in every format, crashes of weights, synapses, neurons, channels and groups, and their sums.
The oracle (tests/oracle/failing_words.py) evaluates every configuration by definition; enumeration, bounds and the
exact search are held against it. Prints a line for every violation, and the numbers; exit code 1 if there was one.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from checked_failures import check
from random_failures import problem
from tally import Tally


def campaign(cases: int, seed: int, first: int = 0, limit: int = 600, seconds: float = float("inf")) -> Tally:
    """Check so many problems, or as many as the time allows."""
    tally, end = Tally(lambda text: print(text, flush=True)), time.monotonic() + seconds
    for index in range(first, first + cases):
        if time.monotonic() > end:
            break
        rng = np.random.default_rng((seed, index))
        drawn = problem(rng, limit=limit)
        try:
            check(drawn, f"{seed}:{index}", tally, rng)
        except Exception as error:  # nothing that is asked may end like this
            tally.check("errors", False, f"{seed}:{index} {drawn.failures!r} raised {type(error).__name__}: {error}")
        tally.seen["cases"] += 1
    return tally


def main() -> int:
    """Run it and tell the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--limit", type=int, default=600, help="most configurations of a case")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked = parser.parse_args()
    started = time.perf_counter()
    tally = campaign(asked.cases, asked.seed, asked.first, asked.limit, asked.seconds)
    for title, counts in (("answers", tally.answers), ("refused", tally.refused), ("seen", tally.seen)):
        print(title + ":", ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())))
    print(f"{tally.seen['cases']:,} cases, seed {asked.seed}: {sum(tally.answers.values()):,} answers, "
          f"{len(tally.wrong)} violations, {time.perf_counter() - started:.0f} s")  # fmt: skip
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
