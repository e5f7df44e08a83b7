# SPDX-License-Identifier: MIT
"""A study as a file: a network, what may fail of it, and questions, each a command with its options as keys."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from withstand._coerce import did_you_mean
from withstand.cli.parameters import InputFile, OutputFile
from withstand.cli.refusals import DidNotWork

#: Tables whose keys are options of every question that takes them.
SHARED = ("network", "inputs", "budgets", "seeds")
#: Commands that a study cannot ask: they are about other files, or about none.
_OTHERS = ("run", "check", "schema")
#: Keys of a question that are no options.
_OWN = ("ask", "name", "failures")


@dataclass(frozen=True)
class Place:
    """Where in the file something stands."""

    file: Path
    text: str
    table: str
    number: int = 0  # of tables of that name, from 0

    def refuse(self, key: str | None, message: str) -> click.UsageError:
        """Return the error about a key of the table, or about the table."""
        line = next(self._lines(key), None) or next(self._lines(None), None)
        where = f"{self.file}, line {line}" if line else str(self.file)
        named = f"{self.table}.{key}" if key and self.table else key or self.table
        return click.UsageError(f"{where}: {named}: {message}")

    def _lines(self, key: str | None) -> Iterator[int]:
        """Yield the lines of the table that set a key; without one, that of its head."""
        table, seen = "", -1
        for n, line in enumerate(self.text.splitlines(), start=1):
            head = re.match(r"\s*\[+\s*([^\[\]]*?)\s*\]", line)
            if head:
                table = head[1]
                seen += table == self.table
            inside = table == self.table and seen in (-1, self.number)
            whole = head is not None if self.table else True
            if inside and (whole if key is None else re.search(rf"(^|[\s{{,])[\"']?{re.escape(key)}[\"']?\s*=", line)):
                yield n


@dataclass(frozen=True)
class Question:
    """A command, its options, and where the file asks for it."""

    name: str
    command: str
    options: dict[str, Any]
    places: dict[str, Place]
    place: Place


@dataclass(frozen=True)
class Study:
    """What a file asks."""

    file: Path
    model: str
    questions: tuple[Question, ...]


def read(file: Path, commands: Mapping[str, click.Command]) -> Study:
    """Read a study, and refuse whatever it says that no command knows."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DidNotWork(f"{file}: is no text") from None
    content = _parsed(file, text)
    top = Place(file, text, "")
    known = (*SHARED, "failures", "questions")
    for key, value in content.items():
        if key not in known:
            raise top.refuse(key, f"is no table of a study, those are {', '.join(known)}{did_you_mean(key, known)}")
        if not isinstance(value, list if key == "questions" else dict):
            raise top.refuse(key, f"must be a table: write {'[[questions]]' if key == 'questions' else f'[{key}]'}")
    shared = {table: _options(content.get(table, {})) for table in SHARED}
    model = shared["network"].pop("model", None)
    if not isinstance(model, str):
        raise Place(file, text, "network").refuse("model", "names the network: a file, or an embedded network")
    asked = {name: command for name, command in commands.items() if name not in _OTHERS}
    for table, options in shared.items():
        _known(options, {key for command in asked.values() for key in options_of(command)}, Place(file, text, table))
    found = list(_questions(content, shared, asked, top))
    if not found:
        raise top.refuse("questions", "a study asks something: add a table [[questions]]")
    return Study(file, model, tuple(found))


