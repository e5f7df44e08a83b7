# SPDX-License-Identifier: MIT
"""`.mat` files with W, b and act_fcns, of formats 5 and 7.3."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import Budget, UnsupportedModel, read

io = pytest.importorskip("scipy.io")

RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(size=shape) for shape in ((4, 3), (1, 4), (2, 1))]
BIASES = [RNG.normal(size=(len(weight), 1)) for weight in WEIGHTS]
X = RNG.normal(size=(20, 3))


def cells(things: list[Any], column: bool = False) -> np.ndarray:
    array = np.empty(len(things), dtype=object)
    array[:] = things
    return array.reshape(-1, 1) if column else array


def write(folder: Path, **content: Any) -> Path:
    io.savemat(folder / "net.mat", content, do_compression=True)
    return folder / "net.mat"


def network(*names: Any, **changes: Any) -> dict[str, Any]:
    content = {"W": cells(WEIGHTS), "b": cells(BIASES), "act_fcns": list(names)}
    return {**content, **changes}


def expected() -> np.ndarray:
    y = np.maximum(X @ WEIGHTS[0].T + BIASES[0][:, 0], 0)
    y = np.tanh(y @ WEIGHTS[1].T + BIASES[1][:, 0])
    return y @ WEIGHTS[2].T + BIASES[2][:, 0]


@pytest.mark.parametrize(
    "content",
    [
        network("relu  ", "tanh  ", "linear"),  # rows of one length, as MATLAB's matrices of characters
        network(act_fcns=cells(["poslin", "tansig", "purelin"], column=True)),
        network("relu", "tanh", "linear", b=cells([bias.T for bias in BIASES], column=True)),
        network("relu", "tanh", "linear", W=cells([weight[:, :, None, None] for weight in WEIGHTS])),
        network(act_fcns=cells(["relu", "tanh", "linear"]), number_of_layers=3, note="anything"),
        {"net": network("relu", "tanh", "linear")},
    ],
)
def test_function(tmp_path: Path, content: Any) -> None:
    layers = read(write(tmp_path, **content))
    assert [phi.name for phi in layers.activations] == ["relu", "tanh"]
    assert np.allclose(evaluate(layers, X), expected(), rtol=0, atol=1e-12)


def test_a_scaling_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, **network("relu", "tanh", "linear", means_for_scaling=np.ones(4)))
    with pytest.warns(UserWarning, match="means_for_scaling are left out: inputs are those of the network"):
        layers = read(path)
    assert np.allclose(evaluate(layers, X), expected(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("as_cells", [False, True])
def test_format_7_3(tmp_path: Path, as_cells: bool) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "net.mat"
    with h5py.File(path, "w", userblock_size=512) as file:

        def cell(name: str, arrays: list[np.ndarray], kind: bytes) -> None:
            references = []
            for n, array in enumerate(arrays):
                file[f"#refs#/{name}{n}"] = array
                file[f"#refs#/{name}{n}"].attrs["MATLAB_class"] = np.bytes_(kind)
                references.append(file[f"#refs#/{name}{n}"].ref)
            file.create_dataset(name, data=np.array(references, dtype=h5py.ref_dtype)[:, None], dtype=h5py.ref_dtype)

        cell("W", [weight.T for weight in WEIGHTS], b"double")
        cell("b", [bias.T for bias in BIASES], b"double")
        names = ["relu  ", "tanh  ", "linear"]
        texts = [np.array([[ord(letter)] for letter in name], np.uint16) for name in names]
        if as_cells:
            cell("act_fcns", texts, b"char")
        else:
            file["act_fcns"] = np.concatenate(texts, axis=1)
            file["act_fcns"].attrs["MATLAB_class"] = np.bytes_(b"char")
    data = bytearray(path.read_bytes())
    data[:30] = b"MATLAB 7.3 MAT-file, Platform:"
    path.write_bytes(data)
    assert np.allclose(evaluate(read(path), X), expected(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (network("relu", "tanh"), "has 3 weights, 3 biases and 2 activations"),
        (network("relu", "softmax", "linear"), "layer 2 has the activation 'softmax', supported are affine, id,"),
        (
            network("relu", "tanh", "linear", W=cells([WEIGHTS[0], WEIGHTS[0], WEIGHTS[2]])),
            r"layer 2 has weights \(4, 3\)",
        ),
        (
            network("relu", "tanh", "linear", b=cells([BIASES[0][:2], *BIASES[1:]])),
            r"layer 1 has weights .*biases \(2, 1\)",
        ),
        (
            network("relu", "tanh", "linear", W=cells([WEIGHTS[0] * np.nan, *WEIGHTS[1:]])),
            r"has W\{1\} with entries that",
        ),
        (
            network("relu", "tanh", "linear", W=cells([WEIGHTS[0] * 1j, *WEIGHTS[1:]])),
            r"has W\{1\} of shape .* complex",
        ),
        (network("relu", "tanh", "linear", W=cells(["text", *WEIGHTS[1:]])), r"has W\{1\} of shape"),
        ({"W": cells(WEIGHTS), "b": cells(BIASES)}, "names no activations .*, but holds W, b"),
        ({"x": np.ones(3)}, "holds 0 networks, with entries W and b, among x"),
        ({"n": network("relu", "tanh", "linear"), "m": network("relu", "tanh", "linear")}, "holds 2 networks"),
        (network("linear", "linear", "linear"), "has no hidden neurons"),
    ],
)
def test_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=rf"net\.mat: .*{message}"):
        read(write(tmp_path, **content))


def test_damage(tmp_path: Path) -> None:
    path = write(tmp_path, **network("relu", "tanh", "linear"))
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    for count in (0, 5, 127, 200, len(data) - 20):
        path.write_bytes(data[:count])
        with pytest.raises(UnsupportedModel, match=r"net\.mat: "):
            read(path)
    for _ in range(40):
        changed = bytearray(data)
        for place in rng.integers(0, len(data), size=3):
            changed[place] = rng.integers(256)
        path.write_bytes(changed)
        try:
            read(path)
        except UnsupportedModel as error:
            assert str(path) in str(error)


def test_what_is_unpacked_is_charged(tmp_path: Path) -> None:
    path = write(tmp_path, **network("relu", "tanh", "linear", large=np.zeros((1000, 1000))))
    assert path.stat().st_size < 20_000
    with pytest.raises(UnsupportedModel, match=r"needs .* bytes, which with .* exceeds the budget"):
        read(path, Budget(bytes=1_000_000, per_byte=0))


def test_scipy_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, **network("relu", "tanh", "linear"))
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match=r"reading \.mat files needs the scipy package .*: pip install scipy"):
        read(path)
