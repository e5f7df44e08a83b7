# SPDX-License-Identifier: MIT
"""The command that says what to protect."""

from __future__ import annotations

import sys
from typing import Any

import click

import withstand as ws
from withstand._answer import Told
from withstand.cli import options as opt
from withstand.cli.app import command
from withstand.cli.limits import decimal_epsilon
from withstand.cli.output import UNKNOWN, watched
from withstand.cli.parameters import Number
from withstand.cli.saying import said_here
from withstand.cli.stating import stated, tell
from withstand.model.domain import bounds_of
from withstand.questions.interval import RIGOR
from withstand.statement import Inputs
from withstand.uses.hardening import SHOWN, Undecided


@command()
@opt.failure_options
@opt.domain_options
@decimal_epsilon
@opt.argmax_option
@click.option("--time-limit", type=Number(min=0), help="Seconds in all.  [default: none]")
@opt.threads_option
def harden(model: opt.Model, epsilon: str | None, argmax: str | None, time_limit: float | None, threads: int | None,
           as_json: bool, **options: Any) -> None:  # fmt: skip
    """Find the fewest components to protect so that failures of the others do no harm.

    Exit code 3: the time or rounding leaves it open.
    """
    if epsilon is None and not argmax:
        raise click.UsageError("say what harm is: --epsilon, or --argmax for decisions")
    model, failures = opt.asked(model, options)
    domain = opt.need(opt.domain_of(model, options), model)
    try:
        found = ws.harden(model.network, failures, epsilon, domain, spec=opt.spec_of(argmax), time_limit=time_limit,
                          threads=threads, progress=watched())  # fmt: skip
    except Undecided as error:
        told = Told(model.network, Inputs.of(*bounds_of(model.network, domain)), failures, RIGOR,
                    spec=opt.spec_of(argmax), epsilon=epsilon, verdict="unknown")  # fmt: skip
        unknown = {"status": "unknown", "why": said_here(str(error))}
        tell(stated(told.statement(), model, options), unknown, as_json, f"{failures!r}: unknown what to protect")
        sys.exit(UNKNOWN)
    more = max(0, len(found.protect) - SHOWN)
    listed = {"protect": found.protect[:SHOWN], "and_more": f"{more:,}, all of which --json lists" if more else None}
    fields = {"status": "complete", **({"protect": found.protect} if as_json else listed), "kind": found.kind,
              "exact": found.exact, "at_least": found.at_least, "lower": found.worst.lower,
              "upper": found.worst.upper, "searches": found.searches}  # fmt: skip
    said = stated(found, model, options)
    title = f"protect {len(found.protect)} {found.kind}: then {said.word} <= {found.worst.upper:.6g} proved"
    tell(said, fields, as_json, title)