def options_of(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by the keys that a study gives them by: all their long names."""
    named = {name[2:]: p for p in command.params if isinstance(p, click.Option) for name in p.opts if name[:2] == "--"}
    return {key: option for key, option in named.items() if key not in ("json", "help")}


def arguments(question: Question, command: click.Command, results: Path) -> list[str]:
    """Return the question's options as the command line takes them; files are beside the study, or in its results."""
    known, words = options_of(command), []
    for key, value in question.options.items():
        place, option = question.places[key], known[key]
        if option.is_flag:
            if not isinstance(value, bool):
                raise place.refuse(key, f"must be true or false, got {value!r}")
            words += [f"--{key}"] * value
            continue
        if isinstance(value, bool) or not isinstance(value, (str, int, list)):
            raise place.refuse(key, f"must be a number, a text or a list of them, got {value!r}")
        parts = [_word(part, key, place) for part in value] if isinstance(value, list) else [_word(value, key, place)]
        if isinstance(option.type, InputFile):
            parts = [str(place.file.parent / part) for part in parts]
        if isinstance(option.type, OutputFile):
            parts = [str(results / part) for part in parts]
        words += [f"--{key}={part}" for part in (parts if option.multiple else [",".join(parts)])]
    return words


def _parsed(file: Path, text: str) -> dict[str, Any]:
    """Return the tables; decimals stay the texts that they are."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise DidNotWork('a study needs tomli before Python 3.11: pip install "withstand[cli]"') from None
    try:
        return tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{file}: {error}") from None


def _questions(content: dict[str, Any], shared: dict[str, dict[str, Any]], commands: Mapping[str, click.Command],
               top: Place) -> Iterator[Question]:  # fmt: skip
    failures: dict[str, Any] = content.get("failures", {})
    for number, table in enumerate(content.get("questions", [])):
        place = Place(top.file, top.text, "questions", number)
        if not isinstance(table, dict):
            raise top.refuse("questions", "must be tables: write [[questions]]")
        name = table.get("ask")
        if not isinstance(name, str) or name not in commands:
            like = did_you_mean(str(name), commands)
            raise place.refuse("ask", f"is the command to run, one of {', '.join(commands)}, got {name!r}{like}")
        own = _options({key: value for key, value in table.items() if key not in _OWN})
        known = options_of(commands[name])
        _known(own, known, place)
        options: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for source, given in shared.items():
            for key, value in given.items():
                decided = key == "epsilon" and ("argmax" in own or "argmin" in own)  # another meaning of harm
                if key in known and not decided:
                    options[key], places[key] = value, Place(top.file, top.text, source)
        options.update(own)
        places.update(dict.fromkeys(own, place))
        title = str(table.get("name", f"{number + 1} {name}"))
        for kind in _kinds(table, own, known, failures, place):
            if kind is None:
                yield Question(title, name, options, places, place)
                continue
            given = _options(failures[kind])
            where = _of_failures(top, kind)
            _known(given, known, where)
            yield Question(f"{title}: {kind}", name, {**options, **given},
                           {**places, **dict.fromkeys(given, where)}, place)  # fmt: skip


def _kinds(table: dict[str, Any], own: dict[str, Any], known: Mapping[str, Any], failures: dict[str, Any],
           place: Place) -> list[str | None]:  # fmt: skip
    """Return of which of the named failures a question asks; None where it asks of none of these, or of no names."""
    if "failures" not in table:
        takes = {key for given in failures.values() if isinstance(given, dict) for key in given}
        every = "weight-crash" in known and not takes & set(own)
        return [*failures] if every and failures else [None]
    names = table["failures"] if isinstance(table["failures"], list) else [table["failures"]]
    for name in names:
        if name not in failures or not isinstance(failures[name], dict):
            like = did_you_mean(str(name), failures)
            raise place.refuse("failures", f"{name!r} is no table [failures.{name}] of this study{like}")
    return list(names) or [None]


def _of_failures(top: Place, kind: str) -> Place:
    """Return where failures are named: in a table of their own, or on a line of the table of all."""
    own = Place(top.file, top.text, f"failures.{kind}")
    return own if next(own._lines(None), None) else Place(top.file, top.text, "failures")


def _options(table: Any) -> dict[str, Any]:
    """Return the keys as the options spell them."""
    return {key.replace("_", "-"): value for key, value in table.items()} if isinstance(table, dict) else {}


def _known(options: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
    known = set(known)
    for key in options:
        if key not in known:
            raise place.refuse(key, f"there is no option --{key}{did_you_mean(key, known)}")


def _word(value: Any, key: str, place: Place) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise place.refuse(key, f"must hold numbers or texts, got {value!r}")
    return str(value)
