# SPDX-License-Identifier: MIT
"""ONNX operators that move data and fold constants, and how models and their tensors are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx_models import check, model, node  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(0)
W, V = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 3))


@pytest.mark.parametrize("opset", [9, 13, 17, 18, 20])
def test_moving_data(tmp_path: Path, opset: int) -> None:
    constants = {"V": RNG.normal(size=(4, 2)), "shape": np.array([0, -1]), "one": np.array([1])}
    axes = {"axes": [1]} if opset < 13 else {}
    extra = " one" if opset >= 13 else ""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 2, 1]),
        node("Unsqueeze", "t" + extra, "u", **axes),
        node("Squeeze", "u" + extra, "s", **axes),
        node("Identity", "s", "i"),
        node("Dropout", "i", "d"),
        node("Flatten", "d", "f", axis=-1 if opset >= 11 else 2),
        node("Reshape", "f shape", "r"),
        node("Tanh", "r", "h"),
        node("Reshape", "h shape2", "g"),
        node("MatMul", "g V", "y"),
    ]
    constants["shape2"] = np.array([1, 3, 4])
    check(model(nodes, {"x": [1, 4, 3]}, constants, opset=opset), tmp_path)


def test_slices_pads_and_splits(tmp_path: Path) -> None:
    constants = {"from": np.array([3]), "to": np.array([0]), "axis": np.array([1]), "step": np.array([-1])}
    constants |= {"index": np.array([2, 0, 0]), "sizes": np.array([1, 2])}
    nodes = [
        node("Slice", "x from to axis step", "s"),
        node("Gather", "s index", "g", axis=1),
        helper.make_node("Split", ["g", "sizes"], ["p", "q"], axis=1),
        node("Concat", "q p x", "c", axis=1),
        node("Sigmoid", "c", "h"),
        node("ReduceMean", "h", "y", axes=[1], keepdims=1),
    ]
    check(model(nodes, {"x": [1, 4]}, constants), tmp_path)


def test_shapes_fold(tmp_path: Path) -> None:
    """What exporters write for `x.view(x.size(0), -1)`."""
    nodes = [
        node("Shape", "x", "s"),
        node("Constant", "", "zero", value_int=0),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "to", axis=0),
        node("Reshape", "x to", "r"),
        node("MatMul", "r W", "a"),
        node("Relu", "a", "h"),
        node("MatMul", "h V", "y"),
    ]
    for item in nodes:
        while "" in item.input:
            item.input.remove("")
    constants = {"axes": np.array([0]), "rest": np.array([-1]), "W": W, "V": V}
    check(model(nodes, {"x": ["N", 2, 2]}, constants), tmp_path)


def test_constants_fold_in_double_precision(tmp_path: Path) -> None:
    """The stored single-precision numbers are widened before anything is computed with them."""
    third, seventh = np.float32(1) / np.float32(3), np.float32(1) / np.float32(7)
    nodes = [
        node("Mul", "p q", "k"),
        node("Cast", "k", "c", to=1),
        node("Mul", "x c", "a"),
        node("Tanh", "a", "h"),
    ]
    nodes += [node("Mul", "h c", "y")]
    proto = model(nodes, {"x": [1, 4]}, {"p": third, "q": seventh}, dtype=np.float32)
    layers = check(proto, tmp_path)
    assert layers.weights[0][0, 0] == float(third) * float(seventh)


def test_initializers_listed_as_inputs(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "y")]
    layers = check(model(nodes, {"x": [1, 4]}, {"W": W, "V": V}, listed=True), tmp_path)
    assert layers.weights[0].shape == (5, 4)


def test_external_data(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "y")]
    proto = model(nodes, {"x": [1, 4]}, {"W": W, "V": V})
    onnx.save(proto, tmp_path / "side.onnx", save_as_external_data=True, location="side.bin", size_threshold=0)
    assert np.array_equal(read(tmp_path / "side.onnx").weights[0], W.T)
    (tmp_path / "side.bin").unlink()
    with pytest.raises(UnsupportedModel, match="side file"):
        read(tmp_path / "side.onnx")


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [node("MatMul", "u W", "a"), node("MatMul", "v V", "b"), node("Concat", "a b", "c", axis=1)]
    nodes += [node("Relu", "c", "h"), node("MatMul", "h P", "p"), node("MatMul", "h Q", "q")]
    constants = {"W": W, "V": V, "P": RNG.normal(size=(8, 2)), "Q": RNG.normal(size=(8, 1))}
    proto = model(nodes, {"u": ["N", 4], "v": ["N", 5]}, constants, outputs=("q", "p"))
    layers = check(proto, tmp_path)
    assert [w.shape for w in layers.weights] == [(8, 9), (3, 8)]


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    content = model([node("MatMul", "x weights", "y")], {"x": [1, 4]}, {"weights": W}).SerializeToString()
    assert content.count(b"weights") == 2
    (tmp_path / "model.onnx").write_bytes(content.replace(b"weights", b"weight\xff"))
    with pytest.raises(UnsupportedModel, match=r"UTF-8"):
        read(tmp_path / "model.onnx")
