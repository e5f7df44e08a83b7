# SPDX-License-Identifier: MIT
"""The commands about accuracy under failures: what is proved for all of them, and what random ones show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import withstand as ws
from _withstand_command.interrupts import keeping
from withstand.cli import options as opt
from withstand.cli.app import command
from withstand.cli.applications import points
from withstand.cli.output import TOLERATED, UNKNOWN, VIOLATED, watched
from withstand.cli.parameters import Number, OutputFile, PerLayerType
from withstand.cli.pictures import picture, plot_option
from withstand.cli.refusals import DidNotWork, interrupted, remembering
from withstand.cli.stating import WORDS, stated, tell
from withstand.questions.checkpoint import CheckpointWarning

target_option = click.option("--target", type=Number(0, 1), help="Accuracy wanted; sets the exit code.")


class RatesType(PerLayerType):
    """One rate, or one per kind of failure: 0.01, or 0.01,0.001."""

    name, form = "rates", "a rate nor one per kind of failure like 0.01,0.001"


@command()
@opt.failure_options
@opt.domain_options
@opt.classes_option
@opt.lowest_option
@target_option
@click.option("--time-limit", type=Number(min=0), help="Seconds; then what is known is the answer.")
@plot_option
def accuracy(model: opt.Model, classes: Path | None, lowest: bool, target: float | None, time_limit: float | None,
             plot: Path | None, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Prove how many inputs keep their right class, whatever fails.

    Ctrl-C ends the search with what is known so far, and exit code 130.
    """
    model, failures = opt.asked(model, options)
    X, y = points(model, options), opt.classes_of(model, classes, options)
    with keeping() as ctrl_c:
        found = ws.certified_accuracy(model.network, X, y, failures, spec=ws.Argmax(lowest=lowest),
                                      time_limit=time_limit, progress=watched())  # fmt: skip
    code = _code(target, found.lower, found.upper)
    said = stated(found, model, options, verdict=None if code is None else WORDS[code])
    fields = {"inputs": len(X), "status": found.status,
              "intact": found.intact, "lower": found.lower, "upper": found.upper, "seconds": found.seconds}  # fmt: skip
    if as_json:
        fields = {**found.to_dict(), **fields}
    rows = found.curve._rows()
    tell(said, fields, as_json, f"{failures!r}: {found.lower:.4%} <= certified accuracy <= {found.upper:.4%}",
         [tuple(rows[0]), *(tuple(row.values()) for row in rows)] if len(rows) > 1 else ())  # fmt: skip
    picture(found._draw, plot, said)
    if ctrl_c.came or found.status == "interrupted":
        interrupted()
    sys.exit(code or TOLERATED)


@command()
@opt.failure_options
@opt.domain_options
@opt.classes_option
@opt.lowest_option
@click.option("--trials", "-n", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--rates", type=RatesType(), help="Every component fails on its own with this chance.")
@click.option("--confidence", type=Number(0, 1, min_open=True, max_open=True), default=0.95, show_default=True)
@target_option
@opt.seed_option
@click.option("--checkpoint", type=OutputFile(), help="File to resume from after an interruption.")
@plot_option
def campaign(model: opt.Model, classes: Path | None, lowest: bool, trials: int, rates: Any, confidence: float,
             target: float | None, seed: int, checkpoint: Path | None, plot: Path | None, as_json: bool,
             **options: Any) -> None:  # fmt: skip
    """Draw failures at random, and measure accuracy and error under them.

    With --target the exit code is what the interval of the mean accuracy says, with its confidence. Ctrl-C ends the
    campaign with the trials so far, and exit code 130.
    """
    model, failures = opt.asked(model, options)
    X, y = points(model, options), opt.classes_of(model, classes, options)
    with keeping() as ctrl_c, remembering(CheckpointWarning) as lost:
        found = ws.campaign(model.network, X, y, failures, rates=rates, trials=trials, seed=seed, confidence=confidence,
                            spec=ws.Argmax(lowest=lowest), checkpoint=checkpoint, progress=watched())  # fmt: skip
    code = _code(target, *found.accuracy_interval)
    said = stated(found, model, options, verdict=None if code is None else WORDS[code])
    fields = {"inputs": len(X), "status": found.status,
              "done": found.done, "trials": found.trials, "seed": found.seed, "intact": found.intact,
              "accuracy": found.accuracy, "accuracy_interval": found.accuracy_interval, "flips": found.flips,
              "flips_interval": found.flips_interval, "error": found.error, "error_interval": found.error_interval,
              "confidence": found.confidence, "seconds": found.seconds}  # fmt: skip
    if as_json:
        fields = {**found.to_dict(), **fields}
    tell(said, fields, as_json, f"{found.failures}: mean accuracy {found.accuracy:.4%}")
    picture(found._draw, plot, said)
    if ctrl_c.came or found.status != "complete":
        kept = f"{checkpoint} keeps what is done, the same command goes on from there" if checkpoint else None
        interrupted(lost[0] if lost else kept)
    if lost:
        raise DidNotWork(lost[0])
    sys.exit(code or TOLERATED)


def _code(target: float | None, lower: float, upper: float) -> int | None:
    """Return what the interval of an accuracy says about the one wanted, where one is."""
    if target is None:
        return None
    return TOLERATED if lower >= target else VIOLATED if upper < target else UNKNOWN
