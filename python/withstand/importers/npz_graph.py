# SPDX-License-Identifier: MIT
"""Graphs of layers in the package's own file format, its version 2.

Keys, for n = 1 .. the number of layers, k = 0 .. the reads of a layer:

    withstand                 the format's version, 2
    shape                     integers, of the inputs
    activations, names        text, one for each layer
    gains, slopes             float64, a slope of NaN where the activation has none
    may_fail                  integers, 0 or 1
    outputs                   text, "values" or "logits"
    sources_n, maps_n         integers and text ("dense", "conv", "select", "same"), one for each read
    map_n_k                   float64: a matrix; a kernel of shape (channels out, all else); the factors of a selection
    conv_n_k                  integers: sizes, strides, dilations, zeros before, zeros after, groups, channel axis
    index_n_k, axes_n_k       integers: the senders of a selection, and its shape
    biases_n, bias_shape_n    float64 and integers, only where there are biases
    shape_n                   integers, only where a layer's shape is given
    input_lower, _upper       float64, only where the network has an input box
    format_..., noise         see `npz_formats`, only where the network has formats
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from withstand.model.activations import Activation
from withstand.model.graph import Layer
from withstand.model.maps import Conv, Map, Select

from .errors import UnsupportedModel
from .graph import Graph
from .npz_formats import formats_of, saved_formats

if TYPE_CHECKING:
    from withstand.importers.npz import Arrays
    from withstand.model.network import Network

VERSION = 2


def save_graph(net: Network, path: str) -> None:
    """Write a network to exactly `path`, bit by bit as it is."""
    layout = net._described()
    layers = layout.given
    phis = [layer.activation for layer in layers]
    arrays: dict[str, Any] = {
        "withstand": np.array(VERSION),
        "shape": np.array(layout.shapes[0], dtype=np.int64),
        "activations": np.array([phi.name for phi in phis]),
        "names": np.array([layer.name for layer in layers]),
        "gains": np.array([phi.gain for phi in phis]),
        "slopes": np.array([np.nan if phi.slope is None else phi.slope for phi in phis]),
        "may_fail": np.array([int(layer.may_fail) for layer in layers]),
        "outputs": np.array(net.outputs),
    }
    for n, layer in enumerate(layers, start=1):
        arrays |= _saved(n, layer)
    if net.input_box is not None:
        arrays["input_lower"], arrays["input_upper"] = net.input_box
    arrays |= saved_formats(net._quantisation)
    with open(path, "wb") as file:  # savez would append .npz to a bare path
        np.savez(file, allow_pickle=False, **arrays)


def _saved(n: int, layer: Layer) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        f"sources_{n}": np.array([source for source, _ in layer.reads], dtype=np.int64),
        f"maps_{n}": np.array([_kind(kind) for _, kind in layer.reads]),
    }
    if layer.bias is not None:
        arrays[f"biases_{n}"] = layer.bias.reshape(-1)
        arrays[f"bias_shape_{n}"] = np.array(layer.bias.shape, dtype=np.int64)
    if layer.shape is not None:
        arrays[f"shape_{n}"] = np.array(layer.shape, dtype=np.int64)
    for k, (_, kind) in enumerate(layer.reads):
        if isinstance(kind, Conv):
            ends = [pad for side in (0, 1) for pad in (pair[side] for pair in kind.padding)]
            numbers = [*kind.kernel.shape[2:], *kind.stride, *kind.dilation, *ends, kind.groups, kind.channel_axis]
            arrays[f"map_{n}_{k}"] = kind.kernel.reshape(len(kind.kernel), -1)
            arrays[f"conv_{n}_{k}"] = np.array(numbers, dtype=np.int64)
        elif isinstance(kind, Select):
            arrays[f"index_{n}_{k}"] = kind.index.reshape(-1).astype(np.int64)
            arrays[f"axes_{n}_{k}"] = np.array(kind.index.shape, dtype=np.int64)
            if kind.weight is not None:
                arrays[f"map_{n}_{k}"] = kind.weight.reshape(1, -1)
        elif kind is not None:
            arrays[f"map_{n}_{k}"] = kind
    return arrays


def _kind(kind: Map) -> str:
    if kind is None:
        return "same"
    if isinstance(kind, Conv):
        return "conv"
    return "select" if isinstance(kind, Select) else "dense"


def load_graph(arrays: Arrays) -> Graph:
    """Read a network that `save_graph` wrote.

    Raises
    ------
    UnsupportedModel
        If the arrays do not make a network.
    """
    names = arrays.texts("activations")
    columns = [arrays.get(key, kinds, 1) for key, kinds in (("gains", "f"), ("slopes", "f"), ("may_fail", "iu"))]
    called = arrays.texts("names")
    if len({len(names), len(called), *map(len, columns)}) != 1 or not names:
        raise UnsupportedModel("has different numbers of activations, names, gains, slopes and layers that may fail")
    try:
        layers = tuple(
            _layer(arrays, n, called[n - 1], Activation(name, gain, None if math.isnan(slope) else slope), bool(fails))
            for n, (name, gain, slope, fails) in enumerate(zip(names, *(c.tolist() for c in columns)), start=1)
        )
    except (TypeError, ValueError) as error:
        raise UnsupportedModel(str(error)) from error
    quantisation = formats_of(arrays, len(layers) + 1)
    return Graph(layers, arrays.sizes("shape"), arrays.outputs(), arrays.box(), quantisation)


def _layer(arrays: Arrays, n: int, name: str, phi: Activation, may_fail: bool) -> Layer:
    sources, kinds = arrays.get(f"sources_{n}", "iu", 1).tolist(), arrays.texts(f"maps_{n}")
    if len(sources) != len(kinds):
        raise UnsupportedModel(f"layer {n}: {len(sources)} sources for {len(kinds)} maps")
    bias = None
    if f"biases_{n}" in arrays.members:
        axes, bias = arrays.sizes(f"bias_shape_{n}"), arrays.get(f"biases_{n}", "f", 1)
        if math.prod(axes) != bias.size:
            raise UnsupportedModel(f"layer {n}: {bias.size} biases of shape {axes}")
        bias = bias.reshape(axes)
    shape = arrays.sizes(f"shape_{n}") if f"shape_{n}" in arrays.members else None
    reads = [(source, _map(arrays, n, k, kind)) for k, (source, kind) in enumerate(zip(sources, kinds))]
    return Layer(reads, bias, phi, may_fail, shape, name)


def _map(arrays: Arrays, n: int, k: int, kind: str) -> Map:
    if kind == "same":
        return None
    if kind == "dense":
        matrix: Map = arrays.get(f"map_{n}_{k}", "f", 2)
        return matrix
    if kind == "select":
        shape, index = arrays.sizes(f"axes_{n}_{k}"), arrays.get(f"index_{n}_{k}", "iu", 1)
        weight = arrays.get(f"map_{n}_{k}", "f", 2) if f"map_{n}_{k}" in arrays.members else None
        if math.prod(shape) != index.size or (weight is not None and weight.size != index.size):
            raise UnsupportedModel(f"layer {n}, read {k}: a selection of {index.size} senders has shape {shape}")
        return Select(index.reshape(shape), None if weight is None else weight.reshape(shape))
    if kind != "conv":
        raise UnsupportedModel(f"layer {n}, read {k}: is of an unknown kind '{kind}'")
    kernel, numbers = arrays.get(f"map_{n}_{k}", "f", 2), arrays.get(f"conv_{n}_{k}", "iu", 1).tolist()
    axes = (len(numbers) - 2) // 5
    if axes < 1 or len(numbers) != 5 * axes + 2 or min(numbers[:axes]) < 1:
        raise UnsupportedModel(f"layer {n}, read {k}: a convolution is described by {len(numbers)} numbers")
    sizes, stride, dilation, before, after = (numbers[i * axes : (i + 1) * axes] for i in range(5))
    if kernel.shape[1] % math.prod(sizes):
        raise UnsupportedModel(f"layer {n}, read {k}: a kernel of shape {kernel.shape} has no places {tuple(sizes)}")
    shape = (len(kernel), kernel.shape[1] // math.prod(sizes), *sizes)
    return Conv(kernel.reshape(shape), stride, list(zip(before, after)), dilation, numbers[-2], numbers[-1])
