#!/usr/bin/env bash
# The inliner of onnx drops the default of an attribute of a function: the node inside takes its operator's default.
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
from onnx import helper, inliner

print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
node = helper.make_node("LeakyRelu", ["a"], ["b"])
node.attribute.add(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
function = helper.make_function("own", "F", ["a"], ["b"], [node], opsets[:1], [], [helper.make_attribute("alpha", 0.5)])
ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy"]
graph = helper.make_graph([helper.make_node("F", ["x"], ["y"], domain="own")], "graph", ends[:1], ends[1:])
model = helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=9)
onnx.checker.check_model(model)
x = np.array([-1, 2], dtype=np.float32)
values = []
for each in (model, inliner.inline_local_functions(model)):
    session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
    values.append(float(session.run(None, {"x": x})[0][0]))
print(f"alpha is 0.5 by default: -1 becomes {values[0]} in ONNX Runtime, and {values[1]} once inlined")
sys.exit(0 if np.allclose(values, [-0.5, -0.01]) else 1)
PYTHON
