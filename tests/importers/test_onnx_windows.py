# SPDX-License-Identifier: MIT
"""ONNX operators that move windows over images, pad and repeat them, against the reference and ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from layers_oracle import sizes  # noqa: E402
from onnx import helper  # noqa: E402
from onnx_models import check, model, node  # noqa: E402

RNG = np.random.default_rng(0)
IMAGE = ["N", 2, 5, 6]
K, J = RNG.normal(size=(4, 2, 3, 3)), RNG.normal(size=(3, 4, 3, 3))
SINGLE = {"dtype": np.float32}


POOLS: list[dict[str, Any]] = [
    {"kernel_shape": [2, 2]},
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 2, 1]},
    {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"},
    {"kernel_shape": [3, 3], "auto_pad": "VALID"},
    {"kernel_shape": [2, 2], "dilations": [2, 3]},
]


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("attributes", POOLS)
def test_pooling_of_neurons(tmp_path: Path, op: str, attributes: dict[str, Any]) -> None:
    nodes = [node("Conv", "x K k", "a", pads=[1, 1, 1, 1]), node("Tanh", "a", "h"), node(op, "h", "p", **attributes)]
    nodes += [node("Conv", "p J", "b", auto_pad="SAME_UPPER"), node("Relu", "b", "g"), node("Flatten", "g", "y")]
    constants = {"K": K, "k": RNG.normal(size=4), "J": J}
    graph = check(model(nodes, {"x": IMAGE}, constants, opset=22, **SINGLE), tmp_path)
    assert [layer.name for layer in graph.layers if layer.may_fail] == ["h"]
    assert sizes(graph)[:2] == (60, 120)


@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("pads", [[1, 1, 1, 1], [0, 2, 1, 1], [2, 1, 0, 0]])
def test_padding_that_is_counted(tmp_path: Path, ceil: int, pads: list[int]) -> None:
    attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": pads, "count_include_pad": 1, "ceil_mode": ceil}
    nodes = [node("Tanh", "x", "h"), node("AveragePool", "h", "p", **attributes), node("Flatten", "p", "y")]
    check(model(nodes, {"x": IMAGE}, opset=22, **SINGLE), tmp_path)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "ReduceMax"])
@pytest.mark.parametrize("shape", [["N", 2, 7], ["N", 2, 4, 4], ["N", 2, 3, 4, 3]])
def test_pooling_of_inputs_in_any_dimension(tmp_path: Path, op: str, shape: list[Any]) -> None:
    axes = len(shape) - 2
    attributes = {"kernel_shape": [2] * axes} if op in ("MaxPool", "AveragePool") else {}
    attributes |= {"axes": list(range(2, 2 + axes))} if op == "ReduceMax" else {}
    nodes = [node(op, "x", "p", **attributes), node("Flatten", "p", "f"), node("Tanh", "f", "h"), node("Neg", "h", "y")]
    # onnx 1.23: the reference's GlobalMaxPool reduces the channels too where there are not two spatial axes.
    reference = op != "GlobalMaxPool" or axes == 2
    check(model(nodes, {"x": shape}, **SINGLE), tmp_path, reference=reference)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[2, 3], [1], [-1, -2]])
@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"])
def test_reductions(tmp_path: Path, op: str, axes: list[int], keepdims: int) -> None:
    nodes = [node("Tanh", "x", "h"), node(op, "h axes", "r", keepdims=keepdims), node("Sigmoid", "r", "g")]
    nodes += [node("Neg", "g", "y")]
    check(model(nodes, {"x": IMAGE}, {"axes": np.array(axes)}, opset=18, **SINGLE), tmp_path)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 3]},
        {"strides": [2, 2], "pads": [1, 0, 2, 1]},
        {"strides": [2, 2], "output_padding": [1, 1]},
        {"dilations": [2, 1], "group": 2},
    ],
)
def test_transposed_convolution(tmp_path: Path, attributes: dict[str, Any]) -> None:
    nodes = [node("Tanh", "x", "h"), node("ConvTranspose", "h K k", "a", **attributes), node("Relu", "a", "g")]
    nodes += [node("Flatten", "g", "y")]
    groups = attributes.get("group", 1)
    constants = {"K": RNG.normal(size=(2, 3, 3, 2)), "k": RNG.normal(size=3 * groups)}
    # onnx 1.23: the reference cuts the kernel of a group by output channels, where it lists input channels.
    check(model(nodes, {"x": IMAGE}, constants, **SINGLE), tmp_path, reference=groups == 1)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize("value", [0.0, 1.5])
@pytest.mark.parametrize("pads", [[0, 0, 1, 2, 0, 0, 0, 1], [0, 0, 2, 0, 0, 1, 1, 2]])
def test_pad(tmp_path: Path, mode: str, value: float, pads: list[int]) -> None:
    nodes = [node("Pad", "x pads v", "p", mode=mode), node("Tanh", "p", "h"), node("Neg", "h", "y")]
    if mode != "constant":
        pads = [0 if n in (1, 5) else size for n, size in enumerate(pads)]
    check(model(nodes, {"x": IMAGE}, {"pads": np.array(pads), "v": np.array(value)}, **SINGLE), tmp_path)


RESIZES: list[tuple[int, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        19,
        "Resize",
        "h  s",
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"s": [1.0, 1, 2, 3]},
    ),
    (19, "Resize", "h  s", {}, {"s": [1.0, 1, 3, 2]}),
    (19, "Resize", "h   z", {}, {"z": [1, 2, 5, 18]}),
    (10, "Resize", "h s", {}, {"s": [1.0, 1, 2, 2]}),
    (9, "Upsample", "h s", {}, {"s": [1.0, 1, 2, 2]}),
    (7, "Upsample", "h", {"scales": [1.0, 1, 1, 4]}, {}),
]


@pytest.mark.parametrize(("opset", "op", "inputs", "attributes", "constants"), RESIZES)
def test_entries_that_are_repeated(
    tmp_path: Path, opset: int, op: str, inputs: str, attributes: dict[str, Any], constants: dict[str, Any]
) -> None:
    nodes = [node("Tanh", "x", "h"), helper.make_node(op, inputs.split(" "), ["u"], **attributes)]
    nodes += [node("Conv", "u K", "c"), node("Relu", "c", "g"), node("Flatten", "g", "y")]
    arrays = {name: np.array(value) for name, value in constants.items()} | {"K": K}
    check(model(nodes, {"x": IMAGE}, arrays, opset=opset, **SINGLE), tmp_path, reference=opset > 10)
