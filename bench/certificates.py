# SPDX-License-Identifier: MIT
"""Certificates at full size: searches of many nodes are confirmed, and alterations that make them false are not.

    python bench/certificates.py --alterations 200

Every alteration of `tests/certificate/alterations.py` in turn, checksums recomputed. Exit code 0 if every certificate
is confirmed and every alteration rejected, 1 otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import withstand as ws

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "certificate"))
from alterations import altered


def deep(seed: int, *widths: int) -> tuple[ws.Network, Any]:
    rng = np.random.default_rng(seed)
    weights = [1.4 * rng.normal(size=(b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return ws.Network(weights, [0.3 * rng.normal(size=b) for b in widths[1:]]), rng.normal(size=(2, widths[0]))


def problems() -> list[tuple[str, ws.Network, ws.Failures, Any, ws.Argmax | None]]:
    digits, X, _ = ws.embedded("digits_small")
    mixed = ws.Crash(2) + ws.StuckAt(2, value=1.0)
    return [
        ("4-16-16-16-2, decisions, 4 crashes anywhere", *_with(deep(1, 4, 16, 16, 16, 2), ws.Crash(4)), ws.Argmax()),
        ("4-8-8-8-8-8-2, 5 crashes anywhere", *_with(deep(1, 4, 8, 8, 8, 8, 8, 2), ws.Crash(5)), None),
        ("digits_small, 4 crashes anywhere", digits, ws.Crash(4), X[:2], None),
        ("digits_small, 2 crashed and 2 stuck at 1", digits, mixed, X[:1], None),
    ]


def _with(problem: tuple[ws.Network, Any], failures: ws.Failures) -> tuple[ws.Network, ws.Failures, Any]:
    return problem[0], failures, problem[1]


def confirm(name: str, net: ws.Network, failures: ws.Failures, X: Any, spec: ws.Argmax | None, path: Path) -> bool:
    start = time.process_time()
    found = ws.worst_case(net, failures, X, spec=spec, certificate=path, threads=1)
    middle = time.process_time()
    check = ws.check_certificate(path, net)
    size = path.stat().st_size / 1e6
    print(f"{name}: {found.configurations:,} configurations x {len(X)}, {found.nodes:,} search nodes, {found.status}")
    print(f"  written in {middle - start:.2f} CPU s, {size:.2f} MB; {check.reason} in "
          f"{time.process_time() - middle:.2f} CPU s: {check.nodes:,} nodes, {check.bounded:,} bounded, "
          f"{check.enumerated:,} enumerated ({check.configurations:,} configurations), "
          f"{check.refined:,} refined", flush=True)  # fmt: skip
    return check.valid


def rejected(net: ws.Network, path: Path, alterations: int) -> bool:
    file, wrong = json.loads(path.read_text()), path.with_suffix(".wrong.json")
    truth, survivors, tally = file["claim"]["lower"], 0, Counter()
    start = time.process_time()
    for seed in range(alterations):
        name, content = altered(file, seed, truth)
        wrong.write_text(json.dumps(content))
        check = ws.check_certificate(wrong, net)
        tally[name] += not check.valid
        if check.valid:
            survivors += 1
            print(f"  NOT rejected: {name}, seed {seed}")
    seconds = time.process_time() - start
    print(f"  {alterations - survivors} of {alterations} alterations rejected in {seconds:.1f} CPU s")
    print("  " + ", ".join(f"{name} {count}" for name, count in tally.items()), flush=True)
    return survivors == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alterations", type=int, default=200)
    arguments = parser.parse_args()
    well = True
    with tempfile.TemporaryDirectory() as folder:
        for n, (name, net, failures, X, spec) in enumerate(problems()):
            path = Path(folder) / f"{n}.json"
            well &= confirm(name, net, failures, X, spec, path)
            if n == 0:
                well &= rejected(net, path, arguments.alterations)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
