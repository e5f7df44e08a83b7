# SPDX-License-Identifier: MIT
"""Which bits hurt? The worst error of one flipped bit of a weight, for every bit position and layer, int8 and float16.

python examples/bit_flips.py                                    # prints the tables
python examples/bit_flips.py --svg docs/img/bit_flips.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import withstand as ws
from withstand.plot import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

FORMATS = ("int8", "float16")


def worst_errors(net: ws.Network, format: str, inputs: np.ndarray) -> np.ndarray:
    """Return the worst error of a flip, one row per layer, one column per bit: all flips of all weights."""
    layers, bits = net.depth + 1, range(ws.Format(format).bits)
    words = net.rounded(format)
    counts = np.eye(layers, dtype=int).tolist()  # one flip, in this layer
    return np.array(
        [
            [ws.enumerate_failures(words, ws.WeightFlip(c, format=format, bits=[b]), inputs).worst for b in bits]
            for c in counts
        ]
    )


def draw(axes: Axes, errors: np.ndarray, title: str, colours: Colormap) -> None:
    """Draw a heat map, light to dark by the order of magnitude, the numbers in it; what leaves the range is red."""
    axes.imshow(np.log10(np.minimum(errors, 1e9)), cmap=colours, vmin=-3.0, vmax=1.5, aspect="auto")
    for (layer, bit), error in np.ndenumerate(errors):
        text = f"{error:.2g}" if error < 100 or np.isinf(error) else f"{error:.0e}".replace("e+0", "e")
        axes.text(bit, layer, text, ha="center", va="center", fontsize=7.5, color="white" if error > 0.15 else "black")
    axes.set_xticks(range(errors.shape[1]))
    axes.set_yticks(range(len(errors)), [f"layer {n + 1}" for n in range(len(errors))])
    axes.invert_xaxis()  # as one writes a word
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")


def main() -> None:
    """Try every flip of digits_small at 16 images, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--svg", type=Path, nargs="*", default=[], help="where to write the picture (.svg or .png)")
    options = parser.parse_args()
    net, images, _ = ws.embedded("digits_small")
    errors = {format: worst_errors(net, format, images[:16]) for format in FORMATS}
    for format, table in errors.items():
        print(f"{format}, worst error by bit and layer")
        for bit in reversed(range(table.shape[1])):
            print(f"{bit:3}" + "".join(f"{error:12.5g}" for error in table[:, bit]))
    if options.svg:
        from matplotlib import colormaps
        from matplotlib.figure import Figure

        colours = colormaps["cividis_r"].with_extremes(over="#b2182b")
        figure = Figure(figsize=(8.4, 4.0), layout="constrained")
        panels = figure.subplots(2, 1)
        titles = ("int8: bit 7 is the sign", "float16: bit 15 is the sign, bits 10 to 14 are the exponent")
        for axes, table, title in zip(panels, errors.values(), titles, strict=True):
            draw(axes, table, title, colours)
        panels[-1].set_xlabel("flipped bit of the weight")
        for path in options.svg:
            save(figure, path, errors)


if __name__ == "__main__":
    main()
