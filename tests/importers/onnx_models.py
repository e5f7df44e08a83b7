# SPDX-License-Identifier: MIT
"""Small ONNX models built in the tests, and what other implementations make of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from layers_oracle import evaluate
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from withstand.importers import read

KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE}


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node; the names of its inputs in one string."""
    return helper.make_node(op, inputs.split(), [output], **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[int | str]],
    constants: dict[str, Any] | None = None,
    *,
    outputs: Sequence[str] = ("y",),
    dtype: Any = np.float64,
    opset: int = 17,
    listed: bool = False,
) -> onnx.ModelProto:
    """A model; float constants get `dtype`. `listed` repeats initializers as inputs, as old files do."""
    kind = KINDS[np.dtype(dtype)]
    arrays = {name: np.asarray(value) for name, value in (constants or {}).items()}
    arrays = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}
    initializers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    declared = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
    if listed:
        declared += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in initializers]
    graph = helper.make_graph(
        nodes,
        "test",
        declared,
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def check(
    proto: onnx.ModelProto, folder: Path, *, reference: bool = True, runtime: bool = True, samples: int = 4
) -> Any:
    """Read the model and compare with ONNX's reference (1e-12) and ONNX Runtime (its own precision)."""
    path = folder / "model.onnx"
    onnx.save(proto, path)
    layers = read(path)
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    shapes = [[dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim] for value in inputs]
    rng = np.random.default_rng(7)
    evaluator = ReferenceEvaluator(proto) if reference else None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) if runtime else None
    for _ in range(samples):
        kind = onnx.helper.tensor_dtype_to_np_dtype(inputs[0].type.tensor_type.elem_type)
        arrays = [rng.normal(size=shape).astype(kind) for shape in shapes]
        feeds = dict(zip([value.name for value in inputs], arrays, strict=True))
        flat = np.concatenate([array.ravel() for array in arrays])
        computed = evaluate(layers, flat[None])[0]
        if evaluator is not None:
            close(computed, _flat(evaluator.run(None, feeds)), 1e-12 if kind == np.float64 else 1e-5)
        if session is not None:
            close(computed, _flat(session.run(None, feeds)), 1e-12 if kind == np.float64 else 1e-5)
    return layers


def close(computed: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Equal up to `tolerance` of the largest value (at least 1)."""
    assert computed.shape == expected.shape
    assert np.abs(computed - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])
