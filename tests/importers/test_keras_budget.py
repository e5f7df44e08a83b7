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

from withstand.importers import Budget, UnsupportedModel, read  # noqa: E402
from withstand.importers.budget import Account  # noqa: E402
from withstand.importers.keras_file import opened  # noqa: E402

SMALL = Budget(entries=1000, bytes=100_000, per_byte=0, operations=10**7)


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


def charge(path: Path, account: Account) -> None:
    with opened(path, account):
        pass


DENSE = {"name": "dense", "units": 4, "activation": "relu"}
INPUT = {"name": "input", "batch_shape": [None, 20]}
LARGE = [
    ("ZeroPadding1D", {"padding": 10**6}, [None, 20, 2]),
    ("UpSampling2D", {"size": [10**3, 10**3]}, [None, 20, 2, 2]),
    ("RepeatVector", {"n": 10**6}, [None, 20]),
]


@pytest.mark.parametrize(("kind", "made", "shape"), LARGE)
def test_tensors_that_are_made(tmp_path: Path, kind: str, made: dict[str, Any], shape: list[Any]) -> None:
    layers = [("InputLayer", {**INPUT, "batch_shape": shape}), (kind, {"name": "large", **made}), ("Dense", DENSE)]
    listed = [{"class_name": name, "config": entries} for name, entries in layers]
    text = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": listed}})
    path = hdf5(tmp_path / "net.h5", text)
    with h5py.File(path, "r+") as file:
        file.create_group("model_weights")
    with pytest.raises(UnsupportedModel, match=rf"layer 'large' \({kind}\): makes a tensor of \d+ entries, at most"):
        read(path, SMALL)


def test_arrays_that_are_declared_and_not_stored(tmp_path: Path) -> None:
    weights = hdf5(tmp_path / "net.h5", kernel=(200, 200))
    assert weights.stat().st_size < 20_000
    for path in (weights, archive(tmp_path / "net.keras", "{}", weights)):
        with pytest.raises(ValueError, match=r"needs 160000 bytes, which with \d+ so far exceeds the budget of 100000"):
            charge(path, Account(SMALL))
        with pytest.raises(ValueError, match="is not a file that Keras reads"):
            charge(path, Account())


def test_a_compressed_member(tmp_path: Path) -> None:
    path = archive(tmp_path / "net.keras", "{}", extra=bytes(200_000))
    assert path.stat().st_size < 5000
    with pytest.raises(ValueError, match="needs 200000 bytes"):
        charge(path, Account(SMALL))


@pytest.mark.parametrize("link", [h5py.SoftLink("/"), h5py.ExternalLink("other.h5", "/")])
def test_links_are_not_followed(tmp_path: Path, link: Any) -> None:
    path = hdf5(tmp_path / "net.h5")
    with h5py.File(path, "r+") as file:
        file["link"] = link
    with pytest.raises(ValueError, match="'link' is a link, which may lead to another file"):
        charge(path, Account())


def test_a_group_inside_itself(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "net.h5", kernel=(2,))
    with h5py.File(path, "r+") as file:
        file["weights/again"] = file["weights"]
    with pytest.raises(ValueError, match="is held under two names"):
        charge(path, Account())


def test_data_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(np.ones(4).tobytes())
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.create_dataset("kernel", (4,), "f8", external=[(str(tmp_path / "other.bin"), 0, 32)])
    with pytest.raises(ValueError, match="'kernel' takes its data from another file"):
        charge(tmp_path / "net.h5", Account())
