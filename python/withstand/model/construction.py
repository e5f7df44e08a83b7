# SPDX-License-Identifier: MIT
"""What networks are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._coerce import real_array, shown
from withstand.model.activations import ActivationLike, as_activation, per_layer
from withstand.model.graph import Layer
from withstand.model.held import shared
from withstand.model.maps import Shape, as_shape


def chain(
    given: list[Any],
    biases: Sequence[npt.ArrayLike | None] | None,
    activation: ActivationLike | Sequence[ActivationLike],
    output_activation: ActivationLike,
) -> _core.Network:
    """Return the core's network of these matrices."""
    matrices = [real_array(w, f"weights of layer {n}", 2) for n, w in enumerate(given, start=1)]
    biases = [None] * len(matrices) if biases is None else parts(biases, "biases")
    if len(biases) != len(matrices):
        raise ValueError(f"{len(biases)} bias vectors for {len(matrices)} layers")
    vectors = [
        np.zeros(len(w)) if b is None else real_array(b, f"biases of layer {n}", 1)
        for n, (w, b) in enumerate(zip(matrices, biases), start=1)
    ]
    hidden = per_layer(activation, max(len(matrices) - 1, 0))
    activations = [*hidden, as_activation(output_activation)]
    return _core.Network([_core.Dense(shared(w)) for w in matrices], vectors, [a._core for a in activations])


def of_layers(layers: Any) -> list[Layer]:
    """Return what is a sequence of layers."""
    given = parts(layers, "layers")
    for n, layer in enumerate(given, start=1):
        if not isinstance(layer, Layer):
            raise TypeError(f"layer {n} must be a withstand.Layer, got {shown(layer)}")
    if not given:
        raise ValueError("layers must hold at least one hidden layer and the outputs")
    return given


def refuse_unheard(kind: str, **given: Any) -> None:
    """Refuse arguments beside the `kind` of parts that makes them superfluous: they would not be heard."""
    for name, value in given.items():
        usual = {"activation": "relu", "output_activation": "identity"}.get(name)
        if not (value is usual or (isinstance(value, str) and value == usual)):
            raise TypeError(f"{name} must not be given with {kind}, got {shown(value)}")


def shape_of(shape: Any) -> Shape:
    """Return the shape of a graph's inputs."""
    if shape is None:
        raise TypeError("shape must be given with layers: that of the inputs")
    return as_shape(shape)


def parts(value: Any, name: str) -> list[Any]:
    """Return the parts of a sequence, one per layer."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of arrays, one per layer, got {shown(value)}")
    return list(value)
