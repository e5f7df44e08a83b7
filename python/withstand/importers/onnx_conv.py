# SPDX-License-Identifier: MIT
"""Convolution and average pooling as the dense matrices they are: one row per output entry.

The networks of this package are dense, so a convolution costs its full matrix; the budget limits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .affine import Affine
from .budget import Account, extent
from .layers import Array
from .onnx_node import Node

__all__ = ["average_pool", "conv", "global_average_pool"]


@dataclass(frozen=True)
class _Window:
    """How a kernel moves: sizes, strides and dilations per spatial axis, padding as (before, after) pairs."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, node: Node, kernel: Sequence[int], spatial: tuple[int, ...]) -> _Window:
        rank = len(spatial)
        strides = tuple(node.attribute("strides") or (1,) * rank)
        dilations = tuple(node.attribute("dilations") or (1,) * rank)
        pads = node.attribute("pads") or (0,) * (2 * rank)
        padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
        if min(*strides, *dilations, 1) < 1 or min(pads) < 0:
            raise ValueError(f"has strides {strides}, dilations {dilations} and pads {list(pads)}")
        automatic = (node.attribute("auto_pad") or b"NOTSET").decode()
        if automatic not in ("NOTSET", "SAME_LOWER", "SAME_UPPER", "VALID"):
            raise ValueError(f"has the auto_pad '{automatic}'")
        if automatic.startswith("SAME"):
            sizes = zip(spatial, kernel, strides, dilations, strict=True)
            padding = tuple(_same(*size, late=automatic == "SAME_UPPER") for size in sizes)
        elif automatic == "VALID":
            padding = ((0, 0),) * rank
        return cls(tuple(kernel), strides, dilations, padding)

    def views(self, shape: tuple[int, ...], account: Account) -> list[tuple[tuple[int, ...], NDArray[np.intp]]]:
        """Return for every cell of the kernel the input entry that each output position meets, -1 in padding.

        `shape` is (channels, *spatial); the entries have shape (channels, *output positions).
        """
        padded = (size + sum(pads) for size, pads in zip(shape[1:], self.padding, strict=True))
        account.array(extent((shape[0], *padded)), copies=2)
        account.steps(extent(self.kernel))
        entries = np.arange(int(np.prod(shape)), dtype=np.intp).reshape(shape)
        entries = np.pad(entries, ((0, 0), *self.padding), constant_values=-1)
        axes = list(zip(entries.shape[1:], self.kernel, self.strides, self.dilations, strict=True))
        outputs = [(size - (kernel - 1) * dilation - 1) // stride + 1 for size, kernel, stride, dilation in axes]
        if min(outputs) < 1:
            raise ValueError(f"has a kernel of {self.kernel} larger than the padded input {entries.shape[1:]}")
        views = []
        for cell in np.ndindex(*self.kernel):
            window = tuple(
                slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
                for at, count, stride, dilation in zip(cell, outputs, self.strides, self.dilations, strict=True)
            )
            views.append((cell, entries[(slice(None), *window)]))
        return views


def conv(node: Node, tensor: Affine, constants: list[Array]) -> Affine:
    """Return a convolution over a tensor of shape (1, channels, *spatial), with groups."""
    kernels = constants[0]
    group = node.attribute("group", 1)
    shape = _image(tensor)
    if shape[0] != kernels.shape[1] * group or len(kernels) % group or kernels.ndim != len(shape) + 1:
        raise ValueError(f"has kernels {kernels.shape} in {group} groups on a tensor of shape {tensor.shape}")
    if tuple(node.attribute("kernel_shape") or kernels.shape[2:]) != kernels.shape[2:]:
        raise ValueError(f"has kernels {kernels.shape}, but declares the kernel {node.attribute('kernel_shape')}")
    views = _Window.of(node, kernels.shape[2:], shape[1:]).views(shape, tensor.account)
    positions = views[0][1].shape[1:]
    outputs, count = len(kernels), int(np.prod(positions))
    tensor.account.matrix(outputs * count, tensor.size)
    tensor.account.steps(len(views) * shape[0])
    # One column more than there are inputs: padding is entry -1, the last, and is dropped at the end.
    matrix = np.zeros((group, outputs // group, count, tensor.size + 1))
    for cell, entries in views:
        at: tuple[slice | int, ...] = (slice(None), slice(None), *cell)
        cells = kernels[at].reshape(group, outputs // group, -1)
        for g, channels in enumerate(entries.reshape(group, -1, count)):
            for channel, reached in enumerate(channels):
                matrix[g, :, np.arange(count), reached] = cells[g, :, channel]
    result = tensor.apply(matrix.reshape(outputs * count, -1)[:, :-1], (1, outputs, *positions))
    return result.plus(constants[1].reshape(-1, *(1 for _ in positions))) if len(constants) > 1 else result


def average_pool(node: Node, tensor: Affine) -> Affine:
    """Return the mean over a moving window, per channel."""
    if node.attribute("ceil_mode", 0):
        raise ValueError("rounds its output size up (ceil_mode=1), supported is rounding down")
    shape = _image(tensor)
    views = _Window.of(node, node.attribute("kernel_shape"), shape[1:]).views(shape, tensor.account)
    rows = views[0][1].size
    tensor.account.matrix(rows, tensor.size, copies=2)
    matrix = np.zeros((rows, tensor.size + 1))
    for _, entries in views:
        matrix[np.arange(rows), entries.reshape(-1)] = 1.0
    matrix = matrix[:, :-1]
    cells = len(views) if node.attribute("count_include_pad", 0) else matrix.sum(axis=1, keepdims=True)
    return tensor.apply(matrix / cells, (1, *views[0][1].shape))


def global_average_pool(tensor: Affine) -> Affine:
    """Return the mean of each channel."""
    spatial = tuple(range(2, len(tensor.shape)))
    return tensor.linear(lambda entries: np.mean(entries, axis=spatial, keepdims=True))


def _image(tensor: Affine) -> tuple[int, ...]:
    if len(tensor.shape) < 3 or tensor.shape[0] != 1:
        raise ValueError(f"needs a tensor of shape (1, channels, ...), not {tensor.shape}")
    return tensor.shape[1:]


def _same(size: int, kernel: int, stride: int, dilation: int, *, late: bool) -> tuple[int, int]:
    """Return the padding that makes the output ceil(size / stride) long, an odd one late or early."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if late else (large, small)
