# SPDX-License-Identifier: MIT
"""Which version of Keras wrote a file: the same names have meant other functions."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

__all__ = ["written_by"]


def written_by(path: Path) -> str:
    """Return the version of Keras that a `.keras` or `.h5` file names as its writer, empty where it names none."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    import h5py

    with h5py.File(path) as file:
        version = file.attrs.get("keras_version", "")
    return version.decode() if isinstance(version, bytes) else str(version)
