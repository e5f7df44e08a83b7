# SPDX-License-Identifier: MIT
"""Certified accuracy of all 1,797 digits of scikit-learn under 1 to 6 crashes anywhere, as a Markdown table.

    python bench/accuracy.py                          # and the answer checked, some minutes
    python bench/accuracy.py --check 0                # the time alone

CPU seconds of one call on one thread: every image is decided for every count. Checked are all witnesses, all images
against an enumeration of 1 and 2 crashes, and some images against `worst_case` of every count and an enumeration of 3.
"""

from __future__ import annotations

import argparse
import time

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402


def digits() -> tuple[ws.Network, np.ndarray, np.ndarray]:
    """Return the network, and all images with their classes; some of them it was trained on."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return ws.embedded("digits")[0], data.data / 16, data.target


def check_witnesses(net: ws.Network, y: np.ndarray, found: ws.Accuracy) -> int:
    """Replay every witness, and return how many there are."""
    told = [(n, witness) for n, witness in enumerate(found.witnesses) if witness is not None]
    for n, witness in told:
        outputs = net.forward(witness.input, failed=dict.fromkeys(witness.failed, 0.0))
        assert len(witness.failed) == found.breaking[n], n
        assert np.delete(outputs, y[n]).max() >= outputs[y[n]], n
    return len(told)


def check_enumerated(net: ws.Network, X: np.ndarray, found: ws.Accuracy, k: int, rows: np.ndarray) -> None:
    """Compare with every set of at most k crashes."""
    for n in rows:
        every = ws.enumerate_failures(net, ws.Crash(k), X[n], spec=ws.Argmax(), threads=1)
        assert (every.worst < 0) == (found.tolerated[n] >= k), (n, k, every.worst)


def check_searched(net: ws.Network, X: np.ndarray, found: ws.Accuracy, k: int, rows: np.ndarray) -> None:
    """Compare with the exact worst case."""
    for n in rows:
        worst = ws.worst_case(net, ws.Crash(k), X[n], spec=ws.Argmax(), threads=1)
        assert worst.exact
        assert (worst.lower < 0) == (found.tolerated[n] >= k), (n, k, worst)


def main() -> None:
    """Print the curve, the time, and what was checked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=6, help="the largest number of crashes")
    parser.add_argument("--check", type=int, default=40, help="how many images to check against exact searches")
    options = parser.parse_args()
    net, X, y = digits()
    start, wall = time.process_time(), time.perf_counter()
    found = ws.certified_accuracy(net, X, y, ws.Crash(options.most))
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    assert found.status == "complete" and (found.curve.lower == found.curve.upper).all()
    print(f"{net!r}, {len(X):,} images, one thread. {machine.markdown()}\n")
    print("| crashes anywhere, at most | images that keep their right class | certified accuracy |\n|---|---|---|")
    for k, share in zip(found.curve.counts, found.curve.lower.tolist()):
        print(f"| {k} | {round(share * len(X)):,} | {share:.2%} |")
    print(f"\nThe whole curve: {seconds:.1f} CPU-s, {wall:.1f} s.")
    if options.check:
        right = np.flatnonzero(net.forward(X).argmax(axis=1) == y)
        some = np.random.default_rng(0).choice(right, size=options.check, replace=False)
        witnesses = check_witnesses(net, y, found)
        for k in range(1, min(2, options.most) + 1):
            check_enumerated(net, X, found, k, right)
        if options.most >= 3:
            check_enumerated(net, X, found, 3, some)
        for k in range(1, options.most + 1):
            check_searched(net, X, found, k, some)
        print(f"Checked: {witnesses:,} witnesses replayed, {len(right):,} images against every set of 1 and 2 crashes, "
              f"{len(some)} against every set of 3 and exact searches of every count: equal.")  # fmt: skip


if __name__ == "__main__":
    main()
