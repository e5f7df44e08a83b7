# SPDX-License-Identifier: MIT
"""Random networks times questions, every answer checked against plain NumPy or, with --rational, against rationals.

    python bench/differential.py --networks 100000 --seed 1 --workers 2
    python bench/differential.py --rational 50000
    python bench/differential.py --case 1:17               # one case again, all its questions

Exit code 1 where an answer is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from campaign import cases, rational
from campaign.play import QUESTIONS, play
from campaign.play import ask as ask_floats
from campaign.pool import run
from campaign.shrink import shrink
from campaign.tally import Tally, Violation


def table(tally: Tally, networks: int, seconds: float) -> str:
    """Question by question: how often asked, refused by name, answers checked, violations."""
    lines = [f"{'question':<28}{'cases':>9}{'refused':>9}{'checked':>10}{'violations':>11}"]
    for question in sorted(set(tally.asked) | set(tally.wrong)):
        counts = (tally.asked[question], tally.refused[question], tally.checked[question], tally.wrong[question])
        lines.append(f"{question:<28}{counts[0]:>9}{counts[1]:>9}{counts[2]:>10}{counts[3]:>11}")
    total = sum(tally.checked.values())
    lines.append(f"{'all':<28}{networks:>9}{sum(tally.refused.values()):>9}{total:>10}{sum(tally.wrong.values()):>11}")
    each = max(networks, 1)
    lines.append(f"{seconds:.0f} s, {1e3 * seconds / each:.1f} ms per network, {total / each:.1f} answers each")
    return "\n".join(lines)


def shortest(violations: list[Violation], each: int) -> list[Violation]:
    """The shortest reproducers of every kind."""
    kinds: dict[tuple[str, str], list[Violation]] = {}
    for v in violations:
        kinds.setdefault((v.question, v.kind), []).append(v)
    return [v for k in sorted(kinds) for v in sorted(kinds[k], key=lambda v: len(v.source))[:each]]


def mark(violation: Violation) -> tuple[str, str, str]:
    """What makes it the same violation in another run."""
    return violation.question, violation.kind, violation.case


def smaller(violation: Violation, exactly: bool) -> Violation:
    """The violation on a simpler case, where it is one that comes back."""
    if not violation.kind.startswith(("hangs", "dies", "the oracle")):
        seed, index = map(int, violation.case.split(":"))
        make, ask = (rational.case, rational.ask) if exactly else (cases.case, ask_floats)
        return shrink(ask, make(seed, index), violation, QUESTIONS)
    return violation


class Watch:
    """What is seen of a campaign while it runs: when each kind of violation came first, and whether to stop."""

    def __init__(self, networks: int, known: set[tuple[str, ...]], stop: bool) -> None:
        self.networks, self.known, self.stop = networks, known, stop
        self.began = self.told = time.monotonic()
        self.first: dict[tuple[str, str], float] = {}
        self.seen = 0

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def progress(self, done: int, tally: Tally) -> bool:
        """Note what is new; true where the campaign has seen enough."""
        for v in tally.violations[self.seen :]:
            self.first.setdefault((v.question, v.kind), self.seconds())
        self.seen = len(tally.violations)
        if sys.stderr.isatty() and time.monotonic() - self.told > 1:
            self.told = time.monotonic()
            print(f"\r{done} of {self.networks}, {sum(tally.wrong.values())} violations ", end="", file=sys.stderr)
        return self.stop and bool(self.new(tally))

    def new(self, tally: Tally) -> list[Violation]:
        """The violations that were not known before."""
        return [v for v in tally.violations if mark(v) not in self.known]


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=0)
    parser.add_argument(
        "--rational", type=int, default=0, metavar="N", help="networks whose truth is computed in rationals"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this long")
    parser.add_argument("--first", action="store_true", help="stop at the first violation")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write which violations of which cases there were")
    parser.add_argument("--known", type=Path, metavar="FILE", help="what was saved before does not count")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds after which a case counts as hanging")
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--case", metavar="SEED:INDEX", help="one case alone")
    parser.add_argument("--each", type=int, default=2, help="reproducers shown of each kind")
    parser.add_argument("--shrink", action="store_true", help="simplify the reproducers first, some seconds each")
    parser.add_argument("--words", action="store_true", help="show what was refused, and how often")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = options().parse_args(argv)
    indices, seed = range(args.rational or args.networks), args.seed
    if args.case:
        seed, index = map(int, args.case.split(":"))
        indices = range(index, index + 1)
        print((rational.case if args.rational else cases.case)(seed, index).source())
    known = {(*each,) for each in json.loads(args.known.read_text())} if args.known else set()
    watch = Watch(len(indices), known, args.first)
    game, workers = rational.play if args.rational else play, min(args.workers, len(indices))
    done, tally = run(game, seed, indices, tuple(args.questions), workers, args.timeout, args.minutes, watch.progress)
    tally.violations = watch.new(tally)
    if args.save:
        args.save.write_text(json.dumps(sorted({mark(v) for v in tally.violations}), indent=1))
    tell(args, watch, done, tally)
    return 1 if tally.violations else 0


def tell(args: argparse.Namespace, watch: Watch, done: int, tally: Tally) -> None:
    """Reproducers, kinds, refusals and the table."""
    for violation in shortest(tally.violations, args.each):
        print((smaller(violation, bool(args.rational)) if args.shrink else violation).text(), end="\n\n", flush=True)
    for (question, kind), count in sorted(Counter((v.question, v.kind) for v in tally.violations).items()):
        print(f"{count:>8}  {question}: {kind}  (first after {watch.first[question, kind]:.0f} s)")
    if args.words:
        print("\n".join(f"{count:>8}  {words}" for words, count in tally.words.most_common(60)))
    print(table(tally, done, watch.seconds()))


if __name__ == "__main__":
    sys.exit(main())
