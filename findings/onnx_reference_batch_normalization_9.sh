#!/usr/bin/env bash
# The reference evaluator of onnx mixes the mean and variance of the batch into BatchNormalization of opsets 9 to 13 even
# where the node has one output, the inference form, which ONNX Runtime computes from the stored mean and variance alone.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
print("the definition of opset 9:", " ".join(onnx.defs.get_schema("BatchNormalization", 9).doc.split()))
rng = np.random.default_rng(0)
x = rng.normal(size=(5, 3)).astype(np.float32)
scale, bias, mean = rng.normal(size=(3, 3)).astype(np.float32)
var = np.array([0.5, 1.0, 2.0], dtype=np.float32)
expected = (x - mean) / np.sqrt(var + np.float32(1e-5)) * scale + bias
held = [numpy_helper.from_array(value, name) for name, value in zip("sbmv", (scale, bias, mean, var))]
node = helper.make_node("BatchNormalization", ["x", *"sbmv"], ["y"])
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
graph = helper.make_graph([node], "graph", ends[:1], ends[1:], held)
wrong = True
for opset in (9, 13):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    errors = [float(np.abs(runner.run(None, {"x": x})[0] - expected).max()) for runner in (ReferenceEvaluator(model), session)]
    print(f"one output, opset {opset}: the reference evaluator is off by {errors[0]:.1e}, ONNX Runtime by {errors[1]:.1e}")
    wrong = wrong and errors[0] > 0.01 and errors[1] < 1e-5
sys.exit(0 if wrong else 1)
PYTHON
