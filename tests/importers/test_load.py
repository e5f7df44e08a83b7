# SPDX-License-Identifier: MIT
"""Networks made from files: the public `load`, and `Network.save`."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from layers_oracle import evaluate
from test_nnet import NETWORK
from withstand import Network
from withstand.importers import load, read
from withstand.importers.npz import save_npz


def test_nnet_network_refuses_inputs_outside_its_box(tmp_path: Path) -> None:
    path = tmp_path / "net.nnet"
    path.write_text(NETWORK)
    net = load(path)
    x = np.random.default_rng(0).uniform([-1, -2], [1, 4], size=(5, 2))
    assert np.allclose(net.forward(x), evaluate(read(path), x), rtol=0, atol=1e-12)
    assert net.input_box is not None
    with pytest.raises(ValueError, match=r"input 0: entry 1 is 5\.0"):
        net.forward([0.0, 5.0])
    net.save(tmp_path / "net.npz")
    again = load(tmp_path / "net.npz")
    assert again == net == pickle.loads(pickle.dumps(net))
    assert np.array_equal(again.input_box or (), net.input_box)


@pytest.mark.parametrize("op", ["Relu", "Elu", "LeakyRelu", "HardSigmoid", "Softplus", "Sigmoid", "Tanh"])
def test_onnx_network(tmp_path: Path, op: str) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx_models import model
    from test_onnx_chains import Chain

    chain = Chain((1, 4), seed=2)
    chain.append("MatMul", chain.normal(4, 5), shape=(1, 5))
    chain.append(op)
    chain.append("MatMul", chain.normal(5, 3), shape=(1, 3))
    chain.append("LogSoftmax")
    onnx.save(model(chain.nodes, {"x": ["N", 4]}, chain.constants, outputs=(chain.last,)), tmp_path / "net.onnx")
    net = load(str(tmp_path / "net.onnx"))
    x = np.random.default_rng(0).normal(size=(6, 4))
    expected = evaluate(read(tmp_path / "net.onnx"), x, {(1, 2): 0.25})
    assert np.allclose(net.forward(x, failed={(1, 2): 0.25}), expected, rtol=0, atol=1e-12)
    assert (net.widths, net.outputs) == ((4, 5, 3), "logits")
    net.save(tmp_path / "net.npz")
    assert load(tmp_path / "net.npz") == net


def test_a_network_saves_what_it_was_made_from(tmp_path: Path) -> None:
    net = Network([np.eye(2), np.ones((1, 2))], activation="softplus", output_activation="tanh")
    net.save(tmp_path / "net.npz")
    layers = read(tmp_path / "net.npz")
    assert layers.output_activation == ("tanh", 1.0, None)
    save_npz(layers, tmp_path / "again.npz")
    assert load(tmp_path / "again.npz") == net


def test_importing_needs_numpy_alone() -> None:
    code = "import sys, withstand.importers; print({'onnx', 'torch', 'keras', 'sklearn'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
