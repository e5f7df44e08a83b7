# SPDX-License-Identifier: MIT
"""Structured damages of ONNX networks: of operators, edges, attributes, tensors, shapes, types and versions."""

from __future__ import annotations

from random import Random

import numpy as np
import onnx
from onnx import helper, numpy_helper

_OPS = (  # noqa: SIM905 - one operator a line would be a page
    "Add Sub Mul Div MatMul Gemm Relu Tanh Sigmoid Softmax LogSoftmax Flatten Reshape Transpose Concat "
    "Slice Gather Expand Tile Pad Squeeze Unsqueeze Cast Clip Max Min Neg Identity Sum ReduceSum "
    "ReduceMean Conv AveragePool GlobalAveragePool BatchNormalization Elu LeakyRelu PRelu HardSigmoid "
    "Softplus Dropout Shape Size ConstantOfShape Range Where Split DepthToSpace SpaceToDepth Constant Erf "
    "MaxPool If Loop Abs Sqrt Pow Exp Floor NonZero CumSum ArgMax Equal Not "
).split()
_ATTRIBUTES = (  # noqa: SIM905 - likewise
    "axis axes alpha beta perm pads strides dilations group transA transB keepdims to allowzero epsilon auto_pad "
    "kernel_shape mode blocksize count_include_pad ceil_mode start end value spatial training_mode"
).split()
_INTEGERS = (0, 1, 2, 3, 4, 6, 7, -1, -2, -3, 10, 11, 1000, 65536, 2**31 - 1, 2**31, 2**40, 2**62, -(2**63))
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-3, 1e-30, 1e30, float("nan"), float("inf"), -float("inf"))
_STRINGS = (b"", b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER", b"DCR", b"CRD", b"\xff\xfe", b"x" * 50)


def mutated_model(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """One to three changes of a model's graph: operators, edges, attributes, tensors, shapes, types, versions."""
    model = onnx.ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(_CHANGES)(rng, model, others)
    return model.SerializeToString()


def _change_op(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    _some_node(rng, model).op_type = rng.choice(_OPS)


def _change_edge(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    node, names = _some_node(rng, model), _names(model)
    edges = rng.choice((node.input, node.input, node.input, node.output))
    kind = rng.randrange(4)
    if kind == 0 or not edges:
        edges.append(rng.choice(names))
    elif kind == 1:
        edges.pop(rng.randrange(len(edges)))
    else:
        edges[rng.randrange(len(edges))] = rng.choice(names)


def _change_attribute(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    node = _some_node(rng, model)
    if not node.attribute or rng.random() < 0.3:
        name = rng.choice(_ATTRIBUTES)
        values = (rng.choice(_INTEGERS), rng.choice(_FLOATS), rng.choice(_STRINGS), rng.choices(_INTEGERS, k=2))
        node.attribute.append(helper.make_attribute(name, rng.choice(values)))
        return
    attribute = rng.choice(node.attribute)
    kind = rng.randrange(6)
    if kind == 0:
        node.attribute.remove(attribute)
    elif kind == 1:
        attribute.type = rng.randrange(15)
    elif attribute.ints:
        attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(_INTEGERS)
        if rng.random() < 0.3:
            attribute.ints.append(rng.choice(_INTEGERS))
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = rng.choice(_INTEGERS)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = rng.choice(_FLOATS)
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = rng.choice(_STRINGS)
    elif attribute.type == onnx.AttributeProto.TENSOR:
        _change_this(rng, attribute.t)


def _change_tensor(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    if model.graph.initializer:
        _change_this(rng, rng.choice(model.graph.initializer))


def _change_this(rng: Random, tensor: onnx.TensorProto) -> None:
    kind = rng.randrange(9)
    if kind == 0 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(_INTEGERS)
    elif kind == 1 and tensor.dims:
        tensor.dims.append(tensor.dims.pop(0))
    elif kind == 2:
        tensor.dims.insert(0, 1)
    elif kind == 3:
        tensor.data_type = rng.randrange(26)
    elif kind == 4:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    elif kind == 5:
        tensor.float_data.extend(rng.choices(_FLOATS, k=2))
    elif kind == 6:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (
            ("location", rng.choice(("w.bin", "../w.bin", "/etc/hostname", ".", "", "bad.onnx"))),
            ("offset", rng.choice(("0", "-1", "x", "99999999999"))),
            ("length", rng.choice(("0", "8", "9" * 20))),
        ):
            if rng.random() < 0.8:
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value
    else:
        _change_numbers(rng, tensor)


def _change_numbers(rng: Random, tensor: onnx.TensorProto) -> None:
    try:
        array = numpy_helper.to_array(tensor).copy()
    except Exception:  # a tensor that is damaged already
        return
    if array.size and array.dtype.kind in "fiu":
        value = rng.choice(_FLOATS if array.dtype.kind == "f" else _INTEGERS)
        with np.errstate(all="ignore"):
            array.reshape(-1)[rng.randrange(array.size)] = np.array(value).astype(array.dtype)
        tensor.raw_data = array.tobytes()


def _change_nodes(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    nodes = model.graph.node
    at, kind = rng.randrange(len(nodes)), rng.randrange(5)
    if kind == 0 and len(nodes) > 1:
        nodes.pop(at)
    elif kind == 1:
        nodes.add().CopyFrom(nodes[at])
    elif kind == 2:
        # A node between two others, of the same names.
        new = onnx.NodeProto()
        new.op_type = rng.choice(_OPS)
        name = f"new{rng.randrange(1000)}"
        new.input.append(rng.choice(_names(model)))
        new.output.append(name)
        if nodes[at].input:
            nodes[at].input[rng.randrange(len(nodes[at].input))] = name
        nodes.insert(at, new)
    elif kind == 3:
        nodes.insert(rng.randrange(len(nodes)), nodes.pop(at))
    else:
        other = onnx.ModelProto.FromString(rng.choice(others))
        nodes[at].CopyFrom(rng.choice(other.graph.node))
        known = {tensor.name for tensor in model.graph.initializer}
        model.graph.initializer.extend(t for t in other.graph.initializer if t.name not in known)


def _change_shape(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    value = rng.choice((*model.graph.input, *model.graph.output))
    tensor = value.type.tensor_type
    kind = rng.randrange(5)
    if kind < 2 and tensor.shape.dim:
        rng.choice(tensor.shape.dim).dim_value = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 50, -1, 10**6, 2**40))
    elif kind == 2:
        tensor.elem_type = rng.choice((1, 2, 6, 7, 8, 9, 10, 11, 16, 99))
    elif kind == 3 and tensor.shape.dim:
        tensor.shape.dim.pop(0)
    else:
        tensor.shape.dim.add().dim_value = rng.choice((1, 2))


def _change_header(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    kind = rng.randrange(5)
    if kind < 2:
        rng.choice(model.opset_import).version = rng.choice(
            (1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 99)
        )
    elif kind == 2:
        model.ir_version = rng.choice((1, 2, 3, 4, 7, 9, 10, 11, 12, 99))
    elif kind == 3:
        model.opset_import.add().CopyFrom(
            helper.make_opsetid(rng.choice(("", "ai.onnx", "local")), rng.choice((1, 13, 17)))
        )
    else:
        model.graph.output.add().CopyFrom(model.graph.output[0])
        model.graph.output[-1].name = rng.choice(_names(model))


def _change_function(rng: Random, model: onnx.ModelProto, others: list[bytes]) -> None:
    if not model.functions:
        return
    function = rng.choice(model.functions)
    node = rng.choice(function.node)
    kind = rng.randrange(5)
    if kind == 0:
        node.op_type, node.domain = rng.choice((("Layer", "local"), ("Map", "local"), ("Relu", ""), ("Add", "")))
    elif kind == 1:
        function.name = rng.choice(("Layer", "Map", "Relu"))
    elif kind == 2:
        function.domain = rng.choice(("", "local", "other"))
    elif kind == 3:
        rng.choice(function.opset_import).version = rng.choice((1, 13, 18))
    elif node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice((*function.input, *node.output, ""))


def _some_node(rng: Random, model: onnx.ModelProto) -> onnx.NodeProto:
    return rng.choice(model.graph.node)


def _names(model: onnx.ModelProto) -> list[str]:
    made = [name for node in model.graph.node for name in node.output]
    return ["", "x", "y", "nowhere", *made, *(tensor.name for tensor in model.graph.initializer)]


_CHANGES = (
    *(_change_op, _change_op, _change_edge, _change_edge, _change_attribute, _change_attribute, _change_attribute),
    *(_change_tensor, _change_tensor, _change_tensor, _change_nodes, _change_nodes, _change_shape, _change_shape),
    *(_change_header, _change_function),
)
