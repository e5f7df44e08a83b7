# SPDX-License-Identifier: MIT
"""Small valid ONNX networks of many forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_KINDS = {"f4": TensorProto.FLOAT, "f8": TensorProto.DOUBLE}
_ROWS = [1, "N", 6]
#: Nodes, and the shape of one row of inputs.
_FORMS = (
    ("MatMul x W a; Add a b s; Relu s h; MatMul h V y", [3]),
    ("Gemm:transB=1 x T b s; Tanh s h; Gemm:alpha=0.5:beta=2. h V c o; Softmax:axis=1 o y", [3]),
    (
        "Sub x m a; Div a m d; MatMul d W e; Sigmoid e h; MatMul h V o; Add o c g; LeakyRelu:alpha=.25 g q; "
        "MatMul q Z y",
        [3],
    ),
    ("Flatten:axis=1 x f; MatMul f W6 a; Elu a h; MatMul h V o; LogSoftmax:axis=-1 o y", [1, 2, 3]),
    (
        "Shape x s; Gather:axis=0 s zero rows; Unsqueeze rows ax u; Concat:axis=0 u minus t; Reshape x t f; "
        "MatMul f W6 a; Softplus a h; MatMul h V y",
        [2, 3],
    ),
    (
        "Conv:pads=[1,1,1,1] x K kb a; Relu a h; AveragePool:kernel_shape=[2,2] h p; Flatten:axis=1 p f; "
        "MatMul f F y",
        [1, 3, 3],
    ),
    (
        "Conv:pads=[1,1,1,1] x K kb a; Relu a h; MaxPool:kernel_shape=[2,2] h p; Pad p border q; "
        "ConvTranspose:strides=[2,1] q KT t; Tanh t u; GlobalMaxPool u g; Flatten:axis=1 g y",
        [1, 3, 3],
    ),
    (
        "Conv:auto_pad='SAME_UPPER' x K kb a; BatchNormalization a bs bs bs bs n; Relu n h; "
        "Conv:pads=[1,1,1,1]:group=2 h KG b; Add b h r; Sigmoid r s; Concat:axis=1 s h j; GlobalAveragePool j g; "
        "Flatten:axis=1 g y",
        [1, 3, 3],
    ),
    (
        "Clip x clo chi q; MatMul q W a; Tanh a h; Sub h b d; Max h d u; Concat:axis=1 u h x j; "
        "ReduceMean:axes=[1] j y",
        [3],
    ),
    ("BatchNormalization x m m m m n; Slice n one two one g; Squeeze g one q; Tanh q h; Mul h k y", [3]),
)
_REDUCED_BY_AN_INPUT = (
    "Transpose:perm=[0,2,1] x t; Reshape t flat f; MatMul f W6 a; HardSigmoid a h; ReduceSum h one y",
    [2, 3],
)
_REDUCED_BY_AN_ATTRIBUTE = ("Concat:axis=1 x x w; MatMul w W6 a; Clip a lo hi h; ReduceMean:axes=[1] h y", [3])


def seeds(shared: Path | None = None, most: int = 100_000) -> list[bytes]:
    """The networks made here, and the published ones of at most `most` bytes in a folder."""
    made = [proto.SerializeToString() for proto in _made()]
    files = sorted(shared.glob("*.onnx")) if shared is not None and shared.is_dir() else []
    return made + [path.read_bytes() for path in files if path.stat().st_size <= most]


def _made() -> Iterator[onnx.ModelProto]:
    for dtype in _KINDS:
        for rows in _ROWS:
            for text, columns in (*_FORMS, _REDUCED_BY_AN_ATTRIBUTE if rows == 6 else _REDUCED_BY_AN_INPUT):
                yield _model(text, dtype, [rows, *columns])
        yield _model(
            "Constant g; MatMul x W a; Expand g shape e; Add a e s; PRelu s slope h; Tile h reps r; MatMul r R y",
            dtype,
            [1, 3],
        )
        yield _model("Cast:to=11 x d; MatMul d D a; Max a z8 h; Neg h y", dtype, [2, 3], out="f8")
        yield _functions(dtype)


def _arrays(seed: int, dtype: str) -> dict[str, Any]:
    """What the nodes of all forms may name."""
    rng = np.random.default_rng(seed)
    draw = rng.normal
    arrays: dict[str, Any] = {
        "W": draw(size=(3, 4)),
        "T": draw(size=(4, 3)),
        "b": draw(size=4),
        "V": draw(size=(4, 2)),
        "c": draw(size=2),
        "Z": draw(size=(2, 3)),
        "W6": draw(size=(6, 4)),
        "K": draw(size=(2, 1, 3, 3)),
        "kb": draw(size=2),
        "F": draw(size=(8, 2)),
        "m": rng.uniform(1, 2, size=3),
        "k": np.array(1.5),
        "lo": np.array(0.0),
        "hi": np.array(1.0),
        "slope": np.array([0.25]),
        "R": draw(size=(8, 2)),
        "D": draw(size=(3, 2)),
        "KT": draw(size=(2, 2, 2, 2)),
        "KG": draw(size=(2, 1, 3, 3)),
        "bs": rng.uniform(1, 2, size=2),
        "clo": np.array(-0.5),
        "chi": np.array(0.75),
    }
    arrays = {name: np.asarray(array, dtype) for name, array in arrays.items()}
    arrays |= {"D": arrays["D"].astype("f8"), "z8": np.array(0.0)}
    integers = {
        "zero": 0,
        "ax": [0],
        "minus": [-1],
        "one": [1],
        "two": [2],
        "flat": [0, -1],
        "shape": [1, 4],
        "reps": [1, 2],
        "border": [0, 0, 1, 0, 0, 0, 0, 1],
    }
    return arrays | {name: np.array(value, np.int64) for name, value in integers.items()}


def _model(text: str, dtype: str, shape: list[Any], out: str | None = None) -> onnx.ModelProto:
    arrays = _arrays(len(text), dtype)
    nodes = [_node(part.split(), dtype) for part in text.split(";")]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "seed",
        [helper.make_tensor_value_info("x", _KINDS[dtype], shape)],
        [helper.make_tensor_value_info("y", _KINDS[out or dtype], None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items() if name in used],
    )
    opset = 12 if "ReduceMean" in text else 17
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _node(words: list[str], dtype: str) -> onnx.NodeProto:
    (op, *attributes), inputs, output = words[0].split(":"), words[1:-1], words[-1]
    named: dict[str, Any] = {name: eval(value) for name, value in (item.split("=") for item in attributes)}
    if op == "Constant":
        named["value"] = numpy_helper.from_array(np.asarray([0.5], dtype), "value")
    return helper.make_node(op, inputs, [output], **named)


def _functions(dtype: str) -> onnx.ModelProto:
    """Local functions that call one another."""
    model = _model("Layer x W b h; Layer h V c y", dtype, [1, 3])
    for node in model.graph.node:
        node.domain = "local"
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    affine = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])]
    layer = [helper.make_node("Map", ["x", "w", "b"], ["s"], domain="local"), helper.make_node("Tanh", ["s"], ["y"])]
    model.functions.append(helper.make_function("local", "Map", ["x", "w", "b"], ["y"], affine, imports))
    model.functions.append(helper.make_function("local", "Layer", ["x", "w", "b"], ["y"], layer, imports))
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model
