# SPDX-License-Identifier: MIT
"""What an ONNX file may make the importer compute: refused before it is computed, by the node's name and the budget."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import Budget, UnsupportedModel, read
from withstand.importers.budget import Account

#: Small, so that what exceeds it is harmless too.
SMALL = Budget(entries=1000, bytes=100_000, per_byte=0, operations=300_000, nodes=50)

ONNX_BOMBS: dict[str, tuple[str, dict[str, Any], str]] = {
    "ConstantOfShape": (
        "ConstantOfShape big c; Tanh x h; Add h c y",
        {"big": [40, 50]},
        "makes a tensor of 2000 entries",
    ),
    "Expand": (
        "Expand one big c; Tanh x h; Add h c y",
        {"one": 1.0, "big": [40, 50]},
        "makes a tensor of 2000 entries",
    ),
    "Tile": (
        "Tile row big c; Tanh x h; Add h c y",
        {"row": [1.0, 2.0], "big": [1000]},
        "makes a tensor of 2000 entries",
    ),
    "Range": ("Range zero big step c; Tanh x h; Add h c y", {"zero": 0, "big": 5000, "step": 1}, "of 5001 entries"),
    "Range of floats": (
        "Range zero big step c; Tanh x h; Add h c y",
        {"zero": 0.0, "big": 1e300, "step": 1e-300},
        r"\(Range\): makes a tensor of 1000000000000000001 entries",
    ),
    "Pad": ("Pad row pads c; Tanh x h; Add h c y", {"row": [1.0, 2.0], "pads": [3000, 1]}, "of 3003 entries"),
    "Gather": (
        "Gather row at c; Tanh x h; Add h c y",
        {"row": np.ones((1, 60)), "at": np.zeros(20, np.int64)},
        r"\(Gather\): makes a tensor of 1200 entries",
    ),
    "broadcast": (
        "Add col row c; Tanh x h; Add h c y",
        {"col": np.ones((60, 1)), "row": np.ones((1, 60))},
        r"\(Add\): makes a tensor of 3600 entries, at most 1000 are handled",
    ),
    "product": (
        "MatMul col row c; Tanh x h; Add h c y",
        {"col": np.ones((60, 1)), "row": np.ones((1, 60))},
        r"\(MatMul\): makes a tensor of 3600 entries",
    ),
    "OneHot": (
        "OneHot at depth zeros c; Tanh x h; Add h c y",
        {"at": [1, 2], "depth": 700, "zeros": [0.0, 1.0]},
        r"\(OneHot\): makes a tensor of 1400 entries",
    ),
    "an empty axis": (
        "ConstantOfShape big e; ReduceSum e axis c; Tanh x h; Add h c y",
        {"big": [0, 2000], "axis": [0]},
        "makes a tensor of 2000 entries",
    ),
    "moving": ("Tile x big h; Tanh h y", {"big": [1, 1000]}, r"\(Tile\): makes a tensor of 2000 entries"),
    "expanding": ("Expand x big h; Tanh h y", {"big": [600, 2]}, r"\(Expand\): makes a tensor of 1200 entries"),
    "broadcasting the inputs": (
        "Add x col h; Tanh h y",
        {"col": np.ones((600, 1))},
        r"\(Add\): makes a tensor of 1200 entries",
    ),
    "a matrix": (
        "MatMul x W h; Tanh h y",
        {"W": np.ones((2, 501))},
        r"\(MatMul\): is a 501 x 2 matrix, at most 1000 entries",
    ),
    "Conv": (
        "Reshape x image i; Conv:pads=[15,15,15,15] i K h; Tanh h y",
        {"image": [1, 1, 1, 2], "K": np.ones((2, 1, 1, 1))},
        r"\(Conv\): makes a tensor of 1984 entries, at most 1000",
    ),
    "padding": (
        "Reshape x image i; Conv:pads=[900,900,900,900] i K h; Tanh h y",
        {"image": [1, 1, 1, 2], "K": np.ones((1, 1, 1, 1))},
        r"\(Conv\): makes a tensor of 3245402 entries",
    ),
    "AveragePool": (
        "Reshape x image i; AveragePool:kernel_shape=[16,16]:pads=[15,15,15,15]:count_include_pad=1 i h; Tanh h y",
        {"image": [1, 1, 1, 2]},
        r"\(AveragePool\): needs 1114112 bytes",
    ),
    "one operation after the other": (
        "; ".join([f"Concat:axis=0 c{n} c{n} c{n + 1}" for n in range(12)] + ["Tanh x h; Add h c12 y"]),
        {"c0": [1.0, 2.0]},
        r"c9' \(Concat\): makes a tensor of 1024 entries",
    ),
    "repetition": (
        "; ".join(
            [f"Concat:axis=0 c c d{n}" for n in range(40)]
            + ["Sum " + " ".join(f"d{n}" for n in range(40)) + " s"]
            + ["ReduceSum s r; Tanh x h; Add h r y"]
        ),
        {"c": np.ones(400)},
        r"\(Concat\): needs 12800 bytes, which with \d+ so far exceeds the budget of 100000",
    ),
}


@pytest.mark.parametrize("name", ONNX_BOMBS)
def test_a_graph_that_unfolds(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnxruntime")
    nodes, constants, message = ONNX_BOMBS[name]
    path = saved(tmp_path, nodes, **constants)
    with pytest.raises(UnsupportedModel, match=rf"net\.onnx: node with output .*{message}"):
        read(path, SMALL)


def test_nothing_is_allocated_before(tmp_path: Path) -> None:
    """The default budget refuses terabytes, and nothing of them was made."""
    pytest.importorskip("onnxruntime")
    path = saved(tmp_path, "ConstantOfShape big c; Tanh x h; Add h c y", big=[1 << 20, 1 << 20])
    read(saved(tmp_path, "Tanh x h; Neg h y"))  # imports
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedModel, match="makes a tensor of"):
            read(saved(tmp_path, "ConstantOfShape big c; Tanh x h; Add h c y", big=[1 << 20, 1 << 20]))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert path.stat().st_size < 1000


def test_constants_are_folded_in_time_linear_in_their_number(tmp_path: Path) -> None:
    """The work that is charged for each node does not grow with the graph."""
    pytest.importorskip("onnxruntime")
    from withstand.importers.onnx_file import read_onnx

    counts = []
    for number in (100, 200, 400):
        chain = "; ".join(f"Neg c{n} c{n + 1}" for n in range(number))
        account = Account()
        read_onnx(saved(tmp_path, f"{chain}; Add x c{number} a; Tanh a h; Neg h y", c0=[1.0, 2.0]), account)
        counts.append(account.operations)
    assert counts[2] - counts[1] == 2 * (counts[1] - counts[0])


@pytest.mark.parametrize("op", ["If", "Loop", "Scan"])
def test_control_flow_is_not_evaluated(tmp_path: Path, op: str) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    proto = graph("Neg c d; Tanh x h; Add h d y", c=[1.0, 2.0], yes=np.array(True), three=np.array(3))
    info = helper.make_tensor_value_info
    body = {
        "If": ([], ["t"], [helper.make_node("Identity", ["c"], ["t"])]),
        "Loop": (
            ["i", "go", "s"],
            ["go2", "s2"],
            [helper.make_node("Identity", ["go"], ["go2"]), helper.make_node("Add", ["s", "s"], ["s2"])],
        ),
        "Scan": (["s"], ["s2"], [helper.make_node("Identity", ["s"], ["s2"])]),
    }[op]
    kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "go2": TensorProto.BOOL}
    inner = helper.make_graph(
        body[2], "inner", *([info(n, kinds.get(n, TensorProto.DOUBLE), None) for n in names] for names in body[:2])
    )
    node = {
        "If": lambda: helper.make_node("If", ["yes"], ["d"], then_branch=inner, else_branch=inner),
        "Loop": lambda: helper.make_node("Loop", ["three", "yes", "c"], ["d"], body=inner),
        "Scan": lambda: helper.make_node("Scan", ["c"], ["d"], body=inner, num_scan_inputs=1),
    }[op]()
    proto.graph.node[0].CopyFrom(node)
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=rf"net\.onnx: node with output 'd' \({op}\): is control flow"):
        read(tmp_path / "net.onnx")


def test_an_operator_of_unknown_size_is_not_run(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = saved(tmp_path, "Unique c d; Tanh x h; Add h d y", c=[1.0, 2.0])
    with pytest.raises(UnsupportedModel, match=r"\(Unique\): is not evaluated on constants; evaluated are Abs, "):
        read(path)


def test_more_nodes_than_the_budget(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = saved(tmp_path, "; ".join([f"Neg c c{n}" for n in range(60)] + ["Tanh x h; Neg h y"]), c=[1.0])
    with pytest.raises(UnsupportedModel, match="the graph unfolds to 62 nodes, at most 50 are handled"):
        read(path, SMALL)
    assert read(path).activations


def test_a_stored_tensor_of_a_negative_size(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    proto = graph("Add x c a; Tanh a h; Neg h y", c=[1.0, 2.0])
    proto.graph.initializer[0].dims[0] = -1
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=r"initializer 'c' has shape \[-1\]"):
        read(tmp_path / "net.onnx")


def graph(nodes: str, **constants: Any) -> Any:
    from test_bad_files import TestOnnx

    return TestOnnx.graph(nodes, **constants)


def saved(folder: Path, nodes: str, **constants: Any) -> Path:
    import onnx

    onnx.save(graph(nodes, **constants), folder / "net.onnx")
    return folder / "net.onnx"
