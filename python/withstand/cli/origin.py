# SPDX-License-Identifier: MIT
"""What a report says of the command that made it: the line itself, and the same network and inputs in Python."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

from withstand.cli.options import Model
from withstand.report import Origin


def origin_of(model: Model, options: dict[str, Any]) -> Origin:
    """Return where the network and the inputs of this command come from."""
    path: Path | None = options["inputs"]
    rows = options["rows"] or "0:16"
    of = "the inputs that come with the network" if path is None else path.name
    return Origin(
        model.name, f"rows {rows} of {of}", _command_line(click.get_current_context()), _code(model, path, rows)
    )


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


def _command_line(ctx: click.Context) -> str:
    """Return the command with what it was given."""
    words = ["withstand", str(ctx.info_name)]
    for param in ctx.command.params:
        name = str(param.name)
        value = ctx.params.get(name)
        if isinstance(param, click.Option) and isinstance(param.flag_value, str):  # flags that share a name
            words += [param.opts[0]] if value == param.flag_value else []
        elif name == "as_json" or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        elif isinstance(param, click.Argument):
            words.append(value.name if isinstance(value, Model) else str(value))
        else:
            words += [param.opts[0], str(value)]
    return shlex.join(words)
