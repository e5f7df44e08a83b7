# SPDX-License-Identifier: MIT
"""How a command tells what its answer is a statement about: the same in a table, in JSON and in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from withstand._answer import Answer
from withstand.cli.options import Model
from withstand.cli.origin import command_line, inputs_in_words
from withstand.cli.output import TOLERATED, UNKNOWN, VIOLATED, grid, remarks, show, table
from withstand.statement import Statement

Rows = Sequence[Sequence[Any]]

#: Keys of the statement that stand beside the answer in JSON, too: what a program asks first.
FIRST = ("fingerprint", "version", "rows", "failures", "spec", "covers", "epsilon", "verdict")
#: What a table tells of the statement, and so not twice.
_TOLD = {"model", "failures", "covers", "rigor", "seed"}
#: What an exit code says, in words.
WORDS = {TOLERATED: "tolerated", VIOLATED: "violated", UNKNOWN: "unknown"}


def stated(result: Answer | Statement, model: Model, options: dict[str, Any], **changes: Any) -> Statement:
    """Return the statement of a result with what only the command knows: names, rows, the command, the verdict."""
    said = result if isinstance(result, Statement) else result.statement
    words = inputs_in_words(options, said.rows) if "rows" in options and said.inputs.kind != "any" else ""
    inputs, command = replace(said.inputs, origin=words), command_line(click.get_current_context())
    return replace(said, network=model.title, inputs=inputs, command=command, **changes)


def tell(said: Statement, fields: dict[str, Any], as_json: bool, title: str = "", rows: Rows = ()) -> None:
    """Print an answer and its statement, as tables (`rows` with their header first) or as JSON."""
    if as_json:
        show(in_json(said, fields), True)
        return
    show({key: value for key, value in fields.items() if key not in _TOLD}, False, title)
    state(said)
    remarks()
    if len(rows) > 1:
        grid(rows[0], rows[1:])


def in_json(said: Statement, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the answer as JSON has it."""
    whole = said.to_dict()
    return {"model": said.network, **fields, **{key: whole[key] for key in FIRST}, "statement": whole}


def state(said: Statement) -> None:
    """Print the statement below an answer."""
    click.secho("what this is a statement about", bold=True)
    table(dict(said.lines()))
