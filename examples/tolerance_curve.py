# SPDX-License-Identifier: MIT
"""The worst output error over the number of crashes: what is proved, what is true, and what random trials find.

python examples/tolerance_curve.py                            # writes tolerance_curve.svg
python examples/tolerance_curve.py --svg docs/img/tolerance_curve.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import withstand as ws
from withstand.plot import draw_curve, save
from withstand.uses.curve import Curve, measure_curve


def main() -> None:
    """Draw the curve of the embedded digits network at 16 images."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--svg", type=Path, default=Path("tolerance_curve.svg"), help="a file (.svg, .png, .pdf)")
    parser.add_argument("--most", type=int, default=6, help="the largest number of crashes")
    options = parser.parse_args()
    curve = measure(options.most)
    save(draw_curve(curve), options.svg, curve.to_dict())


def measure(most: int) -> Curve:
    """Return the curve of the embedded digits network: what the picture shows."""
    net, images, _ = ws.embedded("digits")
    return measure_curve(net, images[:16], range(1, most + 1))


if __name__ == "__main__":
    main()
