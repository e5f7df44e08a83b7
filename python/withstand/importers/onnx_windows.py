# SPDX-License-Identifier: MIT
"""ONNX operators that move a window over an image: convolutions, and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from .form import Form
from .graph import GraphBuilder
from .onnx_node import Node, Value, constant, live

__all__ = ["WINDOW_OPS"]


@dataclass(frozen=True)
class _Moves:
    """How a window moves: strides and dilations per spatial axis, padding as (before, after) pairs."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, node: Node, window: Sequence[int], spatial: tuple[int, ...]) -> _Moves:
        rank = len(spatial)
        strides = tuple(node.attribute("strides") or (1,) * rank)
        dilations = tuple(node.attribute("dilations") or (1,) * rank)
        pads = node.attribute("pads") or (0,) * (2 * rank)
        if not len(strides) == len(dilations) == len(window) == rank or len(pads) != 2 * rank:
            raise ValueError(f"has a window {tuple(window)}, strides, dilations or pads for other than {rank} axes")
        if min(*strides, *dilations, *window, 1) < 1 or min(pads) < 0:
            raise ValueError(f"has strides {strides}, dilations {dilations} and pads {list(pads)}")
        padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
        automatic = (node.attribute("auto_pad") or b"NOTSET").decode()
        if automatic not in ("NOTSET", "SAME_LOWER", "SAME_UPPER", "VALID"):
            raise ValueError(f"has the auto_pad '{automatic}'")
        if automatic.startswith("SAME"):
            sizes = zip(spatial, window, strides, dilations, strict=True)
            padding = tuple(_same(*size, late=automatic == "SAME_UPPER") for size in sizes)
        elif automatic == "VALID":
            padding = ((0, 0),) * rank
        return cls(strides, dilations, padding)


def _conv(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image, kernel = _image(values[0]), constant(values[1])
    group = node.attribute("group", 1)
    if image.shape[0] != kernel.shape[1] * group or len(kernel) % group or kernel.ndim != len(image.shape) + 1:
        raise ValueError(f"has kernels {kernel.shape} in {group} groups on a tensor of shape {(1, *image.shape)}")
    _check_kernel(node, kernel.shape[2:])
    moves = _Moves.of(node, kernel.shape[2:], image.shape[1:])
    bias = constant(values[2]) if len(values) > 2 and values[2] is not None else None
    return _row(builder.conv(image, kernel, bias, moves.strides, moves.padding, moves.dilations, group))


def _conv_transpose(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image, kernel = _image(values[0]), constant(values[1])
    _check_kernel(node, kernel.shape[2:])
    if node.attribute("output_shape") or (node.attribute("auto_pad") or b"NOTSET") != b"NOTSET":
        raise ValueError("says its padding by output_shape or auto_pad, supported are pads and output_padding")
    moves = _Moves.of(node, kernel.shape[2:], image.shape[1:])
    bias = constant(values[2]) if len(values) > 2 and values[2] is not None else None
    more = tuple(node.attribute("output_padding") or (0,) * len(moves.strides))
    group = node.attribute("group", 1)
    return _row(
        builder.conv_transpose(
            image, kernel, bias, moves.strides, moves.padding, moves.dilations, group, output_padding=more
        )
    )


def _average_pool(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image, window = _image(values[0]), node.attribute("kernel_shape")
    moves = _Moves.of(node, window, image.shape[1:])
    padded, up = bool(node.attribute("count_include_pad", 0)), bool(node.attribute("ceil_mode", 0))
    pooled = builder.mean_pool(
        image, window, moves.strides, moves.padding, count_include_pad=padded, ceil=up, dilation=moves.dilations
    )
    return _row(pooled)


def _max_pool(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image, window = _image(values[0]), node.attribute("kernel_shape")
    if sum(map(bool, node.proto.output)) > 1:
        raise ValueError("makes the indices of the maxima, supported are their values alone")
    moves, up = _Moves.of(node, window, image.shape[1:]), bool(node.attribute("ceil_mode", 0))
    name = node.name
    return _row(builder.max_pool(image, window, moves.strides, moves.padding, moves.dilations, ceil=up, name=name))


def _global_average(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image = _image(values[0])
    return _row(builder.mean(image, range(1, len(image.shape)), keepdims=True))


def _global_maximum(node: Node, values: list[Value], builder: GraphBuilder) -> Form:
    image = _image(values[0])
    return _row(builder.largest(image, range(1, len(image.shape)), keepdims=True, name=node.name))


WINDOW_OPS: Final[dict[str, Callable[[Node, list[Value], GraphBuilder], Form]]] = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_maximum,
    "MaxPool": _max_pool,
}


def _image(value: Value) -> Form:
    """Return a tensor of shape (1, channels, ...) without its leading axis."""
    form = live(value)
    if len(form.shape) < 3 or form.shape[0] != 1:
        raise ValueError(f"needs a tensor of shape (1, channels, ...), not {form.shape}")
    return form.reshape(form.shape[1:])


def _row(form: Form) -> Form:
    return form.reshape((1, *form.shape))


def _check_kernel(node: Node, window: tuple[int, ...]) -> None:
    declared = tuple(node.attribute("kernel_shape") or window)
    if declared != window:
        raise ValueError(f"has kernels of size {window}, but declares the kernel {declared}")


def _same(size: int, window: int, stride: int, dilation: int, *, late: bool) -> tuple[int, int]:
    """Return the padding that makes the output ceil(size / stride) long, an odd one late or early."""
    total = max((-(-size // stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if late else (large, small)
