# SPDX-License-Identifier: MIT
"""Leading axes of fixed size: a batch where the graph treats it as one, else part of the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime  # noqa: E402
from layers_oracle import evaluate, sizes  # noqa: E402
from onnx import helper  # noqa: E402
from onnx_models import check, model  # noqa: E402
from withstand.importers import Budget, UnsupportedModel, read  # noqa: E402
from withstand.importers.budget import Account  # noqa: E402
from withstand.importers.onnx_file import read_onnx  # noqa: E402

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
    assert sizes(layers) == (8, 10, 6)


def test_rows_with_their_own_constants_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "B"], ["b"]), *dense("b")]
    proto = model(nodes, {"x": [3, 4]}, {"B": RNG.normal(size=(3, 4)), "W": W, "V": V})
    onnx.save(proto, tmp_path / "rows.onnx")
    with pytest.raises(UnsupportedModel, match=r"rows\.onnx: computes with its fixed batch size of 3"):
        read(tmp_path / "rows.onnx")


def test_a_batch_of_any_size_costs_the_same(tmp_path: Path) -> None:
    """A file of 789,444 rows is read like one of two, and charged the same; its rows together exceed the budget."""
    charged = []
    for rows in (2, 789_444):
        onnx.save(model(dense(), {"x": [rows, 4]}, {"W": W, "V": V}), tmp_path / "rows.onnx")
        account = Account(Budget(entries=100))
        assert read_onnx(tmp_path / "rows.onnx", account).weights[0].shape == (5, 4)
        charged.append((account.bytes, account.operations))
    assert charged[0] == charged[1]


ROW_WISE = {
    "Reshape to -1": ([("Reshape", ["x", "to"], "r", {})], {"to": np.array([-1, 4])}, [6, 2, 2]),
    "Reshape to 0": ([("Reshape", ["x", "to"], "r", {})], {"to": np.array([0, -1])}, [6, 2, 2]),
    "Flatten": ([("Flatten", ["x"], "r", {"axis": 1})], {}, [6, 2, 2]),
    "Shape": (
        [
            ("Shape", ["x"], "s", {}),
            ("Gather", ["s", "zero"], "n", {"axis": 0}),
            ("Unsqueeze", ["n", "axes"], "u", {}),
            ("Concat", ["u", "minus"], "to", {"axis": 0}),
            ("Reshape", ["x", "to"], "r", {}),
        ],
        {"zero": np.array(0), "axes": np.array([0]), "minus": np.array([-1])},
        [6, 2, 2],
    ),
    "Transpose": (
        [("Transpose", ["x"], "t", {"perm": [0, 2, 1]}), ("Flatten", ["t"], "r", {"axis": -2})],
        {},
        [6, 2, 2],
    ),
    "Slice of all rows": (
        [("Slice", ["x", "from", "upto"], "r", {})],
        {"from": np.array([0, 1]), "upto": np.array([2**31 - 1, 5])},
        [6, 5],
    ),
    "Concat": ([("Concat", ["x", "x"], "r", {"axis": -1})], {}, [6, 2]),
    "Reduce": ([("ReduceSum", ["x", "axes"], "r", {"keepdims": 0})], {"axes": np.array([-1])}, [6, 4, 3]),
    "Tile": ([("Tile", ["x", "times"], "r", {})], {"times": np.array([1, 2])}, [6, 2]),
    "Conv": (
        [("Conv", ["x", "K"], "c", {}), ("Flatten", ["c"], "r", {"axis": 1})],
        {"K": RNG.normal(size=(2, 1, 2, 2))},
        [6, 1, 2, 3],
    ),
}


@pytest.mark.parametrize("name", ROW_WISE)
def test_what_keeps_rows_apart_is_read_as_one_row(tmp_path: Path, name: str) -> None:
    stages, constants, shape = ROW_WISE[name]
    nodes = [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in stages]
    constants = constants | {"W": W, "V": V}
    dtype = np.float32 if name == "Conv" else np.float64  # what ONNX Runtime has
    onnx.save(model([*nodes, *dense("r")], {"x": shape}, constants, dtype=dtype), tmp_path / "six.onnx")
    layers = read(tmp_path / "six.onnx")
    assert sizes(layers)[0] == int(np.prod(shape[1:]))
    session = onnxruntime.InferenceSession(str(tmp_path / "six.onnx"), providers=["CPUExecutionProvider"])
    x = RNG.normal(size=shape).astype(dtype)
    (y,) = session.run(None, {"x": x})
    assert np.allclose(evaluate(layers, x.reshape(6, -1)), y, rtol=0, atol=1e-5 if name == "Conv" else 1e-12)


MIXING = {
    "a row far down": (
        [
            ("Slice", ["x", "from", "upto", "rows"], "s", {}),
            ("ReduceSum", ["s", "rows"], "t", {}),
            ("Add", ["x", "t"], "r", {}),
        ],
        {"from": np.array([3]), "upto": np.array([4]), "rows": np.array([0])},
    ),
    "a sum of rows": (
        [("ReduceSum", ["x", "rows"], "t", {}), ("Add", ["x", "t"], "r", {})],
        {"rows": np.array([0])},
    ),
    "rows in another order": ([("Gather", ["x", "order"], "r", {"axis": 0})], {"order": np.array([1, 2, 3, 4, 5, 0])}),
    "some rows": ([("Slice", ["x", "from", "upto"], "r", {})], {"from": np.array([0]), "upto": np.array([2])}),
    "rows as entries": (
        [("Transpose", ["x"], "t", {"perm": [1, 0]}), ("Reshape", ["t", "to"], "r", {})],
        {"to": np.array([6, 4])},
    ),
}


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_rows_is_read_as_declared(tmp_path: Path, name: str) -> None:
    """Also where a small batch would not show it."""
    stages, constants = MIXING[name]
    nodes = [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in stages]
    layers = check(model([*nodes, *dense("r")], {"x": [6, 4]}, constants | {"W": W, "V": V}), tmp_path)
    assert sizes(layers)[0] == 24


def test_a_shape_that_names_the_batch(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "to"], ["r"]), *dense("r")]
    onnx.save(model(nodes, {"x": [3, 2, 2]}, {"to": np.array([3, 4]), "W": W, "V": V}), tmp_path / "rows.onnx")
    message = r"rows\.onnx: computes with its fixed batch size of 3; export it with batch size 1 \(node .*\(Reshape\)"
    with pytest.raises(UnsupportedModel, match=message):
        read(tmp_path / "rows.onnx")


def test_rows_that_are_no_batch_and_exceed_the_budget(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "B"], ["b"]), *dense("b")]
    proto = model(nodes, {"x": [30, 4]}, {"B": RNG.normal(size=(30, 4)), "W": W, "V": V})
    onnx.save(proto, tmp_path / "rows.onnx")
    message = r"of 120 entries, at most 100 are handled; the leading axis of fixed size 30 .* no batch: .* \(Add\)"
    with pytest.raises(UnsupportedModel, match=message):
        read(tmp_path / "rows.onnx", Budget(entries=100))


def test_a_node_that_reads_nothing(tmp_path: Path) -> None:
    nodes = [helper.make_node("Dropout", [""], ["D"]), *dense(), helper.make_node("MatMul", ["y", "D"], ["z"])]
    onnx.save(model(nodes, {"x": [6, 4]}, {"W": W, "V": V}, outputs=("z",)), tmp_path / "rows.onnx")
    with pytest.raises(UnsupportedModel, match=r"rows\.onnx: node .* \(MatMul\): lacks an input"):
        read(tmp_path / "rows.onnx")
