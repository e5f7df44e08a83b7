# SPDX-License-Identifier: MIT
"""Reads `.nnet` text files: ReLU networks with their normalisation in the header."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from .affine import Affine
from .errors import UnsupportedModel
from .layers import Array, Layers, Phi
from .stack import Stack

__all__ = ["read_nnet"]


def read_nnet(path: Path) -> Layers:
    """Read a network from a `.nnet` file.

    The header's normalisation is folded in: inputs and outputs are in the units of the application. The
    format clips inputs to the box of its header, which is kept as `Layers.input_box`.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    UnsupportedModel
        If the file is truncated, too long, or holds something other than the numbers its header announces.
    """
    numbers = _Numbers(path)
    depth, inputs, outputs, _ = numbers.integers("the sizes (layers, inputs, outputs, largest layer)", 4)
    widths = numbers.integers("the layer widths", depth + 1)
    if widths[0] != inputs or widths[-1] != outputs or min(widths) < 1:
        raise UnsupportedModel(f"announces {inputs} inputs and {outputs} outputs, but layers of widths {widths}")
    numbers.take("the unused flag", 1)
    lower, upper = numbers.take("the minima", inputs), numbers.take("the maxima", inputs)
    if not np.all(lower <= upper):
        raise UnsupportedModel(f"has an input box with minimum {lower} above maximum {upper}")
    means, ranges = numbers.take("the means", inputs + 1), numbers.take("the ranges", inputs + 1)
    if not np.all(ranges[:-1]):
        raise UnsupportedModel(f"has ranges {ranges[:-1]}, which must not be 0: inputs are divided by them")
    stack = Stack(inputs)
    tensor = Affine.identity(0, inputs, (inputs,)).plus(-means[:-1]).over(ranges[:-1])
    for layer, (fan_in, width) in enumerate(pairwise(widths), start=1):
        weights = numbers.take(f"the weights of layer {layer}", width * fan_in).reshape(width, fan_in)
        tensor = tensor.rmatmul(weights).plus(numbers.take(f"the biases of layer {layer}", width))
        if layer < depth:
            tensor = stack.push(tensor, Phi("relu"))
    numbers.end()
    return stack.finish([tensor.times(ranges[-1:]).plus(means[-1:])], (lower, upper))


class _Numbers:
    """The numbers of the file in order; commas, line ends and `//` comment lines only separate them."""

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise UnsupportedModel("is not a .nnet file: it is not text") from error
        text = ",".join(line for line in lines if not line.lstrip().startswith("//"))
        self.words = text.replace(",", " ").split()
        self.at = 0

    def take(self, what: str, count: int) -> Array:
        words = self.words[self.at : self.at + count]
        if len(words) < count:
            raise UnsupportedModel(f"ends inside {what}: {count} numbers needed, {len(words)} left")
        try:
            numbers = np.array([float(word) for word in words])
        except ValueError as error:
            raise UnsupportedModel(f"has text where {what} should be: {error}") from error
        if not np.all(np.isfinite(numbers)):
            raise UnsupportedModel(f"has {numbers[~np.isfinite(numbers)][0]} in {what}, numbers must be finite")
        self.at += count
        return numbers

    def integers(self, what: str, count: int) -> list[int]:
        numbers = self.take(what, count)
        if not np.all((numbers == np.floor(numbers)) & (numbers > 0)):
            raise UnsupportedModel(f"has {numbers.tolist()} for {what}, which must be positive whole numbers")
        return [int(number) for number in numbers]

    def end(self) -> None:
        left = len(self.words) - self.at
        if left:
            raise UnsupportedModel(f"goes on for {left} words after the last layer")
