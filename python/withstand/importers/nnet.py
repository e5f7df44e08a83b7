# SPDX-License-Identifier: MIT
"""Reads `.nnet` text files: ReLU networks with their normalisation in the header."""

from __future__ import annotations

import io
import math
import os
import warnings
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from .budget import Account
from .errors import UnsupportedModel
from .layers import Array, Layers, Phi
from .regular import open_regular
from .stack import Stack

__all__ = ["read_nnet"]

#: Lines of the header: sizes, widths, a flag, minima, maxima, means, ranges.
_HEADER: Final = 7


def read_nnet(path: Path, account: Account | None = None) -> Layers:
    """Read a network from a `.nnet` file.

    The header's normalisation is folded in: inputs and outputs are in the units of the application. The
    format clips inputs to the box of its header, which is kept as `Layers.input_box`; one whose minima lie above its
    maxima, or that is a single point, is left out with a warning.

    Parameters
    ----------
    path : pathlib.Path
    account : Account, optional
        What reading may compute.

    Raises
    ------
    OSError
        If there is no such file, or it is no regular file.
    UnsupportedModel
        If the file is truncated, too long, holds something other than the numbers its header announces, or
        exceeds the budget.
    """
    account = account or Account()
    numbers = _Numbers(path, account)
    depth, widths = _sizes(numbers)
    inputs = widths[0]
    numbers.take("the unused flag", 1)
    box, means, ranges = _normalisation(numbers, inputs)
    stack = Stack(inputs, account)
    tensor = stack.inputs((inputs,)).plus(-means[:-1]).over(ranges[:-1])
    for layer, (fan_in, width) in enumerate(pairwise(widths), start=1):
        weights = numbers.take(f"the weights of layer {layer}", width * fan_in).reshape(width, fan_in)
        biases = numbers.take(f"the biases of layer {layer}", width)
        try:
            tensor = tensor.rmatmul(weights).plus(biases)
            if layer < depth:
                tensor = stack.push(tensor, Phi("relu"), f"layer {layer}")
        except ValueError as error:
            raise UnsupportedModel(f"layer {layer} {error}") from error
    numbers.end()
    return stack.finish([tensor.times(ranges[-1:]).plus(means[-1:])], f"layer {depth}", box)


def _sizes(numbers: _Numbers) -> tuple[int, list[int]]:
    """Return the number of layers, which some programs write alone in its line, and the widths."""
    if numbers.line() == 1:
        (depth,) = numbers.integers("the number of layers", 1)
        return depth, numbers.integers("the layer widths", depth + 1)
    depth, inputs, outputs, _ = numbers.integers("the sizes (layers, inputs, outputs, largest layer)", 4)
    widths = numbers.integers("the layer widths", depth + 1)
    if widths[0] != inputs or widths[-1] != outputs:
        raise UnsupportedModel(f"announces {inputs} inputs and {outputs} outputs, but layers of widths {widths}")
    return depth, widths


def _normalisation(numbers: _Numbers, inputs: int) -> tuple[tuple[Array, Array] | None, Array, Array]:
    """Return the box of the inputs, if it is one, and the means and ranges of inputs and outputs.

    Some programs write a single 0 for each of the four where networks read their inputs as they are.
    """
    if numbers.lines(4) == [1, 1, 1, 1] and not np.any(numbers.peek(4)):
        numbers.take("the normalisation", 4)
        return None, np.zeros(inputs + 1), np.ones(inputs + 1)
    lower, upper = numbers.take("the minima", inputs), numbers.take("the maxima", inputs)
    means, ranges = numbers.take("the means", inputs + 1), numbers.take("the ranges", inputs + 1)
    if not np.all(ranges[:-1]):
        raise UnsupportedModel(f"has ranges {ranges[:-1]}, which must not be 0: inputs are divided by them")
    if np.all(lower <= upper) and np.any(lower < upper):
        return (lower, upper), means, ranges
    warnings.warn(f"the input box, from {lower} to {upper}, is none, and is left out", stacklevel=2)
    return None, means, ranges


class _Numbers:
    """The numbers of the file in order; commas, line ends and `//` comment lines only separate them."""

    def __init__(self, path: Path, account: Account) -> None:
        self.numbers = array("d")
        self.ends = array("q")  # where each line of the header ends
        self.texts: dict[int, str] = {}  # the words that are no numbers, by their position
        with io.TextIOWrapper(open_regular(path), encoding="utf-8") as file:
            account.hold(os.fstat(file.fileno()).st_size)
            try:
                for line in file:
                    if not line.lstrip().startswith("//"):
                        self._add(line.replace(",", " ").split())
            except UnicodeDecodeError as error:
                raise UnsupportedModel("is not a .nnet file: it is not text") from error
        self.at = 0

    def _add(self, words: list[str]) -> None:
        for word in words:
            try:
                # What only Python takes for a number is damage: 1_0, or the digits of other scripts.
                self.numbers.append(float(word) if word.isascii() and "_" not in word else float("none"))
            except ValueError:
                self.texts[len(self.numbers)] = word
                self.numbers.append(math.nan)
        if words and len(self.ends) < _HEADER:
            self.ends.append(len(self.numbers))

    def line(self) -> int:
        """Return how many numbers the line holds that begins here, 0 where none does, or it is behind the header."""
        (count,) = self.lines(1)
        return count

    def lines(self, count: int) -> list[int]:
        """Return that of so many lines from here on."""
        begins = [0, *self.ends]
        if self.at not in begins[:-1]:
            return [0] * count
        first = begins.index(self.at)
        found = [end - start for start, end in pairwise(begins[first : first + count + 1])]
        return found + [0] * (count - len(found))

    def peek(self, count: int) -> list[float]:
        """Return the next numbers, and stay in front of them."""
        return list(self.numbers[self.at : self.at + count])

    def take(self, what: str, count: int) -> Array:
        left = len(self.numbers) - self.at
        if left < count:
            raise UnsupportedModel(f"ends inside {what}: {count} numbers needed, {left} left")
        numbers = np.array(self.numbers[self.at : self.at + count], dtype=np.float64)
        if not np.all(np.isfinite(numbers)):
            first = int(np.argmin(np.isfinite(numbers)))
            text = self.texts.get(self.at + first)
            if text is not None:
                raise UnsupportedModel(f"has text where {what} should be: {text[:100]!r}")
            raise UnsupportedModel(f"has {numbers[first]} in {what}, numbers must be finite")
        self.at += count
        return numbers

    def integers(self, what: str, count: int) -> list[int]:
        numbers = self.take(what, count)
        if not np.all((numbers == np.floor(numbers)) & (numbers > 0)):
            raise UnsupportedModel(f"has {numbers.tolist()} for {what}, which must be positive whole numbers")
        return [int(number) for number in numbers]

    def end(self) -> None:
        left = len(self.numbers) - self.at
        if left:
            raise UnsupportedModel(f"goes on for {left} words after the last layer")
