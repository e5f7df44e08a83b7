# SPDX-License-Identifier: MIT
"""Quantised ONNX files against ONNX Runtime, optimised and as written, and QONNX against its own executor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
import onnx
import withstand as ws
from quantised_onnx import LEVELS, Hand, float_dense, float_images, run, static
from withstand.importers import UnsupportedModel

INPUTS = 60 if os.environ.get("CI") else 1000
RNG = np.random.default_rng(0)
MS = "com.microsoft"


def load(proto: onnx.ModelProto, folder: Path) -> ws.Network:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return ws.load(path)


def held(net: ws.Network, X: np.ndarray, Y: np.ndarray, noise: tuple[float, ...] | None = None) -> float:
    """The largest share of what is proved that was seen."""
    proved = ws.bound(net, ws.Noise(net.noise if noise is None else noise), X, method="signed")
    apart = np.abs(net.forward(X) - Y).max(axis=1)
    allowed = proved.per_input + net.output_rounding + proved.slack
    assert np.all(apart <= allowed), (apart - allowed).max()
    return float((apart / allowed).max())


def inputs(net: ws.Network, scale: float = 1.5) -> np.ndarray:
    """Numbers in single precision, as the runtime takes them."""
    X = scale * np.random.default_rng(3).normal(size=(INPUTS, net.widths[0]))
    return X.astype(np.float32).astype(np.float64)


# by the static quantiser ---------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("unsigned", [False, True], ids=["int8", "uint8"])
@pytest.mark.parametrize("per_channel", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.parametrize("style", ["QDQ", "QOperator"])
@pytest.mark.parametrize(
    ("make", "shape", "widths"),
    [(float_dense, (12,), (12, 16, 8, 4)), (float_images, (3, 6, 6), (108, 144, 144, 3))],
    ids=["dense", "images"],
)
def test_static_quantiser(make, shape, widths, style, per_channel, unsigned, tmp_path: Path) -> None:
    """No file holds a Relu: the quantiser has made zero points of them."""
    from onnxruntime.quantization import QuantFormat, QuantType

    kind = QuantType.QUInt8 if unsigned else QuantType.QInt8
    proto = static(make(0), shape, tmp_path, quant_format=QuantFormat[style], per_channel=per_channel,
                   activation_type=kind, weight_type=QuantType.QInt8)  # fmt: skip
    assert "Relu" not in {n.op_type for n in proto.graph.node}
    net = load(proto, tmp_path)
    assert net.widths == widths
    assert [a.name for a in net.activations] == ["relu", "relu"]
    assert net.formats[0].weight.name == "int8" and (net.formats[0].weight.channels is not None) == per_channel
    assert net.formats[0].bias.name == "int32"
    assert net.formats[0].signal.name == ("uint8" if unsigned else "int8") and net.formats[0].signal.low == 0
    X = inputs(net)
    for level in LEVELS:
        held(net, X, run(proto, level, X, shape))


# one operator each ---------------------------------------------------------------------------------------------------
def codes(*shape: int) -> np.ndarray:
    return RNG.integers(-127, 128, size=shape).astype(np.int8)


def bias(h: Hand, count: int, scale: float) -> str:
    return h.stored(RNG.integers(-300, 300, size=count).astype(np.int32), scale)


def qdq_gemm(h: Hand, x: str) -> str:
    return h.add("Gemm", f"{x} {h.stored(codes(16, 12), 0.01)} {bias(h, 16, 0.0004)}", transB=1)


def qdq_matmul(h: Hand, x: str) -> str:
    return h.add("MatMul", f"{x} {h.stored(codes(12, 16), RNG.uniform(0.005, 0.02, 16), axis=1)}")


def qdq_conv(h: Hand, x: str) -> str:
    scales = RNG.uniform(0.005, 0.02, 4).astype(np.float32)
    b = h.stored(RNG.integers(-300, 300, size=4).astype(np.int32), np.float32(0.04) * scales)
    return h.add("Conv", f"{x} {h.stored(codes(4, 3, 3, 3), scales)} {b}", pads=[1, 1, 1, 1])


def qdq_sum(h: Hand, x: str) -> str:
    return h.add("Add", f"{x} {h.words(h.add('Sigmoid', x), 1 / 256, -128)}")


def qdq_leaky(h: Hand, x: str) -> str:
    return h.add("LeakyRelu", x, alpha=0.25)


def qdq_mean(h: Hand, x: str) -> str:
    return h.add("GlobalAveragePool", x)


def qdq_sigmoid(h: Hand, x: str) -> str:
    return h.add("Sigmoid", x)


QDQ = [(qdq_gemm, (12,), 0.11), (qdq_matmul, (12,), 0.13), (qdq_conv, (3, 4, 4), 0.2), (qdq_sum, (12,), 0.03),
       (qdq_leaky, (12,), 0.021), (qdq_mean, (3, 4, 4), 0.013), (qdq_sigmoid, (12,), 1 / 256)]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("make", "shape", "scale"), QDQ, ids=lambda value: getattr(value, "__name__", ""))
def test_one_operator_between_quantisers(make, shape, scale: float, level: str, tmp_path: Path) -> None:
    h = Hand()
    y = make(h, h.words("x", 0.04, 5))
    proto = h.finish(h.words(y, scale, -128), shape)
    net = load(proto, tmp_path)
    X = ws.Format("int8", float(np.float32(0.04)), 5).round(inputs(net))
    assert max(net.noise[1:]) <= 1.6 * max(scale, 1 / 256)
    assert held(net, X, run(proto, level, X, shape), (0.0, *net.noise[1:])) > 0.4


def q_gemm(h: Hand, x: str, grid: str) -> str:
    w = f"{h.number(codes(16, 12), np.int8)} {h.number(0.01, np.float32)} {h.number(0, np.int8)}"
    c = h.number(RNG.integers(-300, 300, size=16), np.int32)
    return h.add("QGemm", f"{x} {w} {c} {grid}", MS, transB=1)


def q_matmul(h: Hand, x: str, grid: str) -> str:
    w = f"{h.number(codes(12, 16), np.int8)} {h.number(0.01, np.float32)} {h.number(0, np.int8)}"
    return h.add("QLinearMatMul", f"{x} {w} {grid}")


def q_conv(h: Hand, x: str, grid: str) -> str:
    scales = h.number(RNG.uniform(0.005, 0.02, 4), np.float32)
    w = f"{h.number(codes(4, 3, 3, 3), np.int8)} {scales} {h.number(np.zeros(4), np.int8)}"
    return h.add("QLinearConv", f"{x} {w} {grid} {h.number(RNG.integers(-300, 300, 4), np.int32)}", pads=[1, 1, 1, 1])


def q_sum(h: Hand, x: str, grid: str) -> str:
    own = h.grid(1 / 256, -128)
    other = h.add("QLinearSigmoid", f"{x} {own}", MS)
    return h.add("QLinearAdd", f"{x} {other} {own} {grid}", MS)


def q_leaky(h: Hand, x: str, grid: str) -> str:
    return h.add("QLinearLeakyRelu", f"{x} {grid}", MS, alpha=0.25)


def q_sigmoid(h: Hand, x: str, grid: str) -> str:
    return h.add("QLinearSigmoid", f"{x} {grid}", MS)


def q_mean(h: Hand, x: str, grid: str) -> str:
    return h.add("QLinearGlobalAveragePool", f"{x} {grid}", MS, channels_last=0)


def q_window(h: Hand, x: str, grid: str) -> str:
    return h.add("QLinearAveragePool", f"{x} {grid}", MS, kernel_shape=[2, 2])


OPERATORS = [(q_gemm, (12,), 0.11), (q_matmul, (12,), 0.13), (q_conv, (3, 4, 4), 0.2), (q_sum, (12,), 0.03),
             (q_leaky, (12,), 0.021), (q_sigmoid, (12,), 1 / 256), (q_mean, (3, 4, 4), 0.013),
             (q_window, (3, 4, 4), 0.031)]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("make", "shape", "scale"), OPERATORS, ids=lambda value: getattr(value, "__name__", ""))
def test_one_operator_on_words(make, shape, scale: float, level: str, tmp_path: Path) -> None:
    h = Hand()
    grid, own = h.grid(0.04, 5), h.grid(scale, -128)
    y = make(h, f"{h.add('QuantizeLinear', f'x {grid}')} {grid}", own)
    proto = h.finish(h.add("DequantizeLinear", f"{y} {own}"), shape)
    net = load(proto, tmp_path)
    X = ws.Format("int8", float(np.float32(0.04)), 5).round(inputs(net))
    assert held(net, X, run(proto, level, X, shape), (0.0, *net.noise[1:])) > 0.4


# networks by hand ----------------------------------------------------------------------------------------------------
def asymmetric() -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """Words of uint8 off the middle, weights with a zero point, a linear stage and a Relu that is kept."""
    h = Hand(np.uint8)
    x = h.words("x", 0.03, 90)
    w = h.number(RNG.integers(0, 256, size=(10, 12)), np.uint8)
    w = h.add("DequantizeLinear", f"{w} {h.number(0.011, np.float32)} {h.number(117, np.uint8)}")
    y = h.words(h.add("Gemm", f"{x} {w}", transB=1), 0.05, 101)
    y = h.words(h.add("Relu", y), 0.025, 0)
    return h.finish(h.words(h.add("MatMul", f"{y} {h.stored(codes(10, 3), 0.02)}"), 0.1, 140), (12,)), (12,)


def narrow() -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """Weights of four bits; the outputs are words."""
    h = Hand(np.int8)
    w = onnx.helper.make_tensor("w", onnx.TensorProto.INT4, [8, 12], RNG.integers(-8, 8, 96).tolist())
    x = h.words("x", 0.03, -9)
    y = h.words(h.add("Gemm", f"{x} {h.add('DequantizeLinear', 'w s')}", transB=1), 0.09, -128)
    h.constants["s"] = np.float32(0.15)
    y = h.add("MatMul", f"{y} {h.stored(codes(8, 3), 0.02)}")
    proto = h.finish(h.words(y, 0.15, 40), (12,))
    proto.graph.initializer.append(w)
    return proto, (12,)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", [asymmetric, narrow], ids=lambda make: make.__name__)
def test_networks(make: Callable[[], tuple[onnx.ModelProto, tuple[int, ...]]], level: str, tmp_path: Path) -> None:
    proto, shape = make()
    net = load(proto, tmp_path)
    X = inputs(net)
    held(net, X, run(proto, level, X, shape))


def test_formats_of_weights(tmp_path: Path) -> None:
    first, last = load(narrow()[0], tmp_path).formats
    assert first.weight == ws.Format("int4", float(np.float32(0.15)))
    assert last.weight == ws.Format("int8", float(np.float32(0.02)))
    first, _ = load(asymmetric()[0], tmp_path).formats
    assert first.parameters == (("t4.weight", ws.Format("uint8", float(np.float32(0.011)), 117)),)  # of a linear stage


# QONNX ---------------------------------------------------------------------------------------------------------------
def quant(h: Hand, x: str, scale: float, bits: int, zero: float = 0.0, **options: int) -> str:
    numbers = " ".join(h.number(value, np.float32) for value in (scale, zero, float(bits)))
    return h.add("Quant", f"{x} {numbers}", "qonnx.custom_op.general", **{"signed": 1, "narrow": 0} | options)


def qonnx_net() -> onnx.ModelProto:
    """Words of eight, four and three bits, narrow ones too."""
    h = Hand()
    x = quant(h, "x", 0.04, 8)
    w = quant(h, h.number(RNG.normal(size=(12, 8)), np.float32), 0.15, 4, narrow=1)
    y = quant(h, h.add("Relu", h.add("MatMul", f"{x} {w}")), 0.9, 3, signed=0)
    w = quant(h, h.number(RNG.normal(size=(8, 4)), np.float32), 0.02, 8)
    y = h.add("Add", f"{h.add('MatMul', f'{y} {w}')} {h.number(RNG.normal(size=4), np.float32)}")
    return h.finish(quant(h, y, 0.06, 8, zero=3.0), (12,))


def reference(proto: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """QONNX's definition, node by node in single precision."""
    known = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer} | {"x": x.astype(np.float32)}
    for node in proto.graph.node:
        a = [known[name] for name in node.input]
        if node.op_type == "Quant":
            at = {each.name: each.i for each in node.attribute}
            low = -(2 ** (a[3] - 1)) + at["narrow"] if at["signed"] else np.float32(0)
            high = 2 ** (a[3] - 1) - 1 if at["signed"] else 2 ** a[3] - 1 - at["narrow"]
            made = (np.clip(np.rint(a[0] / a[1] + a[2]), low, high) - a[2]) * a[1]
        else:
            made = {"MatMul": np.matmul, "Add": np.add, "Relu": lambda v: np.maximum(v, 0)}[node.op_type](*a)
        known[node.output[0]] = np.asarray(made, dtype=np.float32)
    return known[proto.graph.output[0].name].astype(np.float64)


