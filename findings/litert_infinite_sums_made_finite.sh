#!/usr/bin/env bash
# LiteRT 2.3.0: layers without an activation are run by the kernels without XNNPACK as if they had one that cuts at the largest
# float. A float16 weight of 1 with one flipped bit is infinite, and so is the sum that it enters, but the answer is 3.4e38; the
# difference of two such sums, 0 there, is NaN with the default kernels. So whether a flip has a finite effect depends on
# the kernels.
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


def answers(kind, options, tensors, constants, inputs, x):
    content = model(kind, options, tensors, constants, inputs, len(tensors) - 1)
    return {name: run(content, kernels, x).ravel() for name, kernels in KERNELS.items()}


def dense(weights, x):
    tensors = [tensor(x.shape, "FLOAT32"), tensor(weights.shape, "FLOAT32", 1), tensor((1, len(weights)), "FLOAT32")]
    return answers("FULLY_CONNECTED", schema.FullyConnectedOptionsT(), tensors, [weights], [0, 1, -1], x)


flipped = np.ones((2, 2), np.float16)
flipped.view(np.uint16)[:, 0] ^= 1 << 14
print("weights after the flip of one bit in two of them:", flipped.tolist())
largest, finite = np.finfo(np.float32).max, True
sums = dense(flipped.astype(np.float32), np.ones((1, 2), np.float32))
for name, found in sums.items():
    after = dense(np.float32([[1, -1]]), found.reshape(1, 2))[name]
    print(f"{name}: sums {found}, their difference in the next layer {after}")
    finite &= bool(np.isinf(found).all() and np.isnan(after).all() if name == "default" else (found == largest).all() and after.item() == 0)
one = [tensor((1, 2), "FLOAT32"), tensor((1, 2), "FLOAT32", 1), tensor((1, 2), "FLOAT32")]
added = answers("ADD", schema.AddOptionsT(), one, [np.ones((1, 2), np.float32)], [0, 1], np.float32([[np.inf, -np.inf]]))
print("infinity and minus infinity, plus 1:", added)
finite &= bool((np.abs(added["built-in"]) == largest).all() and np.isinf(added["default"]).all())
sys.exit(0 if finite else 1)
PYTHON
