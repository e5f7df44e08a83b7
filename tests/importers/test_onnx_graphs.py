# SPDX-License-Identifier: MIT
"""ONNX graphs with convolutions, pooling and branches, against ONNX's reference and ONNX Runtime."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from layers_oracle import evaluate, sizes  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from onnx_models import check, model, node  # noqa: E402
from withstand.importers import Budget, Graph, Layers, UnsupportedModel, read  # noqa: E402
from withstand.model.maps import Conv  # noqa: E402

RNG = np.random.default_rng(0)
IMAGE = ["N", 2, 5, 6]
K, J = RNG.normal(size=(4, 2, 3, 3)), RNG.normal(size=(3, 4, 3, 3))
SINGLE = {"dtype": np.float32}


def read_as(proto: Any, folder: Path) -> Any:
    onnx.save(proto, folder / "net.onnx")
    return read(folder / "net.onnx")


def test_pad_in_front_is_the_padding_of_a_convolution(tmp_path: Path) -> None:
    nodes = [node("Pad", "x pads", "p"), node("Conv", "p K", "a", pads=[0, 1, 0, 0]), node("Relu", "a", "h")]
    nodes += [node("Flatten", "h", "f"), node("ReduceSum", "f", "y")]
    constants = {"K": K, "pads": np.array([0, 0, 1, 0, 0, 0, 2, 3])}
    graph = check(model(nodes, {"x": IMAGE}, constants, **SINGLE), tmp_path)
    ((source, conv),) = graph.layers[0].reads
    assert source == 0 and isinstance(conv, Conv) and conv.padding == ((1, 2), (1, 3))
    assert np.array_equal(conv.kernel, K.astype(np.float32))


def test_a_residual_network(tmp_path: Path) -> None:
    """Two blocks with normalisations, one with a convolution in its shortcut; a mean and a dense layer."""
    rng = np.random.default_rng(1)
    kernels = {name: rng.normal(size=shape) / 5 for name, shape in RESNET.items()}
    norm = {name: rng.uniform(0.5, 1.5, size=4) for name in ("s", "t", "m", "v")}
    nodes = [node("Conv", "x K0", "c0", pads=[1, 1, 1, 1]), node("BatchNormalization", "c0 s t m v", "n0")]
    nodes += [node("Relu", "n0", "r0"), node("Conv", "r0 K1", "c1", pads=[1, 1, 1, 1])]
    nodes += [node("BatchNormalization", "c1 s t m v", "n1"), node("Add", "n1 r0", "a1"), node("Relu", "a1", "r1")]
    nodes += [node("Conv", "r1 K2", "c2", pads=[1, 1, 1, 1], strides=[2, 2]), node("Relu", "c2", "r2")]
    nodes += [node("Conv", "r2 K3", "c3", pads=[1, 1, 1, 1]), node("Conv", "r1 K4", "c4", strides=[2, 2])]
    nodes += [node("Add", "c4 c3", "a2"), node("Relu", "a2", "r3"), node("GlobalAveragePool", "r3", "g")]
    nodes += [node("Flatten", "g", "f"), node("Gemm", "f W b", "z"), node("Softmax", "z", "y", axis=1)]
    dense = {"W": rng.normal(size=(6, 3)), "b": rng.normal(size=3)}
    graph = read_as(model(nodes, {"x": ["N", 3, 8, 8]}, kernels | norm | dense, **SINGLE), tmp_path)
    assert graph.outputs == "logits" and graph.shape == (3, 8, 8)
    assert [layer.name for layer in graph.layers if layer.may_fail] == ["r0", "r1", "r2", "r3"]
    assert sizes(graph) == (192, 256, 256, 96, 96, 3)
    assert [[s for s, _ in layer.reads][:2] for layer in graph.layers[:4]] == [[0], [1, 1], [2], [2, 3]]
    plain = model(nodes[:-1], {"x": ["N", 3, 8, 8]}, kernels | norm | dense, outputs=["z"], **SINGLE)
    check(plain, tmp_path)


RESNET = {"K0": (4, 3, 3, 3), "K1": (4, 4, 3, 3), "K2": (6, 4, 3, 3), "K3": (6, 6, 3, 3), "K4": (6, 4, 1, 1)}


def test_depthwise_bottlenecks_are_wires(tmp_path: Path) -> None:
    """As MobileNetV2: expand, depthwise, project without an activation, add."""
    nodes = [node("Conv", "x E", "e"), node("Clip", "e zero six", "e6")]
    nodes += [node("Conv", "e6 D", "d", group=8, pads=[1, 1, 1, 1]), node("Clip", "d zero six", "d6")]
    nodes += [node("Conv", "d6 P p", "q"), node("Add", "q x", "s"), node("Conv", "s F", "t"), node("Relu", "t", "h")]
    nodes += [node("GlobalAveragePool", "h", "y")]
    constants = {"E": RNG.normal(size=(8, 2, 1, 1)), "D": RNG.normal(size=(8, 1, 3, 3)), "zero": np.array(0.0)}
    constants |= {"P": RNG.normal(size=(2, 8, 1, 1)), "p": RNG.normal(size=2), "F": RNG.normal(size=(5, 2, 1, 1))}
    graph = check(model(nodes, {"x": IMAGE}, constants | {"six": np.array(6.0)}, **SINGLE), tmp_path)
    assert [layer.may_fail for layer in graph.layers] == [True, True, False, True, False]


def test_branches_of_several_layers(tmp_path: Path) -> None:
    """Concatenated, split, added, subtracted; the smaller and the larger of two; one output for each of two heads."""
    nodes = [node("MatMul", "x W", "a"), node("Tanh", "a", "h"), node("MatMul", "h V", "b"), node("Sigmoid", "b", "g")]
    nodes += [node("Concat", "h g x", "c", axis=1), helper.make_node("Split", ["c", "sizes"], ["p", "q"], axis=1)]
    nodes += [node("Sub", "p q", "d"), node("Max", "p q", "u"), node("Min", "d u p", "v"), node("Sum", "v d u", "w")]
    nodes += [node("MatMul", "w U", "y"), node("Relu", "d", "r"), node("Slice", "r from upto", "z")]
    constants = {"W": RNG.normal(size=(4, 5)), "V": RNG.normal(size=(5, 3)), "U": RNG.normal(size=(6, 2))}
    constants |= {"sizes": np.array([6, 6]), "from": np.array([0, 1]), "upto": np.array([1, 4])}
    graph = check(model(nodes, {"x": ["N", 4]}, constants, outputs=["y", "z"]), tmp_path)
    assert sizes(graph) == (4, 5, 3, 5)


def test_a_dense_net_reads_all_layers_before(tmp_path: Path) -> None:
    nodes, constants, last, width = [], {}, "x", 3
    for n in range(4):
        constants[f"W{n}"] = RNG.normal(size=(width, 2))
        nodes += [node("MatMul", f"{last} W{n}", f"a{n}"), node("Tanh", f"a{n}", f"h{n}")]
        nodes += [node("Concat", f"{last} h{n}", f"c{n}", axis=1)]
        last, width = f"c{n}", width + 2
    nodes.append(node("MatMul", f"{last} W", "y"))
    graph = check(model(nodes, {"x": ["N", 3]}, constants | {"W": RNG.normal(size=(width, 2))}), tmp_path)
    assert [[source for source, _ in layer.reads] for layer in graph.layers] == [
        [0],
        [0, 1],
        [0, 1, 2],
        [*range(4)],
        [*range(5)],
    ]


def test_what_several_nodes_read_is_stored_once(tmp_path: Path) -> None:
    nodes = [node("Conv", "x K", "c"), node("Relu", "c", "h"), node("Neg", "c", "m"), node("Relu", "m", "g")]
    nodes += [node("Add", "h g", "s"), node("ReduceMean", "s", "y", keepdims=0, axes=[2, 3])]
    graph = check(model(nodes, {"x": IMAGE}, {"K": K}, **SINGLE), tmp_path)
    assert sum(isinstance(kind, Conv) for layer in graph.layers for _, kind in layer.reads) == 1


def test_nodes_in_any_order(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "b"), node("Add", "b c", "y")]
    constants = {"W": RNG.normal(size=(4, 5)), "V": RNG.normal(size=(5, 3)), "c": RNG.normal(size=3)}
    sorted_, turned = (read_as(model(order, {"x": ["N", 4]}, constants), tmp_path) for order in (nodes, nodes[::-1]))
    assert isinstance(turned, Layers)
    assert all(map(np.array_equal, sorted_.weights, turned.weights))
    assert all(map(np.array_equal, sorted_.biases, turned.biases))


def test_a_compressed_file(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "y")]
    constants = {"W": RNG.normal(size=(4, 5)), "V": RNG.normal(size=(5, 3))}
    data = model(nodes, {"x": ["N", 4]}, constants).SerializeToString()
    path = tmp_path / "net.onnx.gz"
    path.write_bytes(gzip.compress(data))
    assert np.array_equal(read(path).weights[0], constants["W"].T)
    path.write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(UnsupportedModel, match=r"net\.onnx\.gz: is truncated or no gzip file"):
        read(path)
    path.write_bytes(data)
    with pytest.raises(UnsupportedModel, match=r"net\.onnx\.gz: is truncated or no gzip file"):
        read(path)
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(UnsupportedModel, match=r"exceeds the budget of"):
        read(path, Budget(bytes=1 << 22))
    (tmp_path / "net.gz").write_bytes(b"")
    with pytest.raises(UnsupportedModel, match=r"net\.gz: unknown suffix '\.gz'"):
        read(tmp_path / "net.gz")


@pytest.mark.parametrize("numbers", [1, 3])
def test_a_scaler_of_ai_onnx_ml(tmp_path: Path, numbers: int) -> None:
    offset, scale = RNG.normal(size=numbers), RNG.uniform(0.5, 2, size=numbers)
    first = helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=offset, scale=scale)
    nodes = [first, node("MatMul", "s W", "a"), node("Tanh", "a", "h"), node("Neg", "h", "y")]
    proto = model(nodes, {"x": ["N", 3]}, {"W": RNG.normal(size=(3, 4))}, **SINGLE)
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    assert isinstance(check(proto, tmp_path), Layers)


def test_labels_are_left_out_with_a_remark(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "z")]
    nodes += [node("Softmax", "z", "p", axis=1), node("ArgMax", "p", "label", axis=1)]
    constants = {"W": RNG.normal(size=(4, 5)), "V": RNG.normal(size=(5, 3))}
    proto = model(nodes, {"x": ["N", 4]}, constants, outputs=["label", "p"])
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    with pytest.warns(UserWarning, match="output 'label' holds labels, no numbers: it is left out"):
        layers = read_as(proto, tmp_path)
    assert layers.outputs == "logits" and len(layers.weights[-1]) == 3


@pytest.mark.parametrize(("op", "limits"), [("Clip", "low high"), ("Clip", "low"), ("Max", "low"), ("Min", "high row")])
def test_any_clip_of_inputs(tmp_path: Path, op: str, limits: str) -> None:
    nodes = [node(op, f"x {limits}", "c"), node("MatMul", "c W", "a"), node("Tanh", "a", "h"), node("Neg", "h", "y")]
    constants = {"low": np.array(-0.75), "high": np.array(0.25), "row": RNG.normal(size=4)}
    used = {name: constants[name] for name in limits.split()} | {"W": RNG.normal(size=(4, 5))}
    graph = check(model(nodes, {"x": ["N", 4]}, used), tmp_path)
    assert isinstance(graph, Graph) and sizes(graph)[:1] == (4,)
    assert [layer.may_fail for layer in graph.layers].count(True) == 1


REFUSED = {
    "indices": (
        [("MaxPool", "x", "p i", {"kernel_shape": [2, 2]}), ("Cast", "i", "f", {"to": 1}), ("Add", "p f", "y", {})],
        r"\(MaxPool\): makes the indices of the maxima",
    ),
    "a clip of neurons": (
        [("Conv", "x K", "a", {}), ("Min", "a k", "h", {}), ("Neg", "h", "y", {})],
        r"\(Min\): takes the smallest of a constant and a computed tensor",
    ),
    "output_shape": (
        [("Tanh", "x", "h", {}), ("ConvTranspose", "h T", "y", {"output_shape": [8, 9]})],
        r"\(ConvTranspose\): says its padding by output_shape",
    ),
    "attention": ([("Tanh", "x", "h", {}), ("MatMul", "h h", "y", {})], r"multiplies two computed tensors"),
    "wrong pads": ([("Conv", "x K", "y", {"pads": [1, 1]})], r"\(Conv\): has a window \(3, 3\), strides, dilations"),
    "no window": (
        [("Tanh", "x", "h", {}), ("MaxPool", "h", "y", {"kernel_shape": [9, 9]})],
        r"\(MaxPool\): has a window that reaches over 9 of 5 entries",
    ),
    "outside": (
        [("Tanh", "x", "h", {}), ("MaxPool", "h", "y", {"kernel_shape": [1, 1], "pads": [2, 2, 2, 2]})],
        r"\(MaxPool\): has windows that lie outside the image",
    ),
    "a negative pad": (
        [("Pad", "x many", "p", {"mode": "reflect"}), ("Tanh", "p", "h", {}), ("Neg", "h", "y", {})],
        r"\(Pad\): pads by mode 'reflect'",
    ),
    "interpolation": (
        [("Tanh", "x", "h", {}), ("Resize", "h  s", "y", {"mode": "linear"})],
        r"\(Resize\): interpolates by mode 'linear' with 'half_pixel' and 'round_prefer_floor'",
    ),
    "a broken factor": (
        [("Tanh", "x", "h", {}), ("Resize", "h  s", "y", {})],
        r"\(Resize\): resizes axes of sizes \(1, 2, 5, 6\) by \[1.0, 1.0, 1.5, 2.0\]",
    ),
    "nothing left": (
        [("Pad", "x few", "p", {}), ("Tanh", "p", "h", {}), ("Neg", "h", "y", {})],
        r"\(Pad\): makes a tensor without entries",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(tmp_path: Path, name: str) -> None:
    parts, message = REFUSED[name]
    nodes = [helper.make_node(op, i.split(" "), o.split(), **attributes) for op, i, o, attributes in parts]
    constants = {"K": K, "k": np.ones(1), "T": RNG.normal(size=(2, 3, 3, 3)), "many": np.array([0, 0, -1, 0] + [0] * 4)}
    constants |= {"s": np.array([1.0, 1.0, 1.5, 2.0]), "few": np.array([0, 0, -5, 0] + [0] * 4)}
    onnx.save(model(nodes, {"x": [1, 2, 5, 6]}, constants), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=rf"net\.onnx: node .*{message}"):
        read(tmp_path / "net.onnx")


def test_a_failed_neuron_of_a_feature_map(tmp_path: Path) -> None:
    """Neurons are numbered in C order of the file's tensor: a masked runtime gives what the graph gives."""
    nodes = [node("Conv", "x K", "a"), node("Relu", "a", "h"), node("Mul", "h mask", "m"), node("Conv", "m J", "b")]
    nodes += [node("Tanh", "b", "g"), node("ReduceSum", "g", "y", keepdims=0)]
    import onnxruntime

    x = RNG.normal(size=(1, 2, 5, 6)).astype(np.float32)
    graph = read_as(
        model([*nodes[:2], node("Identity", "h", "m"), *nodes[3:]], {"x": IMAGE}, {"K": K, "J": J}, **SINGLE), tmp_path
    )
    for neuron in range(4 * 3 * 4):
        mask = np.ones(48)
        mask[neuron] = 0
        proto = model(nodes, {"x": IMAGE}, {"K": K, "J": J, "mask": mask.reshape(1, 4, 3, 4)}, **SINGLE)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": x})
        assert abs(evaluate(graph, x.reshape(1, -1), {(1, neuron): 0.0})[0, 0] - y) < 1e-5
