#!/usr/bin/env bash
# LiteRT 2.3.0: a fully connected layer or convolution of int16 activations and int8 weights whose bias is int32, as the
# converter can write it, also adds its products in 32 bits, which wrap, in all three sets of kernels. 512 inputs suffice: with
# all weights and inputs at their lowest codes the sum is 2^31 and the answer is -32767 where it should be 32767; with
# 1,024 inputs it is 0. One flipped high bit of such a weight can move a sum across that edge. With an int64 bias sums are right.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ai-edge-litert==2.3.0 flatbuffers==25.12.19 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

print(f"ai-edge-litert {version('ai-edge-litert')}, numpy {np.__version__}, python {sys.version.split()[0]}")
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


def answers(kind, size, bias):
    """All products are 2^22 and the output's step is such that the true answer is the highest code, 32767."""
    shape = (1, size) if kind == "FULLY_CONNECTED" else (1, 1, 1, size)
    options = schema.FullyConnectedOptionsT() if kind == "FULLY_CONNECTED" else schema.Conv2DOptionsT()
    options.quantizedBiasType = getattr(schema.TensorType, bias)
    if kind == "CONV_2D":
        options.strideH = options.strideW = 1
    tensors = [tensor(shape, "INT16", 0, 2.0**-15), tensor(shape, "INT8", 1, 2.0**-7), tensor((1,), bias, 2, 2.0**-22),
               tensor((*shape[:-1], 1), "INT16", 0, size / 32767)]
    constants = [np.full(shape, -128, np.int8), np.zeros(1, bias.lower())]
    content = model(kind, options, tensors, constants, [0, 1, 2], 3, {"FULLY_CONNECTED": 4, "CONV_2D": 7}[kind])
    x = np.full(shape, -32768, np.int16)
    return {name: int(run(content, kernels, x).item()) for name, kernels in KERNELS.items()}


wraps = True
for kind in ("FULLY_CONNECTED", "CONV_2D"):
    for size, wrapped in ((511, 32767), (512, -32767), (1024, 0)):
        narrow, wide = answers(kind, size, "INT32"), answers(kind, size, "INT64")
        print(f"{kind}, {size} products of 2^22, exact answer 32767: int32 bias {narrow}, int64 bias {wide}")
        wraps &= set(narrow.values()) == {wrapped} and set(wide.values()) == {32767}
sys.exit(0 if wraps else 1)
PYTHON
