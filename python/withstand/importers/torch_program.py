# SPDX-License-Identifier: MIT
"""A program of ATen operators as plain data: what torch.export makes of a module, or what a .pt2 file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from numpy.typing import NDArray

__all__ = ["MUTATIONS", "Constant", "Node", "Program", "Ref", "Shape"]

Shape: TypeAlias = tuple[int, ...]

#: What a program may do besides returning outputs, by torch's names, and what is said of it. A changed input is the
#: caller's, and no output depends on it.
MUTATIONS: Final = {
    "BUFFER_MUTATION": "changes its buffer '{}' whenever it runs, so its outputs may depend on earlier calls",
    "PARAMETER_MUTATION": "changes its parameter '{}' whenever it runs, so its outputs may depend on earlier calls",
}


@dataclass(frozen=True)
class Ref:
    """A value by name: an input, a constant, or what an earlier node returns."""

    name: str


@dataclass(frozen=True)
class Node:
    """One call of an operator.

    Parameters
    ----------
    name : str
        What messages call it.
    op : str
        The operator and its overload, as "conv2d.default"; of another library than ATen, with the library's name.
    arguments : dict
        By the names of the operator's schema; those that are left out have the schema's defaults.
    outputs : tuple of str
        Names of what it returns; more than one where it returns a tuple or a list.
    place : str
        The module that calls it, by its path in the model, or empty.
    """

    name: str
    op: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True)
class Constant:
    """A parameter, buffer or other tensor that the program holds; read when it is needed."""

    path: str
    read: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class Program:
    """Inputs with their shapes, constants, calls in the order in which they run, and the names of the outputs."""

    inputs: tuple[tuple[str, Shape], ...]
    constants: Mapping[str, Constant]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
