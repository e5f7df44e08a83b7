# SPDX-License-Identifier: MIT
"""The commands that count: how many failures are harmless, and how many copies make them so."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import withstand as ws
from _withstand_command.interrupts import keeping
from withstand._answer import Told
from withstand._coerce import as_budget
from withstand.cli import options as opt
from withstand.cli.app import command
from withstand.cli.kinds import Kind, kind_option
from withstand.cli.output import CODES, TOLERATED, UNKNOWN, VIOLATED, grid, remarks, show, watched
from withstand.cli.parameters import EpsilonType
from withstand.cli.pictures import picture, plot_option
from withstand.cli.refusals import DidNotWork, interrupted
from withstand.cli.saying import said_here
from withstand.cli.stating import WORDS, in_json, state, stated, tell
from withstand.cli.witnesses import witness_fields
from withstand.cli.words import biases_option, bits_option, rounded_option
from withstand.model.domain import bounds_of
from withstand.statement import Inputs

decimal_epsilon = click.option(
    "--epsilon", "-e", type=EpsilonType(exact=True), help="Largest tolerated error; a decimal is taken exactly."
)


@command()
@kind_option
@bits_option
@biases_option
@rounded_option
@opt.domain_options
@decimal_epsilon
@opt.argmax_option
@click.option(
    "--at-least",
    type=click.IntRange(min=0),
    help="Exit code 0: so many failures are tolerated, 1: they can do harm, 3: unknown.  [default: 1, and the "
    "statement is of all that are tolerated]",
)
@click.option("--node-limit", type=click.IntRange(min=1), default=50_000, show_default=True, help="Of each search.")
@opt.whole_time_limit_option
@click.option("--samples", type=click.IntRange(min=0), default=0, help="Random sets for each count of the curve.")
@plot_option
@opt.seed_option
@opt.threads_option
def tolerance(model: opt.Model, kind: Kind, bits: Any, biases: bool, rounded: str | None, epsilon: str | None,
              argmax: str | None, at_least: int | None, node_limit: int, time_limit: float, samples: int,
              plot: Path | None, seed: int, threads: int | None, as_json: bool,
              **options: Any) -> None:  # fmt: skip
    """Find how many failures are harmless, and the fewest that are not."""
    if epsilon is None and not argmax:
        raise click.UsageError("say what harm is: --epsilon, or --argmax for decisions")
    made = kind.of_words(bits, biases)
    model = opt.rounded(model, rounded)
    domain = opt.domain_of(model, options)
    if plot is not None and domain is None:
        raise click.UsageError(f"a curve needs inputs, {model.name} brings none: give --inputs FILE")
    with keeping() as ctrl_c:
        found = ws.tolerance(model.network, epsilon, domain, model=made, spec=opt.spec_of(argmax),
                             node_limit=node_limit, time_limit=time_limit, samples=samples or (1000 if plot else 0),
                             seed=seed, threads=threads, progress=watched())  # fmt: skip
    rows = [("anywhere", found.guaranteed, _or_dash(found.breaking), found.exact, found.method)]
    rows += [(f"layer {n} alone", limit.guaranteed, _or_dash(limit.breaking), limit.exact, limit.method)
             for n, limit in enumerate(found.per_layer, start=1)]  # fmt: skip
    said = stated(found, model, options)
    if at_least is not None:
        broken = found.breaking is not None and found.breaking <= at_least
        word = WORDS[TOLERATED if found.guaranteed >= at_least else VIOLATED if broken else UNKNOWN]
        said = replace(said, failures=repr(made(at_least)), verdict=word)
    if as_json:
        keys = ("guaranteed", "breaking", "exact", "method")
        show(in_json(said, {"status": found.status, **{key: getattr(found, key) for key in keys},
              **witness_fields(found.witness, True), "most": found.most, "frontier": found.frontier,
              "per_layer": [{key: getattr(limit, key) for key in keys} for limit in found.per_layer],
              "curve": _curve(found.curve)}), True)  # fmt: skip
    else:
        click.secho(f"{model.title}: {found._sentence()}", bold=True)
        grid(("failures", "harmless", "can do harm", "exact", "proved by"), rows)
        if found.witness is not None:
            click.echo(f"  {found.witness}")
        if found.status != "complete":
            click.echo(f"  {_ended(found, time_limit)}: {found._cut_short()}")
        state(said)
        remarks()
    undrawn = _draw(found, plot, said, None if argmax else float(as_budget(epsilon or 0)), time_limit)
    if ctrl_c.came or found.status == "interrupted":
        interrupted(undrawn)
    if undrawn is not None:
        raise DidNotWork(undrawn)
    sys.exit(CODES[said.verdict])


def _draw(found: ws.Tolerance, plot: Path | None, said: ws.Statement, epsilon: float | None,
          time_limit: float) -> str | None:  # fmt: skip
    """Draw the curve; or return why the file that was asked for is not there."""
    curve = found.curve
    if curve is not None:

        def draw() -> Any:
            from withstand.plot import draw_curve

            return draw_curve(curve, epsilon=epsilon).axes[0]

        picture(draw, plot, said)
    if plot is None or curve is not None:
        return None
    why = f"{_ended(found, time_limit)} before its curve was begun"
    return f"{plot}: is not written, {why if found.status != 'complete' else 'nothing can fail'}"


def _ended(found: ws.Tolerance, time_limit: float) -> str:
    return "interrupted" if found.status == "interrupted" else f"the time was up ({time_limit:g} s)"


@command()
@opt.failure_options
@opt.domain_options
@decimal_epsilon
@opt.whole_time_limit_option
def replicas(model: opt.Model, epsilon: str | None, time_limit: float, as_json: bool, **options: Any) -> None:
    """Find how many copies of every neuron make the failures harmless. Exit code 3: not within the time."""
    if epsilon is None:
        raise click.UsageError("say what harm is: --epsilon")
    model, failures = opt.asked(model, options)
    net = model.network
    domain = opt.domain_of(model, options)
    fields: dict[str, Any] = {"copies": None, "neurons": net.n_neurons}
    try:
        copies = ws.replicas_needed(net, failures, epsilon, domain, time_limit=time_limit, progress=watched())
    except TimeoutError as error:
        said = _of_copies(model, failures, epsilon, domain, options, "unknown")
        tell(said, fields, as_json, f"{failures!r}: {said_here(str(error))}")
        sys.exit(UNKNOWN)
    tell(_of_copies(model, failures, epsilon, domain, options, "tolerated"),
         {**fields, "copies": copies, "neurons_with_copies": copies * net.n_neurons}, as_json,
         f"{failures!r}: {copies} of every neuron")  # fmt: skip


def _of_copies(model: opt.Model, failures: ws.Failures, epsilon: str, domain: Any, options: dict[str, Any],
               verdict: str) -> ws.Statement:  # fmt: skip
    """Return what is stated of the network with copies."""
    inputs = Inputs.of(None) if domain is None else Inputs.of(*bounds_of(model.network, domain))
    told = Told(model.network, inputs, failures, "the scalar bound of the network with copies, in exact arithmetic",
                epsilon=epsilon, verdict=verdict)  # fmt: skip
    return stated(told.statement(), model, options)


def _or_dash(count: int | None) -> int | str:
    return "-" if count is None else count


def _curve(curve: Any) -> dict[str, Any] | None:
    if curve is None:
        return None
    return {"counts": curve.counts, "paper": curve.paper, "proved": curve.proved, "lower": curve.lower,
            "upper": curve.upper, "random_worst": curve.random.max(axis=1)}  # fmt: skip
