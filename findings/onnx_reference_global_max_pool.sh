#!/usr/bin/env bash
# The reference evaluator of onnx reduces too many or too few axes in GlobalMaxPool unless there are two spatial ones: a
# signal of two channels and one spatial axis gets one number where its definition and ONNX Runtime give one per channel.
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
wrong = {}
for shape in ((1, 2, 7), (1, 2, 4, 4), (1, 2, 3, 4, 3)):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    pooled = (*shape[:2], *(1 for _ in shape[2:]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in (("x", shape), ("y", pooled))]
    graph = helper.make_graph([helper.make_node("GlobalMaxPool", ["x"], ["y"])], "graph", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = x.max(axis=tuple(range(2, len(shape))), keepdims=True)
    reference, runtime = (runner.run(None, {"x": x})[0] for runner in (ReferenceEvaluator(model), session))
    assert np.array_equal(runtime, expected)
    wrong[len(shape) - 2] = not np.array_equal(reference, expected)
    print(f"{shape}: one maximum per channel has shape {expected.shape}, ONNX Runtime's {runtime.shape}, the reference's {reference.shape}")
sys.exit(0 if wrong == {1: True, 2: False, 3: True} else 1)
PYTHON
