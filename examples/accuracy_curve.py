# SPDX-License-Identifier: MIT
"""Accuracy over the number of crashes: what is proved for all of them, and what random ones show.

python examples/accuracy_curve.py                             # writes accuracy_curve.svg
python examples/accuracy_curve.py --svg docs/img/accuracy_curve.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import withstand as ws
from withstand.plot import draw_accuracy, save


def main() -> None:
    """Draw the curve of the embedded digits network on its 100 held-out images."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--svg", type=Path, default=Path("accuracy_curve.svg"), help="a file (.svg, .png, .pdf)")
    parser.add_argument("--most", type=int, default=6, help="the largest number of crashes")
    parser.add_argument("--trials", type=int, default=1000, help="of every campaign")
    options = parser.parse_args()
    net, images, classes = ws.embedded("digits")
    proved = ws.certified_accuracy(net, images, classes, ws.Crash(options.most))
    random = {
        k: ws.campaign(net, images, classes, ws.Crash(k, exactly=True), trials=options.trials)
        for k in range(1, options.most + 1)
    }
    numbers = {
        "proved": proved.curve.lower, "not refuted": proved.curve.upper,
        "random": [random[k].accuracy for k in random], "interval": [random[k].accuracy_interval for k in random],
        "trials": options.trials,
    }  # fmt: skip
    save(draw_accuracy(proved, campaigns=random).figure, options.svg, numbers)


if __name__ == "__main__":
    main()
