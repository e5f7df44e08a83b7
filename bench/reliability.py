# SPDX-License-Identifier: MIT
"""The probability of harm on the digits network, and where the width of its interval comes from, as a Markdown table.

    python bench/reliability.py

16 inputs, independent crashes of the 128 hidden neurons with probability p; epsilon is the median and the 90th
percentile of the exact errors of single crashes. "proved" holds always, "sampled" with a confidence of 99 %. Seconds
are CPU time.
"""

from __future__ import annotations

import time

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import digits  # noqa: E402

#: Wider intervals than this share of their upper end are marked.
SHARE, ABSOLUTE = 0.1, 1e-9


def main() -> None:
    """Print the table."""
    _, net, X, _ = digits(16)
    singles = np.concatenate(ws.criticality(net, X).worst)
    header = ("p", "epsilon", "proved", "sets enumerated", "sampled", "width / value", "width from", "CPU s")
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    for p in (1e-3, 1e-2):
        for name, share in (("median", 0.5), ("90th percentile", 0.9)):
            epsilon, started = float(np.quantile(singles, share)), time.process_time()
            found = ws.reliability(net, p, epsilon, X)
            seconds, width = time.process_time() - started, found.upper - found.lower
            parts = ", ".join(f"{part} {value:.2g}" for part, value in found.parts.items())
            within = "" if width <= max(SHARE * found.upper, ABSOLUTE) else " (wide)"
            sampled = f"{found.lower:.6f} to {found.upper:.6f}" if found.samples else "not needed"
            proved = f"{found.proved[0]:.6f} to {found.proved[1]:.6f}"
            cells = (f"{p:g}", f"{epsilon:.4g} ({name})", proved, f"up to {found.enumerated}", sampled,
                     f"{width / found.upper:.2g}{within}", parts, f"{seconds:.1f}")  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
