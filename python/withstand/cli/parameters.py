# SPDX-License-Identifier: MIT
"""The values that options take: counts, numbers that are numbers, files that can be read or written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from withstand._coerce import as_budget, did_you_mean
from withstand.cli.refusals import DidNotWork
from withstand.importers import SUFFIXES
from withstand.importers.embedded import EMBEDDED


def number(text: str) -> float:
    """Return the number that a text is; NaN is none."""
    value = float(text)
    if math.isnan(value):
        raise ValueError(f"{text!r} is no number")
    return value


class Number(click.FloatRange):
    """A number within bounds, never NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the number."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found


class Choice(click.Choice):  # type: ignore[type-arg]  # generic since click 8.2 only
    """One of some words; one that is none is told which are like it."""

    def __init__(self, known: Iterable[str]) -> None:
        super().__init__(list(known))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the word."""
        if value not in self.choices:
            known = ", ".join(map(str, self.choices))
            self.fail(f"{value!r} is none of {known}{did_you_mean(str(value), map(str, self.choices))}", param, ctx)
        return super().convert(value, param, ctx)


class EpsilonType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3 only
    """A budget as the library reads it, finite and at least 0: as the decimal it is, or as the nearest double."""

    name = "number"

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the number."""
        try:
            budget = as_budget(value)
            return value if self._exact else float(budget)
        except (ValueError, TypeError, OverflowError) as error:
            self.fail(str(error), param, ctx)


class TextType(click.ParamType):  # type: ignore[type-arg]
    """A value that is written in a notation of its own; a default may be the value itself."""

    def parsed(self, text: str) -> Any:
        """Return the value, or raise ValueError with what to say."""
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a text."""
        if not isinstance(value, str):
            return value
        try:
            return self.parsed(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PerLayerType(TextType):
    """One number for all layers, or one for each, with commas between them."""

    form: str

    def one(self, text: str) -> float:
        """Return one of the numbers."""
        return number(text)

    def parsed(self, text: str) -> Any:
        """Parse the numbers."""
        try:
            numbers = tuple(self.one(part) for part in text.split(","))
        except ValueError:
            raise ValueError(f"{text!r} is neither {self.form}") from None
        return numbers[0] if len(numbers) == 1 else numbers


class CountsType(PerLayerType):
    """A total count, or one count per layer: 2, or 2,1,0."""

    name, form = "counts", "a count nor counts per layer like 2,1,0"

    def one(self, text: str) -> int:
        """Return a count."""
        return int(text)


class CountsWithValue(TextType):
    """Counts and a number: 1:0.5, or 1,0:0.5."""

    name = "counts:number"

    def parsed(self, text: str) -> tuple[Any, float]:
        """Parse the counts and the number."""
        counts, _, amount = text.partition(":")
        try:
            value = number(amount)
        except ValueError:
            raise ValueError(f"{text!r} is not COUNTS:NUMBER, like 1:0.5") from None
        return CountsType().parsed(counts), value


def beside(path: str | os.PathLike[str]) -> list[str]:
    """Return the files in the folder of a path, as the path names them."""
    folder = os.path.dirname(os.fsdecode(path))
    try:
        with os.scandir(folder or ".") as entries:
            return [os.path.join(folder, entry.name) for entry in entries if entry.is_file()]
    except OSError:
        return []


class InputFile(click.Path):
    """A file that exists: not to find it is wrong usage, not to be able to read it is not."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, readable=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a pipe or a device could keep us waiting for ever."""
        if not os.path.lexists(value):
            self.fail(
                f"{os.fsdecode(value)}: no such file{did_you_mean(os.fsdecode(value), beside(value))}", param, ctx
            )
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.is_file():
            raise DidNotWork(f"{path}: not a regular file")
        return path


class Certificate(InputFile):
    """A certificate; a model in its place is told so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        name = os.fsdecode(value)
        found = None if name in EMBEDDED and not os.path.lexists(name) else super().convert(value, param, ctx)
        if found is None or (name.endswith(SUFFIXES) and not _is_json(found)):
            said = f"{name} is a model, and the certificate comes first: withstand check CERTIFICATE MODEL"
            self.fail(said, param, ctx)
        return found


def _is_json(path: Path) -> bool:
    with suppress(OSError):
        return path.read_bytes()[:1] == b"{"
    return True  # what cannot be read is told later


class OutputFile(click.Path):
    """A file to write: what can be known to fail fails before the work and not after it."""

    def __init__(self, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__(dir_okay=False, writable=False, path_type=Path)
        self._suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path if its folder is there and lets us write."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.name:
            self.fail("the name of a file is needed", param, ctx)
        if self._suffixes and path.suffix not in self._suffixes:
            self.fail(f"{path} is written as {', '.join(self._suffixes)}", param, ctx)
        if not path.parent.is_dir():
            raise DidNotWork(f"{path}: there is no folder {path.parent}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise DidNotWork(f"{path}: cannot be written here")
        return path
