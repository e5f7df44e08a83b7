# SPDX-License-Identifier: MIT
"""Writes `.tflite` files with the schema that comes with LiteRT."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_KINDS = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int8": "INT8"}


class Writer:
    """Collects operators of one subgraph."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.graph, self.model = schema.SubGraphT(), schema.ModelT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.input = self.tensor("input", (1, *shape))

    def tensor(self, name: str, shape: tuple[int, ...], kind: str = "float32", data: Any = None) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name.encode(), list(shape)
        tensor.type, tensor.buffer = getattr(schema.TensorType, _KINDS[kind]), 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, array: Any, scales: Any = None) -> int:
        array = np.asarray(array)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        array = array.astype(np.int32) if array.dtype == np.int64 else array
        number = self.tensor(f"constant{len(self.graph.tensors)}", array.shape, array.dtype.name, array)
        if scales is not None:
            info = schema.QuantizationParametersT()
            info.scale, info.zeroPoint = list(scales), [3 if len(scales) == 1 else 0] * len(scales)
            info.quantizedDimension = 0
            self.graph.tensors[number].quantization = info
        return number

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...], options: str = "", **values: Any) -> int:
        """Append an operator; options are named as the schema does."""
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        self.model.operatorCodes.append(code)
        result = self.tensor(f"{kind.lower()}{len(self.graph.tensors)}", shape)
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes) - 1, inputs, [result]
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in values.items():
                assert hasattr(operator.builtinOptions, name)
                setattr(operator.builtinOptions, name, value)
        self.graph.operators.append(operator)
        return result

    def finish(self, *outputs: int) -> bytes:
        self.graph.inputs, self.graph.outputs = [self.input], list(outputs)
        self.model.version, self.model.subgraphs = 3, [self.graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
