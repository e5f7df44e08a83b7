# SPDX-License-Identifier: MIT
"""What a file may make the importers compute: refused before it is computed, by the node's name and the budget."""

from __future__ import annotations

import dataclasses
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import Budget, UnsupportedModel, load, read
from withstand.importers.budget import Account, extent

#: Small, so that what exceeds it is harmless too.
SMALL = Budget(entries=1000, bytes=100_000, per_byte=0, operations=300_000, nodes=50)


class TestAccount:
    def test_what_is_charged_adds_up(self) -> None:
        account = Account(Budget(entries=10, bytes=100, per_byte=2, operations=1000))
        account.array(5)
        assert (account.bytes, account.operations) == (40, 40)
        account.array(5)
        with pytest.raises(ValueError, match="needs 40 bytes, which with 80 so far exceeds the budget of 100"):
            account.array(5)
        account.hold(10)
        account.array(5)
        with pytest.raises(ValueError, match="makes a tensor of 11 entries, at most 10 are handled"):
            account.array(11)
        with pytest.raises(ValueError, match="is a 4 x 3 matrix, at most 10 entries"):
            account.matrix(4, 3)
        with pytest.raises(ValueError, match="needs 1000 operations, which with 120 so far exceeds the budget of 1000"):
            account.steps(1)

    def test_an_empty_axis_does_not_hide_the_others(self) -> None:
        assert extent((0, 1000, 3)) == 3000
        assert extent(()) == 1

    def test_the_default_has_room_for_a_model_of_500_megabytes(self) -> None:
        """Each weight, stored in four bytes, is read, scaled, placed and copied."""
        account = Account()
        account.hold(500 << 20)
        for _ in range(32):
            for _ in range(6):
                account.matrix(2048, 2000)


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
        "Reshape x image i; Conv:pads=[9,9,9,9] i K h; Tanh h y",
        {"image": [1, 1, 1, 2], "K": np.ones((2, 1, 1, 1))},
        r"\(Conv\): is a 760 x 2 matrix, at most 1000 entries",
    ),
    "padding": (
        "Reshape x image i; Conv:pads=[900,900,900,900] i K h; Tanh h y",
        {"image": [1, 1, 1, 2], "K": np.ones((1, 1, 1, 1))},
        r"\(Conv\): makes a tensor of 3245402 entries",
    ),
    "AveragePool": (
        "Reshape x image i; AveragePool:kernel_shape=[1,1]:pads=[15,15,15,15] i h; Tanh h y",
        {"image": [1, 1, 1, 2]},
        r"\(AveragePool\): is a 992 x 2 matrix",
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


class TestNpz:
    def test_a_compressed_member_is_charged_as_it_declares(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed, weights_1=np.zeros((200, 200)), biases_1=np.zeros(200))
        assert path.stat().st_size < 10_000
        with pytest.raises(
            UnsupportedModel, match=r"net\.npz: 'weights_1' needs 320128 bytes, .* the budget of 100000"
        ):
            load(path, budget=SMALL)

    def test_a_member_that_declares_less_than_it_holds(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed)
        data = bytearray(path.read_bytes())
        for at in self.entries(data):
            data[at + 24 : at + 28] = (10).to_bytes(4, "little")
        path.write_bytes(data)
        with pytest.raises(UnsupportedModel, match=r"net\.npz: is not a readable \.npz file"):
            load(path)

    def test_a_header_that_declares_more_than_the_member_holds(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez)
        data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        body = members["weights_1.npy"]
        assert b"(2, 1), }    " in body
        members["weights_1.npy"] = body.replace(b"(2, 1), }    ", b"(2, 10000), }")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(UnsupportedModel, match=r"'weights_1' of type float64 and shape \(2, 10000\) in 16 bytes"):
            load(path)
        assert data

    def test_members_that_are_not_needed_are_not_read(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed, extra=np.zeros(100_000))
        assert load(path, budget=SMALL).depth == 1

    def test_a_name_twice(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez)
        with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("weights_1.npy", b"")
        with pytest.raises(UnsupportedModel, match="holds 'weights_1' twice"):
            load(path)

    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "(" * 200 + ", }",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 1L), }",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 1), }",
            "{'descr': '<f99999', 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 1), }",
            "'",
            "",
        ],
    )
    def test_a_header_that_numpy_does_not_write(self, tmp_path: Path, header: str) -> None:
        path = self.saved(tmp_path, np.savez)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        text = header.encode() + b"\n"
        members["weights_1.npy"] = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(16)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(UnsupportedModel, match=r"net\.npz: is not a readable \.npz file: 'weights_1'"):
            load(path)

    @staticmethod
    def saved(folder: Path, write: Any, **more: Any) -> Path:
        arrays = {
            "withstand": np.array(1),
            "activations": np.array(["relu", "identity"]),
            "gains": np.ones(2),
            "slopes": np.full(2, np.nan),
            "outputs": np.array("values"),
            "weights_1": np.ones((2, 1)),
            "biases_1": np.zeros(2),
            "weights_2": np.ones((1, 2)),
            "biases_2": np.zeros(1),
        }
        write(folder / "net.npz", **(arrays | more))
        return folder / "net.npz"

    @staticmethod
    def entries(data: bytes) -> list[int]:
        """Where the entries of the central directory start."""
        starts, at = [], data.find(b"PK\1\2")
        while at >= 0:
            starts.append(at)
            at = data.find(b"PK\1\2", at + 4)
        return starts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1000000000000,1,1,\n", "ends inside the layer widths"),
        ("999999999999,1,1,1,\n1,1", "ends inside the layer widths: 1000000000000 numbers needed, 2 left"),
        (
            "2,1,1,5,\n1,99999999999,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n1",
            "ends inside the weights of layer 1: 99999999999 numbers",
        ),
        ("2,1,1,5,\n1,1e300,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n1", "ends inside the weights of layer 1"),
    ],
)
def test_nnet_sizes_that_the_file_does_not_hold(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "net.nnet"
    path.write_text(text)
    with pytest.raises(UnsupportedModel, match=rf"net\.nnet: {message}"):
        load(path)


def test_a_nnet_layer_beyond_the_budget(tmp_path: Path) -> None:
    from test_nnet import NETWORK

    path = tmp_path / "net.nnet"
    path.write_text(NETWORK)
    with pytest.raises(UnsupportedModel, match=r"net\.nnet: layer 1 is a 3 x 2 matrix, at most 5 entries"):
        load(path, budget=dataclasses.replace(SMALL, entries=5))


@pytest.mark.skipif(sys.platform == "win32", reason="the stack of the interpreter")
def test_numbers_that_only_python_reads(tmp_path: Path) -> None:
    from test_nnet import NETWORK

    for word in ("1_0", "\u0663"):
        path = tmp_path / "net.nnet"
        path.write_text(NETWORK.replace("0.75,", f"{word},"), encoding="utf-8")
        with pytest.raises(UnsupportedModel, match=f"has text where the biases of layer 2 should be: '{word}'"):
            load(path)


def graph(nodes: str, **constants: Any) -> Any:
    from test_bad_files import TestOnnx

    return TestOnnx.graph(nodes, **constants)


def saved(folder: Path, nodes: str, **constants: Any) -> Path:
    import onnx

    onnx.save(graph(nodes, **constants), folder / "net.onnx")
    return folder / "net.onnx"
