#!/usr/bin/env bash
# Brevitas 0.13.4: a layer that rounds down (FLOOR) is exported with another rounding, and nothing is said. The QCDQ export
# writes QuantizeLinear, which rounds to the nearest, for activations; the QONNX export writes FLOOR for activations but ROUND
# for weights, beside the weights as they were before quantisation, so that other codes come out. With the default
# rounding both files answer as the module does.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check brevitas==0.13.4 torch==2.13.0 qonnx==1.0.0 onnxruntime==1.32.0 onnx==1.23.2 onnxoptimizer==0.4.2 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import brevitas.nn as qnn
import numpy as np
import onnx
import onnxruntime
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

logging.disable(logging.WARNING)
print(f"brevitas {version('brevitas')}, torch {torch.__version__}, qonnx {version('qonnx')}, "
      f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, python {sys.version.split()[0]}")


def qcdq(net, x):
    export_onnx_qcdq(net, x, "qcdq.onnx", dynamo=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession("qcdq.onnx", options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


def qonnx(net, x):
    export_qonnx(net, x, "qonnx.onnx", dynamo=False)
    model = cleanup_model(ModelWrapper("qonnx.onnx"))
    modes = [attribute.s.decode() for node in model.graph.node for attribute in node.attribute if attribute.name == "rounding_mode"]
    return next(iter(execute_onnx(model, {model.graph.input[0].name: x.numpy()}).values())), modes


def apart(activations, weights):
    """Steps of the output between the module and its files: QCDQ, QONNX; and the rounding modes that QONNX has."""
    torch.manual_seed(0)
    layer = qnn.QuantLinear(16, 5, True, weight_bit_width=4, weight_float_to_int_impl_type=weights)
    net = torch.nn.Sequential(qnn.QuantIdentity(bit_width=4, float_to_int_impl_type=activations), layer)
    for _ in range(20):
        net(torch.randn(64, 16))
    net.eval()
    x = torch.randn(200, 16)
    with torch.no_grad():
        y = net(x).numpy()
        step = (net[0](x).abs().max() / 8 * layer.quant_weight().scale).item()
    found, modes = qonnx(net, x)
    return np.abs(qcdq(net, x) - y).max() / step, np.abs(found - y).max() / step, modes


lost = True
for activations, weights in (("ROUND", "ROUND"), ("FLOOR", "ROUND"), ("ROUND", "FLOOR")):
    by_qcdq, by_qonnx, modes = apart(activations, weights)
    print(f"activations {activations}, weights {weights}: QCDQ differs by {by_qcdq:.1f} steps of the sum, QONNX by {by_qonnx:.1f}; "
          f"QONNX has {modes}")
    lost &= (by_qcdq > 2) == (activations == "FLOOR") and (by_qonnx > 2) == (weights == "FLOOR") and modes == [activations, "ROUND"]
sys.exit(0 if lost else 1)
PYTHON
