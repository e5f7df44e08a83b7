# SPDX-License-Identifier: MIT
"""Draw the pictures of the README and the pages again: all of them, or those that are named.

    python docs/img/make.py                      # some minutes
    python docs/img/make.py tolerance_curve

Each is what an example draws, and holds its numbers (`withstand.plot.numbers_in`), which `tests/docs/test_pictures.py`
computes again. `tradeoff.png` takes a training: `python examples/tradeoff.py` draws it, its numbers are
`docs/tradeoff.csv`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ("tolerance_curve", "flips", "bit_flips", "accuracy_curve")


def main() -> None:
    """Run the example of every picture."""
    for name in sys.argv[1:] or PICTURES:
        if name not in PICTURES:
            raise SystemExit(f"{name}: the pictures are {', '.join(PICTURES)}")
        command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), "--svg", str(ROOT / f"docs/img/{name}.svg")]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
