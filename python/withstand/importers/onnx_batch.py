# SPDX-License-Identifier: MIT
"""Whether a leading axis of fixed size B > 1 is a batch: the file does not say, but its function does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from .errors import UnsupportedModel
from .layers import Array

__all__ = ["is_batch"]

#: Relative difference of two evaluations in single precision that still counts as rounding.
_ROUNDING = 1e-4


def is_batch(model: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto]) -> bool:
    """Whether the model treats the rows of its inputs alike and apart, and says the same of one row alone.

    Parameters
    ----------
    model : onnx.ModelProto
    inputs : sequence of ValueInfoProto
        The inputs that are data, all of known shape.

    Returns
    -------
    bool
        True if the size-one form may be read in place of the declared one.

    Raises
    ------
    UnsupportedModel
        If the rows are a batch but the graph computes with its size, so that one row alone cannot be read.
    """
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inputs]
    leading = {shape[0] for shape in shapes if len(shape) > 1}
    if len(leading) != 1 or min(map(len, shapes)) < 2 or max(leading) < 2:
        return False
    batch = leading.pop()
    rng = np.random.default_rng(0)
    feeds, others = ({value.name: _random(value, rng) for value in inputs} for _ in range(2))
    mixed = {name: np.concatenate([rows[:1], others[name][1:]]) for name, rows in feeds.items()}
    together, apart = _run(model, feeds), _run(model, mixed)
    if not together or any(np.shape(rows)[:1] != (batch,) for rows in together):
        return False  # what the model lacks, if anything, reading its declared form says by name
    if not all(_close(rows[0], other[0]) for rows, other in zip(together, apart, strict=True)):
        return False
    alone = _run(model, {name: rows[:1] for name, rows in feeds.items()})
    if not alone or not all(_close(one, rows[:1]) for one, rows in zip(alone, together, strict=True)):
        raise UnsupportedModel(f"computes with its fixed batch size of {batch}; export it with batch size 1")
    return True


def _run(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    try:
        return list(ReferenceEvaluator(model).run(None, feeds))
    except Exception:  # the evaluator has no exception type of its own
        return []


def _random(value: onnx.ValueInfoProto, rng: np.random.Generator) -> Array:
    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    numbers: Array = rng.normal(size=[dim.dim_value for dim in tensor.shape.dim]).astype(dtype)
    return numbers


def _close(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    return bool(np.all(np.abs(one - other) <= _ROUNDING * max(1.0, np.abs(other).max(initial=0.0))))
