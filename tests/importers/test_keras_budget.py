# SPDX-License-Identifier: MIT
"""What a Keras file declares is charged before Keras builds it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

from withstand.importers import Budget  # noqa: E402
from withstand.importers.budget import Account  # noqa: E402
from withstand.importers.keras_file import charge_file, written_by  # noqa: E402

SMALL = Budget(entries=1000, bytes=100_000, per_byte=0, operations=10**7)


def config(*layers: dict[str, Any]) -> str:
    return json.dumps({"class_name": "Sequential", "config": {"layers": [{"config": layer} for layer in layers]}})


def hdf5(path: Path, text: str = "{}", **arrays: tuple[int, ...]) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = text
        for name, shape in arrays.items():
            file.create_dataset(f"weights/{name}", shape, "f4", chunks=tuple(min(16, size) for size in shape))
    return path


def archive(path: Path, text: str, weights: Path | None = None, extra: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", text)
        file.writestr("metadata.json", '{"keras_version": "3.0"}')
        if weights is not None:
            file.write(weights, "model.weights.h5")
        file.writestr("extra", extra)
    return path


LARGE = [
    ([{"batch_shape": [None, 30]}, {"units": 40}], "is a 30 x 40 matrix, at most 1000 entries"),
    ([{"batch_input_shape": [None, 9, 9], "filters": 20}], "is a 81 x 20 matrix"),
    ([{"batch_shape": [None, 3]}, {"units": 1e300}], "is a 3 x 1000"),
    ([{"batch_shape": [None, 50, 50]}], "makes a tensor of 2500 entries"),
    ([{"units": 40}, {"units": 30}], "is a 40 x 30 matrix"),
]


@pytest.mark.parametrize(("layers", "message"), LARGE)
def test_layers(tmp_path: Path, layers: list[dict[str, Any]], message: str) -> None:
    for path in (hdf5(tmp_path / "net.h5", config(*layers)), archive(tmp_path / "net.keras", config(*layers))):
        with pytest.raises(ValueError, match=message):
            charge_file(path, Account(SMALL))


def test_arrays_that_are_declared_and_not_stored(tmp_path: Path) -> None:
    weights = hdf5(tmp_path / "net.h5", kernel=(200, 200))
    assert weights.stat().st_size < 20_000
    for path in (weights, archive(tmp_path / "net.keras", "{}", weights)):
        with pytest.raises(ValueError, match=r"needs 160000 bytes, which with \d+ so far exceeds the budget of 100000"):
            charge_file(path, Account(SMALL))
        charge_file(path, Account())


def test_a_compressed_member(tmp_path: Path) -> None:
    path = archive(tmp_path / "net.keras", "{}", extra=bytes(200_000))
    assert path.stat().st_size < 5000
    with pytest.raises(ValueError, match="needs 200000 bytes"):
        charge_file(path, Account(SMALL))


@pytest.mark.parametrize("link", [h5py.SoftLink("/"), h5py.ExternalLink("other.h5", "/")])
def test_links_are_not_followed(tmp_path: Path, link: Any) -> None:
    path = hdf5(tmp_path / "net.h5")
    with h5py.File(path, "r+") as file:
        file["link"] = link
    with pytest.raises(ValueError, match="'link' is a link, which may lead to another file"):
        charge_file(path, Account())


def test_a_group_inside_itself(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "net.h5", kernel=(2,))
    with h5py.File(path, "r+") as file:
        file["weights/again"] = file["weights"]
    with pytest.raises(ValueError, match="is held under two names"):
        charge_file(path, Account())


def test_data_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(np.ones(4).tobytes())
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.create_dataset("kernel", (4,), "f8", external=[(str(tmp_path / "other.bin"), 0, 32)])
    with pytest.raises(ValueError, match="'kernel' takes its data from another file"):
        charge_file(tmp_path / "net.h5", Account())


def test_the_writer_is_read_from_what_keras_reads(tmp_path: Path) -> None:
    """A file may be both: HDF5, with a zip archive behind it."""
    path = hdf5(tmp_path / "net.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "2.2.4"
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("metadata.json", '{"keras_version": "3.0"}')
    assert written_by(path) == "2.2.4"
