#!/usr/bin/env bash
# QONNX 1.0.0: QuantToQCDQ, whose description asks for the rounding mode ROUND, also turns Quant nodes with FLOOR, CEIL, UP and
# DOWN into QuantizeLinear, which rounds to the nearest: outputs move by up to a whole step, and nothing is said. A narrow
# unsigned byte, 0 to 254, comes out as 0 to 255.
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
from qonnx.transformation.qonnx_to_qcdq import QuantToQCDQ

logging.disable(logging.WARNING)
print(f"qonnx {version('qonnx')}, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, python {sys.version.split()[0]}")
DOMAIN = "qonnx.custom_op.general"


def before_and_after(x, bits, **attributes):
    """What a Quant node of steps of 1 answers, and what the nodes that QuantToQCDQ puts in its place do."""
    arrays = {"scale": np.float32(1), "zero": np.float32(0), "bits": np.float32(bits)}
    node = helper.make_node("Quant", ["x", "scale", "zero", "bits"], ["y"], domain=DOMAIN, **attributes)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in ("x", "y")]
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph([node], "graph", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    quant = ModelWrapper(helper.make_model(graph, opset_imports=opsets, ir_version=8)).transform(InferShapes())
    y = execute_onnx(quant, {"x": x})["y"]
    standard = quant.transform(QuantToQCDQ()).transform(InferShapes())
    assert "QuantizeLinear" in [node.op_type for node in standard.graph.node]
    return y, execute_onnx(standard, {"x": x})["y"]


x = np.float32([[-2.75, -2.25, 2.25, 2.75]])
meant = {"ROUND": [-3, -2, 2, 3], "FLOOR": [-3, -3, 2, 2], "CEIL": [-2, -2, 3, 3], "UP": [-3, -3, 3, 3], "DOWN": [-2, -2, 2, 2]}
lost = True
for mode, expected in meant.items():
    before, after = before_and_after(x, 4, signed=1, narrow=0, rounding_mode=mode)
    print(f"{mode} of {x.ravel()}: Quant {before.ravel()}, after QuantToQCDQ {after.ravel()}")
    lost &= np.array_equal(before, [expected]) and np.array_equal(after, [meant["ROUND"]])
before, after = before_and_after(np.float32([[300]]), 8, signed=0, narrow=1, rounding_mode="ROUND")
print(f"300 in a narrow unsigned byte: Quant {before.item()}, after QuantToQCDQ {after.item()}")
sys.exit(0 if lost and (before.item(), after.item()) == (254, 255) else 1)
PYTHON
