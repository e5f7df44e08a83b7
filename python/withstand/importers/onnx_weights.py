# SPDX-License-Identifier: MIT
"""Large weights of an ONNX model apart from its messages, whose memory is given back only as a whole."""

from __future__ import annotations

import math
from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

__all__ = ["Weights", "apart"]

#: The initializers that lie apart, by name, in the file's own precision.
Weights = dict[str, NDArray[Any]]
#: Numbers from which on an initializer is taken out: of smaller ones there is more to say than they hold.
_LARGE: Final = 1 << 10
_TYPES: Final = frozenset({onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE})


def apart(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Weights]:
    """Return the model without the numbers of its large initializers, and these.

    The model that is given loses them: they lie in memory once, and what the parser took is free when it is let go.
    """
    weights = {}
    for tensor in model.graph.initializer:
        if tensor.data_type not in _TYPES or math.prod(tensor.dims) < _LARGE:
            continue
        try:
            weights[tensor.name] = numpy_helper.to_array(tensor)
        except (TypeError, ValueError):  # damaged: who reads it says so
            continue
        for field in ("raw_data", "float_data", "double_data"):
            tensor.ClearField(field)
    return (onnx.ModelProto.FromString(model.SerializeToString()), weights) if weights else (model, weights)
