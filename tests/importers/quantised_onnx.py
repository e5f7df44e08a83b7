# SPDX-License-Identifier: MIT
"""Small quantised ONNX files, by ONNX Runtime's static quantiser and by hand, and ONNX Runtime that runs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import withstand as ws
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model, node
from quantised_bounds import INPUTS

RNG = np.random.default_rng(0)
LEVELS = {
    "optimised": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "as written": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


def run(proto: onnx.ModelProto, level: str, X: np.ndarray, shape: Sequence[int], kind: Any = np.float32) -> np.ndarray:
    """The outputs as the runtime computes them, one input at a time."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[level]
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    made = [session.run(None, {name: x.reshape(1, *shape).astype(kind)}) for x in X]
    return np.array([np.concatenate([each.reshape(-1) for each in outputs]) for outputs in made], dtype=np.float64)


# by ONNX Runtime's quantiser -----------------------------------------------------------------------------------------
def float_dense(seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    constants = {"w1": rng.normal(size=(16, 12)) / 2, "b1": rng.normal(size=16), "w2": rng.normal(size=(8, 16)) / 3,
                 "b2": rng.normal(size=8), "w3": rng.normal(size=(8, 4)), "b3": rng.normal(size=4)}  # fmt: skip
    nodes = [node("Gemm", "x w1 b1", "a", transB=1), node("Relu", "a", "b"), node("Gemm", "b w2 b2", "c", transB=1),
             node("Relu", "c", "d"), node("MatMul", "d w3", "e"), node("Add", "e b3", "y")]  # fmt: skip
    return model(nodes, {"x": [1, 12]}, constants, dtype=np.float32)


def float_images(seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    constants = {
        "k1": rng.normal(size=(4, 3, 3, 3)) / 4 * rng.uniform(0.3, 3, (4, 1, 1, 1)),
        "b1": rng.normal(size=4),
        "k2": rng.normal(size=(4, 4, 3, 3)) / 5,
        "b2": rng.normal(size=4),
        "w": rng.normal(size=(3, 4)),
    }
    nodes = [node("Conv", "x k1 b1", "a", pads=[1, 1, 1, 1]), node("Relu", "a", "b"),
             node("Conv", "b k2 b2", "c", pads=[1, 1, 1, 1]), node("Add", "b c", "d"), node("Relu", "d", "e"),
             node("MaxPool", "e", "m", kernel_shape=[2, 2], strides=[2, 2]),
             node("GlobalAveragePool", "m", "f"), node("Flatten", "f", "g"),
             node("Gemm", "g w", "y", transB=1)]  # fmt: skip
    return model(nodes, {"x": [1, 3, 6, 6]}, constants, dtype=np.float32)


class Reader:
    """Calibration data: normal numbers."""

    def __init__(self, shape: Sequence[int]) -> None:
        rng = np.random.default_rng(0)
        self.data = iter([{"x": rng.normal(size=(1, *shape)).astype(np.float32)} for _ in range(20)])

    def get_next(self) -> Any:
        return next(self.data, None)


def static(proto: onnx.ModelProto, shape: Sequence[int], folder: Path, **options: Any) -> onnx.ModelProto:
    from onnxruntime.quantization import quantize_static

    given, made = folder / "float.onnx", folder / "quantised.onnx"
    onnx.save(proto, given)
    quantize_static(given, made, Reader(shape), **options)
    return onnx.load(made)


# by hand -------------------------------------------------------------------------------------------------------------
class Hand:
    """Collects nodes and constants; activations are words of one kind."""

    def __init__(self, kind: Any = np.int8, opset: int = 21) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.kind, self.opset = kind, opset

    def number(self, value: Any, kind: Any) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype=kind)
        return name

    def add(self, op: str, inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs.split(), [name], domain=domain, **attributes))
        return name

    def grid(self, scale: float, zero: int) -> str:
        return f"{self.number(scale, np.float32)} {self.number(zero, self.kind)}"

    def words(self, x: str, scale: float, zero: int) -> str:
        """Q and DQ."""
        grid = self.grid(scale, zero)
        return self.add("DequantizeLinear", f"{self.add('QuantizeLinear', f'{x} {grid}')} {grid}")

    def stored(self, codes: np.ndarray, scale: Any, axis: int = 0) -> str:
        """DQ of weights; without a zero point the runtime would not fuse it."""
        name, scales = self.number(codes, codes.dtype), self.number(scale, np.float32)
        zero = self.number(np.zeros(np.shape(scale)), codes.dtype)
        return self.add("DequantizeLinear", f"{name} {scales} {zero}", **({"axis": axis} if np.ndim(scale) else {}))

    def finish(self, output: str, shape: Sequence[int], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])]
        outputs = [helper.make_tensor_value_info(output, kind, None)]
        held = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "by hand", inputs, outputs, held)
        domains = {"": self.opset} | {n.domain: 1 for n in self.nodes if n.domain}
        sets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
        return helper.make_model(graph, opset_imports=sets, ir_version=10)


def load(proto: onnx.ModelProto, folder: Path) -> ws.Network:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return ws.load(path)


def inputs(net: ws.Network, scale: float = 1.5) -> np.ndarray:
    """Numbers in single precision, as the runtime takes them."""
    X = scale * np.random.default_rng(3).normal(size=(INPUTS, net.widths[0]))
    return X.astype(np.float32).astype(np.float64)


def codes(*shape: int) -> np.ndarray:
    return RNG.integers(-127, 128, size=shape).astype(np.int8)


def bias(h: Hand, count: int, scale: float) -> str:
    return h.stored(RNG.integers(-300, 300, size=count).astype(np.int32), scale)


def saturates() -> bool:
    """Whether the runtime's sums of words saturate, as they do on processors without VNNI."""
    h = Hand(np.uint8)
    a = h.add("QuantizeLinear", f"x {h.grid(1.0, 0)}")
    w = f"{h.number(np.full((2, 1), 127), np.int8)} {h.number(1.0, np.float32)} {h.number(0, np.int8)}"
    own = h.grid(500.0, 0)
    y = h.add("QLinearMatMul", f"{a} {h.grid(1.0, 0)} {w} {own}")
    proto = h.finish(h.add("DequantizeLinear", f"{y} {own}"), (2,))
    return bool(run(proto, "optimised", np.full((1, 2), 255.0), (2,))[0, 0] < 64000)
