# SPDX-License-Identifier: MIT
"""QONNX against its definition and its own executor; what runtimes do otherwise; and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
import onnx
import withstand as ws
from quantised_bounds import held
from quantised_onnx import RNG, Hand, bias, codes, inputs, load, run
from withstand.importers import UnsupportedModel

MS = "com.microsoft"


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
