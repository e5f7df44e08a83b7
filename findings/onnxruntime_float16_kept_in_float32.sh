#!/usr/bin/env bash
# ONNX Runtime 1.32.0, CPU on x86-64: a float16 network is not rounded to float16 between its nodes, at no optimisation level.
# Each value stays float32 from the first node to the last output. A hidden sum of 160,000, infinite in float16, comes out
# finite (625), while the same hidden value, asked for as an output of the same call, is infinite; and a hidden layer of 64
# sums of 64 products agrees bit by bit with unrounded hidden values in all outputs. The reference evaluator of onnx rounds.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL")


def network(first, second, rows, outputs):
    nodes = [helper.make_node("MatMul", ["x", "first"], ["sums"]), helper.make_node("Relu", ["sums"], ["hidden"])]
    nodes.append(helper.make_node("MatMul", ["hidden", "second"], ["y"]))
    shapes = {"x": (rows, first.shape[0]), "hidden": (rows, first.shape[1]), "y": (rows, second.shape[1])}
    ends = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT16, shape) for name, shape in shapes.items()}
    weights = [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")]
    graph = helper.make_graph(nodes, "graph", [ends["x"]], [ends[name] for name in outputs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def runs(model, x):
    for level in LEVELS:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        yield level, session.run(None, {"x": x})


x = np.full((1, 4), 200, np.float16)
large, small = np.full((4, 4), 200, np.float16), np.full((4, 1), 2.0**-10, np.float16)
expected = ReferenceEvaluator(network(large, small, 1, ["y"])).run(None, {"x": x})[0]
kept = bool(np.isinf(expected).all())
print(f"hidden sums of 160000, times 4/1024: the reference gives {expected.ravel()}")
for level, (y,) in runs(network(large, small, 1, ["y"]), x):
    print(f"  {level}: {y.ravel()}")
    kept &= y.item() == 625.0
for level, (y, hidden) in runs(network(large, small, 1, ["y", "hidden"]), x):
    print(f"  {level}, hidden values asked for as well: {y.ravel()}, of hidden values {hidden.ravel()}")
    kept &= y.item() == 625.0 and bool(np.isinf(hidden).all())

draw = np.random.default_rng(0)
x, first, second = (draw.normal(size=size).astype(np.float16) for size in ((5, 64), (64, 64), (64, 10)))
hidden = np.maximum(x.astype(np.float64) @ first.astype(np.float64), 0)
exact = (hidden @ second.astype(np.float64)).astype(np.float16)
rounded = (hidden.astype(np.float16).astype(np.float64) @ second.astype(np.float64)).astype(np.float16)
print(f"of 50 outputs, {(exact != rounded).sum()} depend on whether hidden values are rounded")
for level, (y,) in runs(network(first, second, 5, ["y"]), x):
    print(f"  {level}: {(y == exact).sum()} as without rounding, {(y == rounded).sum()} as with it")
    kept &= bool((y == exact).all()) and not bool((y == rounded).all())
sys.exit(0 if kept else 1)
PYTHON
