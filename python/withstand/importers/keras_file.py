# SPDX-License-Identifier: MIT
"""Opens the files of Keras 2 and 3: a zip archive of JSON and HDF5, or HDF5 that holds JSON."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .budget import Account
from .errors import UnsupportedModel
from .keras_config import model_of
from .keras_parts import Model, Writer
from .keras_weights import ArchiveWeights, LegacyWeights

__all__ = ["charge_group", "opened"]

_WEIGHTS: Final = "model.weights.h5"


@contextmanager
def opened(path: Path, account: Account) -> Iterator[Model]:
    """Open a file and give the model in it; its weights are read while it is open.

    Everything that the file declares is charged to the account before it is read.

    Raises
    ------
    ImportError
        If h5py is missing.
    UnsupportedModel
        If it is no file of Keras, exceeds the budget, or takes data from other files.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"reading Keras files needs the h5py package ({error}): pip install h5py") from error
    account.hold(os.stat(path).st_size)
    try:
        if path.suffix.lower() == ".keras":  # by the suffix, as Keras does: a file may be two things at once
            with zipfile.ZipFile(path) as archive:
                config, version = _archived(archive, account)
                with archive.open(_WEIGHTS) as stream, h5py.File(stream, "r") as file:
                    charge_group(file, account)
                    yield model_of(config, ArchiveWeights(file), Writer(version))
        else:
            with h5py.File(path, "r") as file:
                charge_group(file, account)
                yield _described(file)
    except (ImportError, MemoryError, ValueError):
        raise
    except Exception as error:  # what archive, HDF5 and JSON readers raise, and configurations of another form
        raise UnsupportedModel(f"is not a file that Keras reads ({type(error).__name__}: {error})") from error


def _archived(archive: zipfile.ZipFile, account: Account) -> tuple[Any, str]:
    """Return the configuration in an archive, and the version of Keras that it names as its writer."""
    for member in archive.infolist():
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"'{member.filename}' is compressed by the method {member.compress_type}")
        account.store(member.file_size)
    names = archive.namelist()
    if _WEIGHTS not in names:
        found = ", ".join(names[:10])
        raise ValueError(f"has no '{_WEIGHTS}', but {found}: weights in several files are not supported")
    version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    return json.loads(archive.read("config.json")), version


def _described(file: Any) -> Model:
    """Return the model of an `.h5` file."""
    if "model_config" not in file.attrs:
        raise ValueError("holds no configuration of a model (attribute 'model_config'), perhaps weights alone")
    writer = Writer(_text(file.attrs.get("keras_version", "")), _text(file.attrs.get("backend", "")))
    return model_of(json.loads(_text(file.attrs["model_config"])), LegacyWeights(file["model_weights"]), writer)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def charge_group(file: Any, account: Account) -> None:
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
