# SPDX-License-Identifier: MIT
"""Activations in every format, against the frameworks that run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import withstand as ws
from withstand.importers import read
from withstand.importers.layers import Phi

RNG = np.random.default_rng(3)
WEIGHTS = [RNG.normal(size=(8, 3)) * 3, RNG.normal(size=(2, 8))]
BIASES = [RNG.normal(size=8), RNG.normal(size=2)]
X = RNG.normal(size=(64, 3)) * 3  # far enough to reach every piece

#: Module of torch.nn, and what it is read as.
TORCH: list[tuple[str, dict[str, Any], Phi]] = [
    ("Hardtanh", {}, Phi("hard_tanh")),
    ("ReLU6", {}, Phi("relu6")),
    ("SELU", {}, Phi("selu")),
    ("SiLU", {}, Phi("silu")),
    ("Softsign", {}, Phi("softsign")),
    ("GELU", {}, Phi("gelu")),
    ("GELU", {"approximate": "tanh"}, Phi("gelu_tanh")),
    ("Hardsigmoid", {}, Phi("hard_sigmoid")),
    ("Hardswish", {}, Phi("hard_swish")),
    ("Hardtanh", {"min_val": 0.0, "max_val": 6.0}, Phi("relu6")),
]
#: Activation of Keras by name, or by function of keras.ops.
KERAS: list[tuple[str, Phi]] = [
    ("gelu", Phi("gelu")),
    ("ops.gelu", Phi("gelu_tanh")),
    ("hard_sigmoid", Phi("hard_sigmoid")),
    ("hard_silu", Phi("hard_swish")),
    ("hard_tanh", Phi("hard_tanh")),
    ("relu6", Phi("relu6")),
    ("selu", Phi("selu")),
    ("silu", Phi("silu")),
    ("softsign", Phi("softsign")),
]
#: Operator of ONNX, attributes, opset.
ONNX: list[tuple[str, dict[str, Any], int, Phi]] = [
    ("Gelu", {}, 20, Phi("gelu")),
    ("Gelu", {"approximate": "tanh"}, 20, Phi("gelu_tanh")),
    ("HardSigmoid", {"alpha": 1 / 6}, 13, Phi("hard_sigmoid")),
    ("HardSwish", {}, 14, Phi("hard_swish")),
    ("Swish", {}, 24, Phi("silu")),
    ("Softplus", {}, 13, Phi("softplus")),
    ("Softsign", {}, 13, Phi("softsign")),
    ("Selu", {}, 13, Phi("selu")),
    ("Clip", {"low": 0.0, "high": 6.0}, 13, Phi("relu6")),
]
#: Those whose constants are in single precision there.
SINGLE = ("Gelu", "HardSigmoid", "HardSwish", "Selu")


def same(layers: Any, phi: Phi, expected: Any, near: float) -> None:
    """Compare the network that was read with the outputs that a framework computed."""
    assert layers.activations == (phi,)
    net = ws.Network(layers.weights, layers.biases, activation=[ws.Activation(*phi)])
    expected = np.asarray(expected, dtype=np.float64)
    assert np.abs(net.forward(X) - expected).max() <= near * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize(("kind", "options", "phi"), TORCH)
def test_torch(kind: str, options: dict[str, Any], phi: Phi) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 8), getattr(nn, kind)(**options), nn.Linear(8, 2)).double().eval()
    with torch.no_grad():
        for leaf, weight, bias in zip((model[0], model[2]), WEIGHTS, BIASES, strict=True):
            leaf.weight.copy_(torch.from_numpy(weight))
            leaf.bias.copy_(torch.from_numpy(bias))
        same(read(model), phi, model(torch.from_numpy(X)).numpy(), 1e-14)


@pytest.mark.parametrize(("name", "phi"), KERAS)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras(name: str, phi: Phi) -> None:
    keras = pytest.importorskip("keras")
    function = getattr(keras.ops, name.removeprefix("ops.")) if name.startswith("ops.") else name
    layers = [keras.Input((3,)), keras.layers.Dense(8, activation=function), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.set_weights([WEIGHTS[0].T, BIASES[0], WEIGHTS[1].T, BIASES[1]])
    found = keras.ops.convert_to_numpy(model(X.astype(np.float32)))
    same(read(model), phi, found, 1e-5)


@pytest.mark.parametrize(("op", "attributes", "opset", "phi"), ONNX)
def test_onnx(tmp_path: Path, op: str, attributes: dict[str, Any], opset: int, phi: Phi) -> None:
    onnx, reference = pytest.importorskip("onnx"), pytest.importorskip("onnx.reference")
    helper, numbers = onnx.helper, onnx.numpy_helper
    arrays = {"W": WEIGHTS[0].T, "b": BIASES[0], "V": WEIGHTS[1].T, "c": BIASES[1]}
    limits = {key: np.array(attributes[key]) for key in ("low", "high") if key in attributes}  # Clip's are inputs
    rest = {key: value for key, value in attributes.items() if key not in limits}
    nodes = [helper.make_node("Gemm", ["x", "W", "b"], ["s"]), helper.make_node(op, ["s", *limits], ["y"], **rest),
             helper.make_node("Gemm", ["y", "V", "c"], ["z"])]  # fmt: skip
    double = onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", double, ["N", 3])],
        [helper.make_tensor_value_info("z", double, ["N", 2])],
        [numbers.from_array(np.ascontiguousarray(array), key) for key, array in (arrays | limits).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    onnx.save(model, tmp_path / "net.onnx")
    found = reference.ReferenceEvaluator(model).run(None, {"x": X})[0]
    same(read(tmp_path / "net.onnx"), phi, found, 1e-6 if op in SINGLE else 1e-12)


@pytest.mark.parametrize("name", ws.model.activations.NAMES)
def test_npz(tmp_path: Path, name: str) -> None:
    net = ws.Network(WEIGHTS, BIASES, activation=ws.Activation(name, gain=1.5), output_activation=name)
    net.save(tmp_path / "net.npz")
    again = ws.load(tmp_path / "net.npz")
    assert again == net
    assert np.array_equal(again.forward(X), net.forward(X))
