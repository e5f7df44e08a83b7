# SPDX-License-Identifier: MIT
"""Reads `.mat` files that hold weights `W`, biases `b` and activations `act_fcns`, as NNV keeps networks."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from .budget import Account
from .controller import ACTIVATIONS
from .errors import UnsupportedModel
from .graph import Graph, GraphBuilder
from .layers import IDENTITY, Array, Layers, as_array
from .regular import open_regular

__all__ = ["read_mat"]

#: What the list of activations is called.
_NAMES: Final = ("act_fcns", "activation_fcns", "act_functions", "activations")
_NUMBERS: Final = ("means_for_scaling", "range_for_scaling")
_COMPRESSED: Final = 15
#: Numbers that are stored as bytes become doubles.
_LARGEST_GROWTH: Final = 8


def read_mat(path: Path, account: Account | None = None) -> Graph | Layers:
    """Read a network from a `.mat` file, of MATLAB's format 5 or 7.3.

    Raises
    ------
    ImportError
        If scipy, or h5py for format 7.3, is missing.
    UnsupportedModel
        If the file is damaged, holds no such network or another activation, or exceeds the budget.
    """
    account = account or Account()
    with open_regular(path) as file:
        size = file.seek(0, 2)
        account.hold(size)
        file.seek(0)
        try:
            is_hdf5 = b"MATLAB 7.3" in file.read(116)
            file.seek(0)
            content = _read_hdf5(path, account) if is_hdf5 else _read_format_5(file, size, account)
        except (ImportError, MemoryError, ValueError):
            raise
        except Exception as error:  # what scipy's and h5py's readers raise of damaged files
            raise UnsupportedModel(f"is not a .mat file, or damaged ({type(error).__name__}: {error})") from error
    return _built(_network(content), account)


def _built(content: dict[str, Any], account: Account) -> Graph | Layers:
    weights, biases = ([_matrix(key, n, each) for n, each in enumerate(content[key], 1)] for key in ("W", "b"))
    named = next(content[key] for key in _NAMES if key in content)
    names = [str(name).strip() for name in ([named] if isinstance(named, str) else named)]
    if not weights or not len(weights) == len(biases) == len(names):
        raise UnsupportedModel(
            f"has {len(weights)} weights, {len(biases)} biases and {len(names)} activations: {names}"
        )
    build = GraphBuilder(account)
    form = build.input((weights[0].shape[1],))
    for number, (weight, bias, name) in enumerate(zip(weights, biases, names, strict=True), start=1):
        phi = ACTIVATIONS.get(name.lower())
        if phi is None:
            raise UnsupportedModel(
                f"layer {number} has the activation '{name}', supported are {', '.join(ACTIVATIONS)}"
            )
        if weight.shape[1:] != form.shape or bias.size != len(weight):
            raise UnsupportedModel(f"layer {number} has weights {weight.shape} and biases {bias.shape} on {form.shape}")
        account.matrix(*weight.shape)
        form = build.dense(form, weight, bias.reshape(-1))
        if phi is not IDENTITY:
            form = build.activate(form, phi, name=f"W{{{number}}}")
    return build.finish([form], name=f"W{{{len(weights)}}}")


def _network(content: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of the network: those of the file, or of the one structure in it that has them."""
    found = [each for each in (content, *content.values()) if isinstance(each, dict) and {"W", "b"} <= set(each)]
    if len(found) != 1:
        raise UnsupportedModel(f"holds {len(found)} networks, with entries W and b, among {', '.join(content)}")
    if not any(key in found[0] for key in _NAMES):
        raise UnsupportedModel(f"names no activations ({' or '.join(_NAMES)}), but holds {', '.join(found[0])}")
    unused = [key for key in _NUMBERS if key in content]
    if unused:
        warnings.warn(f"{' and '.join(unused)} are left out: inputs are those of the network itself", stacklevel=2)
    return found[0]


def _matrix(key: str, number: int, given: Any) -> Array:
    """Return a matrix, which may have further axes of length 1."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiub" or array.size == 0 or any(n != 1 for n in array.shape[2:]):
        raise UnsupportedModel(
            f"has {key}{{{number}}} of shape {array.shape} and type {array.dtype}, no matrix of numbers"
        )
    result = as_array(array).reshape(array.shape[:2] if array.ndim >= 2 else (-1, 1))
    if not np.all(np.isfinite(result)):
        raise UnsupportedModel(f"has {key}{{{number}}} with entries that are not finite")
    return result


# format 5 ------------------------------------------------------------------------------------------------------------
def _read_format_5(file: BinaryIO, size: int, account: Account) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError(f"reading .mat files needs the scipy package ({error}): pip install scipy") from error
    _charge_format_5(file, size, account)
    file.seek(0)
    content = loadmat(file, squeeze_me=False, chars_as_strings=True, struct_as_record=True)
    return {key: _plain(value) for key, value in content.items() if not key.startswith("__")}


def _charge_format_5(file: BinaryIO, size: int, account: Account) -> None:
    """Charge what the elements of a file unpack to, without keeping it."""
    header = file.read(128)
    if len(header) < 128 or header[126:128] not in (b"IM", b"MI"):
        raise ValueError("is not a .mat file of format 5")
    order = "<" if header[126:128] == b"IM" else ">"
    while len(tag := file.read(8)) == 8:
        kind, count = struct.unpack(f"{order}II", tag)
        account.steps(1)
        if count > size:
            raise ValueError(f"announces an element of {count} bytes in a file of {size}")
        if kind != _COMPRESSED:
            account.store(_LARGEST_GROWTH * count)
            file.seek(count + -count % 8, 1)
            continue
        unpack = zlib.decompressobj()
        data = file.read(count)
        while data and not unpack.eof:
            account.store(_LARGEST_GROWTH * len(unpack.decompress(data, 1 << 20)))
            data = unpack.unconsumed_tail


def _plain(value: Any) -> Any:
    """Return cells as lists, structures as dicts and texts as strings."""
    array = np.asarray(value)
    if array.dtype.names:
        return {name: _plain(array[name].reshape(-1)[0]) for name in array.dtype.names} if array.size == 1 else None
    if array.dtype == object:
        return [_plain(each) for each in array.reshape(-1)]
    if array.dtype.kind == "U":
        return str(array.reshape(-1)[0]) if array.size == 1 else [str(each) for each in array.reshape(-1)]
    return array


# format 7.3 ----------------------------------------------------------------------------------------------------------
def _read_hdf5(path: Path, account: Account) -> dict[str, Any]:
    """MATLAB's arrays lie column by column, so HDF5 shows them transposed."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"reading .mat files of format 7.3 needs the h5py package ({error}): pip install h5py"
        ) from error
    from .keras_file import charge_group

    with h5py.File(path, "r") as file:
        charge_group(file, account)
        return {key: _of_hdf5(file, file[key], 0) for key in file if not key.startswith("#")}


def _of_hdf5(file: Any, item: Any, depth: int) -> Any:
    if depth > 4:
        raise ValueError("holds cells in cells in cells, which no network has")
    if hasattr(item, "keys"):
        return {key: _of_hdf5(file, item[key], depth + 1) for key in item}
    array = np.asarray(item[()])
    if array.dtype == object:
        return [_of_hdf5(file, file[reference], depth + 1) for reference in array.T.reshape(-1)]
    if item.attrs.get("MATLAB_class") == b"char":
        rows = ["".join(map(chr, row)) for row in array.T]
        return rows[0] if len(rows) == 1 else rows
    return array.T
