#!/usr/bin/env bash
# QONNX 1.0.0: QCDQToQuant subtracts the zero point of stored weights in their own eight bits, so a weight of 5 with a zero
# point of 140 becomes 121 steps where it is -135. The file is one that ONNX Runtime 1.32.0 quantised (unsigned, asymmetric
# weights); QONNX's own executor runs it right before the transformation, and wrongly after it, without a word. With the
# zero point 0 of signed weights the answers stay the same.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check qonnx==1.0.0 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant

logging.disable(logging.WARNING)
print(f"qonnx {version('qonnx')}, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, python {sys.version.split()[0]}")
draw = np.random.default_rng(0)
weights = draw.normal(0.3, 1.0, size=(8, 4)).astype(np.float32)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, size)) for name, size in (("x", 8), ("y", 4))]
nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), "float.onnx")


class Samples(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": draw.normal(size=(1, 8)).astype(np.float32)} for _ in range(50)]

    def get_next(self):
        return self.left.pop() if self.left else None


def answers(kind):
    """The zero point of the weights, and what ONNX Runtime, QONNX and QONNX after its transformation answer to x."""
    symmetric = {"WeightSymmetric": kind == QuantType.QInt8}
    quantize_static("float.onnx", "quantised.onnx", Samples(), weight_type=kind, activation_type=QuantType.QUInt8, extra_options=symmetric)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession("quantised.onnx", options, providers=["CPUExecutionProvider"])
    before = ModelWrapper("quantised.onnx").transform(InferShapes())
    zero = int(before.get_initializer("w_zero_point"))
    y = execute_onnx(before, {"x": x})["y"]
    return zero, session.run(None, {"x": x})[0], y, execute_onnx(before.transform(QCDQToQuant()), {"x": x})["y"]


x = np.ones((1, 8), np.float32)
print("float:", x @ weights)
wraps = True
for kind in (QuantType.QInt8, QuantType.QUInt8):
    zero, runtime, before, after = answers(kind)
    print(f"{kind}, zero point {zero}: ONNX Runtime {runtime}, QONNX {before}, after QCDQToQuant {after}")
    wraps &= np.allclose(runtime, x @ weights, atol=0.3) and np.allclose(before, runtime, atol=1e-5)
    wraps &= np.allclose(after, before, atol=1e-5) if zero == 0 else np.abs(after - before).max() > 1
sys.exit(0 if wraps else 1)
PYTHON