def test_qonnx(tmp_path: Path) -> None:
    proto = qonnx_net()
    net = load(proto, tmp_path)
    assert net.formats[0].weight == ws.Format("int4", float(np.float32(0.15)))
    assert net.formats[0].signal is None  # no format of three bits
    assert net.formats[1].signal == ws.Format("int8", float(np.float32(0.06)), 3)
    assert net.noise[net._layout.places[1]] == pytest.approx(0.45, rel=1e-3)
    X = inputs(net)
    held(net, X, np.array([reference(proto, x[None])[0] for x in X]))


def test_qonnx_by_its_own_executor(tmp_path: Path) -> None:
    pytest.importorskip("qonnx")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    proto = qonnx_net()
    net = load(proto, tmp_path)
    wrapped = ModelWrapper(proto).transform(InferShapes())
    X = inputs(net)[:60]
    name = proto.graph.output[0].name
    held(net, X, np.array([execute_onnx(wrapped, {"x": x[None].astype(np.float32)})[name][0] for x in X]))


# what a runtime does otherwise, and what is refused ------------------------------------------------------------------
def test_the_scale_of_a_bias_is_ignored_when_optimised(tmp_path: Path) -> None:
    """The file's numbers say what the network is; ONNX Runtime's fused Gemm takes the bias by another scale."""
    h = Hand()
    x = h.words("x", 0.04, 5)
    y = h.add("Gemm", f"{x} {h.stored(codes(16, 12), 0.01)} {bias(h, 16, 0.004)}", transB=1)
    proto = h.finish(h.words(y, 0.11, -128), (12,))
    net = load(proto, tmp_path)
    X = inputs(net)
    held(net, X, run(proto, "as written", X, (12,)))
    with pytest.raises(AssertionError):
        held(net, X, run(proto, "optimised", X, (12,)))


