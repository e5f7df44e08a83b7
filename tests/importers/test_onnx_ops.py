# SPDX-License-Identifier: MIT
"""Each supported operator in each of its forms, against two other implementations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx_models import check, model  # noqa: E402

RNG = np.random.default_rng(0)
W, V, B = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 3)), RNG.normal(size=5)


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], **attributes)


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
    assert layers.weights[0].shape == (12, 4)


def test_batch_normalization(tmp_path: Path) -> None:
    constants = {"W": W, "s": B, "b": B[::-1].copy(), "m": B * 2, "v": B**2, "V": V}
    nodes = [node("MatMul", "x W", "a"), node("BatchNormalization", "a s b m v", "n", epsilon=0.01)]
    nodes += [node("Relu", "n", "h"), node("MatMul", "h V", "y")]
    check(model(nodes, {"x": ["N", 4]}, constants), tmp_path)


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
    from withstand.importers import UnsupportedModel, read

    assert np.array_equal(read(tmp_path / "side.onnx").weights[0], W.T)
    (tmp_path / "side.bin").unlink()
    with pytest.raises(UnsupportedModel, match="side file"):
        read(tmp_path / "side.onnx")


ACTIVATIONS = [
    ("Relu", {}, ("relu", 1.0, None)),
    ("Sigmoid", {}, ("logistic", 1.0, None)),
    ("Tanh", {}, ("tanh", 1.0, None)),
    ("Softplus", {}, ("softplus", 1.0, None)),
    ("LeakyRelu", {}, ("leaky_relu", 1.0, float(np.float32(0.01)))),
    ("LeakyRelu", {"alpha": 0.25}, ("leaky_relu", 1.0, 0.25)),
    ("Elu", {}, ("elu", 1.0, 1.0)),
    ("Elu", {"alpha": 0.5}, ("elu", 1.0, 0.5)),
    ("HardSigmoid", {}, ("clip", float(np.float32(0.2)), None)),
    ("HardSigmoid", {"alpha": 0.25, "beta": 0.75}, ("clip", 0.25, None)),
]


@pytest.mark.parametrize(("op", "attributes", "triple"), ACTIVATIONS)
def test_activations(tmp_path: Path, op: str, attributes: dict[str, float], triple: tuple[Any, ...]) -> None:
    nodes = [node("MatMul", "x W", "a"), node(op, "a", "h", **attributes), node("MatMul", "h V", "z")]
    nodes += [node(op, "z", "y", **attributes)]
    layers = check(model(nodes, {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path, runtime=op in ("Relu", "Tanh", "Sigmoid"))
    assert layers.activations == (triple,)
    assert layers.output_activation == triple
    check(model(nodes, {"x": ["N", 4]}, {"W": W, "V": V}, dtype=np.float32), tmp_path)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(-1.0, 1.0, "hard_tanh"), (0.0, 1.0, "clip"), (0.0, None, "relu"), (0.0, 3.4028234663852886e38, "relu")],
)
@pytest.mark.parametrize("opset", [6, 11, 13])
def test_clips(tmp_path: Path, low: float, high: float | None, name: str, opset: int) -> None:
    constants: dict[str, Any] = {"W": W, "V": V}
    if opset < 11:
        limits = {"min": low} | ({} if high is None else {"max": high})
        clip = node("Clip", "a", "h", **limits)
    else:
        constants |= {"low": np.float32(low)} | ({} if high is None else {"high": np.float32(high)})
        clip = node("Clip", "a low" + " high" * (high is not None), "h")
    nodes = [node("MatMul", "x W", "a"), clip, node("MatMul", "h V", "y")]
    layers = check(model(nodes, {"x": [1, 4]}, constants, dtype=np.float32, opset=opset), tmp_path, runtime=opset > 6)
    assert layers.activations[0].name == name


def test_prelu_and_maximum(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("PRelu", "a s", "b"), node("MatMul", "b V", "c")]
    nodes += [node("Max", "zero c", "h"), node("Neg", "h", "y")]
    constants = {"W": W, "V": V, "s": np.full(5, 0.25), "zero": np.zeros(1)}
    layers = check(model(nodes, {"x": [1, 4]}, constants), tmp_path)
    assert layers.activations == (("leaky_relu", 1.0, 0.25), ("relu", 1.0, None))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [9, 13])
def test_softmax_is_taken_off(tmp_path: Path, op: str, opset: int) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("MatMul", "h V", "z")]
    plain = check(model([*nodes, node("Identity", "z", "y")], {"x": ["N", 4]}, {"W": W, "V": V}), tmp_path)
    from withstand.importers import read

    proto = model([*nodes, node(op, "z", "y", axis=1)], {"x": ["N", 4]}, {"W": W, "V": V}, opset=opset)
    onnx.save(proto, tmp_path / "softmax.onnx")
    layers = read(tmp_path / "softmax.onnx")
    assert (plain.outputs, layers.outputs) == ("values", "logits")
    assert all(map(np.array_equal, layers.weights, plain.weights))


def test_softmax_axes_of_old_versions(tmp_path: Path) -> None:
    """Before version 13, axis = 1 meant all axes from 1 on; since then it is that axis alone."""
    from withstand.importers import UnsupportedModel, read

    nodes = [node("Tanh", "x", "h"), node("Neg", "h", "z"), node("Softmax", "z", "y", axis=1)]
    onnx.save(model(nodes, {"x": [1, 2, 3]}, opset=12), tmp_path / "old.onnx")
    assert read(tmp_path / "old.onnx").outputs == "logits"
    onnx.save(model(nodes, {"x": [1, 2, 3]}, opset=13), tmp_path / "new.onnx")
    with pytest.raises(UnsupportedModel, match=r"\(Softmax\): runs over axis 1 of shape \(1, 2, 3\)"):
        read(tmp_path / "new.onnx")


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [node("MatMul", "u W", "a"), node("MatMul", "v V", "b"), node("Concat", "a b", "c", axis=1)]
    nodes += [node("Relu", "c", "h"), node("MatMul", "h P", "p"), node("MatMul", "h Q", "q")]
    constants = {"W": W, "V": V, "P": RNG.normal(size=(8, 2)), "Q": RNG.normal(size=(8, 1))}
    proto = model(nodes, {"u": ["N", 4], "v": ["N", 5]}, constants, outputs=("q", "p"))
    layers = check(proto, tmp_path)
    assert [w.shape for w in layers.weights] == [(8, 9), (3, 8)]


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
    from withstand.importers import UnsupportedModel, read

    nodes = [node("Conv", "x K", "a", auto_pad="SAME_MIDDLE"), node("Flatten", "a", "y")]
    onnx.save(model(nodes, {"x": [1, 2, 5, 6]}, {"K": RNG.normal(size=(4, 2, 3, 2))}), tmp_path / "model.onnx")
    with pytest.raises(UnsupportedModel, match="has the auto_pad 'SAME_MIDDLE'"):
        read(tmp_path / "model.onnx")


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    from withstand.importers import UnsupportedModel, read

    content = model([node("MatMul", "x weights", "y")], {"x": [1, 4]}, {"weights": W}).SerializeToString()
    assert content.count(b"weights") == 2
    (tmp_path / "model.onnx").write_bytes(content.replace(b"weights", b"weight\xff"))
    with pytest.raises(UnsupportedModel, match=r"UTF-8"):
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


def test_trailing_activation_after_a_permutation(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Relu", "a", "h"), node("Gemm", "h V k", "b")]
    nodes += [node("Tanh", "b", "t"), node("Gather", "t order", "y", axis=1)]
    constants = {"W": W, "V": V, "k": RNG.normal(size=3), "order": np.array([2, 0, 0])}
    layers = check(model(nodes, {"x": [1, 4]}, constants), tmp_path)
    assert layers.output_activation.name == "tanh"
    assert len(layers.activations) == 1


def test_scaled_trailing_activation_is_a_hidden_layer(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Tanh", "a", "t"), node("Mul", "t two", "y")]
    layers = check(model(nodes, {"x": [1, 4]}, {"W": W, "two": np.array(2.0)}), tmp_path)
    assert layers.output_activation.name == "identity"
    assert np.array_equal(layers.weights[1], 2 * np.eye(5))


def test_broadcast_attributes_of_old_versions(tmp_path: Path) -> None:
    """Before version 7, axis = 1 aligned a bias of shape (2,) with the channels."""
    nodes = [node("Add", "x b", "a", broadcast=1, axis=1), node("Tanh", "a", "h"), node("Neg", "h", "y")]
    path = tmp_path / "old.onnx"
    onnx.save(model(nodes, {"x": [1, 2, 3]}, {"b": np.array([1.0, 2.0])}, opset=6), path)
    from withstand.importers import read

    assert np.array_equal(read(path).biases[0], [1, 1, 1, 2, 2, 2])


@pytest.mark.parametrize("attributes", [{"axis": 10, "broadcast": 1}, {"axis": 1}, {"axis": 0, "broadcast": 1}])
def test_an_axis_that_aligns_nothing_is_refused(tmp_path: Path, attributes: dict[str, int]) -> None:
    nodes = [node("MatMul", "x W", "a"), node("Add", "a b", "s", **attributes)]
    nodes += [node("Tanh", "s", "h"), node("Neg", "h", "y")]
    path = tmp_path / "old.onnx"
    onnx.save(model(nodes, {"x": [1, 3]}, {"W": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4)}, opset=6), path)
    from withstand.importers import UnsupportedModel, read

    with pytest.raises(UnsupportedModel, match="cannot align" if attributes != {"axis": 1} else "broadcast = "):
        read(path)


PARTS = ("Max a m", "Tanh m h", "Neg h g", "Max g y")


def test_the_largest_of_one_tensor_is_that_tensor(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "W"], ["a"])]
    nodes += [helper.make_node(op, [name], [made]) for op, name, made in map(str.split, PARTS)]
    layers = check(model(nodes, {"x": [1, 3]}, {"W": RNG.normal(size=(3, 2))}), tmp_path)
    assert [phi.name for phi in layers.activations] == ["tanh"]
