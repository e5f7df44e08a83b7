# SPDX-License-Identifier: MIT
"""The first step of the pipeline: train a classifier of digits, and write it with the inputs it is judged on.

    python examples/pipeline_python/export.py build/release      # needs scikit-learn

Writes `model.npz`, the network, and `inputs.npy`, images that it has not seen and gets right.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import withstand as ws


def trained(hidden: int, seed: int) -> tuple[ws.Network, np.ndarray]:
    """Return a network of one hidden layer, and images that it was not trained on and gets right."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    images, labels = load_digits(return_X_y=True)
    images = images / 16
    model = MLPClassifier((hidden,), max_iter=60, tol=0.0, n_iter_no_change=1000, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 60 rounds are enough for an example
        model.fit(images[:1500], labels[:1500])
    net = ws.load(model)
    right = net.forward(images[1500:]).argmax(axis=1) == labels[1500:]
    return net, images[1500:][right]


def export(folder: Path, hidden: int = 32, rows: int = 4, seed: int = 0) -> None:
    """Train, and write `model.npz` and `inputs.npy` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    net, images = trained(hidden, seed)
    net.save(folder / "model.npz")
    np.save(folder / "inputs.npy", images[:rows])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--rows", type=int, default=4)
    options = parser.parse_args()
    export(options.folder, options.hidden, options.rows)


if __name__ == "__main__":
    main()
