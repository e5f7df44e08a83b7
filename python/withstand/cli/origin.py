# SPDX-License-Identifier: MIT
"""What a report says of the command that made it: the line itself, and the same network and inputs in Python."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np

from withstand.cli.options import Model
from withstand.report import Origin

#: Where a context keeps the arguments as they were given.
ARGUMENTS = "withstand.arguments"


def origin_of(model: Model, options: dict[str, Any], count: int | None = None) -> Origin:
    """Return where the network and the inputs of this command, so many, come from."""
    code = _code(model, options["inputs"], options["rows"] or "0:16")
    return Origin(model.name, inputs_in_words(options, count), command_line(click.get_current_context()), code)


def _code(model: Model, path: Path | None, rows: str) -> str:
    """Return Python that makes `net` and `X`; and `y` of what comes with an embedded network."""
    chosen = rows if ":" in rows else f"{int(rows)}:{int(rows) + 1}"
    if model.samples is not None:
        network = f"net, X, y = ws.embedded({model.name!r})"
    else:
        network = f"net = ws.load({model.name!r})"
    if path is None:
        return f"{network}\nX, y = X[{chosen}], y[{chosen}]"
    read = f"np.load({str(path)!r})"
    if path.suffix == ".csv":
        read = f'np.loadtxt({str(path)!r}, delimiter=",", ndmin=2)'
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            read += f"[{next(key for key in ('X', 'x', 'samples_x') if key in arrays)!r}]"
    return f"{network}\nX = np.atleast_2d({read})[{chosen}].astype(float)"


def inputs_in_words(options: dict[str, Any], count: int | None = None) -> str:
    """Return which rows of what the options ask about, which are so many."""
    rows = options["rows"] or f"0:{count or 16}"
    path: Path | None = options["inputs"]
    of = "the inputs that come with the network" if path is None else path.name
    around = options.get("radius")
    return f"rows {rows} of {of}{'' if around is None else f', radius {around:g}'}"


def command_line(ctx: click.Context) -> str:
    """Return the command with what it was given; options by their long names, whether JSON is printed left out."""
    long = {name: param.opts[0] for param in ctx.command.params for name in param.opts}
    words = [long.get(word, word) for word in ctx.meta.get(ARGUMENTS, ()) if word != "--json"]
    return shlex.join(["withstand", str(ctx.info_name), *words])
