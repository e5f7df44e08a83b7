# SPDX-License-Identifier: MIT
"""Leading axes of fixed size: a batch where the graph treats it as one, else part of the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx_models import check, model  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(3)
W, V = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 3))


def dense(first: str = "x") -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [first, "W"], ["a"]),
        helper.make_node("Relu", ["a"], ["h"]),
        helper.make_node("MatMul", ["h", "V"], ["y"]),
    ]


def test_fixed_batch_is_read_as_one_row(tmp_path: Path) -> None:
    onnx.save(model(dense(), {"x": [6, 4]}, {"W": W, "V": V}), tmp_path / "six.onnx")
    onnx.save(model(dense(), {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path / "any.onnx")
    six, dynamic = read(tmp_path / "six.onnx"), read(tmp_path / "any.onnx")
    assert all(map(np.array_equal, six.weights, dynamic.weights))


def test_matrix_input_without_a_batch_axis(tmp_path: Path) -> None:
    nodes = [helper.make_node("Flatten", ["x"], ["f"], axis=0), *dense("f")]
    layers = check(model(nodes, {"x": [2, 2]}, {"W": W, "V": V}), tmp_path)
    assert layers.weights[0].shape == (5, 4)


def test_rows_that_a_graph_mixes_are_no_batch(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["M", "x"], ["m"]), *dense("m")]
    layers = check(model(nodes, {"x": [2, 4]}, {"M": RNG.normal(size=(2, 2)), "W": W, "V": V}), tmp_path)
    assert layers.weights[0].shape == (10, 8)


def test_rows_with_their_own_constants_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "B"], ["b"]), *dense("b")]
    proto = model(nodes, {"x": [3, 4]}, {"B": RNG.normal(size=(3, 4)), "W": W, "V": V})
    onnx.save(proto, tmp_path / "rows.onnx")
    with pytest.raises(UnsupportedModel, match=r"rows\.onnx: computes with its fixed batch size of 3"):
        read(tmp_path / "rows.onnx")
