# SPDX-License-Identifier: MIT
"""The linear operations of a graph that is being built; they make no layers of their own where they can."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from withstand.model.held import held
from withstand.model.maps import Padding, PerAxis

from .budget import Account
from .form import Form, Index, Term
from .form_sum import join, total
from .graph_layers import Layering, Shape
from .graph_maps import apply, convolve, convolve_transposed
from .layers import Array, as_array
from .unit_tensors import matrix_of

__all__ = ["LinearBuilder"]


class LinearBuilder:
    """The linear operations of a `GraphBuilder`, and its inputs."""

    def __init__(self, account: Account | None = None, linear_may_fail: bool = False) -> None:
        self.account = account or Account()
        self._layering = Layering(self.account, linear_may_fail)

    def input(self, shape: Sequence[int], name: str = "") -> Form:
        """Return the next input tensor; all of them are declared before any layer."""
        if self._layering.layers:
            raise ValueError(f"input {name!r} is declared behind layers")
        own = tuple(int(size) for size in shape)
        self.account.array(math.prod(own), copies=2)
        start = sum(map(math.prod, self._layering.inputs))
        self._layering.inputs.append(own)
        index = start + np.arange(math.prod(own), dtype=np.int32).reshape(own)
        return Form(own, (Term(0, None, index),), self.account)

    # -- maps with parameters ------------------------------------------------------------------------------------------
    def dense(self, form: Form, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Form:
        """Return ``weight @`` every vector along the last axis; `weight` has shape (out, in).

        Where there are several such vectors, it is a convolution whose kernel covers one position.
        """
        matrix = np.asarray(weight)
        if matrix.ndim != 2 or form.shape[-1:] != matrix.shape[1:]:
            raise ValueError(f"multiplies weights of shape {matrix.shape} with a tensor of shape {form.shape}")
        if form.size == matrix.shape[1]:
            result = apply(self._layering, form, matrix, (*form.shape[:-1], len(matrix)))
        else:
            places = tuple(size for size in form.shape[:-1] if size > 1)
            kernel = held(matrix).reshape(*matrix.shape, *(1,) * len(places))
            image = form.reshape((*places, form.shape[-1]))
            result = convolve(self._layering, image, kernel, channel_axis=-1).reshape((*form.shape[:-1], len(matrix)))
        return result if bias is None else result.plus(as_array(bias))

    def linear(self, form: Form, function: Callable[[Array], Array], operations: int = 0) -> Form:
        """Return a linear function of the tensor, as the matrix of its values on the unit tensors.

        `operations` is what one value costs beyond reading and writing.
        """
        matrix, shape = matrix_of(function, form.shape, self.account, operations)
        return apply(self._layering, form, matrix, shape)

    def conv(
        self, form: Form, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None, stride: PerAxis = 1,
        padding: Padding = 0, dilation: PerAxis = 1, groups: int = 1, channel_axis: int = 0,
    ) -> Form:  # fmt: skip
        """Return a convolution, as `Conv` describes it; zeros that a pad in front puts around become its padding."""
        result = convolve(self._layering, form, np.asarray(kernel), stride, padding, dilation, groups, channel_axis)
        return result if bias is None else result.plus(_along(as_array(bias), result.shape, channel_axis))

    def conv_transpose(
        self, form: Form, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None, stride: PerAxis = 1,
        padding: Padding = 0, dilation: PerAxis = 1, groups: int = 1, channel_axis: int = 0,
        output_padding: PerAxis = 0,
    ) -> Form:  # fmt: skip
        """Return a transposed convolution; `kernel` has shape (channels in, channels out / groups, size, ...).

        It is the convolution, with the kernel flipped, of the image with zeros between its entries.
        """
        result = convolve_transposed(
            self._layering,
            form,
            np.asarray(kernel, dtype=np.float64),
            stride,
            padding,
            dilation,
            groups,
            channel_axis,
            output_padding,
        )
        return result if bias is None else result.plus(_along(as_array(bias), result.shape, channel_axis))

    # -- arithmetic ----------------------------------------------------------------------------------------------------
    def add(self, a: Form, b: Form) -> Form:
        """Return the sum, broadcast."""
        return total([a, b])

    def subtract(self, a: Form, b: Form) -> Form:
        """Return the difference, broadcast."""
        return total([a, b.times(np.asarray(-1.0))])

    def scale(self, form: Form, factor: npt.ArrayLike) -> Form:
        """Return the product with a constant, broadcast."""
        return form.times(np.asarray(factor, dtype=np.float64))

    def divide(self, form: Form, divisor: npt.ArrayLike) -> Form:
        """Return the quotient by a constant, broadcast."""
        return form.over(np.asarray(divisor, dtype=np.float64))

    def shift(self, form: Form, constant: npt.ArrayLike) -> Form:
        """Return the sum with a constant, broadcast."""
        return form.plus(np.asarray(constant, dtype=np.float64))

    # -- views ---------------------------------------------------------------------------------------------------------
    def reshape(self, form: Form, shape: Sequence[int]) -> Form:
        """Return the same entries in C order in another shape."""
        return form.reshape(shape)

    def transpose(self, form: Form, axes: Sequence[int]) -> Form:
        """Return the tensor with its axes in another order, as numpy.transpose."""
        return form.transpose(axes)

    def take(self, form: Form, index: Index) -> Form:
        """Return the entries at flat positions `index`, in its shape, and 0 where it is -1."""
        return form.take(index)

    def concat(self, forms: Sequence[Form], axis: int) -> Form:
        """Return tensors joined along an axis."""
        return join(list(forms), axis)

    def pad(self, form: Form, pairs: Iterable[tuple[int, int]]) -> Form:
        """Return the tensor with zeros before and after every axis; negative numbers cut entries off."""
        return form.pad(pairs)

    def broadcast(self, form: Form, shape: Sequence[int]) -> Form:
        """Return the tensor repeated to a shape, as numpy.broadcast_to."""
        return form.broadcast(tuple(shape))


def _along(values: Array, shape: Shape, channel_axis: int) -> Array:
    if values.shape != (shape[channel_axis],):
        raise ValueError(f"has biases of shape {values.shape} for {shape[channel_axis]} channels")
    return values.reshape(-1, *(1,) * (len(shape) - 1)) if channel_axis == 0 else values
