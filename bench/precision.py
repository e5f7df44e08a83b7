# SPDX-License-Identifier: MIT
"""Fewest bits per layer with a proved error, run on a thousand inputs and more, as a Markdown table.

    python bench/precision.py                     # the embedded networks, and the published ones that are at hand
    python bench/precision.py --epsilon 0.01      # another budget, as a share of the largest output at the inputs

Every network twice: proved for its whole input box, and proved for 1,000 points near its inputs. "observed" is the
largest error of the quantised network on 1,002 random inputs of the box, or on the points themselves.
"""

from __future__ import annotations

import argparse

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import Case, embedded, published  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

POINTS = 1000


def near(case: Case, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points within a twentieth of the box around inputs of the network."""
    rng = np.random.default_rng(0)
    centres = case.inputs[rng.integers(len(case.inputs), size=POINTS)]
    return np.clip(centres + rng.uniform(-0.05, 0.05, centres.shape) * (upper - lower), lower, upper)


def row(case: Case, kind: str, domain: NDArray[np.float64] | ws.Box, epsilon: float) -> str:
    """Return a line of the table, having checked it."""
    found = ws.precision(case.net, epsilon, domain)
    assert found.observed <= found.bound + found.slack <= epsilon
    assert found.inputs >= POINTS
    bits = ["-".join(map(str, b)) for b in (found.activation_bits, found.weight_bits) if b is not None]
    cells = (case.title, kind, f"{epsilon:.3g}", *bits, f"{found.bound:.3g}", f"{found.observed:.3g}",
             f"{found.inputs:,}", f"{found.bytes:,.0f} of {found.bytes_single:,.0f}", str(found.uniform_bits),
             f"{found.ratio:.3f}")  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epsilon", type=float, default=0.01, help="share of the largest output at the inputs")
    options = parser.parse_args()
    header = ("network", "proved for", "epsilon", "value bits", "weight bits", "proved", "observed", "inputs", "bytes",
              "best uniform bits", "bytes / uniform")  # fmt: skip
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for case in (*embedded(), *published(16)):
        epsilon = options.epsilon * float(np.abs(case.net.forward(case.inputs)).max())
        lower = np.minimum(case.inputs.min(axis=0), 0.0) if case.box is None else case.box.lower
        upper = np.maximum(case.inputs.max(axis=0), 1.0) if case.box is None else case.box.upper
        print(row(case, "its box", ws.Box(lower, upper), epsilon), flush=True)
        print(row(case, f"{POINTS:,} points", near(case, lower, upper), epsilon), flush=True)


if __name__ == "__main__":
    main()
