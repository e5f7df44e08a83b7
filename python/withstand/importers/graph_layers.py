# SPDX-License-Identifier: MIT
"""The layers of a graph that is being built: forms become layers, in the maps that a layer can read with."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from withstand.model.activations import Activation
from withstand.model.graph import Layer
from withstand.model.held import held
from withstand.model.maps import Conv, Map, Select

from .budget import Account
from .form import Form, Term, arrange
from .layers import IDENTITY, Array, Phi

__all__ = ["Layering", "Shape"]

Shape: TypeAlias = tuple[int, ...]


class Layering:
    """The layers so far, and the shapes of what they and the inputs transmit.

    Parameters
    ----------
    account : Account
    may_fail : bool
        Whether a linear stage of a file that becomes a layer of its own is one of neurons that may fail.
    """

    def __init__(self, account: Account, may_fail: bool) -> None:
        self.account = account
        self.linear_may_fail = may_fail
        self.layers: list[Layer] = []
        self.phis: list[Phi] = []
        self.inputs: list[Shape] = []
        self.shapes: list[Shape] = []
        self.wired: WeakKeyDictionary[Form, Form] = WeakKeyDictionary()  # a form is let go when nothing reads it
        self.kept: list[int] = []  # of the layers, those that the outputs depend on, once the network is closed

    def shape(self, source: int) -> Shape:
        """Return the shape of what a layer transmits, 0 being the inputs: that of one, or flat of several."""
        if source:
            return self.shapes[source - 1]
        return self.inputs[0] if len(self.inputs) == 1 else (sum(map(math.prod, self.inputs)),)

    def is_plain(self, form: Form, shape: Shape | None = None) -> bool:
        """Whether the form is what one layer transmits, in that layer's shape."""
        (term, *more) = form.terms
        if more or term.map is not None or term.scale is not None or not _is_zero(form.shift):
            return False
        own = self.shape(term.source)
        return form.shape == own and arrange(term.index, math.prod(own)) is None

    def wire(self, form: Form, name: str = "") -> Form:
        """Return the form as what a layer transmits that computes nothing further, the layer itself if it is one."""
        if self.is_plain(form):
            return replace(form, terms=(Term(form.terms[0].source, None),), shift=None)
        known = self.wired.get(form)
        if known is None:
            may_fail = self.linear_may_fail and not form.is_light
            known = self.wired[form] = self.close(form, IDENTITY, name, may_fail)
        return known

    def close(self, form: Form, phi: Phi, name: str, may_fail: bool) -> Form:
        """Make the form's entries the neurons of a new layer; return what they transmit."""
        layer = self.layer(form, phi, name, may_fail)
        self.layers.append(layer)
        self.phis.append(phi)
        self.shapes.append(form.shape or (1,))
        return replace(form, terms=(Term(len(self.layers), None),), shift=None)

    def layer(self, form: Form, phi: Phi, name: str, may_fail: bool) -> Layer:
        """Return the layer whose neurons are the form's entries; wires are made for what no layer reads at once."""
        reads = [self._read(term, form) for term in form.terms]
        return Layer(reads, _bias(form, reads), Activation(*phi), may_fail, form.shape or (1,), name)

    def _read(self, term: Term, form: Form) -> tuple[int, Map]:
        if isinstance(term.map, np.ndarray):
            self.account.matrix(form.size, term.map.shape[1])
            return term.source, held(term.rows())
        if isinstance(term.map, Conv):
            own = self._convolution(term, term.map, form)
            if own is not None:
                return term.source, own
            shape = term.map.shape(self.shape(term.source))
            wire = self.wire(Form(shape, (Term(term.source, term.map),), self.account))
            term = replace(term, source=wire.terms[0].source, map=None, index=term.index)
        index = arrange(term.index, math.prod(self.shape(term.source)))
        if index is None and term.scale is None:
            return term.source, None
        self.account.array(form.size, copies=2)
        index = np.arange(form.size, dtype=np.int32) if index is None else index
        return term.source, Select(index.reshape(form.shape or (1,)), term.scale)

    def _convolution(self, term: Term, conv: Conv, form: Form) -> Conv | None:
        """Return the term as a convolution, its scale in the kernel; None if it is none."""
        shape = conv.shape(self.shape(term.source))
        if arrange(term.index, math.prod(shape)) is not None:
            return None
        if term.scale is None:
            return conv
        factor = _per_channel(term.scale, shape, conv.channel_axis)
        if factor is None:
            return None
        self.account.array(conv.kernel.size)
        kernel = conv.kernel * factor.reshape(-1, *(1,) * (conv.kernel.ndim - 1))
        return Conv(held(kernel), conv.stride, conv.padding, conv.dilation, conv.groups, conv.channel_axis)


def _bias(form: Form, reads: list[tuple[int, Map]]) -> Array | None:
    """Return the shift as biases: none, one per channel where a convolution is read, or one per neuron."""
    if form.shift is None or _is_zero(form.shift):
        return None
    for _, kind in reads:
        if isinstance(kind, Conv) and form.shape[kind.channel_axis] == kind.channels[1]:
            own = _per_channel(form.shift, form.shape, kind.channel_axis)
            if own is not None:
                return own
    return held(np.reshape(form.shift, form.shape or (1,)))


def _per_channel(values: Array, shape: Shape, channel_axis: int) -> Array | None:
    """Return one number per channel, or None where a channel's numbers differ."""
    if math.prod(shape) != values.size:
        return None
    by_channel = np.moveaxis(values.reshape(shape), channel_axis, 0).reshape(shape[channel_axis], -1)
    return held(by_channel[:, 0]) if np.all(by_channel == by_channel[:, :1]) else None


def _is_zero(shift: Array | None) -> bool:
    return shift is None or not np.any(shift)
