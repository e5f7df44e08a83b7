# SPDX-License-Identifier: MIT
"""What a quantised file computes, against what is proved of the network that was loaded from it."""

from __future__ import annotations

import os

import numpy as np
import withstand as ws

#: Inputs that a file is run on.
INPUTS = 60 if os.environ.get("CI") else 1000


def held(net: ws.Network, X: np.ndarray, Y: np.ndarray, noise: tuple[float, ...] | None = None) -> float:
    """The largest share of what is proved that was seen; fails where more was seen."""
    proved = ws.bound(net, ws.Noise(net.noise if noise is None else noise), X, method="signed")
    apart = np.abs(net.forward(X) - Y).max(axis=1)
    allowed = proved.per_input + net.output_rounding + proved.slack
    assert np.all(apart <= allowed), (apart - allowed).max()
    return float((apart / allowed).max())


def stores_words(net: ws.Network) -> int:
    """How many parameters are words of the format that the network tells of them; fails at one that is not."""
    count = 0
    for layer, formats in zip(net._layout.given, net._quantisation.formats[1:], strict=True):
        weights = [kind.kernel if isinstance(kind, ws.Conv) else kind for _, kind in layer.reads
                   if isinstance(kind, (ws.Conv, np.ndarray))]  # fmt: skip
        for name, form in formats.parameters:
            for array in weights if name == "weight" else [layer.bias]:
                flat = array.reshape(form.channels or 1, -1)
                channels = [form.channel(n) for n in range(len(flat))]
                assert all(own.is_word(row).all() for own, row in zip(channels, flat, strict=True)), (layer.name, name)
                count += array.size
    return count
