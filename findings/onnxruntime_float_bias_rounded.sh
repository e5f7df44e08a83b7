#!/usr/bin/env bash
# ONNX Runtime 1.32.0, CPU: a float bias of a quantised Gemm, kept in float by Brevitas 0.13.4 in its QCDQ export, is
# rounded to a multiple of the input's scale times the weights' scale, from ORT_ENABLE_BASIC on, wherever the sum is quantised
# next. The fewer the bits, the coarser that grid: here its step is 0.25, so a bias of 0.12 disappears and one of 0.13 counts
# double. The file, the reference evaluator of onnx and ONNX Runtime without optimisations keep it.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 torch==2.13.0 brevitas==0.13.4 onnxoptimizer==0.4.2
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import brevitas.nn as qnn
import numpy as np
import onnx
import onnxruntime
import torch
from brevitas.export import export_onnx_qcdq
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, torch {torch.__version__}, "
      f"brevitas {version('brevitas')}, python {sys.version.split()[0]}")


def run(path, level, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def one_layer(bias):
    """x and the weights on grids of step 1/2, the output on one of 1/100: nothing but the bias can be lost here."""
    arrays = {"half": np.float32(0.5), "fine": np.float32(0.01), "zero": np.int8(0), "b": np.float32(bias)}
    arrays["w"] = np.int8([[1, 2], [3, -1]])
    nodes = [helper.make_node("QuantizeLinear", ["x", "half", "zero"], ["xq"]),
             helper.make_node("DequantizeLinear", ["xq", "half", "zero"], ["xd"]),
             helper.make_node("DequantizeLinear", ["w", "half", "zero"], ["wd"]),
             helper.make_node("Gemm", ["xd", "wd", "b"], ["sum"]),
             helper.make_node("QuantizeLinear", ["sum", "fine", "zero"], ["yq"]),
             helper.make_node("DequantizeLinear", ["yq", "fine", "zero"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 2)) for name in ("x", "y")]
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "layer.onnx")
    return model


x, bias = np.zeros((1, 2), np.float32), [0.12, 0.13]
defined = ReferenceEvaluator(one_layer(bias)).run(None, {"x": x})[0].ravel()
plain, basic, full = (run("layer.onnx", f"ORT_{level}", x).ravel() for level in ("DISABLE_ALL", "ENABLE_BASIC", "ENABLE_ALL"))
print(f"bias {bias}, x = 0: reference {defined}, without optimisations {plain}, basic {basic}, all {full}")
rounded = np.allclose(defined, bias, atol=1e-6) and np.array_equal(plain, defined)
rounded &= all(np.allclose(found, [0.0, 0.25], atol=1e-6) for found in (basic, full))

torch.manual_seed(0)
layers = [qnn.QuantIdentity(bit_width=3), qnn.QuantLinear(16, 12, True, weight_bit_width=3), qnn.QuantReLU(bit_width=3)]
net = torch.nn.Sequential(*layers, qnn.QuantLinear(12, 5, True, weight_bit_width=2), qnn.QuantIdentity(bit_width=6))
for _ in range(20):
    net(torch.randn(64, 16))
net.eval()
x = torch.randn(1000, 16)
with torch.no_grad():
    y = net(x).numpy()
export_onnx_qcdq(net, x, "net.onnx", dynamo=False)
plain, full = (np.abs(run("net.onnx", f"ORT_{level}", x.numpy()) - y).max(axis=1) for level in ("DISABLE_ALL", "ENABLE_ALL"))
print(f"Brevitas net of 3 bits, 1000 inputs, outputs up to {np.abs(y).max():.3f}: {(plain > 1e-5).sum()} rows differ without "
      f"optimisations; with them {(full > 1e-5).sum()}, by up to {full.max():.3f}")
rounded &= (plain > 1e-5).sum() < 20 and (full > 1e-5).sum() > 500
sys.exit(0 if rounded else 1)
PYTHON
