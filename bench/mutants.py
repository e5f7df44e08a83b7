# SPDX-License-Identifier: MIT
"""Plant slips in the C++ core one after the other, and see what notices each: the campaign, or the suite.

    python bench/mutants.py                                # all of them, minutes of compiling included
    python bench/mutants.py --only fault-1-telescoped --networks 10000
    python bench/mutants.py --write docs/mutants.md        # and the table

Exit code 1 where a slip survives.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from planting.catchers import QUESTIONS, Catcher, Caught, PythonTest, campaigns, tests
from planting.copy import Copy
from planting.page import page
from slips import SLIPS
from slips.slip import Slip

ROOT = Path(__file__).resolve().parents[1]


def hunt(copy: Copy, hounds: list[Catcher]) -> Caught:
    """The first catcher that notices; `by` is empty where none does."""
    began = time.monotonic()
    for hound in hounds:
        found = hound.run(copy)
        if found:
            return Caught(found, time.monotonic() - began)
    return Caught("", time.monotonic() - began)


def key(slip: Slip) -> str:
    """Under which a result is remembered: a slip that changes is tried again."""
    return json.dumps([slip.name, slip.file, slip.old, slip.new])


class Memory:
    """Results by slip, kept in the copy's folder."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.known: dict[str, list[str | float]] = json.loads(file.read_text()) if file.exists() else {}

    def __getitem__(self, slip: Slip) -> Caught | None:
        found = self.known.get(key(slip))
        return Caught(str(found[0]), float(found[1])) if found else None

    def __setitem__(self, slip: Slip, caught: Caught) -> None:
        self.known[key(slip)] = [caught.by, round(caught.seconds, 1)]
        self.file.write_text(json.dumps(self.known, indent=1))


def clean(copy: Copy, engines: set[str], networks: int) -> None:
    """What the campaign and the tests find in the core as it is does not count."""
    copy.build()
    for campaign in campaigns(networks):
        print(campaign.learn(copy), flush=True)
    for test in {test for engine in engines for test in tests(engine)}:
        if isinstance(test, PythonTest):
            print(test.learn(copy), flush=True)
        elif test.run(copy):
            raise SystemExit(f"the core as it is fails {test}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these slips alone")
    parser.add_argument("--list", action="store_true", help="show the slips and do nothing")
    parser.add_argument("--networks", type=int, default=3000, help="of the campaign; in rationals twice as many")
    parser.add_argument("--no-tests", action="store_true", help="the campaign alone")
    parser.add_argument("--no-clean", action="store_true", help="take over what is known of the core as it is")
    parser.add_argument("--again", action="store_true", help="also those whose result is known")
    parser.add_argument("--jobs", type=int, default=2, help="of the compiler")
    parser.add_argument("--at", type=Path, help="a folder for the copy and the results, kept for the next time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table of all known results")
    args = parser.parse_args(argv)
    unknown = set(args.only or ()) - {s.name for s in SLIPS}
    if unknown:
        parser.error(f"no slip is called {', '.join(sorted(unknown))}")
    chosen = [s for s in SLIPS if not args.only or s.name in args.only]
    if args.list:
        print("\n".join(f"{s.name:<26}{s.file:<40}{s.why}" for s in chosen))
        return 0
    folder = args.at or Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        return plant(folder, chosen, args)
    finally:
        if args.at is None:
            shutil.rmtree(folder)


def plant(folder: Path, chosen: list[Slip], args: argparse.Namespace) -> int:
    copy, memory = Copy(ROOT, folder / "copy", args.jobs), Memory(folder / "results.json")
    for slip in chosen:
        slip.planted((ROOT / "cpp" / slip.file).read_text())
    todo = [s for s in chosen if not s.equivalent and (args.again or memory[s] is None)]
    if todo and not args.no_clean:
        clean(copy, set() if args.no_tests else {s.engine for s in todo}, args.networks)
    for slip in todo:
        began = time.monotonic()
        copy.build(slip)
        built = time.monotonic() - began
        hounds: list[Catcher] = [*campaigns(args.networks, () if slip.mended else QUESTIONS[slip.engine])]
        caught = memory[slip] = hunt(copy, hounds if args.no_tests else [*hounds, *tests(slip.engine)])
        words = caught.by or "SURVIVES"
        print(f"{slip.name:<26}{caught.seconds:>6.0f} s  {words}  (built in {built:.0f} s)", flush=True)
    results = {s.name: memory[s] for s in SLIPS}
    if args.write:
        args.write.write_text(page(SLIPS, results))
    return 1 if any(not s.equivalent and not getattr(results[s.name], "by", "") for s in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
