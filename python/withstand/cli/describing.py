# SPDX-License-Identifier: MIT
"""The command that says what JSON holds."""

from __future__ import annotations

import json

import click

from withstand.cli.app import app
from withstand.cli.options import json_option
from withstand.cli.output import show, table
from withstand.cli.parameters import Choice
from withstand.cli.refusals import refusals_have_exit_codes
from withstand.schema import names
from withstand.schema import schema as schema_of


@app.command()
@click.argument("command", required=False, type=Choice(names()), metavar="[COMMAND]")
@json_option
@refusals_have_exit_codes
def schema(command: str | None, as_json: bool) -> None:
    """Print the JSON Schema of what COMMAND prints with --json, or of the `statement` in it.

    Without COMMAND: what has one.
    """
    if command is not None:
        click.echo(json.dumps(schema_of(command), indent=2, ensure_ascii=False))
    elif as_json:
        show({"schemas": names()}, True)
    else:
        table({name: schema_of(name)["description"] for name in names()})
