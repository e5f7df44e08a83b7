# SPDX-License-Identifier: MIT
"""What a graph is made of: layers that read earlier ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand._coerce import flag, real_array, shown, whole
from withstand._types import FloatArray
from withstand.model.activations import Activation, ActivationLike, as_activation
from withstand.model.held import held
from withstand.model.maps import Conv, Map, Select, Shape, as_shape, shape_behind


class Layer:
    """A layer of neurons that read earlier layers: phi(sum over reads of W y + bias).

    Parameters
    ----------
    reads : sequence of (source, map)
        `source` numbers the layers as they are given, 0 being the inputs. `map` is an array of shape (receivers,
        senders), a `Conv`, a `Select`, or None for the source itself.
    bias : array_like, optional
        One per neuron, of the layer's shape or flat; or, where a convolution is read, one per channel.
    activation : str or Activation, default "relu"
    may_fail : bool, default True
        Whether its neurons are such that may fail. Those of pooling stages and wires are not, and are not counted.
    shape : tuple of int, optional
        Shape of what it transmits, where that is another than what its maps give; neurons are numbered in C order.
    name : str, optional
        What messages, tables and reports call it.

    Raises
    ------
    TypeError, ValueError
        For parts that are none of these. What does not fit the layers before is told by `Network`.
    """

    __slots__ = ("activation", "bias", "may_fail", "name", "reads", "shape")

    def __init__(
        self,
        reads: Any,
        bias: npt.ArrayLike | None = None,
        activation: ActivationLike = "relu",
        may_fail: bool = True,
        shape: Sequence[int] | None = None,
        name: str = "",
    ) -> None:
        if isinstance(reads, (str, bytes)) or not isinstance(reads, Iterable):
            raise TypeError(f"reads must be a sequence of pairs (source, map), got {shown(reads)}")
        self.reads: tuple[tuple[int, Map], ...] = tuple(map(_read, reads))
        if not self.reads:
            raise ValueError("reads must name at least one source")
        self.bias: FloatArray | None = None if bias is None else held(real_array(bias, "bias"))
        self.activation: Activation = as_activation(activation)
        self.may_fail = flag(may_fail, "may_fail")
        self.shape: Shape | None = None if shape is None else as_shape(shape)
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {shown(name)}")
        self.name = name

    @property
    def kind(self) -> str:
        """"dense" or "conv" where it reads weights; else "select", or "add" where it reads its sources as they are."""
        maps = [kind for _, kind in self.reads]
        if any(isinstance(kind, np.ndarray) for kind in maps):
            return "dense"
        if any(isinstance(kind, Conv) for kind in maps):
            return "conv"
        return "select" if any(isinstance(kind, Select) for kind in maps) else "add"

    def __repr__(self) -> str:
        maps = [f"{s}: {f'dense {w.shape}' if isinstance(w, np.ndarray) else w}" for s, w in self.reads]
        still = "" if self.may_fail else ", may_fail=False"
        return f"Layer({', '.join(maps)}, {self.activation.name}{still})"


def shapes_of(layers: Sequence[Layer], inputs: Shape) -> list[Shape]:
    """Return the shapes of the inputs and of every layer.

    Raises
    ------
    ValueError
        If a layer reads one that does not come before it, or its reads do not fit together.
    """
    shapes = [inputs]
    for n, layer in enumerate(layers, start=1):
        found = []
        for source, kind in layer.reads:
            if source >= n:
                raise ValueError(f"layer {n} reads layer {source}, a layer reads earlier ones")
            try:
                found.append(shape_behind(kind, shapes[source]))
            except ValueError as error:
                raise ValueError(f"layer {n}, read of layer {source}: {error}") from None
        sizes = {math.prod(shape) for shape in found}
        if len(sizes) > 1:
            raise ValueError(f"layer {n}: its reads have shapes {' and '.join(map(str, found))}")
        shape = layer.shape or found[0]
        if math.prod(shape) not in sizes:
            raise ValueError(f"layer {n}: shape {shape} does not hold the {sizes.pop()} neurons of its reads")
        shapes.append(shape)
    return shapes


def bias_of(layer: Layer, shape: Shape) -> FloatArray:
    """Return the biases of a layer's neurons, flat."""
    values, each = stored_bias(layer, shape)
    return np.resize(np.repeat(values, each), math.prod(shape))


def stored_bias(layer: Layer, shape: Shape) -> tuple[FloatArray, int]:
    """Return the biases that a layer stores, and how many neighbours share one; behind the last one they start anew."""
    size = math.prod(shape)
    if layer.bias is None:
        return np.zeros(1), size
    if layer.bias.shape in ((size,), shape):
        return np.ascontiguousarray(layer.bias.reshape(-1)), 1
    for _, kind in layer.reads:
        if isinstance(kind, Conv) and layer.bias.shape == kind.channels[1:]:
            return layer.bias, math.prod(shape[1:]) if kind.channel_axis == 0 else 1
    raise ValueError(f"{layer.bias.shape} biases for neurons of shape {shape}")


# what they are made from ---------------------------------------------------------------------------------------------
def _read(given: Any) -> tuple[int, Map]:
    try:
        source, kind = given
    except (TypeError, ValueError):
        raise TypeError(f"reads must be pairs (source, map), got {shown(given)}") from None
    number = whole(source, "source")
    if kind is None or isinstance(kind, (Conv, Select)):
        return number, kind
    return number, held(real_array(kind, f"map that reads layer {number}", 2))
