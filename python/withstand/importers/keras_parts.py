# SPDX-License-Identifier: MIT
"""A Keras model as it runs: layers with their configurations and weights, called on tensors of earlier calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from .layers import Array

__all__ = ["Call", "Input", "Model", "Part", "Ref", "Writer", "ordered", "refs"]


class Ref(NamedTuple):
    """One of the tensors that a call makes; calls are known by keys."""

    call: Any
    tensor: int = 0


class Writer(NamedTuple):
    """The version of Keras that a model is of, and its backend, each empty where a file does not say."""

    version: str = ""
    backend: str = ""


UNKNOWN: Final = Writer()


@dataclass(frozen=True, eq=False)
class Part:
    """One layer of Keras, or one of its operations on tensors.

    Parameters
    ----------
    kind, name : str
        Its class and what the model calls it.
    config : dict
        As `get_config` gives it.
    weights : callable
        Gives its arrays in the order of `get_weights`; they are read when they are needed, one layer at a time.
    writer : Writer
        Whose functions it stands for.
    operation : bool
        Whether it is of `keras.ops`, where other classes have the names of layers.
    """

    kind: str
    name: str
    config: dict[str, Any]
    weights: Callable[[], list[Array]] = list
    writer: Writer = UNKNOWN
    operation: bool = False

    @property
    def where(self) -> str:
        """What refusals call it."""
        return f"{'operation' if self.operation else 'layer'} '{self.name}' ({self.kind})"


class Input(NamedTuple):
    """What a model reads: a shape with the batch axis, or None where it takes whatever it is given."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str = "float32"


@dataclass(frozen=True, eq=False)
class Call:
    """One run of a layer: its arguments are numbers, `Ref`s, and lists of such."""

    part: Part | Model
    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Model:
    """A Sequential or Functional model. The call `inputs` is the model's own arguments."""

    kind: str
    name: str
    inputs: tuple[Input, ...]
    calls: dict[Hashable, Call]
    outputs: tuple[Ref, ...]

    @property
    def where(self) -> str:
        """What refusals call it."""
        return f"layer '{self.name}' ({self.kind})"


def refs(arguments: Any) -> Iterator[Ref]:
    """Return the tensors among arguments, in order."""
    if isinstance(arguments, Ref):
        yield arguments
    elif isinstance(arguments, list | tuple):
        for each in arguments:
            yield from refs(each)
    elif isinstance(arguments, dict):
        yield from refs(list(arguments.values()))


def ordered(model: Model) -> list[Hashable]:
    """Return the calls that the outputs depend on, each behind those that it reads.

    Raises
    ------
    ValueError
        If a call depends on itself, or reads one that the model does not have.
    """
    done: dict[Hashable, bool] = {"inputs": True}
    order: list[Hashable] = []
    stack = [ref.call for ref in reversed(model.outputs)]
    while stack:
        key = stack[-1]
        if key in done:
            stack.pop()
            if not done[key]:
                done[key] = True
                order.append(key)
            continue
        if key not in model.calls:
            raise ValueError(f"{model.where} reads {key}, which it does not have")
        done[key] = False
        call = model.calls[key]
        read = [ref.call for ref in refs([call.arguments, call.keywords])]
        if any(not done.get(other, True) for other in read):
            raise ValueError(f"{call.part.where}: reads what itself makes")
        stack += [other for other in reversed(read) if other not in done]
    return order
