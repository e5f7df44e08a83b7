#!/usr/bin/env bash
# QONNX 1.0.0: QCDQToQuant keeps of a Clip between QuantizeLinear and DequantizeLinear the number of its codes, not where they
# lie. Codes 0 to 127 of a signed byte, which are a ReLU, become the range -64 to 63; -4 to 5 becomes -8 to 7; 0 to 5 of an
# unsigned byte becomes 0 to 7, and 0 to 14, as Brevitas writes a narrow unsigned range of four bits, 0 to 15. Only ranges
# that a bit width has, such as -8 to 7 or -7 to 7, come through. Nothing is said.
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
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant

logging.disable(logging.WARNING)
print(f"qonnx {version('qonnx')}, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, python {sys.version.split()[0]}")
x = np.arange(-300, 301, dtype=np.float32).reshape(1, -1)


def ranges(kind, low, high):
    """Lowest and highest value that ONNX Runtime and QONNX after its transformation answer, of steps of 1."""
    arrays = {"scale": np.float32(1), "zero": kind(0), "low": kind(low), "high": kind(high)}
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["code"]),
             helper.make_node("Clip", ["code", "low", "high"], ["clipped"]),
             helper.make_node("DequantizeLinear", ["clipped", "scale", "zero"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in ("x", "y")]
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    quant = ModelWrapper(model).transform(InferShapes()).transform(QCDQToQuant())
    assert [node.op_type for node in quant.graph.node] == ["Quant"]
    y = execute_onnx(quant, {"x": x})["y"]
    return [(int(found.min()), int(found.max())) for found in (runtime, y)]


changed = {(np.int8, -8, 7): (-8, 7), (np.int8, -7, 7): (-7, 7), (np.uint8, 0, 15): (0, 15)}
changed |= {(np.int8, 0, 127): (-64, 63), (np.int8, -4, 5): (-8, 7), (np.uint8, 0, 5): (0, 7), (np.uint8, 0, 14): (0, 15)}
same = True
for (kind, low, high), expected in changed.items():
    runtime, quant = ranges(kind, low, high)
    print(f"{kind.__name__}, Clip from {low} to {high}: ONNX Runtime answers {runtime}, QONNX's Quant {quant}")
    same &= runtime == (low, high) and quant == expected
sys.exit(0 if same else 1)
PYTHON
