#!/usr/bin/env bash
# LiteRT: a convolution or sum whose fused activation is TANH, one of those that the schema of .tflite files has, runs
# without it and says nothing; a concatenation with a fused RELU does so in the default kernels.
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
KERNELS = (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF)
X = np.array([[[[3.0], [-3.0]]]], dtype=np.float32)


def tensor(name, shape, buffer=0):
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, shape, schema.TensorType.FLOAT32, buffer
    return made


def model(kind, shape, options, constants, inputs):
    """A file of one operator: the input is tensor 0, the output tensor 1."""
    graph, whole, code, operator = schema.SubGraphT(), schema.ModelT(), schema.OperatorCodeT(), schema.OperatorT()
    whole.buffers, graph.tensors = [schema.BufferT()], [tensor("x", [1, 1, 2, 1]), tensor("y", shape)]
    for array in constants:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        whole.buffers.append(buffer)
        graph.tensors.append(tensor("c", list(array.shape), len(whole.buffers) - 1))
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = 1
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, inputs, [1]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    operator.builtinOptions = options
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [1]
    whole.version, whole.subgraphs, whole.operatorCodes = 3, [graph], [code]
    builder = flatbuffers.Builder(1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content, kernels):
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    try:
        interpreter.allocate_tensors()
    except RuntimeError:
        return None
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], X)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).reshape(-1)


def conv(activation):
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    options.fusedActivationFunction = activation
    return model("CONV_2D", [1, 1, 2, 1], options, [np.float32([[[[2.0]]]]), np.float32([0.0])], [0, 2, 3])


def add(activation):
    options = schema.AddOptionsT()
    options.fusedActivationFunction = activation
    return model("ADD", [1, 1, 2, 1], options, [np.float32([[[[1.0]]]])], [0, 2])


def concat():
    options = schema.ConcatenationOptionsT()
    options.axis, options.fusedActivationFunction = 3, schema.ActivationFunctionType.RELU
    return model("CONCATENATION", [1, 1, 2, 2], options, [], [0, 0])


names = schema.ActivationFunctionType
plain = {"conv 2x": 2 * X.reshape(-1), "add 1": X.reshape(-1) + 1}
ignored = True
for what, make in (("conv 2x", conv), ("add 1", add)):
    for kernels in KERNELS:
        found, relu = run(make(names.TANH), kernels), run(make(names.RELU), kernels)
        print(f"{what} of 3, -3, {kernels.name}: with TANH {found}, with RELU {relu}")
        ignored &= np.array_equal(found, plain[what]) and np.array_equal(relu, np.maximum(plain[what], 0))
joined = [run(concat(), kernels) for kernels in KERNELS]
print("concatenation with RELU, default kernels:", joined[0], "- the others refuse it:", joined[1] is None, joined[2] is None)
ignored &= joined[0] is not None and joined[0].min() < 0 and joined[1] is None and joined[2] is None
sys.exit(0 if ignored else 1)
PYTHON
