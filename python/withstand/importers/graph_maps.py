# SPDX-License-Identifier: MIT
"""Matrices and convolutions of forms: composed where the product is again one map, else behind a wire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from withstand.model.held import empty, held
from withstand.model.maps import Conv, Padding, PerAxis

from .form import Form, Index, Term, arrange
from .form_sum import total
from .graph_layers import Layering, Shape
from .layers import Array

__all__ = ["apply", "convolve", "convolve_transposed"]


def apply(layering: Layering, form: Form, matrix: NDArray[Any], shape: Shape) -> Form:
    """`matrix`, of any precision, times the tensor, flattened in C order; the result has the given shape."""
    account = form.account
    account.matrix(len(matrix), form.size)
    if not _composes(layering, form):
        form = layering.wire(form)
    parts = []
    for term in form.terms:
        weights = _product(layering, term, matrix, form)
        parts.append(Form(shape, (Term(term.source, weights),), account, closed=form.closed))
    result = total(parts)
    if form.shift is None:
        return result
    return replace(result, shift=(matrix @ form.shift.reshape(-1)).reshape(shape))


def _composes(layering: Layering, form: Form) -> bool:
    """Whether the matrix's columns fall apart by what they read, so that no parameter is stored twice."""
    if len(form.terms) == 1:
        (term,) = form.terms
        linear = isinstance(term.map, np.ndarray) and layering.linear_may_fail
        return not (isinstance(term.map, Conv) or linear)
    return form.is_light and form.is_apart()


def _product(layering: Layering, term: Term, matrix: NDArray[Any], form: Form) -> Array:
    """The weights with which `matrix` times a term's part of a form reads the term's source."""
    account, rows = form.account, len(matrix)
    width = math.prod(layering.shape(term.source))
    account.matrix(rows, width)
    columns = matrix if term.scale is None else matrix * term.scale.reshape(-1)
    if isinstance(term.map, np.ndarray):
        account.matrix(form.size, width)
        account.work(2 * rows * form.size * width)
        return np.asarray(columns @ replace(term, scale=None).rows())
    index = arrange(term.index, width)
    if index is None:
        return held(columns)
    flat = index.reshape(-1)
    read = flat >= 0
    if not np.all(read):
        flat, columns = flat[read], columns[:, read]
    block = empty(rows, width)
    product = block.room
    product[...] = 0.0
    if np.bincount(flat, minlength=1).max() <= 1:  # numpy.unique would import numpy.ma
        product[:, flat] = columns
    else:
        np.add.at(product.T, flat, columns.T)
    return block.array


def convolve(
    layering: Layering,
    form: Form,
    kernel: Array,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    channel_axis: int = 0,
) -> Form:
    """Return a convolution; one that meets its whole image in one place is the matrix that it is."""
    conv = Conv(kernel, stride, padding, dilation, groups, channel_axis)
    shape = conv.shape(form.shape)
    form.account.array(math.prod(shape), copies=2)
    if _is_matrix(conv, form.shape, shape):
        flat = conv.kernel if channel_axis == 0 else np.moveaxis(conv.kernel, 1, -1)
        return apply(layering, form, flat.reshape(len(kernel), -1), shape)
    form, conv = _unpadded(layering, form, conv)
    if not layering.is_plain(form):
        form = layering.wire(form)
    return Form(shape, (Term(form.terms[0].source, conv),), form.account, closed=form.closed)


def _is_matrix(conv: Conv, image: Shape, result: Shape) -> bool:
    places = image[1:] if conv.channel_axis == 0 else image[:-1]
    padded = any(map(any, conv.padding))
    return conv.groups == 1 and math.prod(result) == len(conv.kernel) and not padded and conv.kernel.shape[2:] == places


def _unpadded(layering: Layering, form: Form, conv: Conv) -> tuple[Form, Conv]:
    """Return the image without the zeros around it, and the convolution with them in its padding."""
    (term, *more) = form.terms
    source = layering.shape(term.source)
    if more or term.map is not None or term.index is None or len(source) != len(form.shape):
        return form, conv
    inside = term.index >= 0
    if np.all(inside) or not np.any(inside) or (form.shift is not None and np.any(form.shift[~inside])):
        return form, conv
    places = np.argwhere(inside)
    corner, end = places.min(axis=0), places.max(axis=0) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(corner, end))
    pads = [(int(a), size - int(b)) for a, b, size in zip(corner, end, form.shape)]
    image, channels = (pads[1:], pads[0]) if conv.channel_axis == 0 else (pads[:-1], pads[-1])
    if not np.all(inside[box]) or channels != (0, 0):
        return form, conv
    both = [(a + c, b + d) for (a, b), (c, d) in zip(image, conv.padding)]
    positions = form.positions()[box]
    return form.take(positions), Conv(conv.kernel, conv.stride, both, conv.dilation, conv.groups, conv.channel_axis)


def convolve_transposed(
    layering: Layering,
    form: Form,
    kernel: Array,
    stride: PerAxis,
    padding: Padding,
    dilation: PerAxis,
    groups: int,
    channel_axis: int,
    output_padding: PerAxis,
) -> Form:
    """Return a transposed convolution: zeros between the entries, and the kernel flipped and its channels swapped."""
    swapped = _swapped(kernel, groups)
    own = Conv(swapped, stride, padding, dilation, groups, channel_axis)  # reads the numbers per axis
    axes = len(own.stride)
    more = tuple(output_padding) if isinstance(output_padding, Sequence) else (output_padding,) * axes
    if len(form.shape) != axes + 1 or form.shape[channel_axis] != own.channels[0]:
        raise ValueError(f"has a kernel of shape {kernel.shape} in {groups} groups on a tensor of shape {form.shape}")
    positions = np.moveaxis(form.positions(), channel_axis, 0)
    spread = [(size - 1) * step + 1 for size, step in zip(positions.shape[1:], own.stride)]
    form.account.array(len(positions) * math.prod(spread))
    index = np.full((len(positions), *spread), -1, dtype=np.int32)
    index[(slice(None), *(slice(None, None, step) for step in own.stride))] = positions
    ends = [
        ((size - 1) * reach - before, (size - 1) * reach - after + int(extra))
        for size, reach, (before, after), extra in zip(kernel.shape[2:], own.dilation, own.padding, more)
    ]
    cut, pads = _cut(index, ends)
    image = form.take(np.moveaxis(cut, 0, channel_axis))
    return convolve(layering, image, swapped, 1, pads, own.dilation, groups, channel_axis)


def _cut(index: Index, ends: Sequence[tuple[int, int]]) -> tuple[Index, list[tuple[int, int]]]:
    """Cut off what negative padding takes away; return the rest and the padding that is left."""
    slices = [slice(max(-a, 0), size - max(-b, 0)) for size, (a, b) in zip(index.shape[1:], ends)]
    cut = index[(slice(None), *slices)]
    if 0 in cut.shape:
        raise ValueError("cuts off more than there is")
    return cut, [(max(a, 0), max(b, 0)) for a, b in ends]


def _swapped(kernel: Array, groups: int) -> Array:
    if kernel.ndim < 3 or groups < 1 or len(kernel) % groups:
        raise ValueError(f"has a kernel of shape {kernel.shape} in {groups} groups")
    own = kernel.reshape(groups, len(kernel) // groups, *kernel.shape[1:])
    own = np.swapaxes(own, 1, 2).reshape(groups * kernel.shape[1], -1, *kernel.shape[2:])
    return np.flip(own, tuple(range(2, kernel.ndim)))
