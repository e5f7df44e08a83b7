# SPDX-License-Identifier: MIT
"""The commands that put bounds and searches to use: reliability, criticality, precision, quorum."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import withstand as ws
from withstand.cli import options as opt
from withstand.cli.app import app, command
from withstand.cli.kinds import Kind, kind_option
from withstand.cli.output import TOLERATED, UNKNOWN, VIOLATED, grid, remark, remarks, show, verdict, watched
from withstand.cli.parameters import Choice, EpsilonType, Number, OutputFile, PerLayerType, TextType, number
from withstand.cli.refusals import working_with
from withstand.cli.stating import WORDS, in_json, state, stated, tell
from withstand.cli.words import biases_option, bits_option, rounded_option
from withstand.model.quantise import QUANTISERS
from withstand.statement import judged
from withstand.uses.latency import LATENCIES

__all__ = ["app"]

needed_epsilon = click.option("--epsilon", "-e", type=EpsilonType(), required=True, help="Largest tolerated error.")


class ProbabilitiesType(PerLayerType):
    """One probability, or one per hidden layer: 0.01, or 0.01,0.001."""

    name, form = "probabilities", "a probability nor one per layer like 0.01,0.001"


class LatencyType(TextType):
    """A distribution, with its shape where it has one: exponential, pareto:2.5."""

    name = "latency"

    def parsed(self, text: str) -> ws.Latency:
        """Parse the name and the shape."""
        name, colon, shape = text.partition(":")
        return ws.Latency(name, number(shape) if colon else None)


@command()
@click.option(
    "--p",
    "-p",
    "p",
    type=ProbabilitiesType(),
    required=True,
    help="Probability that a neuron crashes: one number, or one per hidden layer like 0.01,0.001. Of flips: "
    "of every bit.",
)
@kind_option
@bits_option
@biases_option
@rounded_option
@opt.domain_options
@opt.epsilon_option
@opt.argmax_option
@click.option("--target", type=Number(0, 1), help="Probability of harm accepted; sets the exit code.")
@click.option(
    "--evaluations",
    type=click.IntRange(min=0),
    default=20_000_000,
    show_default=True,
    help="Work spent on enumerating small sets: sets x inputs.",
)
@click.option("--samples", type=click.IntRange(min=0), default=10_000, show_default=True, help="0: proved only.")
@click.option("--confidence", type=Number(0, 1, min_open=True, max_open=True), default=0.99)
@opt.seed_option
@opt.whole_time_limit_option
@opt.threads_option
def reliability(model: opt.Model, p: Any, kind: Kind, bits: Any, biases: bool, rounded: str | None,
                epsilon: float | None, argmax: str | None, target: float | None, evaluations: int, samples: int,
                confidence: float, seed: int, time_limit: float, threads: int | None, as_json: bool,
                **options: Any) -> None:  # fmt: skip
    """Enclose the probability that independent failures do harm."""
    model = opt.rounded(model, rounded)
    X = points(model, options)
    if epsilon is None and not argmax:
        raise click.UsageError("say what harm is: --epsilon, or --argmax for decisions")
    found = ws.reliability(model.network, p, epsilon, X, model=kind.of_words(bits, biases), spec=opt.spec_of(argmax),
                           evaluations=evaluations, samples=samples, confidence=confidence, seed=seed,
                           time_limit=time_limit, threads=threads, progress=watched())  # fmt: skip
    code = None if target is None else (
        TOLERATED if found.upper <= target else VIOLATED if found.lower > target else UNKNOWN)  # fmt: skip
    fields = {"status": found.status, "lower": found.lower, "upper": found.upper,
              "method": found.method, "confidence": found.confidence, "proved": found.proved,
              "enumerated": found.enumerated, "samples": found.samples,
              **{f"width_from_{k.replace(' ', '_')}": v for k, v in found.parts.items()}}  # fmt: skip
    if found.status == "budget":
        remark(f"the time was up ({time_limit:g} s): more may narrow the interval")
    said = stated(found, model, options, verdict=None if code is None else WORDS[code])
    tell(said, fields, as_json, f"{found.lower:.6g} <= P(harm) <= {found.upper:.6g}")
    sys.exit(code or TOLERATED)


@command()
@click.option("--crash", "-k", type=click.IntRange(min=1), default=1, show_default=True, help="Size of the sets.")
@opt.domain_options
@opt.epsilon_option
@opt.argmax_option
@click.option("--harden", is_flag=True, help="Also find the neurons to protect for --epsilon, or for the decisions.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Neurons to list.")
@opt.whole_time_limit_option
@opt.threads_option
def criticality(model: opt.Model, crash: int, epsilon: float | None, argmax: str | None, harden: bool, top: int,
                time_limit: float, threads: int | None, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Rank the neurons by what happens when they are among the crashed ones."""
    X = points(model, options)
    spec = opt.spec_of(argmax)
    if harden and epsilon is None and spec is None:
        raise click.UsageError("--harden needs --epsilon, or --argmax for decisions")
    found = ws.criticality(model.network, X, k=crash, spec=spec, time_limit=time_limit, threads=threads,
                           progress=watched())  # fmt: skip
    ranking = [(c, float(found.worst[c[0] - 1][c[1]]), float(found.mean[c[0] - 1][c[1]])) for c in found.ranking()]
    kept = None
    if harden:
        kept = ws.harden(model.network, crash, epsilon, X, spec=spec, threads=threads, progress=watched())
    protect = None if kept is None else kept.protect
    pairs = [(*pair.neurons, pair.error, pair.synergy) for pair in found.synergy]
    most = found.largest if found.exact else float("inf")
    said = stated(found, model, options, verdict=judged(found.largest, most, epsilon, spec is not None),
                  epsilon=None if epsilon is None or spec is not None else str(epsilon))  # fmt: skip
    if as_json:
        show(in_json(said, {"k": crash, "exact": found.exact, "sets": found.sets, "worst": found.worst,
              "mean": found.mean, "synergy": pairs, "protect": protect,
              "scores": {k.replace(" ", "_"): {"correlation": s.correlation, "error": s.error}
                         for k, s in found.scores.items()}}),
             True)  # fmt: skip
    else:
        click.secho(f"{model.name}: {crash} crashed, worst {said.word} {found.largest:.6g}", bold=True)
        grid(("neuron", f"worst {said.word}", "mean"), ranking[:top])
        for name, score in found.scores.items():
            first = "its first does" if crash == 1 else f"its top {crash} do"
            click.echo(f"  {name}: rank correlation {score.correlation:.2f}, {first} {score.error:.6g}")
        if kept is not None:
            those = ", ".join(map(str, kept.protect)) or "none"
            click.echo(f"  protect {those}: then {said.word} <= {kept.worst.upper:.6g}")
        state(said)
        remarks()
    verdict(epsilon, found.largest, most, decisions=spec is not None)


