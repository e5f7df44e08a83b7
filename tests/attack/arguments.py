# SPDX-License-Identifier: MIT
"""Values of every kind for every argument of every public function: an answer, or a TypeError, ValueError or
OverflowError of this package's own. ``python tests/attack/arguments.py --executions 20000``."""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import withstand as ws

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arguments_table import FOREIGN, TABLE, call


class Hostile:
    """An object that cannot even be shown."""

    def __repr__(self):
        raise RuntimeError("repr")


PLAIN = (
    None, True, False, -1, 0, 1, 2, 3, 2**31, 2**63, 2**64, 10**30, -(10**30), 10**5000, 0.5, -0.5, math.nan, math.inf,
    -math.inf, 1e308, 5e-324, 1j, "", "x", "0.5", "nan", "1e9999", "\0", "value", "zero", b"x", (), [], {}, set(),
    Decimal("0.1"), Decimal("nan"), Decimal("Infinity"), Fraction(1, 3), np.float16(0.1), np.int8(2), np.bool_(True),
    np.datetime64("2001-01-01"), np.array(1.5), np.zeros(0), np.zeros((0, 2)), np.ones((1, 1, 1)), np.array(["x"]),
    np.array([None]), ws.Crash, ws.Crash(1), ws.Argmax, ws.Argmax(), ws.Box([0.0, 0.0], [1.0, 1.0]), Hostile, Hostile(),
    object(), range(3), len, print, ..., NotImplemented,
)  # fmt: skip


def value(rng: random.Random, depth: int = 0) -> object:
    """Return a plain value, or a container of some."""
    if depth == 3 or rng.random() < 0.7:
        return rng.choice(PLAIN)
    parts = [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    kind = rng.randrange(4)
    if kind == 3:
        return {n: part for n, part in enumerate(parts)}
    return parts if kind else tuple(parts)


def violation(rng: random.Random) -> str | None:
    """Try one value; return what was wrong with what came of it."""
    function, arguments, names = rng.choice(TABLE)
    tried = [name for name, rows in names.items() if rows is not None]
    name, given = rng.choice(tried), value(rng)
    try:
        call(function, arguments, name, given)
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error)
        if any(word in said for word in FOREIGN) or len(said) > 1000 or not said:
            return f"{function.__name__}, {name}: {type(error).__name__}: {said[:300]}"
    except OSError:
        return None if name == "path" or function is ws.check_certificate else f"{function.__name__}, {name}: OSError"
    except BaseException as error:
        return f"{function.__name__}, {name}, {type(given).__name__}: {type(error).__name__}: {str(error)[:300]}"
    return None


def main(executions: int, seed: int) -> int:
    """Try so many values; return the number of violations."""
    rng, found = random.Random(seed), {}
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for _ in range(executions):
                wrong = violation(rng)
                if wrong is not None:
                    found[wrong] = found.get(wrong, 0) + 1
        finally:
            os.chdir(here)
    for wrong, times in found.items():
        print(f"  {times} x {wrong}")
    print(f"arguments: {executions:,} executions, seed {seed}, {sum(found.values()):,} violations")
    return sum(found.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="Taken for uniformity; one process is enough.")
    options = parser.parse_args()
    sys.exit(1 if main(options.executions, options.seed) else 0)
