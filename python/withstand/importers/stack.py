# SPDX-License-Identifier: MIT
"""Collects affine forms and activations, in order, into `Layers`."""

from __future__ import annotations

import numpy as np

from .affine import SOFTMAX, Affine, concatenate
from .errors import UnsupportedModel
from .layers import IDENTITY, Array, Layers, Phi

__all__ = ["Stack"]


class Stack:
    """The layers met so far, on `width` inputs.

    Affine stages are never layers of their own: each activation closes the affine form in front of it.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        self.activations: list[Phi] = []

    def push(self, tensor: Affine, phi: Phi) -> Affine:
        """Make the tensor's entries neurons of the next hidden layer; return what they transmit."""
        self._newest(tensor)
        weights, biases = tensor.dense()
        self.weights.append(weights)
        self.biases.append(biases)
        self.activations.append(phi)
        return Affine.identity(len(self.activations), tensor.size, tensor.shape)

    def finish(self, outputs: list[Affine], input_box: tuple[Array, Array] | None = None) -> Layers:
        """Close the network with its outputs, flattened in C order and concatenated."""
        if len({tensor.closed for tensor in outputs}) != 1:
            raise UnsupportedModel("some outputs pass a softmax and some do not")
        output = concatenate([tensor.take(np.arange(tensor.size)) for tensor in outputs], 0)
        self._newest(output)
        weights, biases = output.dense()
        activation = IDENTITY
        if self.activations and output.is_transmitted():
            # A trailing activation belongs to the outputs, which never fail, and is no hidden layer.
            rows = output.index
            weights, biases = self.weights.pop()[rows], self.biases.pop()[rows]
            activation = self.activations.pop()
        return Layers(
            (*self.weights, weights),
            (*self.biases, biases),
            tuple(self.activations),
            activation,
            "logits" if output.closed == SOFTMAX else "values",
            input_box,
        )

    def _newest(self, tensor: Affine) -> None:
        depth = len(self.activations)
        if tensor.source != depth:
            read = "the inputs" if tensor.source == 0 else f"hidden layer {tensor.source}"
            raise ValueError(
                f"reads {read} past hidden layer {depth}: a branch, where every layer must read only the one before it"
            )
