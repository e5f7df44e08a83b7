# SPDX-License-Identifier: MIT
"""The command that tells everything in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import withstand as ws
from _withstand_command.interrupts import keeping
from withstand.cli import options as opt
from withstand.cli.app import command
from withstand.cli.applications import points
from withstand.cli.limits import decimal_epsilon
from withstand.cli.origin import origin_of
from withstand.cli.output import remarks, watched
from withstand.cli.parameters import OutputFile
from withstand.cli.refusals import DidNotWork, interrupted, naming, say, working_with
from withstand.cli.saying import said_here


@command()
@opt.domain_options
@decimal_epsilon
@opt.argmax_option
@opt.classes_option
@click.option("--most", type=click.IntRange(min=1), default=5, show_default=True, help="Largest count of the curve.")
@click.option(
    "--output",
    "-o",
    type=OutputFile((".html", ".json", ".txt")),
    help="Write it there, as .html, .json or .txt.  [default: text on the terminal]",
)
@click.option("--certificate", type=OutputFile(), help="Write a proof of what is tolerated, have it checked.")
@opt.whole_time_limit_option
@opt.seed_option
@opt.threads_option
def report(model: opt.Model, epsilon: str | None, argmax: str | None, classes: Path | None, most: int,
           output: Path | None, certificate: Path | None, time_limit: float, seed: int, threads: int | None,
           as_json: bool, **options: Any) -> None:  # fmt: skip
    """Tell everything about a network in one report: what crashes of its neurons do.

    Other failures, as flipped bits and dead channels, are asked about in a study (run), or one question at a time.
    """
    X = points(model, options)
    own = model.samples is not None and options["inputs"] is None
    targets = opt.classes_of(model, classes, options) if own or classes is not None else None
    with keeping() as ctrl_c, naming(certificate):
        found = ws.report(model.network, X, epsilon=epsilon, spec=opt.spec_of(argmax), targets=targets,
                          most=most, seed=seed, time_limit=time_limit, threads=threads, progress=watched(),
                          title=f"{model.name}: {model.network!r}", origin=origin_of(model, options, len(X), classes),
                          certificate=certificate)  # fmt: skip
    if output is not None:
        with working_with(output):
            found.save(output)
        say(f"wrote {output}")
    if as_json:
        click.echo(found.json())
    elif output is None:
        click.echo(str(found))
        remarks()
    if ctrl_c.came or found.status == "interrupted":
        interrupted(found.unwritten and f"{certificate}: {said_here(found.unwritten)}")
    if found.unwritten is not None:
        raise DidNotWork(f"{certificate}: {said_here(found.unwritten)}")
    if found.undecided is not None:
        raise DidNotWork(f"{certificate}: {found.undecided}")
