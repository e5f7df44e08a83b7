# SPDX-License-Identifier: MIT
"""The last steps of the pipeline: ask what crashes do, keep the proof, have it checked, and let the exit code decide.

    python examples/pipeline_python/export.py build/release
    python examples/pipeline_python/gate.py build/release --crash 1 --epsilon 12     # 0: released

The search writes `proof.json`. It is not believed: another process reads the model, the inputs and the proof from their
files and checks them with `ws.check_certificate`, which shares no code with the search. Exit codes are those of the
command line: 0 released, 1 refused by a witness, 3 undecided, 4 the proof was not confirmed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import withstand as ws

RELEASED, REFUSED, UNDECIDED, UNCONFIRMED = 0, 1, 3, 4


def ask(folder: Path, failures: ws.Failures, epsilon: float, seconds: float) -> int:
    """Search the worst case, write `proof.json`, and return what the search says."""
    net, inputs = ws.load(folder / "model.npz"), np.load(folder / "inputs.npy")
    found = ws.worst_case(net, failures, inputs, time_limit=seconds, certificate=folder / "proof.json")
    print(f"asked: {failures}, {len(inputs)} inputs: the worst error lies in [{found.lower:.6g}, {found.upper:.6g}]")
    if found.upper <= epsilon:
        return RELEASED
    return REFUSED if found.lower > epsilon else UNDECIDED


def check(folder: Path, failures: ws.Failures, epsilon: float) -> int:
    """Check the proof of these very failures and inputs; what it proves must allow the release."""
    net, inputs = ws.load(folder / "model.npz"), np.load(folder / "inputs.npy")
    confirmed = ws.check_certificate(folder / "proof.json", net, failures=failures, domain=inputs, spec=None)
    print(f"checked: {'confirmed' if confirmed.valid else confirmed.reason}")
    return RELEASED if confirmed.valid and confirmed.upper <= epsilon else UNCONFIRMED


def checked_elsewhere(options: argparse.Namespace) -> int:
    """Check in a process of its own, which has nothing from the search but the files."""
    values = (str(options.folder), "--crash", str(options.crash), "--epsilon", str(options.epsilon), "--check")
    return subprocess.run([sys.executable, __file__, *values], check=False).returncode


def main() -> int:
    """Ask, check, and say whether the network may be released."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where export.py has written")
    parser.add_argument("--crash", type=int, default=1, help="so many hidden neurons may die")
    parser.add_argument("--epsilon", type=float, required=True, help="and no output may be off by more")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for the search")
    parser.add_argument("--check", action="store_true", help="only check the proof that is there")
    options = parser.parse_args()
    failures = ws.Crash(options.crash)
    if options.check:
        return check(options.folder, failures, options.epsilon)
    verdict = ask(options.folder, failures, options.epsilon, options.time_limit)
    if verdict == RELEASED:
        verdict = checked_elsewhere(options)
    print({RELEASED: "released", REFUSED: "refused", UNDECIDED: "undecided"}.get(verdict, "refused: no proof"))
    return verdict


if __name__ == "__main__":
    raise SystemExit(main())
