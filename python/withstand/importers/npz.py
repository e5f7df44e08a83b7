# SPDX-License-Identifier: MIT
"""The package's own file format: named arrays in one `.npz`, read without pickle.

Keys, for L hidden layers:

    withstand            the format's version, 1
    weights_1 .. L+1     float64 (N_l, N_{l-1})
    biases_1 .. L+1      float64 (N_l,)
    activations          text (L + 1,), the names, the output's last
    gains, slopes        float64 (L + 1,), a slope of NaN where the activation has none
    outputs              text, "values" or "logits"
    names                text (L + 1,), only where the layers have names
    input_lower, _upper  float64 (N_0,), only where the network has an input box
    format_..., noise    see `npz_formats`, only where the network has formats
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
import zlib
from typing import Any, Final, Literal

import numpy as np

from . import npz_graph
from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Layers, Phi
from .npz_formats import formats_of, saved_formats
from .regular import open_regular

__all__ = ["VERSION", "load_npz", "save_npz"]

#: The version of the format of chains; that of graphs is another.
VERSION = 1

#: What the zip reader raises for bytes that are no archive.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PREFIX: Final = b"\x93NUMPY"
#: The header of a plain array as NumPy writes it; anything else is no array of numbers or of text.
_HEADER: Final = re.compile(
    r"\{'descr': (?:'([<>|=]?[a-zA-Z]\d{0,5})'|.+), 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18},? ?)*)\), \} *\n"
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
    if layers.names:
        arrays["names"] = np.array(layers.names)
    for layer, (weights, biases) in enumerate(zip(layers.weights, layers.biases, strict=True), start=1):
        arrays[f"weights_{layer}"], arrays[f"biases_{layer}"] = weights, biases
    if layers.input_box is not None:
        arrays["input_lower"], arrays["input_upper"] = layers.input_box
    arrays |= saved_formats(layers.quantisation)
    with open(path, "wb") as file:  # savez would append .npz to a bare path
        np.savez(file, allow_pickle=False, **arrays)


def load_npz(path: str | os.PathLike[str], account: Account | None = None) -> Layers | Graph:
    """Read a network that `save_npz` wrote.

    Raises
    ------
    OSError
        If there is no such file, or it is no regular file.
    UnsupportedModel
        If the file is damaged, was not written by this package, has another version, or exceeds the budget.
    """
    account = account or Account()
    with open_regular(path) as file:
        account.hold(os.fstat(file.fileno()).st_size)
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise UnsupportedModel(f"is not a readable .npz file: {error}") from error
        with archive:
            arrays = Arrays(archive, account)
            version = arrays.get("withstand", "iu", 0)
            if version not in (VERSION, npz_graph.VERSION):
                raise UnsupportedModel(
                    f"has version {version} of the format, versions {VERSION} and {npz_graph.VERSION} are read"
                )
            return _layers(arrays) if version == VERSION else npz_graph.load_graph(arrays)


def _layers(arrays: Arrays) -> Layers:
    names = arrays.texts("activations")
    numbers = [arrays.get(key, "f", 1) for key in ("gains", "slopes")]
    if not len(names) == len(numbers[0]) == len(numbers[1]) > 0:
        raise UnsupportedModel("has different numbers of activations, gains and slopes")
    phis = tuple(
        Phi(name, float(gain), None if np.isnan(slope) else float(slope))
        for name, gain, slope in zip(names, *numbers, strict=True)
    )
    layers = range(1, len(phis) + 1)
    return Layers(
        tuple(arrays.get(f"weights_{layer}", "f", 2) for layer in layers),
        tuple(arrays.get(f"biases_{layer}", "f", 1) for layer in layers),
        phis[:-1],
        phis[-1],
        arrays.outputs(),
        arrays.box(),
        tuple(arrays.texts("names")) if "names" in arrays.members else (),
        formats_of(arrays, len(phis) + 1),
    )


class Arrays:
    """The archive's arrays by name, each read when it is asked for and checked for what it must be."""

    def __init__(self, archive: zipfile.ZipFile, account: Account) -> None:
        self.archive, self.account = archive, account
        self.members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            key = member.filename.removesuffix(".npy")
            if key in self.members:
                raise UnsupportedModel(f"holds '{key}' twice")
            self.members[key] = member
        if "withstand" not in self.members:
            keys = sorted(self.members)[:20]
            raise UnsupportedModel(f"was not written by withstand: no key 'withstand' among {keys}")

    def get(self, key: str, kinds: str, rank: int) -> Any:
        member = self.members.get(key)
        if member is None:
            raise UnsupportedModel(f"lacks the key '{key}'")
        array = _array(key, self._bytes(key, member))
        if array.dtype.kind not in kinds or array.ndim != rank:
            raise UnsupportedModel(f"has '{key}' of type {array.dtype} and shape {array.shape}")
        return array

    def texts(self, key: str) -> list[str]:
        return _texts(key, self.get(key, "U", 1))

    def sizes(self, key: str) -> tuple[int, ...]:
        return tuple(self.get(key, "iu", 1).tolist())

    def outputs(self) -> Literal["values", "logits"]:
        outputs = _texts("outputs", self.get("outputs", "U", 0).reshape(1))[0]
        if outputs == "values":
            return "values"
        if outputs == "logits":
            return "logits"
        raise UnsupportedModel(f"has outputs '{outputs}', known are 'values' and 'logits'")

    def box(self) -> tuple[Any, Any] | None:
        if "input_lower" not in self.members:
            return None
        return self.get("input_lower", "f", 1), self.get("input_upper", "f", 1)

    def _bytes(self, key: str, member: zipfile.ZipInfo) -> bytes:
        """Return a member's bytes, no more than it declares, which is charged first."""
        if member.compress_type not in _METHODS:
            method = member.compress_type
            raise UnsupportedModel(f"is not a readable .npz file: '{key}' is compressed by the method {method}")
        try:
            self.account.store(member.file_size)
        except ValueError as error:
            raise UnsupportedModel(f"'{key}' {error}") from error
        try:
            with self.archive.open(member) as file:
                return _drained(file)
        except _DAMAGED as error:
            raise UnsupportedModel(f"is not a readable .npz file: '{key}': {error}") from error