@command()
@opt.domain_options
@needed_epsilon
@click.option("--quantiser", type=Choice(QUANTISERS), default="grid", show_default=True)
@click.option("--no-weights", is_flag=True, help="Quantise only what neurons transmit.")
@click.option("--no-activations", is_flag=True, help="Quantise only weights and biases.")
@click.option("--output", "-o", type=OutputFile(), help="Write codes and ranges to this .npz file.")
def precision(model: opt.Model, epsilon: float, quantiser: str, no_weights: bool, no_activations: bool,
              output: Path | None, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Find the fewest bits per layer with a proved error within epsilon."""
    domain = opt.need(opt.domain_of(model, options), model)
    found = ws.precision(model.network, epsilon, domain, quantiser=quantiser, weights=not no_weights,
                         activations=not no_activations)  # fmt: skip
    if output is not None:
        with working_with(output):
            found.quantised.save(output)
    fields = {"activation_bits": found.activation_bits, "weight_bits": found.weight_bits,
              "bound": found.bound, "observed": found.observed, "inputs": found.inputs, "bytes": found.bytes,
              "bytes_single_precision": found.bytes_single, "uniform_bits": found.uniform_bits,
              "bytes_uniform": found.bytes_uniform, "quantiser": found.quantiser}  # fmt: skip
    tell(stated(found, model, options), fields, as_json,
         f"error <= {found.bound:.6g} with {found.bytes:,.0f} of {found.bytes_single:,.0f} bytes")  # fmt: skip


@command()
@opt.domain_options
@needed_epsilon
@click.option(
    "--latency",
    type=LatencyType(),
    default="exponential",
    show_default=True,
    help=f"{', '.join(LATENCIES)}; with a shape: pareto:3, lognormal:1.",
)
@click.option("--links", is_flag=True, help="Every link has a delay of its own, not every neuron.")
@click.option("--midpoint", is_flag=True, help="Put the middle of the range for a missing signal, not 0.")
@click.option("--runs", type=click.IntRange(min=2), default=1000, show_default=True, help="Of the simulation.")
@opt.whole_time_limit_option
@opt.seed_option
def quorum(model: opt.Model, epsilon: float, latency: ws.Latency, links: bool, midpoint: bool, runs: int,
           time_limit: float, seed: int, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Find how many signals each layer need not wait for, and simulate what that saves."""
    domain = opt.need(opt.domain_of(model, options), model)
    found = ws.quorum(model.network, epsilon, domain, latency=latency, links=links, runs=runs, seed=seed,
                      substitute="midpoint" if midpoint else "zero", time_limit=time_limit,
                      progress=watched())  # fmt: skip
    fields = {"wait_for": found.wait_for, "missing": found.missing, "bound": found.bound,
              "latency": found.latency.name, "expected_time": found.expected,
              "expected_speedup": found.expected_speedup, "simulated_runs": found.runs,
              "simulated_error": found.observed, "simulated_time": found.simulated,
              "simulated_standard_error": found.standard_error, "simulated_speedup": found.speedup,
              "frontier": found.frontier if as_json else None}  # fmt: skip
    harmless = f"{found.missing} signals may be missing" if any(found.missing) else "no signal may be missing"
    tell(stated(found, model, options), fields, as_json, f"{harmless}: error <= {found.bound:.6g} proved")


def points(model: opt.Model, options: dict[str, Any]) -> Any:
    """Return inputs, refusing a box."""
    if options["radius"] is not None:
        raise click.UsageError("this command takes inputs, not a box: leave out --radius")
    return opt.need(opt.inputs_of(model, options), model)
