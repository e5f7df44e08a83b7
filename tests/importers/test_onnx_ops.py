# SPDX-License-Identifier: MIT
"""Each supported affine operator of ONNX in each of its forms, against two other implementations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from layers_oracle import sizes  # noqa: E402
from onnx_models import check, model, node  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(0)
W, V, B = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 3)), RNG.normal(size=5)


def test_matmul_on_the_right(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "y")]
    layers = check(model(nodes, {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path)
    assert np.array_equal(layers.weights[0], W.T)
    assert np.array_equal(layers.weights[1], V.T)
    assert layers.activations == (("relu", 1.0, None),)


def test_matmul_on_the_left_of_a_vector(tmp_path: Path) -> None:
    nodes = [node("MatMul", "W x", "a"), node("Relu", "a", "h"), node("MatMul", "V h", "y")]
    layers = check(model(nodes, {"x": [4]}, {"W": W.T, "V": V.T}), tmp_path)
    assert np.array_equal(layers.weights[0], W.T)


@pytest.mark.parametrize("shape", [(4, 1), (4, 2), (2, 4, 1), (1, 4, 3)])
def test_matmul_on_the_left_of_a_matrix(tmp_path: Path, shape: tuple[int, ...]) -> None:
    nodes = [node("MatMul", "W x", "a"), node("Relu", "a", "h"), node("MatMul", "V h", "y")]
    leading = (1, *shape) if len(shape) == 2 else shape
    check(model(nodes, {"x": (1, *leading[1:])}, {"W": W.T, "V": V.T}), tmp_path)


@pytest.mark.parametrize("constant", [(5, 3), (2, 5, 3), (3, 1, 5, 3), (5,)])
@pytest.mark.parametrize("shape", [(1, 5), (1, 2, 5), (1, 3, 2, 5), (5,)])
def test_matmul_broadcasts(tmp_path: Path, shape: tuple[int, ...], constant: tuple[int, ...]) -> None:
    constants = {"A": RNG.normal(size=constant), "k": np.array([0.5])}
    nodes = [node("Tanh", "x", "h"), node("MatMul", "h A", "a"), node("Sub", "a k", "y")]
    try:
        np.matmul(np.zeros(shape), constants["A"])
    except ValueError:
        pytest.skip("numpy does not broadcast these either")
    check(model(nodes, {"x": shape}, constants), tmp_path)


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("bias", [None, (5,), (1, 5), (1, 1), ()])
def test_gemm(tmp_path: Path, trans_a: int, trans_b: int, bias: tuple[int, ...] | None) -> None:
    constants = {"W": W.T if trans_b else W, "V": V}
    if bias is not None:
        constants["b"] = RNG.normal(size=bias)
    first = node("Gemm", "x W" + " b" * (bias is not None), "a", alpha=0.75, beta=-1.5, transA=trans_a, transB=trans_b)
    nodes = [first, node("Relu", "a", "h"), node("Gemm", "h V", "y")]
    shape = (4, 1) if trans_a else (1, 4)
    if trans_a:  # the batch axis must lead
        nodes = [node("Transpose", "x0", "x"), *nodes]
    check(model(nodes, {"x0" if trans_a else "x": (1, 4) if trans_a else shape}, constants), tmp_path)


def test_gemm_with_the_constant_first(tmp_path: Path) -> None:
    nodes = [node("Transpose", "x", "t"), node("Gemm", "W t", "a", transA=1), node("Tanh", "a", "h")]
    nodes += [node("Gemm", "h V", "y", transA=1)]
    check(model(nodes, {"x": [1, 4]}, {"W": W, "V": V}), tmp_path)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (3, 4), (1, 3, 4), (1, 1, 1, 1)])
def test_arithmetic_broadcasts(tmp_path: Path, op: str, first: bool, shape: tuple[int, ...]) -> None:
    if op == "Div" and first:
        pytest.skip("division by a computed tensor is refused, see test_bad_files")
    constants = {"c": RNG.uniform(0.5, 2, size=shape), "d": RNG.normal(size=4)}
    nodes = [node(op, "c x" if first else "x c", "a"), node("Sigmoid", "a", "h"), node("Sub", "d h", "y")]
    check(model(nodes, {"x": ["N", 3, 4]}, constants), tmp_path)


def test_two_affine_stages_merge(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x W", "a"),
        node("MatMul", "a V", "b"),
        node("Relu", "b", "h"),
        node("Neg", "h", "y"),
    ]
    layers = check(model(nodes, {"x": [1, 4]}, {"W": W, "V": V}), tmp_path)
    assert [w.shape for w in layers.weights] == [(3, 4), (3, 3)]


def test_affine_branches_of_one_layer_are_one_layer(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x W", "a"),
        node("MatMul", "x U", "b"),
        node("Sub", "a b", "c"),
        node("Sum", "k k c x x", "d"),
    ]
    nodes += [node("Concat", "d x a", "e", axis=1), node("Relu", "e", "h"), node("MatMul", "h V", "y")]
    constants = {
        "W": RNG.normal(size=(4, 4)),
        "U": RNG.normal(size=(4, 4)),
        "V": RNG.normal(size=(12, 2)),
        "k": np.array([0.5]),
    }
    layers = check(model(nodes, {"x": [1, 4]}, constants), tmp_path)
    assert sizes(layers) == (4, 12, 2)


def test_batch_normalization(tmp_path: Path) -> None:
    constants = {"W": W, "s": B, "b": B[::-1].copy(), "m": B * 2, "v": B**2, "V": V}
    nodes = [node("MatMul", "x W", "a"), node("BatchNormalization", "a s b m v", "n", epsilon=0.01)]
    nodes += [node("Relu", "n", "h"), node("MatMul", "h V", "y")]
    check(model(nodes, {"x": ["N", 4]}, constants), tmp_path)


CONVS = [
    {},
    {"strides": [2, 1]},
    {"pads": [1, 0, 2, 1]},
    {"dilations": [2, 1], "pads": [1, 1, 1, 1]},
    {"group": 2},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"},
]


@pytest.mark.parametrize("attributes", CONVS)
def test_convolution(tmp_path: Path, attributes: dict[str, Any]) -> None:
    kernels = RNG.normal(size=(4, 2 // attributes.get("group", 1), 3, 2))
    nodes = [node("Conv", "x K k", "a", **attributes), node("Relu", "a", "h"), node("Conv", "h J", "b")]
    nodes += [node("GlobalAveragePool", "b", "y")]
    constants = {"K": kernels, "k": RNG.normal(size=4), "J": RNG.normal(size=(3, 4, 1, 1))}
    check(model(nodes, {"x": ["N", 2, 5, 6]}, constants, dtype=np.float32), tmp_path)


def test_unknown_auto_pad(tmp_path: Path) -> None:
    nodes = [node("Conv", "x K", "a", auto_pad="SAME_MIDDLE"), node("Flatten", "a", "y")]
    onnx.save(model(nodes, {"x": [1, 2, 5, 6]}, {"K": RNG.normal(size=(4, 2, 3, 2))}), tmp_path / "model.onnx")
    with pytest.raises(UnsupportedModel, match="has the auto_pad 'SAME_MIDDLE'"):
        read(tmp_path / "model.onnx")


@pytest.mark.parametrize("opset", [9, 13, 15])
@pytest.mark.parametrize("shape", [["N", 3], ["N", 3, 4], ["N", 3, 2, 2]])
def test_batch_normalization_of_old_versions(tmp_path: Path, opset: int, shape: list[Any]) -> None:
    """Compared with ONNX Runtime: the reference evaluator mixes the batch in before opset 14."""
    nodes = [node("Tanh", "x", "h"), node("BatchNormalization", "h s b m v", "n"), node("Flatten", "n", "y")]
    constants = {name: RNG.normal(size=3) for name in "sbm"} | {"v": np.array([0.5, 1.0, 2.0])}
    proto = model(nodes, {"x": shape}, constants, opset=opset, dtype=np.float32)
    check(proto, tmp_path, reference=opset >= 14)


@pytest.mark.parametrize("include", [0, 1])
def test_average_pool(tmp_path: Path, include: int) -> None:
    attributes = {
        "kernel_shape": [2, 3],
        "strides": [1, 2],
        "pads": [1, 1, 0, 1],
        "count_include_pad": include,
    }
    nodes = [node("AveragePool", "x", "a", **attributes), node("Relu", "a", "h"), node("Flatten", "h", "f")]
    nodes += [node("ReduceSum", "f axes", "y")]
    check(model(nodes, {"x": [1, 2, 5, 6]}, {"axes": np.array([1])}, dtype=np.float32), tmp_path)


def test_broadcast_attributes_of_old_versions(tmp_path: Path) -> None:
    """Before version 7, axis = 1 aligned a bias of shape (2,) with the channels."""
    nodes = [node("Add", "x b", "a", broadcast=1, axis=1), node("Tanh", "a", "h"), node("Neg", "h", "y")]
    path = tmp_path / "old.onnx"
    onnx.save(model(nodes, {"x": [1, 2, 3]}, {"b": np.array([1.0, 2.0])}, opset=6), path)
    assert np.array_equal(read(path).biases[0], [1, 1, 1, 2, 2, 2])


@pytest.mark.parametrize("attributes", [{"axis": 10, "broadcast": 1}, {"axis": 1}, {"axis": 0, "broadcast": 1}])
def test_an_axis_that_aligns_nothing_is_refused(tmp_path: Path, attributes: dict[str, int]) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Add", "a b", "s", **attributes)]
    nodes += [node("Tanh", "s", "h"), node("Neg", "h", "y")]
    path = tmp_path / "old.onnx"
    onnx.save(model(nodes, {"x": [1, 3]}, {"W": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4)}, opset=6), path)
    with pytest.raises(UnsupportedModel, match="cannot align" if attributes != {"axis": 1} else "broadcast = "):
        read(path)