def _texts(key: str, array: Any) -> list[str]:
    try:
        return [str(text) for text in array]
    except ValueError as error:  # four bytes that are no character
        raise UnsupportedModel(f"is not a readable .npz file: '{key}': {error}") from error


def _drained(file: Any) -> bytes:
    """Read to the end, where the checksum is compared."""
    chunks = []
    while chunk := file.read(1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def _array(key: str, data: bytes) -> Any:
    """Return the array of an `.npy` file, whose header must be of the form that NumPy writes."""
    start, header = _header(key, data)
    found = _HEADER.fullmatch(header)
    if found is None:
        raise UnsupportedModel(f"is not a readable .npz file: '{key}' has the header {header[:200]!r}")
    kind, fortran, sizes = found.groups()
    shape = tuple(int(size) for size in sizes.replace(",", " ").split())
    if kind is None or kind.lstrip("<>|=")[0] not in "fiuUSb":
        described = "an array of objects, which is a pickle" if kind and "O" in kind else "no plain array"
        raise UnsupportedModel(f"is not a readable .npz file: '{key}' is {described}")
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise UnsupportedModel(f"is not a readable .npz file: '{key}': {error}") from error
    if len(shape) > 2 or not dtype.itemsize or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise UnsupportedModel(
            f"is not a readable .npz file: '{key}' of type {dtype} and shape {shape} in {len(data) - start} bytes"
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape, order="F" if fortran == "True" else "C")


def _header(key: str, data: bytes) -> tuple[int, str]:
    """Return where the numbers of an `.npy` file start, and the text before them."""
    version = data[6:8]
    if not data.startswith(_PREFIX) or version not in (b"\1\0", b"\2\0", b"\3\0"):
        raise UnsupportedModel(f"is not a readable .npz file: '{key}' is no array")
    length = 2 if version == b"\1\0" else 4
    start = 8 + length + int.from_bytes(data[8 : 8 + length], "little")
    return start, data[8 + length : start].decode("latin-1")
