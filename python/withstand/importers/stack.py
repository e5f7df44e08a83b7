# SPDX-License-Identifier: MIT
"""Collects affine forms and activations, in order, into `Layers`."""

from __future__ import annotations

import math

import numpy as np

from withstand.model.activations import Activation

from .affine import SOFTMAX, Affine, concatenate
from .budget import Account
from .errors import UnsupportedModel
from .layers import IDENTITY, Array, Layers, Phi

__all__ = ["Stack"]


def _clips(phi: Phi) -> bool:
    """Whether it leaves what is in its range as it is, but for a scale; a slope of 0 makes a relu of two others."""
    known = Activation(*phi)
    bounded = any(math.isfinite(limit) for limit in known.range)
    return phi.slope == 0 or (known.piecewise_linear and bounded)


class Stack:
    """The layers met so far, on `width` inputs.

    Affine stages are never layers of their own: each activation closes the affine form in front of it.

    A clip of the inputs is no layer either: it keeps the inputs in their range, and none of its entries is a neuron
    that may fail, so it is refused, as `Network` has no layers that cannot fail. The inputs are what nothing but
    scaling, shifting and moving entries has touched. From the first product with a matrix on, there are neurons,
    whatever the matrix holds: a diagonal one is stored weights too. An activation that changes every value, as
    tanh does, is a layer of neurons on the inputs as anywhere else.
    """

    def __init__(self, width: int, account: Account | None = None) -> None:
        self.width = width
        self.account = account or Account()
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        self.activations: list[Phi] = []
        self.names: list[str] = []

    def inputs(self, shape: tuple[int, ...], start: int = 0) -> Affine:
        """Return the inputs start, start + 1, ... in the given shape."""
        return Affine.identity(0, self.width, shape, start, self.account)

    def push(self, tensor: Affine, phi: Phi, name: str = "") -> Affine:
        """Make the tensor's entries neurons of the next hidden layer, so called; return what they transmit."""
        self._newest(tensor)
        if tensor.source == 0 and tensor.matrix is None and _clips(phi):
            raise ValueError(
                f"clips the inputs ({phi.name} before any product with weights): that is a layer that cannot fail, "
                "which is not supported; clip the inputs yourself, and load the model without it"
            )
        weights, biases = tensor.dense()
        self.weights.append(weights)
        self.biases.append(biases)
        self.activations.append(phi)
        self.names.append(name)
        return Affine.identity(len(self.activations), tensor.size, tensor.shape, account=self.account)

    def receives(self, tensor: Affine) -> bool:
        """Whether the newest layer's neurons receive the tensor's entries, in their order."""
        if tensor.source != len(self.activations) - 1:
            return False
        weights, biases = tensor.dense()
        return np.array_equal(weights, self.weights[-1]) and np.array_equal(biases, self.biases[-1])

    def finish(self, outputs: list[Affine], name: str = "", input_box: tuple[Array, Array] | None = None) -> Layers:
        """Close the network with its outputs, flattened in C order and concatenated."""
        if len({tensor.closed for tensor in outputs}) != 1:
            raise UnsupportedModel("some outputs pass a softmax and some do not")
        if outputs[0].closed not in ("", SOFTMAX):
            raise UnsupportedModel(outputs[0].closed)
        self.account.array(sum(tensor.size for tensor in outputs))
        output = concatenate([tensor.take(np.arange(tensor.size)) for tensor in outputs], 0)
        self._newest(output)
        weights, biases = output.dense()
        activation = IDENTITY
        if self.activations and output.is_transmitted():
            # A trailing activation belongs to the outputs, which never fail, and is no hidden layer.
            rows = output.index
            weights, biases = self.weights.pop()[rows], self.biases.pop()[rows]
            activation, name = self.activations.pop(), self.names.pop()
        return Layers(
            (*self.weights, weights),
            (*self.biases, biases),
            tuple(self.activations),
            activation,
            "logits" if output.closed == SOFTMAX else "values",
            input_box,
            (*self.names, name),
        )

    def _newest(self, tensor: Affine) -> None:
        depth = len(self.activations)
        if tensor.source != depth:
            read = "the inputs" if tensor.source == 0 else f"hidden layer {tensor.source}"
            raise ValueError(
                f"reads {read} past hidden layer {depth}: a branch, where every layer must read only the one before it"
            )
