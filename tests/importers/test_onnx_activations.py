# SPDX-License-Identifier: MIT
"""ONNX operators that are activations, and what may stand behind the last layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx_models import check, model, node  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(0)
W, V = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 3))

ACTIVATIONS = [
    ("Relu", {}, ("relu", 1.0, None)),
    ("Sigmoid", {}, ("logistic", 1.0, None)),
    ("Tanh", {}, ("tanh", 1.0, None)),
    ("Softplus", {}, ("softplus", 1.0, None)),
    ("LeakyRelu", {}, ("leaky_relu", 1.0, float(np.float32(0.01)))),
    ("LeakyRelu", {"alpha": 0.25}, ("leaky_relu", 1.0, 0.25)),
    ("Elu", {}, ("elu", 1.0, 1.0)),
    ("Elu", {"alpha": 0.5}, ("elu", 1.0, 0.5)),
    ("HardSigmoid", {}, ("clip", float(np.float32(0.2)), None)),
    ("HardSigmoid", {"alpha": 0.25, "beta": 0.75}, ("clip", 0.25, None)),
]


@pytest.mark.parametrize(("op", "attributes", "triple"), ACTIVATIONS)
def test_activations(tmp_path: Path, op: str, attributes: dict[str, float], triple: tuple[Any, ...]) -> None:
    nodes = [node("MatMul", "x W", "a"), node(op, "a", "h", **attributes), node("MatMul", "h V", "z")]
    nodes += [node(op, "z", "y", **attributes)]
    layers = check(model(nodes, {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path, runtime=op in ("Relu", "Tanh", "Sigmoid"))
    assert layers.activations == (triple,)
    assert layers.output_activation == triple
    check(model(nodes, {"x": ["N", 4]}, {"W": W, "V": V}, dtype=np.float32), tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(-1.0, 1.0, "hard_tanh"), (0.0, 1.0, "clip"), (0.0, None, "relu"), (0.0, 3.4028234663852886e38, "relu")],
)
@pytest.mark.parametrize("opset", [6, 11, 13])
def test_clips(tmp_path: Path, low: float, high: float | None, name: str, opset: int) -> None:
    constants: dict[str, Any] = {"W": W, "V": V}
    if opset < 11:
        limits = {"min": low} | ({} if high is None else {"max": high})
        clip = node("Clip", "a", "h", **limits)
    else:
        constants |= {"low": np.float32(low)} | ({} if high is None else {"high": np.float32(high)})
        clip = node("Clip", "a low" + " high" * (high is not None), "h")
    nodes = [node("MatMul", "x W", "a"), clip, node("MatMul", "h V", "y")]
    layers = check(model(nodes, {"x": [1, 4]}, constants, dtype=np.float32, opset=opset), tmp_path, runtime=opset > 6)
    assert layers.activations[0].name == name


def test_prelu_and_maximum(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("PRelu", "a s", "b"), node("MatMul", "b V", "c")]
    nodes += [node("Max", "zero c", "h"), node("Neg", "h", "y")]
    constants = {"W": W, "V": V, "s": np.full(5, 0.25), "zero": np.zeros(1)}
    layers = check(model(nodes, {"x": [1, 4]}, constants), tmp_path)
    assert layers.activations == (("leaky_relu", 1.0, 0.25), ("relu", 1.0, None))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [9, 13])
def test_softmax_is_taken_off(tmp_path: Path, op: str, opset: int) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "z")]
    plain = check(model([*nodes, node("Identity", "z", "y")], {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path)
    proto = model([*nodes, node(op, "z", "y", axis=1)], {"x": ["N", 4]}, {"W": W, "V": V}, opset=opset)
    onnx.save(proto, tmp_path / "softmax.onnx")
    layers = read(tmp_path / "softmax.onnx")
    assert (plain.outputs, layers.outputs) == ("values", "logits")
    assert all(map(np.array_equal, layers.weights, plain.weights))


def test_softmax_axes_of_old_versions(tmp_path: Path) -> None:
    """Before version 13, axis = 1 meant all axes from 1 on; since then it is that axis alone."""
    nodes = [node("Tanh", "x", "h"), node("Neg", "h", "z"), node("Softmax", "z", "y", axis=1)]
    onnx.save(model(nodes, {"x": [1, 2, 3]}, opset=12), tmp_path / "old.onnx")
    assert read(tmp_path / "old.onnx").outputs == "logits"
    onnx.save(model(nodes, {"x": [1, 2, 3]}, opset=13), tmp_path / "new.onnx")
    with pytest.raises(UnsupportedModel, match=r"\(Softmax\): runs over axis 1 of shape \(1, 2, 3\)"):
        read(tmp_path / "new.onnx")


def test_trailing_activation_after_a_permutation(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("Gemm", "h V k", "b")]
    nodes += [node("Tanh", "b", "t"), node("Gather", "t order", "y", axis=1)]
    constants = {"W": W, "V": V, "k": RNG.normal(size=3), "order": np.array([2, 0, 0])}
    layers = check(model(nodes, {"x": [1, 4]}, constants), tmp_path)
    assert layers.output_activation.name == "tanh"
    assert len(layers.activations) == 1


def test_scaled_trailing_activation_is_a_hidden_layer(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Tanh", "a", "t"), node("Mul", "t two", "y")]
    layers = check(model(nodes, {"x": [1, 4]}, {"W": W, "two": np.array(2.0)}), tmp_path)
    assert layers.output_activation.name == "identity"
    assert np.array_equal(layers.weights[1], 2 * np.eye(5))


PARTS = ("Max a m", "Tanh m h", "Neg h g", "Max g y")


def test_the_largest_of_one_tensor_is_that_tensor(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "W"], ["a"])]
    nodes += [helper.make_node(op, [name], [made]) for op, name, made in map(str.split, PARTS)]
    layers = check(model(nodes, {"x": [1, 3]}, {"W": RNG.normal(size=(3, 2))}), tmp_path)
    assert [phi.name for phi in layers.activations] == ["tanh"]
