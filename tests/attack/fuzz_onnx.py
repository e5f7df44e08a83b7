# SPDX-License-Identifier: MIT
"""Mutation fuzzing of ONNX files: read in forked children with limits, and compared with ONNX Runtime.

    python tests/attack/fuzz_onnx.py --executions 60000 --seed 1

A violation is an exception that `load` does not document, a message that does not name the file, a crash, more than
ten seconds or a gibibyte for one file, and a network that loads and does not compute what ONNX Runtime computes, or
the reference evaluator where ONNX Runtime refuses the model. Where single precision rounds too much to compare, the
reference evaluator decides, on the same model in double precision.
"""

from __future__ import annotations

import functools
import math
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(Path(__file__).parent))

from _fuzzing import Tally, in_children, loaded, main, watched
from _mutate import mutated_bytes
from _onnx_changes import mutated_model
from _onnx_seeds import seeds
from withstand import Network
from withstand.importers import Budget

#: Far below what one execution may take.
BUDGET = Budget(entries=1 << 20, bytes=1 << 27, operations=1 << 29, nodes=1000)
#: The types of ONNX that are floats of less than double precision.
_FLOATS = (1, 10, 16)
#: Before these versions the reference differs from the definition: it takes the default momentum for training, and
#: a softmax over one axis in place of all from that axis on.
_FROM = {"BatchNormalization": 14, "Softmax": 13, "LogSoftmax": 13}
_EXTREMA = {"GlobalMaxPool", "Max", "MaxPool", "Min", "ReduceMax", "ReduceMin"}
SHARED = Path(__file__).parents[2].parent / "shared" / "models"


class Disagreement(AssertionError):
    """A network that does not compute what its file says."""


def attack(path: Path, data: bytes) -> str:
    """Load one damaged file, and compare what loads."""
    return compare(loaded(path, BUDGET), data)


def compare(net: Network, data: bytes) -> str:
    """Compare with every evaluator that runs the model."""
    model = onnx.ModelProto.FromString(data)
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    shapes = [_shape(value) for value in inputs]
    if sum(map(math.prod, shapes)) > 100_000:
        return "loaded, too large to compare"
    rng = np.random.default_rng(0)
    feeds = {}
    for value, shape in zip(inputs, shapes):
        dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        feeds[value.name] = np.asarray(rng.normal(size=shape) * (1 if dtype.kind == "f" else 3)).astype(dtype)
    ours = _ours(net, list(feeds.values()))
    for name, evaluate in (("ONNX Runtime", _runtime), ("reference", _reference)):
        theirs = evaluate(model, data, feeds)
        if theirs is None:
            continue
        theirs = _numbers(model, theirs)
        if _agree(net, ours, theirs, 1e-4):
            return f"agrees with {name}"
        exact = _reference(_doubled(model), data, {key: _double(array) for key, array in feeds.items()})
        if exact is not None and _agree(net, ours, _numbers(model, exact), 1e-7):
            return "agrees in double precision"
        if _absorbs(model):
            return "loaded, a maximum of numbers of very different size"
        if not all(np.all(np.isfinite(array)) for array in theirs):
            return "overflows in single precision"
        raise Disagreement(f"{name}: {theirs} and {ours}, exact {exact}: {onnx.printer.to_text(model)[:1500]}")
    return "loaded, no evaluator runs it"


def _numbers(model: onnx.ModelProto, outputs: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs that are not declared to be labels, unless all are."""
    kinds = [value.type.tensor_type.elem_type for value in model.graph.output]
    numbers = [array for kind, array in zip(kinds, outputs) if kind in (*_FLOATS, 11, 0)]
    return numbers or outputs


def _absorbs(model: onnx.ModelProto) -> bool:
    """Whether it takes maxima, b + relu(a - b), and holds numbers beside which others have no digits left."""
    floats = [t for t in model.graph.initializer if t.data_type in (*_FLOATS, 11)]
    sizes = [float(np.abs(onnx.numpy_helper.to_array(tensor)).max(initial=0)) for tensor in floats]
    return max(sizes, default=0.0) > 1e12 and any(node.op_type in _EXTREMA for node in model.graph.node)


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return [max(1, size) for size in sizes]


def _ours(net: Network, arrays: list[np.ndarray]) -> np.ndarray:
    """The outputs for one flat input, or of every row."""
    flat = np.concatenate([array.astype(np.float64).reshape(-1) for array in arrays])
    with np.errstate(all="ignore"):
        if len(flat) == net.widths[0]:
            return net.forward(flat)[None]
        rows = [array.astype(np.float64).reshape(len(array), -1) for array in arrays]
        return net.forward(np.concatenate(rows, axis=1))


def _runtime(model: onnx.ModelProto, data: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return [np.asarray(array) for array in session.run(None, feeds)]
    except Exception:
        return None


def _reference(model: onnx.ModelProto, data: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if any(version < _FROM.get(node.op_type, 0) for version in versions for node in model.graph.node):
        return None
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, feeds)]
    except Exception:
        return None


def _double(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "iub" else array.astype(np.float64)


def _doubled(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with doubles in place of all floats."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    tensors = list(result.graph.initializer)
    for node in (*result.graph.node, *(node for function in result.functions for node in function.node)):
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i in _FLOATS:
                attribute.i = 11
            elif attribute.HasField("t"):
                tensors.append(attribute.t)
            elif attribute.name in ("value_float", "value_floats"):
                numbers = np.array(attribute.floats or attribute.f, np.float64)
                attribute.CopyFrom(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(numbers)))
    for tensor in tensors:
        if tensor.data_type in _FLOATS:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64), name))
    for value in (*result.graph.input, *result.graph.output):
        if value.type.tensor_type.elem_type in _FLOATS:
            value.type.tensor_type.elem_type = 11
    return result


def _agree(net: Network, ours: np.ndarray, theirs: list[np.ndarray], tolerance: float) -> bool:
    """Compare row by row; where a softmax was taken off, it is put on again, output by output."""
    try:
        rows = [array.astype(np.float64).reshape(len(ours), -1) for array in theirs]
    except ValueError:
        return False
    if sum(part.shape[1] for part in rows) != ours.shape[1]:
        return False
    start = 0
    for part in rows:
        mine = ours[:, start : start + part.shape[1]]
        start += part.shape[1]
        if net.outputs == "logits":
            with np.errstate(all="ignore"):
                shifted = mine - mine.max(axis=1, keepdims=True)
                logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
                mine = logs if np.all(part <= 0) else np.exp(logs)
        scale = np.maximum(1.0, np.abs(part))
        with np.errstate(all="ignore"):
            if not np.all((np.abs(mine - part) <= tolerance * scale) | (mine == part)):
                return False
    return True


def run(executions: int, seed: int) -> Tally:
    """Attack so many times, in forked children."""
    tally = Tally()
    originals = seeds(SHARED)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bad.onnx"

        def one(number: int, tally: Tally) -> None:
            data = damaged(seed, number, originals)
            path.write_bytes(data)
            watched(functools.partial(attack, path, data), tally, f"seed {seed}, execution {number}")

        in_children(executions, one, tally)
    return tally


def damaged(seed: int, number: int, originals: list[bytes]) -> bytes:
    """The bytes of one execution."""
    rng = Random(seed << 32 | number)
    original = rng.choice(originals)
    mutate: Any = mutated_model if rng.random() < 0.8 else mutated_bytes
    return bytes(mutate(rng, original, originals))


if __name__ == "__main__":
    sys.exit(main("fuzz_onnx", "ONNX", run, 60_000))
