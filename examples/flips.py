# SPDX-License-Identifier: MIT
"""How many crashes does it take to change the class of an image? The exact number, for 100 held-out digits.

For each image, `ws.tolerance` with `spec=ws.Argmax()` goes through 1, 2, 3, ... crashes anywhere among the 128 hidden
neurons: the first count with a witness that changes the class is the smallest, because for every smaller one it has
proved that no set of neurons does.

    python examples/flips.py
    python examples/flips.py --svg docs/img/flips.svg
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import withstand as ws
from withstand.plot import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Flip(NamedTuple):
    """The fewest crashes that change one decision."""

    index: int
    crashes: int
    before: int  # the intact network's class
    after: int  # what it says with the witness's neurons crashed, or ties with
    failed: tuple[tuple[int, int], ...]
    configurations: int  # how many sets of at most so many neurons there are


def smallest_flip(net: ws.Network, x: np.ndarray, index: int) -> Flip:
    """Return the fewest crashes anywhere that change the class of `x`, proved."""
    found = ws.tolerance(net, 0, x, spec=ws.Argmax(), per_layer=False, node_limit=None)
    if found.breaking is None or found.witness is None:
        raise ValueError(f"image {index} keeps its class whatever crashes")
    assert found.exact
    sets = ws.Crash(found.breaking).configurations(net)
    return Flip(index, found.breaking, int(net.forward(x).argmax()), found.witness.output, found.witness.failed, sets)


def main() -> None:
    """Search every image, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--svg", type=Path, nargs="*", default=[], help="where to write the picture (.svg or .png)")
    options = parser.parse_args()
    net, images, _ = ws.embedded("digits")
    start, cpu = time.perf_counter(), time.process_time()
    flips = [smallest_flip(net, x, i) for i, x in enumerate(images)]
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    counts = [flip.crashes for flip in flips]
    sizes = {flip.crashes: flip.configurations for flip in flips}
    print("| crashes anywhere | sets of neurons | images that withstand any of them | images that the next one flips |")
    print("|---|---|---|---|")
    for k in range(max(counts) + 1):
        sets = f"{sizes[k]:,}" if k in sizes else "1"
        print(f"| {k} | {sets} | {sum(c > k for c in counts)} | {counts.count(k + 1)} |")
    print(f"\n{len(flips)} images, every number proved, in {seconds:.1f} s ({cpu:.1f} CPU s)")
    for path in options.svg:
        save(draw(flips, images), path, {"crashes": counts})


def draw(flips: list[Flip], images: np.ndarray) -> Figure:
    """Draw how many images withstand how many crashes, and one image for each count."""
    from matplotlib.figure import Figure

    most = max(flip.crashes for flip in flips)
    figure = Figure(figsize=(8.0, 4.2), layout="constrained")
    chart, gallery = figure.subfigures(2, 1, height_ratios=(1.7, 1))
    axes = chart.subplots()
    survivors = [sum(flip.crashes > k for flip in flips) for k in range(most + 1)]
    bars = axes.bar(range(most + 1), survivors, width=0.7, color="#0072b2")
    axes.bar_label(bars, padding=2)
    axes.set_xticks(range(most + 1))
    axes.set_xlabel("crashes, whichever of the 128 hidden neurons they hit")
    axes.set_ylabel("images that keep their class")
    axes.set_ylim(0, 112)
    axes.spines[["top", "right"]].set_visible(False)
    gallery.suptitle("fewest crashes: class before → class after", fontsize=10)
    for k, panel in enumerate(gallery.subplots(1, most, squeeze=False)[0], start=1):
        flip = next(f for f in flips if f.crashes == k)
        panel.imshow(images[flip.index].reshape(8, 8), cmap="gray_r", interpolation="nearest")
        panel.set_title(f"{k}: {flip.before} → {flip.after}", fontsize=10)
        panel.set_xticks([])
        panel.set_yticks([])
    return figure


if __name__ == "__main__":
    main()
