# SPDX-License-Identifier: MIT
"""Quantised ONNX files against ONNX Runtime, optimised and as written, and QONNX against its own executor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
import onnx
import withstand as ws
from quantised_bounds import held, stores_words
from quantised_onnx import (
    LEVELS,
    RNG,
    Hand,
    bias,
    codes,
    float_dense,
    float_images,
    inputs,
    load,
    run,
    saturates,
    static,
)

pytestmark = pytest.mark.skipif(saturates(), reason="sums of words saturate here, see docs/quantised.md")
MS = "com.microsoft"


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
    assert stores_words(net) == net.n_parameters
    X = inputs(net)
    for level in LEVELS:
        held(net, X, run(proto, level, X, shape))


# one operator each ---------------------------------------------------------------------------------------------------
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


def read_twice() -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """One float tensor becomes words twice, as some exporters write it: both are clipped, and both are rounded."""
    h = Hand(np.int8)
    y = h.add("Relu", h.add("MatMul", f"{h.words('x', 0.03, -9)} {h.stored(codes(12, 8), 0.02)}"))
    one, two = (h.add("MatMul", f"{h.words(y, 0.004, -128)} {h.stored(codes(8, 3), 0.02)}") for _ in range(2))
    return h.finish(h.words(h.add("Add", f"{h.words(one, 0.05, 7)} {h.words(two, 0.06, 9)}"), 0.1, 3), (12,)), (12,)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", [asymmetric, narrow, read_twice], ids=lambda make: make.__name__)
def test_networks(make: Callable[[], tuple[onnx.ModelProto, tuple[int, ...]]], level: str, tmp_path: Path) -> None:
    proto, shape = make()
    net = load(proto, tmp_path)
    X = inputs(net)
    held(net, X, run(proto, level, X, shape))


def given_words() -> tuple[onnx.ModelProto, tuple[int, ...]]:
    """The inputs are words: those of the network are what they stand for."""
    h = Hand(np.int8)
    x = h.add("DequantizeLinear", f"x {h.grid(0.03, -9)}")
    y = h.words(h.add("MatMul", f"{x} {h.stored(codes(12, 8), 0.02)}"), 0.09, -128)
    proto = h.finish(h.words(h.add("MatMul", f"{y} {h.stored(codes(8, 3), 0.02)}"), 0.1, 0), (12,))
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT8
    return proto, (12,)


@pytest.mark.parametrize("level", LEVELS)
def test_inputs_that_are_words(level: str, tmp_path: Path) -> None:
    proto, _ = given_words()
    net, X = load(proto, tmp_path), inputs(load(proto, tmp_path))
    words = np.clip(np.rint(X / np.float64(np.float32(0.03))) - 9, -128, 127).astype(np.int8)
    assert net.noise[0] == pytest.approx(0.015, rel=1e-3)
    held(net, X, run(proto, level, words, (12,), kind=np.int8))


def test_formats_of_weights(tmp_path: Path) -> None:
    first, last = load(narrow()[0], tmp_path).formats
    assert first.weight == ws.Format("int4", float(np.float32(0.15)))
    assert last.weight == ws.Format("int8", float(np.float32(0.02)))
    first, _ = load(asymmetric()[0], tmp_path).formats
    assert first.parameters == (("t4.weight", ws.Format("uint8", float(np.float32(0.011)), 117)),)  # of a linear stage
