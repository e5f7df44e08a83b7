# SPDX-License-Identifier: MIT
"""Small `.tflite` files that compute with int8, and LiteRT's three sets of kernels that run them."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_models import Writer

KERNELS = {
    "XNNPACK": OpResolverType.AUTO,
    "built in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}
NONE, RELU, RELU6 = 0, 1, 3


class Words(Writer):
    """A writer whose tensors are int8 words, but for floats at either end."""

    def __init__(self, shape: tuple[int, ...], seed: int, scale: float = 0.04, zero: int = 5) -> None:
        self.rng = np.random.default_rng(seed)
        super().__init__(shape)
        self.grid(self.input, "int8", scale, zero)

    def grid(self, number: int, kind: str, scale: Any, zero: int, axis: int = 0) -> int:
        tensor, info = self.graph.tensors[number], schema.QuantizationParametersT()
        scales = np.atleast_1d(np.float32(scale))
        info.scale, info.zeroPoint, info.quantizedDimension = scales, np.full(len(scales), zero), axis
        tensor.quantization, tensor.type = info, getattr(schema.TensorType, kind.upper())
        return number

    def scale(self, number: int) -> Any:
        return np.asarray(self.graph.tensors[number].quantization.scale)

    def op(self, kind: str, inputs: list[int], shape: tuple[int, ...], scale: float, zero: int, options: str = "",
           **values: Any) -> int:  # fmt: skip
        return self.grid(self.add(kind, inputs, shape, options, **values), "int8", scale, zero)

    def words(self, shape: tuple[int, ...], scale: Any, axis: int = 0) -> int:
        data = self.rng.integers(-127, 128, size=shape).astype(np.int8)
        return self.grid(self.constant(data), "int8", scale, 0, axis)

    def bias(self, count: int, given: int, weight: int, size: int = 400) -> int:
        data = self.rng.integers(-size, size, size=count).astype(np.int32)
        return self.grid(self.constant(data), "int32", self.scale(given) * self.scale(weight), 0)

    def dense(self, given: int, inputs: int, outputs: int, scale: float, zero: int, weight: Any = 0.01,
              act: int = NONE) -> int:  # fmt: skip
        w = self.words((outputs, inputs), weight)
        b = self.bias(outputs, given, w)
        return self.op("FULLY_CONNECTED", [given, w, b], (1, outputs), scale, zero, "FullyConnectedOptions",
                       fusedActivationFunction=act)  # fmt: skip

    def conv(self, given: int, kernel: tuple[int, ...], shape: tuple[int, ...], scale: float, zero: int,
             depthwise: bool = False, act: int = NONE, spread: float = 3.0) -> int:  # fmt: skip
        axis = 3 if depthwise else 0
        scales = 0.01 * self.rng.uniform(1, spread, size=kernel[axis])
        w = self.words(kernel, scales, axis)
        b = self.bias(kernel[axis], given, w)
        kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
        more = {"depthMultiplier": 1} if depthwise else {}
        same = shape[1] == self.graph.tensors[given].shape[1] and kernel[1] > 1
        return self.op(kind, [given, w, b], shape, scale, zero, options, padding=int(not same), strideH=1, strideW=1,
                       dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=act, **more)  # fmt: skip

    def rectified(self, given: int) -> int:
        """The same words, negative numbers cut off: exact in all kernels, and neurons."""
        tensor = self.graph.tensors[given]
        return self.op("RELU", [given], tuple(tensor.shape), self.scale(given)[0], tensor.quantization.zeroPoint[0])


def real(detail: dict[str, Any], words: Any) -> Any:
    """What words of a tensor stand for, as doubles."""
    if detail["dtype"] != np.int8:
        return np.asarray(words, dtype=np.float64)
    scale, zero = detail["quantization"]
    return scale * (words.astype(np.float64) - zero)


def run(data: bytes, kernels: str, X: np.ndarray) -> np.ndarray:
    """The outputs as the runtime computes them; inputs are rounded to words by the caller's rule, half to even."""
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=KERNELS[kernels])
    interpreter.allocate_tensors()
    (given,), made = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for x in X:
        told = x.astype(np.float32)
        if given["dtype"] == np.int8:
            scale, zero = given["quantization"]
            told = np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], told.reshape(given["shape"]))
        interpreter.invoke()
        results.append(np.concatenate([real(d, interpreter.get_tensor(d["index"])).reshape(-1) for d in made]))
    return np.array(results)


def words_of(data: bytes, kernels: str, x: np.ndarray) -> dict[str, np.ndarray]:
    """What every tensor's words stand for, by name."""
    interpreter = Interpreter(
        model_content=data,
        experimental_op_resolver_type=KERNELS[kernels],
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    scale, zero = given["quantization"]
    told = np.clip(np.rint(x / scale) + zero, -128, 127).astype(np.int8)
    interpreter.set_tensor(given["index"], told.reshape(given["shape"]))
    interpreter.invoke()
    details = [each for each in interpreter.get_tensor_details() if each["dtype"] == np.int8 and len(each["shape"])]
    single = [each for each in details if len(each["quantization_parameters"]["scales"]) == 1]
    return {each["name"]: real(each, interpreter.get_tensor(each["index"])) for each in single}


def first_name(path: Any) -> str:
    """The name of a file's first input."""
    return Interpreter(str(path)).get_input_details()[0]["name"]
