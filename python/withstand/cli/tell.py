# SPDX-License-Identifier: MIT
"""The command that tells everything in one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import withstand as ws
from withstand.cli import options as opt
from withstand.cli.app import command
from withstand.cli.applications import points
from withstand.cli.limits import decimal_epsilon, whole_time_limit
from withstand.cli.output import INTERRUPTED


@command()
@opt.domain_options
@decimal_epsilon
@opt.argmax_option
@click.option("--most", type=click.IntRange(min=1), default=5, show_default=True, help="Largest count of the curve.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it there, as .html, .json or .txt.  [default: text on the terminal]")
@whole_time_limit
@opt.seed_option
@opt.threads_option
def report(model: opt.Model, epsilon: str | None, argmax: bool, most: int, output: Path | None, time_limit: float,
           seed: int, threads: int | None, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Tell everything about a network in one report."""
    found = ws.report(model.network, points(model, options), epsilon=epsilon, spec=ws.Argmax() if argmax else None,
                      most=most, seed=seed, time_limit=time_limit, threads=threads, progress=sys.stderr.isatty(),
                      title=f"{model.name}: {model.network!r}")  # fmt: skip
    if output is not None:
        found.save(output)
        click.echo(f"wrote {output}", err=True)
    if as_json:
        click.echo(found.json())
    elif output is None:
        click.echo(str(found))
    if found.status == "interrupted":
        sys.exit(INTERRUPTED)
