#!/usr/bin/env bash
# A NaN among logits makes NumPy and torch 2.13.0 name it as the largest. ONNX Runtime 1.32.0 does so only if it stands first;
# elsewhere it is passed over, so a network may keep its class although one logit is lost. LiteRT 2.3.0 may name an entry that
# is neither the NaN nor the largest: of 0, 1, NaN, 3 the entry 1. Maxima are no better: ONNX Runtime's ReduceMax of 0, NaN, 2, 3
# is 2 and its MaxPool sees a NaN only in the last place; the pool of LiteRT's default kernels answers minus infinity for
# NaN, 1, 2, 3. (Where the vectors are long, kernels differ by processor; the maxima are printed, and decide only by being wrong.)
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ai-edge-litert==2.3.0 flatbuffers==25.12.19 numpy==2.4.6 torch==2.13.0 onnxruntime==1.32.0 onnx==1.23.2
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import onnxruntime
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import TensorProto, helper

print(f"ai-edge-litert {version('ai-edge-litert')}, torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, "
      f"numpy {np.__version__}, python {sys.version.split()[0]}")
KERNELS = {"default": OpResolverType.AUTO, "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
           "reference": OpResolverType.BUILTIN_REF}


def tensor(shape, kind, buffer=0, scale=None, zero=0):
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = "tensor", list(shape), getattr(schema.TensorType, kind), buffer
    if scale is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = np.float32([scale]), np.int64([zero])
    return made


def model(kind, options, tensors, constants, inputs, output, revision=1):
    """A file of one operator; its input is tensor 0, buffers 1, 2, ... hold the constants."""
    graph, whole, code, operator = schema.SubGraphT(), schema.ModelT(), schema.OperatorCodeT(), schema.OperatorT()
    whole.buffers, graph.tensors = [schema.BufferT()], tensors
    for array in constants:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        whole.buffers.append(buffer)
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = revision
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, inputs, [output]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    operator.builtinOptions = options
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [output]
    whole.version, whole.subgraphs, whole.operatorCodes = 3, [graph], [code]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content, kernels, x):
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def onnx_runtime(kind, x, output, **attributes):
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape), helper.make_tensor_value_info("y", output, None)]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"], **attributes)], "graph", ends[:1], ends[1:])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0].item()


def litert_argmax(x, kernels):
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    tensors = [tensor((1, 4), "FLOAT32"), tensor((1,), "INT32", 1), tensor((1,), "INT32")]
    return int(run(model("ARG_MAX", options, tensors, [np.int32([1])], [0, 1], 2), kernels, x).item())


def litert_pool(x, kernels):
    options = schema.Pool2DOptionsT()
    options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
    options.padding = schema.Padding.VALID
    content = model("MAX_POOL_2D", options, [tensor((1, 2, 2, 1), "FLOAT32"), tensor((1, 1, 1, 1), "FLOAT32")], [], [0], 1)
    return run(content, kernels, x.reshape(1, 2, 2, 1)).item()


named, maxima = [], []
for place in range(4):
    x = np.arange(4, dtype=np.float32).reshape(1, 4)
    x[0, place] = np.nan
    square, largest = x.reshape(1, 1, 2, 2), float(np.nanmax(x))
    classes = {"NumPy": int(x.argmax()), "torch": int(torch.from_numpy(x).argmax())}
    classes["ONNX Runtime"] = onnx_runtime("ArgMax", x, TensorProto.INT64, axis=1)
    classes |= {f"LiteRT {name}": litert_argmax(x, kernels) for name, kernels in KERNELS.items()}
    named.append(tuple(classes.values()))
    found = {"torch": torch.nn.functional.max_pool2d(torch.from_numpy(square), 2).item()}
    found["ONNX ReduceMax"] = onnx_runtime("ReduceMax", x, TensorProto.FLOAT, axes=[1])
    found["ONNX MaxPool"] = onnx_runtime("MaxPool", square, TensorProto.FLOAT, kernel_shape=[2, 2])
    found |= {f"LiteRT {name}": litert_pool(x, kernels) for name, kernels in KERNELS.items()}
    print(f"{x.ravel()}: the class is {classes}; the maximum is {found}")
    assert np.isnan(found["torch"])
    maxima.append([found["ONNX ReduceMax"] < largest, found["ONNX MaxPool"] <= largest, found["LiteRT default"] < largest])
same = named == [(0, 0, 0, 0, 0, 0), (1, 1, 3, 3, 3, 3), (2, 2, 3, 1, 1, 1), (3, 3, 2, 2, 2, 2)]
sys.exit(0 if same and all(any(wrong) for wrong in zip(*maxima, strict=True)) else 1)
PYTHON
