# SPDX-License-Identifier: MIT
"""What a Keras file says of itself before Keras reads it: its writer's version, and the sizes of what it holds."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .budget import Account

__all__ = ["charge_file", "written_by"]

#: What layers call the size of what they make; together with the size of what they read it gives their weights'.
_SIZES: Final = ("units", "filters", "output_dim", "input_dim")
_SHAPES: Final = ("batch_shape", "batch_input_shape", "target_shape", "input_shape")


def written_by(path: Path) -> str:
    """Return the version of Keras that a `.keras` or `.h5` file names as its writer, empty where it names none."""
    if _is_archive(path):
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    import h5py

    with h5py.File(path, "r") as file:
        version = file.attrs.get("keras_version", "")
    return version.decode() if isinstance(version, bytes) else str(version)


def charge_file(path: Path, account: Account) -> None:
    """Charge for all that Keras would unpack and build from a file, before it does.

    Raises
    ------
    ValueError
        If that exceeds the budget, or the file takes data from other files.
    """
    account.hold(os.stat(path).st_size)
    config = _charged_archive(path, account) if _is_archive(path) else _charged_hdf5(path, account)
    _charge_layers(json.loads(config or "{}"), account)


def _is_archive(path: Path) -> bool:
    """Whether Keras reads the file as a zip archive: it goes by the suffix, and a file may be two things at once."""
    return path.suffix.lower() == ".keras"


def _charged_archive(path: Path, account: Account) -> str:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"'{member.filename}' is compressed by the method {member.compress_type}")
            account.store(member.file_size)
        weights = [name for name in archive.namelist() if name.endswith(".h5")]
        for name in weights:
            import h5py

            with archive.open(name) as file, h5py.File(file, "r") as data:
                _charge_group(data, account)
        return archive.read("config.json").decode()


def _charged_hdf5(path: Path, account: Account) -> str:
    import h5py

    with h5py.File(path, "r") as file:
        _charge_group(file, account)
        config = file.attrs.get("model_config", "")
    return config.decode() if isinstance(config, bytes) else str(config)


def _charge_group(file: Any, account: Account) -> None:
    """Charge every array of an HDF5 file as it declares itself; links may lead in circles, and are not followed."""
    import h5py

    groups, seen = [file], set()
    while groups:
        group = groups.pop()
        for name in group:
            account.steps(1)
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"'{name}' is a link, which may lead to another file")
            item = group[name]
            number = h5py.h5o.get_info(item.id).addr
            if number in seen:
                raise ValueError(f"'{name}' is held under two names")
            seen.add(number)
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ValueError(f"'{name}' takes its data from another file")
                account.store(math.prod(item.shape or ()) * item.dtype.itemsize)


def _charge_layers(config: Any, account: Account) -> None:
    """Charge the weights of the layers that a configuration lists, each reading what the one before it makes."""
    reads = 1
    for layer in _layers(config):
        for key in _SHAPES:
            shape = layer.get(key)
            if isinstance(shape, list):
                reads = math.prod(abs(size) for size in shape if isinstance(size, int)) or 1
                account.array(reads)
        for key in _SIZES:
            size = layer.get(key)
            if isinstance(size, int | float):
                account.matrix(reads, max(1, math.ceil(size)))
                reads = max(1, math.ceil(size))


def _layers(thing: Any) -> Iterator[dict[str, Any]]:
    """Return the configurations of layers at any depth, in the order of the file."""
    stack = [thing]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(item.get("config"), dict):
                yield item["config"]
            stack += reversed(list(item.values()))
        elif isinstance(item, list):
            stack += reversed(item)
