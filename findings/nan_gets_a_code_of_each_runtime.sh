#!/usr/bin/env bash
# A NaN, which a flipped bit of a float16 weight or of an activation can make, comes out of a quantiser as an ordinary number,
# not the same in each (on x86-64): with steps of 1/2 around the zero point 3, torch 2.13.0 gives the code 127 per tensor, 0 per
# channel and -128 in its fake quantiser, ONNX Runtime 1.32.0 gives -128, LiteRT 2.3.0 gives 127 with XNNPACK and -128 without.
# In a LiteRT file of float activations and int8 weights a NaN that is the third of four inputs does not reach the output
# either: it is finite, one number with XNNPACK and another without. Of an infinite input the kernels without turn the sign.
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
from onnx import TensorProto, helper, numpy_helper

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


def onnx_runtime(x):
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in (("scale", np.float32(0.5)), ("zero", np.int8(3)))]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape), helper.make_tensor_value_info("y", TensorProto.INT8, x.shape)]
    graph = helper.make_graph([helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])], "graph", ends[:1], ends[1:], constants)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


x = np.full((1, 5), np.nan, np.float32)
row, scale, zero = torch.from_numpy(x), torch.tensor([0.5]), torch.tensor([3])
quantise = model("QUANTIZE", schema.QuantizeOptionsT(), [tensor((1, 5), "FLOAT32"), tensor((1, 5), "INT8", 0, 0.5, 3)], [], [0], 1)
codes = {"torch per tensor": torch.quantize_per_tensor(row, 0.5, 3, torch.qint8).int_repr().unique(),
         "torch per channel": torch.quantize_per_channel(row, scale, zero, 0, torch.qint8).int_repr().unique(),
         "torch fake": torch.fake_quantize_per_tensor_affine(row, 0.5, 3, -128, 127).unique() / 0.5 + 3,
         "ONNX Runtime": np.unique(onnx_runtime(x))}
codes |= {f"LiteRT {name}": np.unique(run(quantise, kernels, x)) for name, kernels in KERNELS.items()}
codes = {name: int(found.item()) for name, found in codes.items()}
print("code of NaN:", codes)
low = dict.fromkeys(("torch fake", "ONNX Runtime", "LiteRT built-in", "LiteRT reference"), -128)
finite = codes == {"torch per tensor": 127, "torch per channel": 0, "LiteRT default": 127} | low

layer = model("FULLY_CONNECTED", schema.FullyConnectedOptionsT(), [tensor((1, 4), "FLOAT32"), tensor((1, 4), "INT8", 1, 0.01),
              tensor((1, 1), "FLOAT32")], [np.full((1, 4), 100, np.int8)], [0, 1, -1], 2, 3)
for inputs in ((1, 1, np.nan, 1), (-1, 0.5, np.nan, 0.25), (3, 1, np.inf, 1)):
    row = np.float32([inputs])
    found = [float(run(layer, kernels, row).item()) for kernels in KERNELS.values()]
    print(f"sum of {row.ravel()} by int8 weights of value 1, LiteRT {', '.join(KERNELS)}: {found}")
    if np.isnan(row).any():
        finite &= bool(np.isfinite(found).all()) and found[0] != found[1]
    else:
        finite &= found[1] == found[2] == -np.inf
sys.exit(0 if finite else 1)
PYTHON
