# SPDX-License-Identifier: MIT
"""An ONNX file that is let go as it is read: its weights lie apart from its messages, whose memory goes as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

__all__ = ["Opened", "apart"]

#: Numbers from which on an initializer is taken out: of smaller ones there is more to say than they hold.
_LARGE: Final = 1 << 7
_TYPES: Final = frozenset({onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE})


@dataclass
class Opened:
    """What is left of a file.

    Parameters
    ----------
    model : onnx.ModelProto
    weights : dict
        The numbers of large initializers, which the model lacks, by name and in the file's own precision.
    """

    model: onnx.ModelProto
    weights: dict[str, NDArray[Any]]

    def again(self) -> Opened:
        """Return the same once more, to be used up while this one stays."""
        return Opened(self.model, dict(self.weights))

    def close(self) -> None:
        """Let go what is left."""
        self.model, self.weights = onnx.ModelProto(), {}


def apart(model: onnx.ModelProto) -> Opened:
    """Take the numbers of large initializers out of a model, and its remarks to people.

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
    for node in model.graph.node:  # PyTorch has written the source lines of each
        node.ClearField("doc_string")
    return Opened(onnx.ModelProto.FromString(model.SerializeToString()) if weights else model, weights)
