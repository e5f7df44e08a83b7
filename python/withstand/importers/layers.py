# SPDX-License-Identifier: MIT
"""What every importer produces: affine maps with an activation between them, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from withstand.model.activations import NAMES
from withstand.model.quantisation import Quantisation

from .errors import UnsupportedModel

__all__ = ["IDENTITY", "Array", "Layers", "Phi"]

Array: TypeAlias = NDArray[np.float64]


class Phi(NamedTuple):
    """An activation phi(gain * s) by name.

    `slope` is the parameter of an activation that has one, as the negative slope of "leaky_relu".
    """

    name: str
    gain: float = 1.0
    slope: float | None = None


IDENTITY = Phi("identity")


@dataclass(frozen=True, eq=False)
class Layers:
    """A layered network as an importer found it.

    Parameters
    ----------
    weights : tuple of float64 arrays
        ``weights[l - 1]`` has shape (N_l, N_{l-1}) for l = 1..L+1: L hidden layers and the output.
    biases : tuple of float64 arrays
        ``biases[l - 1]`` has shape (N_l,).
    activations : tuple of Phi
        One per hidden layer, length L >= 1.
    output_activation : Phi
        Applied after the last affine map.
    outputs : {"values", "logits"}
        "logits" where a trailing softmax was taken off.
    input_box : (lower, upper) or None
        The box, each bound of shape (N_0,), to which the format clips its inputs.
    names : tuple of str
        What the file calls the layers, one for each of the L+1, or none at all.
    quantisation : Quantisation or None
        What a quantised file says beside its function.

    Raises
    ------
    UnsupportedModel
        If there is no hidden layer, sizes do not chain, names are missing, or a number is NaN or infinite.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[Phi, ...]
    output_activation: Phi = IDENTITY
    outputs: Literal["values", "logits"] = "values"
    input_box: tuple[Array, Array] | None = None
    names: tuple[str, ...] = ()
    quantisation: Quantisation | None = None

    def __post_init__(self) -> None:
        depth = len(self.activations)
        if depth == 0:
            raise UnsupportedModel("has no hidden neurons: a network needs an activation before its outputs")
        if not len(self.weights) == len(self.biases) == depth + 1:
            raise UnsupportedModel(
                f"{depth} hidden layers need {depth + 1} weight matrices and biases, "
                f"not {len(self.weights)} and {len(self.biases)}"
            )
        if self.names and len(self.names) != depth + 1:
            raise UnsupportedModel(f"has {len(self.names)} names for {depth + 1} layers")
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            width = weight.shape[1] if layer == 1 else self.weights[layer - 2].shape[0]
            if weight.ndim != 2 or 0 in weight.shape or weight.shape[1] != width or bias.shape != weight.shape[:1]:
                raise UnsupportedModel(
                    f"layer {layer} has weights {weight.shape} and biases {bias.shape} on {width} inputs"
                )
            _finite(f"the weights of layer {layer}", weight)
            _finite(f"the biases of layer {layer}", bias)
        for name, *_ in (*self.activations, self.output_activation):
            if name not in NAMES:
                raise UnsupportedModel(f"has an unknown activation '{name}', known are {', '.join(NAMES)}")
        if self.input_box is not None and {bound.shape for bound in self.input_box} != {self.weights[0].shape[1:]}:
            lower, upper = self.input_box
            raise UnsupportedModel(f"has an input box of shapes {lower.shape} and {upper.shape}")


def as_array(values: Any) -> Array:
    """Return a C-ordered float64 copy of `values`, whatever float or integer type they have."""
    return np.array(values, dtype=np.float64, order="C")


def _finite(what: str, array: Array) -> None:
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise UnsupportedModel(f"{what} must be finite, but entry {where} is {array[where]}")
