# SPDX-License-Identifier: MIT
"""How the commands answer: a table for people, JSON for programs, an exit code for scripts."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from _withstand_command.interrupts import INTERRUPTED
from withstand._result import plain
from withstand.statement import judged

__all__ = ["INTERRUPTED", "TOLERATED", "UNKNOWN", "VIOLATED", "grid", "plain", "remark", "remarks", "show", "table",
           "text", "verdict", "watched"]  # fmt: skip

#: Beside them: 2 wrong usage, 4 did not work (`refusals`), and `INTERRUPTED`, which is no verdict whatever is known.
TOLERATED, VIOLATED, UNKNOWN = 0, 1, 3
#: Of verdicts; none is as good as tolerated.
CODES = {None: TOLERATED, "tolerated": TOLERATED, "violated": VIOLATED, "unknown": UNKNOWN}

#: Columns that a table takes at most, however wide the terminal is.
WIDEST = 100
#: Where the context of a command keeps remarks.
_REMARKS = "withstand.remarks"


def watched() -> bool:
    """Return whether somebody looks at standard error."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def text(value: Any) -> str:
    """Return `value` as a table shows it: thousands apart, but not in tuples, where commas are between indices."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple) and len(value) != 1:
        return "(" + ", ".join(map(_inside, value)) + ")"
    if isinstance(value, tuple):
        return _inside(value[0])
    return str(value)


def _inside(value: Any) -> str:
    return str(value) if type(value) is int else text(value)


def show(fields: dict[str, Any], as_json: bool, title: str = "") -> None:
    """Print fields as a two-column table with a title, or as JSON that has no numbers but finite ones."""
    if as_json:
        click.echo(json.dumps(plain(fields), indent=2, allow_nan=False))
        return
    if title:
        click.secho(title, bold=True)
    table(fields)


def table(fields: dict[str, Any]) -> None:
    """Print fields as a two-column table; what is not known is left out."""
    visible = {k.replace("_", " "): text(v) for k, v in fields.items() if v is not None and not _is_nan(v)}
    width = max(map(len, visible), default=0)
    for name, value in visible.items():
        click.echo(wrapped(f"  {name:<{width}}  ", value))


def remark(text: str) -> None:
    """Keep what people should know of how they asked, for the end of the answer."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_REMARKS, []).append(text)


def remarks() -> None:
    """Print what is to be known of how it was asked, below the answer."""
    context = click.get_current_context(silent=True)
    for said in dict.fromkeys([] if context is None else context.meta.pop(_REMARKS, [])):
        click.echo(f"  ({said})")


def wrapped(head: str, value: str) -> str:
    """Return a line of a table, of several where prose is longer than the terminal is wide.

    What has no blanks, a path or a number, is never cut, and neither are tuples: `grep` and people look for them whole.
    """
    if value.startswith("("):
        return head + value
    columns = max(len(head) + 40, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    return textwrap.fill(value, columns, initial_indent=head, subsequent_indent=" " * len(head),
                         break_long_words=False, break_on_hyphens=False) or head  # fmt: skip


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def grid(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as an aligned table."""
    cells = [[text(v) for v in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(header), *cells]) for i in range(len(header))]
    for row in [list(header), *cells]:
        click.echo("  " + "  ".join(f"{v:>{w}}" for v, w in zip(row, widths)))


def verdict(epsilon: float | None, lower: float, upper: float, *, decisions: bool = False) -> NoReturn:
    """Exit with what the interval [lower, upper] of the worst error says about `epsilon`.

    For decisions the interval is of harm, and harm >= 0 changes the class.
    """
    sys.exit(CODES[judged(lower, upper, epsilon, decisions)])
