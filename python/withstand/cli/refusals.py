# SPDX-License-Identifier: MIT
"""Whose fault it is: the command line's (exit code 2), or that of what it was asked to work with (exit code 4)."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import click

from _withstand_command.failing import FAILED, reason, tell
from withstand.cli.output import INTERRUPTED
from withstand.cli.saying import said_here

F = TypeVar("F", bound=Callable[..., Any])


class DidNotWork(click.ClickException):
    """What was asked properly and could not be done: a damaged file, a full disk, a missing library."""

    exit_code = FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it in one line, under the traceback where that is wanted."""
        tell(self.message, self.__cause__ or self)


@contextmanager
def naming(path: str | Path | None) -> Iterator[None]:
    """Put the file into errors of writing, which know no name."""
    try:
        yield
    except OSError as error:
        if error.filename is None and path is not None:
            error.filename = str(path)
        raise


@contextmanager
def working_with(path: str | Path | None) -> Iterator[None]:
    """Name the file in whatever goes wrong with it."""
    try:
        with naming(path):
            yield
    except click.ClickException:
        raise
    except Exception as error:
        said = reason(error)
        raise DidNotWork(said if path is None or str(path) in said else f"{path}: {said}") from error


def refusals_have_exit_codes(function: F) -> F:
    """Turn what the library raises into a message and an exit code.

    A refused argument is wrong usage; a refusal that names a file which an option gave is of that file. Everything else
    did not work.
    """

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except click.ClickException:
            raise
        except Exception as error:
            if type(error) in (ValueError, TypeError) and not _names_a_file(error, kwargs):
                raise click.UsageError(said_here(str(error))) from error
            raise DidNotWork(said_here(reason(error))) from error
        except KeyboardInterrupt:
            interrupted()

    return wrapper  # type: ignore[return-value]


def _names_a_file(error: Exception, options: dict[str, Any]) -> bool:
    files = (options.get(name) for name in ("checkpoint", "certificate", "plot", "output"))
    return any(str(file) in str(error) for file in files if file is not None)


def interrupted(more: str | None = None) -> NoReturn:
    """End what Ctrl-C ended: no verdict."""
    say(f"interrupted: {more}" if more else "interrupted")
    sys.exit(INTERRUPTED)


def warn(message: Warning | str, *details: Any, **more: Any) -> None:
    """Say a warning of the library in one line."""
    say(" ".join(f"Warning: {message}".split()))


@contextmanager
def remembering(category: type[Warning]) -> Iterator[list[str]]:
    """Keep the warnings of a category for the end; others are said as they come."""
    told: list[str] = []

    def show(message: Warning | str, kind: type[Warning], *details: Any, **more: Any) -> None:
        if issubclass(kind, category):
            told.append(str(message))
        else:
            warn(message)

    with warnings.catch_warnings():
        warnings.simplefilter("always", category)
        warnings.showwarning = show  # type: ignore[assignment]  # catch_warnings puts the other one back
        yield told


def say(text: str) -> None:
    """Say something beside the answer, to whoever listens."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True)
