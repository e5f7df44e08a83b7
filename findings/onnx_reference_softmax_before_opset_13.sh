#!/usr/bin/env bash
# The reference evaluator of onnx takes Softmax and LogSoftmax of opsets before 13 along one axis. Their definition coerces
# the input to a matrix of which `axis` begins the second dimension; ONNX Runtime does so.
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
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
matrix = np.exp(x.reshape(2, 12))
softmax = (matrix / matrix.sum(axis=1, keepdims=True)).reshape(x.shape)
wrong = True
for op, expected in (("Softmax", softmax), ("LogSoftmax", np.log(softmax))):
    print("its definition says that the input is coerced:", "coerced" in onnx.defs.get_schema(op, 11).doc)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], axis=1)], "graph", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    errors = [float(np.abs(runner.run(None, {"x": x})[0] - expected).max()) for runner in (ReferenceEvaluator(model), session)]
    print(f"{op} of opset 11, axis 1 of (2, 3, 4): the reference evaluator is off by {errors[0]:.1e}, ONNX Runtime by {errors[1]:.1e}")
    wrong = wrong and errors[0] > 0.1 and errors[1] < 1e-5
sys.exit(0 if wrong else 1)
PYTHON
