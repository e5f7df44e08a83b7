# SPDX-License-Identifier: MIT
"""How the commands answer: a table for people, JSON for programs, an exit code for scripts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
import numpy as np

from _withstand_command.interrupts import INTERRUPTED

__all__ = ["INTERRUPTED", "TOLERATED", "UNKNOWN", "VIOLATED", "grid", "plain", "show", "text", "verdict", "watched"]

#: Beside them: 2 wrong usage, 4 did not work (`refusals`), and `INTERRUPTED`, which is no verdict whatever is known.
TOLERATED, VIOLATED, UNKNOWN = 0, 1, 3


def plain(value: Any) -> Any:
    """Return `value` as what JSON can hold: NumPy values become Python's, infinities and NaN become strings."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def watched() -> bool:
    """Return whether somebody looks at standard error."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def text(value: Any) -> str:
    """Return `value` as a table shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return "(" + ", ".join(text(v) for v in value) + ")"
    return str(value)


def show(fields: dict[str, Any], as_json: bool, title: str = "") -> None:
    """Print fields as a two-column table, or as JSON."""
    if as_json:
        click.echo(json.dumps(plain(fields), indent=2))
        return
    visible = {k.replace("_", " "): text(v) for k, v in fields.items() if v is not None}
    width = max(map(len, visible), default=0)
    if title:
        click.secho(title, bold=True)
    for name, value in visible.items():
        click.echo(f"  {name:<{width}}  {value}")


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
    if decisions:
        sys.exit(TOLERATED if upper < 0 else VIOLATED if lower >= 0 else UNKNOWN)
    if epsilon is None or upper <= epsilon:
        sys.exit(TOLERATED)
    sys.exit(VIOLATED if lower > epsilon else UNKNOWN)
