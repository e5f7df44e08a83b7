# SPDX-License-Identifier: MIT
"""Layers are called what the file calls them, in every format; names are kept by copies and by files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import withstand as ws
from refused_files import keras, mat, nodes, npz, tflite
from withstand.importers import UnsupportedModel

DENSE = {"w": np.eye(4), "v": np.ones((4, 2))}


def named(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    return [layer.name for layer in ws.load(path).layers]


def test_onnx_names_the_tensors(tmp_path: Path) -> None:
    """As a runtime gives them; a node's own name need not be unique."""
    chain = "a: MatMul x w -> s; a: Relu s -> signal; b: MatMul signal v -> y"
    assert named(tmp_path / "net.onnx", nodes(chain, **DENSE)) == ["signal", "y"]
    ends = "a: MatMul x w -> s; b: Relu s -> h; c: MatMul h v -> z; d: Softmax axis=1 z -> p; e: Identity p -> y"
    assert named(tmp_path / "net.onnx", nodes(ends, **DENSE)) == ["h", "z"]
    gated = "a: MatMul x w -> s; b: Sigmoid s -> g; c: Mul s g -> silu; d: Tanh silu -> y"
    assert named(tmp_path / "net.onnx", nodes(gated, **DENSE)) == ["silu", "y"]
    beyond = "a: MatMul x w -> s; b: Softplus s -> p; c: Greater s t -> g; d: Where g s p -> plus; e: Tanh plus -> y"
    assert named(tmp_path / "net.onnx", nodes(beyond, t=20.0, **DENSE)) == ["plus", "y"]
    heads = "a: Relu x -> r; c: MatMul r w -> s; d: Tanh s -> h; e: MatMul h v -> one; f: Neg h -> two"
    assert named(tmp_path / "net.onnx", nodes(heads, outputs="one two", **DENSE))[-2:] == ["h", "one, two"]


def test_what_has_no_names_is_numbered(tmp_path: Path) -> None:
    nnet = b"2,1,1,2,\n1,2,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n1,\n2,\n0,\n0,\n1,1,\n0,\n"
    assert named(tmp_path / "net.nnet", nnet) == ["layer 1", "layer 2"]
    assert named(tmp_path / "net.txt", b"1\n1\n1\n1\n" + b"1\n" * 4) == ["layer 1", "layer 2"]
    assert named(tmp_path / "net.npz", npz()) == ["", ""]


def test_matlab(tmp_path: Path) -> None:
    pytest.importorskip("scipy.io")
    assert named(tmp_path / "net.mat", mat()) == ["W{1}", "W{2}"]


def test_tflite(tmp_path: Path) -> None:
    options = {"options": "FullyConnectedOptions", "fusedActivationFunction": 1}
    data = tflite("FULLY_CONNECTED", np.ones((3, 4)), shape=(1, 3), **options)
    assert named(tmp_path / "net.tflite", data) == ["fully_connected2", "tanh3"]


def test_keras_files(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    layers = [("Activation", {"activation": "tanh"}), ("ReLU", {}), ("Flatten", {})]
    assert named(tmp_path / "net.keras", keras(*layers)) == ["activation", "relu"]


def test_sklearn() -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    model = neural.MLPRegressor(hidden_layer_sizes=(3, 2), max_iter=5)
    x = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.warns(UserWarning, match="converge"):
        model.fit(x, x[:, 0])
    assert [layer.name for layer in ws.load(model).layers] == ["coefs_[0]", "coefs_[1]", "coefs_[2]"]


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:FutureWarning")
def test_torch(tmp_path: Path) -> None:
    """Modules by their paths, whichever way a model is read."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    block = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
    model = nn.Sequential(block, nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2), nn.Softmax(1)).eval()
    expected = ["0.0", "1", "3"]
    assert [layer.name for layer in ws.load(model).layers] == expected
    assert [layer.name for layer in ws.load(model, inputs=torch.zeros(1, 4)).layers] == expected
    torch.export.save(torch.export.export(model, (torch.zeros(1, 4),)), tmp_path / "net.pt2")
    assert [layer.name for layer in ws.load(tmp_path / "net.pt2").layers] == expected


@pytest.fixture(params=["chain", "graph"])
def net(request: Any, tmp_path: Path) -> ws.Network:
    text = (
        "a: MatMul x w -> s; b: Relu s -> first; c: MatMul first w -> t; d: Tanh t -> second; e: MatMul second v -> y"
    )
    if request.param == "graph":
        text = text.replace("e: MatMul second", "f: Add first second -> third; e: MatMul third")
    (tmp_path / "net.onnx").write_bytes(nodes(text, **DENSE))
    return ws.load(tmp_path / "net.onnx")


def test_names_are_kept(net: ws.Network, tmp_path: Path) -> None:
    net.save(tmp_path / "net.npz")
    for other in (ws.load(tmp_path / "net.npz"), pickle.loads(pickle.dumps(net))):
        assert [layer.name for layer in other.layers] == ["first", "second", "y"]
        assert other == net and other.fingerprint == net.fingerprint


def test_names_are_none_or_all(tmp_path: Path) -> None:
    (tmp_path / "net.npz").write_bytes(npz(names=np.array(["a"])))
    with pytest.raises(UnsupportedModel, match=r"net\.npz: has 1 names for 2 layers"):
        ws.load(tmp_path / "net.npz")
