# SPDX-License-Identifier: MIT
"""The networks that come with the package."""

from __future__ import annotations

from importlib import resources
from typing import NamedTuple

import numpy as np

from withstand._coerce import did_you_mean, shown
from withstand._types import FloatArray
from withstand.model.network import Network

#: Names of the embedded networks.
EMBEDDED = ("digits", "digits_small", "diabetes")


class Embedded(NamedTuple):
    """An embedded network with held-out data."""

    network: Network
    inputs: FloatArray  #: (n, d), in [0, 1]
    targets: FloatArray  #: (n,): class, or target scaled to [0, 1]


def embedded(name: str) -> Embedded:
    """Return one of the networks that come with the package, with inputs and targets it was not trained on.

    Parameters
    ----------
    name : {"digits", "digits_small", "diabetes"}
        A 64-64-64-10 and a 64-32-32-10 ReLU classifier of 8x8 handwritten digits, and a 10-20-20-1 logistic
        regression of disease progression (the paper's setting: activations in [0, 1], one linear output).

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> import withstand as ws
    >>> net, X, y = ws.embedded("digits")
    >>> net.widths, X.shape
    ((64, 64, 64, 10), (100, 64))
    """
    if type(name) is not str or name not in EMBEDDED:
        like = did_you_mean(str(name), EMBEDDED)
        raise ValueError(f"embedded networks are {', '.join(EMBEDDED)}, not {shown(name)}{like}")
    from withstand.importers.layers import Layers
    from withstand.importers.npz import load_npz

    folder = resources.files("withstand") / "models"
    with resources.as_file(folder / f"{name}.npz") as path:
        layers = load_npz(path)
    assert isinstance(layers, Layers)  # chains, all of them
    network = Network._from_layers(layers)
    with resources.as_file(folder / f"{name}_samples.npz") as path, np.load(path, allow_pickle=False) as samples:
        return Embedded(network, samples["samples_x"].astype(np.float64), samples["samples_y"].astype(np.float64))
