# SPDX-License-Identifier: MIT
"""Reads `.txt` controllers as Sherlock and POLAR write them, and the ARCH competition collects them."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph, GraphBuilder
from .layers import IDENTITY, Layers, Phi
from .regular import open_regular

__all__ = ["ACTIVATIONS", "read_controller"]

#: Activations by the names that Sherlock, POLAR, NNV and MATLAB have for them, in lower case.
ACTIVATIONS: Final = {
    **dict.fromkeys(("affine", "id", "identity", "linear", "purelin"), IDENTITY),
    **dict.fromkeys(("relu", "poslin"), Phi("relu")),
    **dict.fromkeys(("sigmoid", "logsig"), Phi("logistic")),
    **dict.fromkeys(("tanh", "tansig"), Phi("tanh")),
    "satlins": Phi("hard_tanh"),
}


def read_controller(path: Path, account: Account | None = None) -> Graph | Layers:
    """Read a controller: the counts of inputs, outputs and hidden layers, the widths of these, activations, weights.

    Weights come neuron by neuron, each followed by its bias. A file of Sherlock names no activations: all are ReLU,
    that of the outputs too. One of POLAR names each layer's, and ends with an offset of 0 and a factor of 1.

    Raises
    ------
    OSError
        If there is no such file, or it is no regular file.
    UnsupportedModel
        If the file is of neither form, damaged, or exceeds the budget.
    """
    account = account or Account()
    words = _words(path, account)
    if len(words) < 3:
        raise UnsupportedModel(
            f"ends inside its first three numbers, those of inputs, outputs and hidden layers: {words}"
        )
    inputs, outputs, depth = (_count(word) for word in words[:3])
    if len(words) < 3 + depth:
        raise UnsupportedModel(f"ends inside the widths of {depth} hidden layers")
    widths = [inputs, *(_count(word) for word in words[3 : 3 + depth]), outputs]
    rest = words[3 + depth :]
    named = [word.lower() for word in rest[: depth + 1] if word.lower() in ACTIVATIONS]
    if named and len(named) < depth + 1:
        raise UnsupportedModel(f"names {len(named)} activations for {depth + 1} layers")
    phis = [ACTIVATIONS[name] for name in named] or [Phi("relu")] * (depth + 1)
    return _built(widths, phis, _numbers(rest[len(named) :], widths, bool(named)), account)


def _built(widths: list[int], phis: list[Phi], numbers: np.ndarray, account: Account) -> Graph | Layers:
    build = GraphBuilder(account)
    form, at = build.input((widths[0],)), 0
    for number, (phi, (before, width)) in enumerate(zip(phis, pairwise(widths), strict=True), start=1):
        account.matrix(width, before + 1)
        rows = numbers[at : at + width * (before + 1)].reshape(width, before + 1)
        at += rows.size
        form = build.dense(form, np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, -1]))
        if phi is not IDENTITY:
            form = build.activate(form, phi, name=f"layer {number}")
    return build.finish([form], name=f"layer {len(phis)}")


def _numbers(words: list[str], widths: list[int], named: bool) -> np.ndarray:
    needed = sum(width * (before + 1) for before, width in pairwise(widths))
    if len(words) == needed + 2 and not named:
        raise UnsupportedModel(
            "ends with an offset and a factor, and names no activations: whoever wrote it gives them to the program "
            "that reads it; add one for each layer behind the widths, as 'ReLU' or 'tanh'"
        )
    if len(words) != needed + 2 * named:
        raise UnsupportedModel(f"has {len(words)} numbers behind its header, {needed + 2 * named} needed for {widths}")
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError as error:
        raise UnsupportedModel(f"has text where weights should be: {error}") from error
    if not np.all(np.isfinite(numbers)):
        raise UnsupportedModel("has weights that are not finite")
    if named and (numbers[-2], numbers[-1]) != (0.0, 1.0):
        raise UnsupportedModel(
            f"ends with the offset {numbers[-2]} and the factor {numbers[-1]}, which programs apply or ignore; "
            "supported are 0 and 1"
        )
    return numbers


def _words(path: Path, account: Account) -> list[str]:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        account.hold(size)
        account.store(64 * size)  # every word of it as a string
        try:
            return file.read().decode("ascii").replace(",", " ").split()
        except UnicodeDecodeError as error:
            raise UnsupportedModel("is not a controller: it is not text") from error


def _count(word: str) -> int:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not (number >= 1 and number == math.floor(number) and number < 2**31):
        raise UnsupportedModel(f"has {word[:100]!r} where a count should be: is not a controller of Sherlock or POLAR")
    return int(number)
