# SPDX-License-Identifier: MIT
"""What each supported operator of `.tflite` files makes of tensors; anything not listed here is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .affine import SOFTMAX
from .graph import Form, GraphBuilder
from .keras_affine import fitted
from .keras_shapes import same
from .layers import IDENTITY, Array, Phi
from .tflite_file import Node, Value

__all__ = ["FUSED", "LAYERS", "MOVES", "evaluate"]

#: What a layer applies to its results itself. The schema knows TANH too, which LiteRT refuses or ignores.
FUSED: Final = {0: IDENTITY, 1: Phi("relu"), 2: Phi("hard_tanh"), 3: Phi("relu6")}


def evaluate(build: GraphBuilder, node: Node, values: dict[int, Value]) -> Value | None:
    """Return what an operator makes, or None where that is a constant.

    Raises
    ------
    ValueError
        If the operator, one of its options or inputs is not supported.
    """
    if node.kind == "DEQUANTIZE":
        _unpack(node)
        return None
    read = [values[tensor.number] for tensor in node.reads if tensor is not None and tensor.number in values]
    if not read:
        raise ValueError("reads nothing that is computed, which is not supported")
    forms = [value.form for value in read]
    if node.kind in MOVES:
        return Value(MOVES[node.kind](build, node, forms), read[0].closed)
    for value in read:
        if value.closed:
            raise ValueError(value.closed)
    if node.kind in ("SOFTMAX", "LOG_SOFTMAX"):
        return _softmax(node, forms[0])
    if node.kind in _ACTIVATIONS:
        return Value(build.activate(forms[0], _ACTIVATIONS[node.kind](node), name=node.makes.name))
    if node.kind not in LAYERS:
        known = ", ".join(sorted([*MOVES, *_ACTIVATIONS, *LAYERS, "SOFTMAX", "LOG_SOFTMAX", "DEQUANTIZE"]))
        raise ValueError(f"is not supported; supported are {known}")
    form = LAYERS[node.kind](build, node, forms)
    number = node.option("FusedActivationFunction") if hasattr(node.options, "FusedActivationFunction") else 0
    if number not in FUSED:
        raise ValueError(f"has the fused activation {number}, supported are NONE, RELU, RELU_N1_TO_1 and RELU6")
    return Value(form if number == 0 else build.activate(form, FUSED[number], name=node.makes.name))


def _unpack(node: Node) -> None:
    """Unpack weights: what is computed stays as it is in a float model."""
    array, tensor = node.constant(0), node.reads[0]
    if array is None or tensor is None:
        raise ValueError("reads nothing")
    node.file.account.array(array.size)
    if array.dtype.kind == "f":
        node.file.unpacked[node.makes.number] = array.astype(np.float64)
        return
    info = tensor.quantization
    scales = np.asarray(info.ScaleAsNumpy(), dtype=np.float64).reshape(-1)
    zeros = np.asarray(info.ZeroPointAsNumpy(), dtype=np.float64).reshape(-1)
    if scales.size != zeros.size or scales.size not in (1, array.shape[info.QuantizedDimension()]):
        raise ValueError(f"has {scales.size} scales and {zeros.size} zero points for a shape of {array.shape}")
    along = [-1 if n == info.QuantizedDimension() and scales.size > 1 else 1 for n in range(array.ndim)]
    node.file.unpacked[node.makes.number] = (array - zeros.reshape(along)) * scales.reshape(along)


def _softmax(node: Node, form: Form) -> Value:
    if node.kind == "SOFTMAX" and node.option("Beta") != 1:
        raise ValueError(f"has beta {node.option('Beta')}, supported is 1")
    if form.shape[-1] != form.size:
        raise ValueError(f"runs over the last axis of shape {form.shape}, supported is only the class axis")
    return Value(form, SOFTMAX)


# layers --------------------------------------------------------------------------------------------------------------
def _fully_connected(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    weight, bias = node.weights(1), node.weights(2, optional=True)
    form = forms[0]
    if weight is None or weight.ndim != 2 or node.option("WeightsFormat"):
        raise ValueError("has weights that are no plain matrix")
    if bias is not None and bias.shape != (len(weight),):
        raise ValueError(f"has a bias of shape {bias.shape} for {len(weight)} outputs")
    if form.size == weight.shape[1] and not node.option("KeepNumDims"):
        form = build.reshape(form, (form.size,))
    if form.shape[-1] != weight.shape[1]:
        raise ValueError(f"has weights of shape {weight.shape} for a tensor of shape {form.shape}")
    return build.dense(form, weight, bias)


def _convolution(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    weight, bias = node.weights(1), node.weights(2, optional=True)
    if weight is None or weight.ndim != 4 or len(forms[0].shape) != 3:
        raise ValueError("has no kernel and image of four axes")
    channels = forms[0].shape[-1]
    if node.kind == "CONV_2D":
        kernel, groups = np.moveaxis(weight, 3, 1), channels // weight.shape[3]
    else:
        kernel, groups = np.moveaxis(weight[0], 2, 0)[:, None], channels
    kernel = np.ascontiguousarray(kernel)
    stride = (node.option("StrideH"), node.option("StrideW"))
    dilation = (node.option("DilationHFactor"), node.option("DilationWFactor"))
    ends = _padding(node, forms[0], kernel.shape[2:], stride, dilation)
    return build.conv(forms[0], kernel, bias, stride, ends, dilation, groups, channel_axis=-1)


def _padding(node: Node, form: Form, size: Any, stride: Any, dilation: Any = (1, 1)) -> list[tuple[int, int]]:
    if min(*stride, *dilation, *size) < 1:
        raise ValueError(f"has stride {stride}, dilation {dilation} and size {size}")
    way = node.option("Padding")
    if way not in (0, 1):
        raise ValueError(f"has padding {way}, supported are SAME and VALID")
    return same(form.shape[:2], size, stride, dilation) if way == 0 else [(0, 0), (0, 0)]


def _pool(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    if len(forms[0].shape) != 3:
        raise ValueError(f"reads an image and channels, not a tensor of shape {forms[0].shape}")
    size = (node.option("FilterHeight"), node.option("FilterWidth"))
    stride = (node.option("StrideH"), node.option("StrideW"))
    ends = _padding(node, forms[0], size, stride)
    if node.kind == "MAX_POOL_2D":
        return build.max_pool(forms[0], size, stride, ends, channel_axis=-1, name=node.makes.name)
    return build.mean_pool(forms[0], size, stride, ends, channel_axis=-1, count_include_pad=False)


def _arithmetic(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    kind = node.kind
    if len(forms) == 2:
        pairs = {"ADD": build.add, "SUB": build.subtract, "MAXIMUM": build.maximum, "MINIMUM": build.minimum}
        if kind not in pairs or len(forms[0].shape) != len(forms[1].shape):
            shapes = [form.shape for form in forms]
            raise ValueError(
                f"combines computed tensors of shapes {shapes}, supported are sums and differences of them"
            )
        return pairs[kind](*forms)
    if len(node.reads) != 2:
        raise ValueError(f"reads {len(node.reads)} tensors, supported are two")
    first = node.file.constant(node.reads[0]) is None if node.reads[0] is not None else True
    number = node.weights(1 if first else 0)
    if number is None:
        raise ValueError("reads one tensor")
    array = fitted(number, forms[0])
    if kind == "ADD":
        return build.shift(forms[0], array)
    if kind == "SUB":
        return build.shift(forms[0], -array) if first else build.shift(build.scale(forms[0], -np.ones(())), array)
    if kind == "MUL":
        return build.scale(forms[0], array)
    if kind == "DIV" and first and np.all(array):
        return build.divide(forms[0], array)
    raise ValueError("has a constant that is no sum, difference, factor or divisor")


def _mean(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    rank = len(forms[0].shape) + 1
    axes = sorted({int(axis) % rank for axis in _integers(node, 1).reshape(-1)})
    if 0 in axes or not axes:
        raise ValueError(f"runs over axes {axes}, supported are all but the first")
    return build.mean(forms[0], [axis - 1 for axis in axes], bool(node.option("KeepDims")))


def _concatenation(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    rank = len(forms[0].shape) + 1
    axis = node.option("Axis") % rank
    if len(forms) != len(node.reads) or axis == 0 or any(len(form.shape) + 1 != rank for form in forms):
        raise ValueError(f"joins {len(node.reads)} tensors along axis {axis}, of which {len(forms)} are computed")
    if node.option("FusedActivationFunction"):
        raise ValueError("has a fused activation, which LiteRT refuses or ignores")
    node.file.account.array(sum(form.size for form in forms))
    return build.concat(forms, axis - 1)


# moves ---------------------------------------------------------------------------------------------------------------
def _reshape(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    shape = node.file.shape(node.makes)
    if math.prod(shape) != forms[0].size:
        raise ValueError(f"makes a shape of {shape} of {forms[0].shape}")
    return build.reshape(forms[0], shape)


def _transpose(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    axes = [int(axis) for axis in _integers(node, 1).reshape(-1)]
    if axes[:1] != [0] or sorted(axes) != list(range(len(forms[0].shape) + 1)):
        raise ValueError(f"has axes {axes} for a tensor of shape {forms[0].shape} and a batch axis")
    return build.transpose(forms[0], tuple(axis - 1 for axis in axes[1:]))


def _pad(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    ends = _integers(node, 1)
    if ends.shape != (len(forms[0].shape) + 1, 2) or np.any(ends[0]) or ends.min() < 0:
        raise ValueError(f"has the padding {ends.tolist()}")
    return build.pad(forms[0], [(int(before), int(after)) for before, after in ends[1:]])


def _slice(build: GraphBuilder, node: Node, forms: list[Form]) -> Form:
    begin, size = (_integers(node, place).reshape(-1).tolist() for place in (1, 2))
    shape = forms[0].shape
    if len(begin) != len(shape) + 1 or len(size) != len(begin) or begin[0] != 0 or size[0] not in (1, -1):
        raise ValueError(f"begins at {begin} with sizes {size}")
    window = []
    for n, first, count in zip(shape, begin[1:], size[1:], strict=True):
        last = n if count == -1 else first + count
        if not 0 <= first < last <= n:
            raise ValueError(f"begins at {begin} with sizes {size} in a tensor of shape {shape} and a batch axis")
        window.append(slice(first, last))
    return build.take(forms[0], forms[0].positions().reshape(shape)[tuple(window)])


def _integers(node: Node, place: int) -> NDArray[Any]:
    array = node.constant(place)
    if array is None or array.dtype.kind not in "iu":
        raise ValueError(f"has an input {place} that holds no integers")
    return array


MOVES: Final[dict[str, Callable[[GraphBuilder, Node, list[Form]], Form]]] = {
    "EXPAND_DIMS": _reshape,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "SLICE": _slice,
    "SQUEEZE": _reshape,
    "TRANSPOSE": _transpose,
}

LAYERS: Final[dict[str, Callable[[GraphBuilder, Node, list[Form]], Form]]] = {
    **dict.fromkeys(["ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM"], _arithmetic),
    **dict.fromkeys(["CONV_2D", "DEPTHWISE_CONV_2D"], _convolution),
    **dict.fromkeys(["AVERAGE_POOL_2D", "MAX_POOL_2D"], _pool),
    "ADD_N": lambda build, node, forms: reduce(build.add, forms),
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _fully_connected,
    "MEAN": _mean,
}


def _prelu(node: Node) -> Phi:
    slopes: Array = np.unique(np.asarray(node.weights(1)))
    if slopes.size != 1:
        raise ValueError(f"has {slopes.size} different slopes, supported is one for all neurons")
    return _sloped(float(slopes[0]))


def _sloped(slope: float) -> Phi:
    if not 0 <= slope < np.inf:
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi("leaky_relu", slope=slope)


_ACTIVATIONS: Final[dict[str, Callable[[Node], Phi]]] = {
    "ELU": lambda node: Phi("elu", slope=1.0),
    "LEAKY_RELU": lambda node: _sloped(float(node.option("Alpha"))),
    "LOGISTIC": lambda node: Phi("logistic"),
    "PRELU": _prelu,
    "RELU": lambda node: Phi("relu"),
    "RELU6": lambda node: Phi("relu6"),
    "RELU_N1_TO_1": lambda node: Phi("hard_tanh"),
    "TANH": lambda node: Phi("tanh"),
}
