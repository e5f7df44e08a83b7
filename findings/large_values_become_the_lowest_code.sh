#!/usr/bin/env bash
# A float too large for a quantiser should become its highest code, and does in most; in two it becomes the lowest, as if it
# were large and negative (on x86-64). LiteRT 2.3.0: QUANTIZE without XNNPACK, from 2^31 steps on. torch 2.13.0: the per-channel fake
# quantiser of quantisation-aware training, from 2^63 steps on and for infinity, though the per-tensor one is right: a weight of
# 0.5 whose highest exponent bit flips, 1.7e38, acts as -65.5.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ai-edge-litert==2.3.0 flatbuffers==25.12.19 numpy==2.4.6 torch==2.13.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

print(f"ai-edge-litert {version('ai-edge-litert')}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
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


def litert(value):
    """The code of a value for steps of 1/2 around the zero point 3."""
    content = model("QUANTIZE", schema.QuantizeOptionsT(), [tensor((1, 5), "FLOAT32"), tensor((1, 5), "INT8", 0, 0.5, 3)], [], [0], 1)
    return {name: int(run(content, kernels, np.full((1, 5), value, np.float32))[0, 0]) for name, kernels in KERNELS.items()}


lowest = True
for value in (1e9, 1.08e9, 1e10, -1e10):
    codes = litert(value)
    print(f"LiteRT, {value:g}, int8 of step 1/2: {codes}")
    lowest &= codes["default"] == (127 if value > 0 else -128)
    lowest &= codes["built-in"] == codes["reference"] == (127 if 0 < value < 2.0**30 else -128)

flipped = np.array([0.5], np.float32)
flipped.view(np.uint32)[0] ^= 1 << 30
scale, zero = torch.tensor([0.5]), torch.tensor([3], dtype=torch.int32)
for value in (100.0, 1e18, float(flipped[0]), float("inf"), -1e30):
    weight = torch.full((1, 1), value)
    tensor_wise = torch.fake_quantize_per_tensor_affine(weight, 0.5, 3, -128, 127).item()
    channel_wise = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -128, 127).item()
    print(f"torch, {value:g} with codes -128 to 127: per tensor {tensor_wise}, per channel {channel_wise}")
    lowest &= tensor_wise == (62.0 if value > 0 else -65.5)
    lowest &= channel_wise == (62.0 if 0 < value < 2.0**62 else -65.5)
sys.exit(0 if lowest else 1)
PYTHON
