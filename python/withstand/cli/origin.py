# SPDX-License-Identifier: MIT
"""What a report says of the command that made it: the line itself, and the same network and inputs in Python."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np

from withstand.cli.arrays import CLASSES, INPUTS, chosen_rows
from withstand.cli.options import Model
from withstand.report import Origin

#: Where a context keeps the arguments as they were given.
ARGUMENTS = "withstand.arguments"


def origin_of(model: Model, options: dict[str, Any], count: int | None = None, classes: Path | None = None) -> Origin:
    """Return where the network and the inputs of this command, so many, come from; and classes that a file gives."""
    code = _code(model, options["inputs"], options["rows"], classes)
    given = [word for name in ("inputs", "rows") if options[name] for word in (f"--{name}", str(options[name]))]
    question, command = shlex.join([model.name, *given]), command_line(click.get_current_context())
    return Origin(model.name, inputs_in_words(options, count), command, code, question)


def _code(model: Model, path: Path | None, rows: str | None, classes: Path | None) -> str:
    """Return Python that makes `net` and `X`; and `y` of a file, or of what comes with an embedded network."""
    chosen = ":".join("" if end is None else str(end) for end in chosen_rows(rows))
    if model.samples is not None:
        lines = [f"net, X, y = ws.embedded({model.name!r})"]
    else:
        lines = [f"net = ws.load({model.name!r})"]
    if path is None:
        lines.append(f"X, y = X[{chosen}], y[{chosen}]")
    else:
        lines.append(f"X = np.atleast_2d({_reading(path, INPUTS)})[{chosen}].astype(float)")
    if classes is not None:
        lines.append(f"y = np.ravel({_reading(classes, CLASSES)})[{chosen}]")
    return "\n".join(lines)


def _reading(path: Path, keys: tuple[str, ...]) -> str:
    """Return Python that reads the array of a file, or the first of an archive that one of the keys names."""
    if path.suffix == ".csv":
        return f'np.loadtxt({str(path)!r}, delimiter=",", ndmin=2, encoding="utf-8-sig")'
    read = f"np.load({str(path)!r})"
    if path.suffix != ".npz":
        return read
    with np.load(path, allow_pickle=False) as arrays:
        return f"{read}[{next(key for key in keys if key in arrays)!r}]"


def inputs_in_words(options: dict[str, Any], count: int | None = None) -> str:
    """Return which rows of what the options ask about, which are so many."""
    path: Path | None = options["inputs"]
    of = "the inputs that come with the network" if path is None else path.name
    around = options.get("radius")
    rows = options["rows"] or (f"0:{count or 16}" if around is None else "0")  # a box is around one
    said = f"{'rows' if ':' in rows else 'row'} {rows} of {of}"
    return said if around is None else f"{said}, radius {around:g}"


def command_line(ctx: click.Context) -> str:
    """Return the command with what it was given; options by their long names, whether JSON is printed left out."""
    long = {name: param.opts[0] for param in ctx.command.params for name in param.opts}
    words = [long.get(word, word) for word in ctx.meta.get(ARGUMENTS, ()) if word != "--json"]
    return shlex.join(["withstand", str(ctx.info_name), *words])
