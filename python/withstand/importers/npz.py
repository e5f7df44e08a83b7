# SPDX-License-Identifier: MIT
"""The package's own file format: named arrays in one `.npz`, read without pickle.

Keys, for L hidden layers:

    withstand            the format's version, 1
    weights_1 .. L+1     float64 (N_l, N_{l-1})
    biases_1 .. L+1      float64 (N_l,)
    activations          text (L + 1,), the names, the output's last
    gains, slopes        float64 (L + 1,), a slope of NaN where the activation has none
    outputs              text, "values" or "logits"
    input_lower, _upper  float64 (N_0,), only where the network has an input box
"""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from .errors import UnsupportedModel
from .layers import Layers, Phi

__all__ = ["VERSION", "load_npz", "save_npz"]

#: The version of the format that is written, and the only one that is read.
VERSION = 1

#: What NumPy and the zip reader raise for bytes that are no archive of arrays.
_DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)


def save_npz(layers: Layers, path: str | os.PathLike[str]) -> None:
    """Write a network to exactly `path`, bit by bit as it is."""
    phis = [Phi(*triple) for triple in (*layers.activations, layers.output_activation)]
    arrays: dict[str, Any] = {
        "withstand": np.array(VERSION),
        "activations": np.array([phi.name for phi in phis]),
        "gains": np.array([phi.gain for phi in phis], dtype=np.float64),
        "slopes": np.array([np.nan if phi.slope is None else phi.slope for phi in phis]),
        "outputs": np.array(layers.outputs),
    }
    for layer, (weights, biases) in enumerate(zip(layers.weights, layers.biases, strict=True), start=1):
        arrays[f"weights_{layer}"], arrays[f"biases_{layer}"] = weights, biases
    if layers.input_box is not None:
        arrays["input_lower"], arrays["input_upper"] = layers.input_box
    with open(path, "wb") as file:  # savez would append .npz to a bare path
        np.savez(file, allow_pickle=False, **arrays)


def load_npz(path: str | os.PathLike[str]) -> Layers:
    """Read a network that `save_npz` wrote.

    Raises
    ------
    UnsupportedModel
        If the file is damaged, was not written by this package, or has another version.
    """
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            arrays = None if isinstance(archive, np.ndarray) else dict(archive)
        except (*_DAMAGED, zipfile.BadZipFile) as error:
            raise UnsupportedModel(f"is not a readable .npz file: {error}") from error
    if arrays is None:
        raise UnsupportedModel("is not a readable .npz file: it holds a single array")
    return _layers(_Arrays(arrays))


def _layers(arrays: _Arrays) -> Layers:
    version = arrays.get("withstand", "iu", 0)
    if version != VERSION:
        raise UnsupportedModel(f"has version {version} of the format, version {VERSION} is read")
    names = arrays.get("activations", "U", 1)
    numbers = [arrays.get(key, "f", 1) for key in ("gains", "slopes")]
    if not len(names) == len(numbers[0]) == len(numbers[1]) > 0:
        raise UnsupportedModel("has different numbers of activations, gains and slopes")
    phis = tuple(
        Phi(str(name), float(gain), None if np.isnan(slope) else float(slope))
        for name, gain, slope in zip(names, *numbers, strict=True)
    )
    outputs = str(arrays.get("outputs", "U", 0))
    if outputs not in ("values", "logits"):
        raise UnsupportedModel(f"has outputs '{outputs}', known are 'values' and 'logits'")
    layers = range(1, len(phis) + 1)
    boxed = "input_lower" in arrays.found
    return Layers(
        tuple(arrays.get(f"weights_{layer}", "f", 2) for layer in layers),
        tuple(arrays.get(f"biases_{layer}", "f", 1) for layer in layers),
        phis[:-1],
        phis[-1],
        "logits" if outputs == "logits" else "values",
        (arrays.get("input_lower", "f", 1), arrays.get("input_upper", "f", 1)) if boxed else None,
    )


class _Arrays:
    """The file's arrays by name, each checked for what it must be."""

    def __init__(self, found: dict[str, Any]) -> None:
        if "withstand" not in found:
            raise UnsupportedModel(f"was not written by withstand: no key 'withstand' among {sorted(found)}")
        self.found = found

    def get(self, key: str, kinds: str, rank: int) -> Any:
        array = self.found.get(key)
        if array is None:
            raise UnsupportedModel(f"lacks the key '{key}'")
        if array.dtype.kind not in kinds or array.ndim != rank:
            raise UnsupportedModel(f"has '{key}' of type {array.dtype} and shape {array.shape}")
        return array
