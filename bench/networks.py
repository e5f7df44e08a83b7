# SPDX-License-Identifier: MIT
"""The networks a benchmark runs on: the embedded digits network, and published files where a folder of them is at hand.

The folder is `WITHSTAND_MODELS`, or `../shared/models` beside the repository. It holds a `manifest.json` whose entries
name a model file, and arrays `x` of inputs, `box_lo` and `box_hi` in `ID.ref.npz` for each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import withstand as ws
from numpy.typing import NDArray

FOLDER = Path(os.environ.get("WITHSTAND_MODELS", Path(__file__).resolve().parents[2] / "shared" / "models"))
#: Identifier in the manifest and a short name, in the order of the tables.
PUBLISHED = {
    "pub1_acasxu_1_1": "ACAS Xu",
    "pub2_hcas_pra1_tau05": "HCAS",
    "pub3_mnist_256x2": "MNIST ReLU",
    "pub4_attitude_sigmoid": "attitude",
    "pub5_mnist_sigmoid_keras": "MNIST sigmoid",
}


class Case(NamedTuple):
    """A network with the inputs to ask it at."""

    name: str
    net: ws.Network
    inputs: NDArray[np.float64]  #: (n, d)
    box: ws.Box | None = None  #: all inputs that make sense, where the file says

    @property
    def title(self) -> str:
        """Name, widths and activation."""
        return f"{self.name} {'-'.join(map(str, self.net.widths))} {self.net.activations[0].name}"


def digits(inputs: int) -> Case:
    """Return the embedded digits network with its first inputs."""
    net, x, _ = ws.embedded("digits")
    return Case("digits", net, x[:inputs])


def embedded() -> list[Case]:
    """Return the embedded networks with all their inputs."""
    return [Case(name, *ws.embedded(name)[:2]) for name in ("digits", "digits_small", "diabetes")]


def published(inputs: int, folder: Path = FOLDER) -> list[Case]:
    """Return the dense published networks with their first inputs; none, with a message, where they are absent."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        print(f"no {manifest}: the published networks are left out (set WITHSTAND_MODELS)", file=sys.stderr)
        return []
    files = {entry["id"]: entry["file"] for entry in json.loads(manifest.read_text())["entries"]}
    cases = []
    for key, name in PUBLISHED.items():
        with np.load(folder / f"{key}.ref.npz") as data:
            box = ws.Box(data["box_lo"].astype(np.float64), data["box_hi"].astype(np.float64))
            cases.append(Case(name, ws.load(folder / files[key]), data["x"][:inputs].astype(np.float64), box))
    return cases
