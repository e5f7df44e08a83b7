# SPDX-License-Identifier: MIT
"""Builds graphs of layers from what importers meet in a file, one operation at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from withstand.model.activations import Activation
from withstand.model.graph import Layer, shapes_of
from withstand.model.maps import Padding, PerAxis
from withstand.model.quantisation import Quantisation

from .budget import Account
from .errors import UnsupportedModel
from .form import Form
from .graph_finish import finish
from .graph_layers import Shape
from .graph_linear import LinearBuilder
from .graph_pool import along, sum_of, windows
from .layers import Array, Layers, Phi

__all__ = ["Form", "Graph", "GraphBuilder"]

#: Limits of inputs up to here cost no digits that matter when they are added and subtracted.
_MODERATE: Final = 2.0**20


@dataclass(frozen=True, eq=False)
class Graph:
    """A network whose layers read several earlier ones, as an importer found it.

    Parameters
    ----------
    layers : tuple of Layer
        The output layer last.
    shape : tuple of int
        Shape of the inputs without batch axis; flat where there are several.
    outputs : {"values", "logits"}
        "logits" where a trailing softmax was taken off.
    input_box : (lower, upper) or None
        The box, each bound flat, to which the format clips its inputs.
    quantisation : Quantisation or None
        What a quantised file says beside its function.

    Raises
    ------
    UnsupportedModel
        If no neuron may fail, or the layers do not fit together.
    """

    layers: tuple[Layer, ...]
    shape: Shape
    outputs: Literal["values", "logits"] = "values"
    input_box: tuple[Array, Array] | None = None
    quantisation: Quantisation | None = None

    def __post_init__(self) -> None:
        if not any(layer.may_fail for layer in self.layers[:-1]):
            raise UnsupportedModel("has no hidden neurons: a network needs an activation before its outputs")
        try:
            shapes_of(self.layers, self.shape)
        except ValueError as error:
            raise UnsupportedModel(str(error)) from error
        if self.input_box is not None and {bound.shape for bound in self.input_box} != {(math.prod(self.shape),)}:
            lower, upper = self.input_box
            raise UnsupportedModel(f"has an input box of shapes {lower.shape} and {upper.shape}")


class GraphBuilder(LinearBuilder):
    """Collects the operations of a file into layers; tensors are `Form`, without the batch axis.

    Everything linear is lazy: it becomes part of the next layer of neurons. Where no layer can read it at once (a
    convolution of a sum, a matrix times a convolution), it becomes a *wire*, a layer that computes the identity and
    whose neurons may not fail. A constant factor per channel or neuron, as of a BatchNorm, is multiplied into the
    kernel or matrix in front of it: these products are the parameters that the network holds.

    Parameters
    ----------
    account : Account, optional
        What reading the file may compute.
    linear_may_fail : bool, default False
        Whether wires with stored parameters, as linear bottlenecks, are neurons that may fail.
    """

    def __init__(self, account: Account | None = None, linear_may_fail: bool = False) -> None:
        super().__init__(account, linear_may_fail)
        self._input_like = {0}  # layers that only clip and move the inputs

    # -- layers --------------------------------------------------------------------------------------------------------
    def activate(self, form: Form, phi: Phi, name: str = "", may_fail: bool | None = None) -> Form:
        """Make the form's entries neurons of a new layer; return what they transmit.

        Parameters
        ----------
        may_fail : bool, optional
            By default they may, unless they are the inputs, moved, scaled and shifted, which the layer clips.
        """
        clips = self.is_input(form) and _clips(phi)
        result = self._layering.close(form, phi, name, not clips if may_fail is None else may_fail)
        if clips and not may_fail:
            self._input_like.add(result.terms[0].source)
        return result

    def rename(self, form: Form, name: str) -> None:
        """Call the layer whose neurons a form is otherwise: more of the file has turned out to be part of it."""
        self._layering.layers[form.terms[0].source - 1].name = name

    def wire(self, form: Form, name: str = "") -> Form:
        """Return the form as what a layer transmits: itself if a layer does, else an identity layer of its own."""
        result = self._layering.wire(form, name)
        if self.is_input(form):
            self._input_like.add(result.terms[0].source)
        return result

    def shared(self, form: Form, name: str = "") -> Form:
        """Return a form that several readers may use: wired if it has parameters, stored once then, or adds signals."""
        return form if form.is_light and form.is_apart() else self.wire(form, name)

    def is_input(self, form: Form) -> bool:
        """Whether every entry is one input, which nothing but moving, scaling, shifting and clipping has touched."""
        return form.is_light and form.is_apart() and all(term.source in self._input_like for term in form.terms)

    def finish(
        self,
        outputs: Sequence[Form],
        logits: bool = False,
        input_box: tuple[Array, Array] | None = None,
        name: str = "",
    ) -> Graph | Layers:
        """Close the network with its outputs, several of them flattened in C order and concatenated.

        Parameters
        ----------
        name : str
            What the layer of the outputs is called, where it is no layer of the file's already.

        Returns
        -------
        Graph or Layers
            `Layers` where every layer reads just the one before, by matrices, and may fail.
        """
        result = finish(self._layering, list(outputs), logits, input_box, name)
        return result if isinstance(result, Layers) else Graph(*result)

    # -- pooling -------------------------------------------------------------------------------------------------------
    def sum(self, form: Form, axes: int | Iterable[int], keepdims: bool = False) -> Form:
        """Return the sum over some axes."""
        cells, kept = along(form, axes)
        result = sum_of(self._single(form), cells)
        return result.reshape(kept) if keepdims else result

    def mean(self, form: Form, axes: int | Iterable[int], keepdims: bool = False) -> Form:
        """Return the mean over some axes."""
        cells, kept = along(form, axes)
        result = sum_of(self._single(form), cells).over(np.asarray(float(len(cells))))
        return result.reshape(kept) if keepdims else result

    def mean_pool(
        self,
        form: Form,
        size: PerAxis,
        stride: PerAxis | None = None,
        padding: Padding = 0,
        channel_axis: int = 0,
        count_include_pad: bool = False,
        ceil: bool = False,
        dilation: PerAxis = 1,
    ) -> Form:
        """Return the mean over a moving window, per channel; `stride` None is the window's size."""
        found = windows(form, size, stride, padding, dilation, channel_axis, ceil)
        inside = found.inside()
        counts = found.counted if count_include_pad else inside
        if counts.min() < 1:
            raise ValueError("has windows that lie outside the image")
        return sum_of(self._single(form), found.cells).over(counts.astype(np.float64))

    def max_pool(
        self,
        form: Form,
        size: PerAxis,
        stride: PerAxis | None = None,
        padding: Padding = 0,
        dilation: PerAxis = 1,
        channel_axis: int = 0,
        ceil: bool = False,
        name: str = "",
    ) -> Form:
        """Return the maximum over a moving window, per channel, of what lies in the image."""
        single = self._single(form)
        cells = windows(form, size, stride, padding, dilation, channel_axis, ceil).filled()
        return self._largest([single.take(cells.pop(0)) for _ in range(len(cells))], name)

    def largest(self, form: Form, axes: int | Iterable[int], keepdims: bool = False, name: str = "") -> Form:
        """Return the maximum over some axes."""
        cells, kept = along(form, axes)
        single = self._single(form)
        result = self._largest([single.take(cell) for cell in cells], name)
        return result.reshape(kept) if keepdims else result

    def maximum(self, a: Form, b: Form, name: str = "") -> Form:
        """Return the larger of two tensors, b + relu(a - b) by a layer that may not fail.

        In floats it is off by the rounding of the larger one in size.
        """
        a, b = self._light(a), self._light(b)
        return self.add(b, self._rectified(self.subtract(a, b), name))

    def minimum(self, a: Form, b: Form, name: str = "") -> Form:
        """Return the smaller of two tensors, b - relu(b - a)."""
        a, b = self._light(a), self._light(b)
        return self.subtract(b, self._rectified(self.subtract(b, a), name))

    def clip_input(self, form: Form, low: npt.ArrayLike, high: npt.ArrayLike, name: str = "") -> Form:
        """Return the inputs clipped to constants, which may be infinite, by layers that may not fail."""
        if not self.is_input(form):
            raise ValueError("clips what is no input")
        for limit, sign in ((np.asarray(low, dtype=np.float64), 1.0), (np.asarray(high, dtype=np.float64), -1.0)):
            if np.all(np.isinf(limit)):
                continue
            if np.any(~np.isfinite(limit)):
                raise ValueError("clips some entries and leaves others")
            over = form.plus(-limit).times(np.asarray(sign))
            if np.abs(limit).max() <= _MODERATE:  # limit + relu(x - limit), and limit - relu(limit - x)
                form = self._rectified(over, name).times(np.asarray(sign)).plus(limit)
            else:  # x + relu(limit - x), and x - relu(x - limit): what is not clipped keeps all its digits
                under = self._rectified(over.times(np.asarray(-1.0)), name).times(np.asarray(sign))
                form = self._layering.wire(self.add(form, under), name)
                self._input_like.add(form.terms[0].source)
        return form

    # -- helpers -------------------------------------------------------------------------------------------------------
    def _rectified(self, form: Form, name: str) -> Form:
        is_input = self.is_input(form)
        result = self._layering.close(form, Phi("relu"), name, may_fail=False)
        if is_input:
            self._input_like.add(result.terms[0].source)
        return result

    def _largest(self, cells: list[Form], name: str) -> Form:
        """Return the largest of several tensors of one shape: one half against the other half, until one is left.

        The list is used up, so that what a round has compared is let go.
        """
        shape, size = cells[0].shape, cells[0].size
        cut = np.arange(size, dtype=np.int32).reshape(shape)
        while len(cells) > 1:
            half = len(cells) // 2
            one, other = (self.concat([cells.pop(0).reshape((1, *shape)) for _ in range(half)], 0) for _ in range(2))
            won = self.maximum(one, other, name)
            cells = [won.take(cut + n * size) for n in range(half)] + cells
        return cells[0]

    def _light(self, form: Form) -> Form:
        return form if form.is_light else self.wire(form)

    def _single(self, form: Form) -> Form:
        return form if form.is_light and len(form.terms) == 1 else self.wire(form)


def _clips(phi: Phi) -> bool:
    """Whether it leaves what is in its range as it is, but for a scale; a slope of 0 makes a relu of two others."""
    known = Activation(*phi)
    bounded = any(math.isfinite(limit) for limit in known.range)
    return phi.slope == 0 or (known.piecewise_linear and bounded)