def dynamic(h: Hand) -> str:
    h.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]))
    return h.add("DequantizeLinear", "q s z")


def other_reader(h: Hand) -> str:
    return h.add("DequantizeLinear", f"{h.add('QuantizeLinear', f'x {h.grid(0.1, 3)}')} {h.grid(0.2, 3)}")


def scales_of_signals(h: Hand) -> str:
    scales = h.number(np.full(12, 0.1), np.float32)
    return h.add("QuantizeLinear", f"x {scales} {h.number(np.zeros(12), np.int8)}", axis=1)


def words_as_numbers(h: Hand) -> str:
    return h.add("Relu", h.add("QuantizeLinear", f"x {h.grid(0.1, 3)}"))


def floor(h: Hand) -> str:
    return quant(h, "x", 0.1, 8, rounding_mode="FLOOR")


def float_gemm(h: Hand) -> str:
    grid = h.grid(0.04, 5)
    w = f"{h.number(codes(16, 12), np.int8)} {h.number(0.01, np.float32)} {h.number(0, np.int8)}"
    return h.add("QGemm", f"{h.add('QuantizeLinear', f'x {grid}')} {grid} {w}", MS, transB=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (dynamic, "DynamicQuantizeLinear.*is refused: what it computes depends on the rest of its batch"),
        (other_reader, "reads words by another scale or zero point than they were made with"),
        (scales_of_signals, "has 12 scales on a computed tensor"),
        (words_as_numbers, "holds words, of which DequantizeLinear makes numbers"),
        (floor, "rounds by FLOOR, supported is ROUND"),
        (float_gemm, "makes floats of words"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_refused(make: Callable[[Hand], str], message: str, tmp_path: Path) -> None:
    h = Hand()
    with pytest.raises(UnsupportedModel, match=message):
        load(h.finish(make(h), (12,)), tmp_path)
