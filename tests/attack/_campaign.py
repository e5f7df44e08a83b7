# SPDX-License-Identifier: MIT
"""What the commands of this folder share: their options, and the line that they end with."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

Campaign = Callable[[int, int, int], Sequence[str]]


def main(name: str, campaigns: dict[str, Campaign], executions: int) -> int:
    """Run one of the campaigns, print what it found, and return the exit code: 1 for any violation."""
    parser = argparse.ArgumentParser(description=name)
    parser.add_argument("kind", nargs="?", choices=list(campaigns), default=next(iter(campaigns)))
    parser.add_argument("--executions", type=int, default=executions)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    started = time.monotonic()
    violations = campaigns[asked.kind](asked.executions, asked.seed, asked.workers)
    for violation in violations[:20]:
        print(violation)
    seconds = time.monotonic() - started
    print(f"{name} {asked.kind}: {asked.executions} executions from seed {asked.seed}, {seconds:.0f} s, "
          f"{len(violations)} violations")  # fmt: skip
    return 1 if violations else 0
