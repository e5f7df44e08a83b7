# SPDX-License-Identifier: MIT
"""Where the files of Keras keep the weights of each layer, in HDF5."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from .layers import Array, as_array

__all__ = ["ArchiveWeights", "LegacyWeights", "Weights"]


class Weights(Protocol):
    """The weights of a model's layers, which are asked for in the order in which the model lists them."""

    def layer(self, kind: str, name: str) -> Callable[[], list[Array]]:
        """Return what reads the arrays of the next layer."""

    def model(self, kind: str, name: str) -> Weights:
        """Return the weights inside the next layer, which is a model itself."""


class ArchiveWeights:
    """Of a `.keras` archive: layers are known by their class, and counted where a model has several of one."""

    def __init__(self, file: Any, path: str = "") -> None:
        self.file = file
        folder = "layers" if "layers" in file else "_layer_checkpoint_dependencies"  # of Keras 2.12
        self.path = f"{path}{folder}"
        self.used: Counter[str] = Counter()

    def layer(self, kind: str, name: str) -> Callable[[], list[Array]]:
        """Return what reads the arrays of the next layer."""
        path = self._next(kind)
        return lambda: self._arrays(path, name)

    def model(self, kind: str, name: str) -> Weights:
        """Return the weights inside the next layer, which is a model itself."""
        return ArchiveWeights(self.file, f"{self._next(kind)}/")

    def _next(self, kind: str) -> str:
        name = _snake_case(kind)
        count = self.used[name]
        self.used[name] += 1
        return f"{self.path}/{name}" + (f"_{count}" if count else "")

    def _arrays(self, path: str, name: str) -> list[Array]:
        variables = f"{path}/vars"
        if variables not in self.file:
            return []
        group = self.file[variables]
        written = group.attrs.get("name", name)
        if written != name:
            raise ValueError(f"has the weights of a layer '{written}' in its place in the file ({path})")
        return [_array(group[str(n)], f"{variables}/{n}") for n in range(len(group))]


class LegacyWeights:
    """Of an `.h5` file: groups named as the model's layers; one has all arrays of a model that is a layer."""

    def __init__(self, group: Any, inside: bool = False) -> None:
        self.group = group
        self.inside = inside

    def layer(self, kind: str, name: str) -> Callable[[], list[Array]]:
        """Return what reads the arrays of a layer."""
        if self.inside:
            return lambda: self._named(name)
        return lambda: self._read(name, _names(self.group[name], "weight_names")) if name in self.group else []

    def model(self, kind: str, name: str) -> Weights:
        """Return the weights inside a layer, which is a model itself."""
        return self if self.inside else LegacyWeights(self.group[name], inside=True)

    def _named(self, name: str) -> list[Array]:
        """Return the arrays of a layer by its name, which is the last but one part of theirs."""
        paths = [path for path in _names(self.group, "weight_names") if path.split("/")[-2:-1] == [name]]
        last = [path.split("/")[-1] for path in paths]
        if len(set(last)) < len(last):
            raise ValueError(f"is one of several layers with this name in one model of the file: {', '.join(paths)}")
        return [_array(self.group[path], path) for path in paths]

    def _read(self, name: str, paths: list[str]) -> list[Array]:
        return [_array(self.group[name][path], path) for path in paths]


def _names(group: Any, attribute: str) -> list[str]:
    """Return a list of names, which stands in several attributes where it is long."""
    if attribute in group.attrs:
        names = list(group.attrs[attribute])
    else:
        names, part = [], 0
        while f"{attribute}{part}" in group.attrs:
            names += list(group.attrs[f"{attribute}{part}"])
            part += 1
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _array(dataset: Any, path: str) -> Array:
    kind = getattr(dataset, "dtype", None)
    if kind is None or kind.kind not in "fiu":
        raise ValueError(f"has no numbers at '{path}' of the file, but {kind or 'a group'}")
    return as_array(dataset[()])


def _snake_case(kind: str) -> str:
    """Return the name that Keras makes of a class."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
