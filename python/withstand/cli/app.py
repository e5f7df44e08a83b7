# SPDX-License-Identifier: MIT
"""The commands."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import withstand as ws
from _withstand_command.interrupts import keeping
from withstand._coerce import did_you_mean
from withstand._plural import counted
from withstand._rehearsal import rehearsed
from withstand.cli import options as opt
from withstand.cli.kinds import asks_instead, of_crashes
from withstand.cli.origin import ARGUMENTS
from withstand.cli.output import grid, remark, show, verdict, watched, wrapped
from withstand.cli.parameters import Certificate, Choice, Number, OutputFile
from withstand.cli.refusals import DidNotWork, interrupted, naming, refusals_have_exit_codes, remembering, say
from withstand.cli.roundings import Roundings
from withstand.cli.stating import stated, tell
from withstand.cli.witnesses import place_fields, witness_fields
from withstand.cli.words import of_words, rounded_option, words_held
from withstand.model.settled import settled
from withstand.questions.bounds import METHODS
from withstand.questions.checkpoint import CheckpointWarning
from withstand.questions.witnesses import channels_by_first
from withstand.statement import judged

F = TypeVar("F", bound=Callable[..., Any])

#: What is said of a component.
RANKING = ("component", *ws.ComponentErrors._fields)
#: Most critical components that a table shows; JSON has all of them.
SHOWN = 10
#: Where a search over a box stops by default: closing the rest can take hundreds of times as long.
BOX_GAP = 0.001
#: From here on a count is told by its size.
MANY = 10**30


class Commands(click.Group):
    """The commands by name; a name that is none is told which are like it, whatever version of click there is."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that the first argument names."""
        if self.get_command(ctx, args[0]) is None and args[0][:1] != "-":
            ctx.fail(f"{args[0]!r} is no command{did_you_mean(args[0], self.commands)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands do, whole sentences."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(200)) for name in sorted(self.commands)])


class Command(click.Command):
    """A command that remembers how it was asked."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments as they were given."""
        ctx.meta[ARGUMENTS] = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = str(ctx.info_name)
            instead = asks_instead(error.option_name) if "kind" in {param.name for param in self.params} else None
            said = of_crashes(name, error.option_name)
            if instead is not None:
                said = f"no option {error.option_name}: {name} asks about one kind of failure, {instead}"
            if said is None:
                raise
            raise click.UsageError(said, ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ws.__version__, message="%(prog)s %(version)s")
def app() -> None:
    """Prove how many failures a neural network withstands: witnessed <= truth <= proved.

    MODEL is a file (.onnx, .onnx.gz, .nnet, .npz, .keras, .h5, .mat, .tflite, .txt, .pt2), or an embedded network:
    digits, digits_small, diabetes.
    """


def command(name: str | None = None) -> Callable[[F], Any]:
    """Add a command about a MODEL that takes --json and whose refusals have exit codes."""
    return opt.compose(app.command(name, cls=Command), opt.model_argument, opt.json_option, refusals_have_exit_codes)


@command()
def inspect(model: opt.Model, as_json: bool) -> None:
    """Show layers, widths, activations, and how many configurations 1, 2, 3 failures make."""
    net = model.network
    counts = {k: ws.Crash(k).configurations(net) for k in (1, 2, 3) if k <= net.n_neurons}
    activations = [a.name for a in (*net.activations, net.output_activation)]
    if as_json:
        show({"model": model.name, "fingerprint": net.fingerprint, "version": ws.__version__, "widths": net.widths,
              "activations": activations, "outputs": net.outputs,
              "neurons": net.n_neurons, "parameters": net.n_parameters, "max_weights": net._largest_weights(),
              "lipschitz": [phi.lipschitz for phi in net.activations], "words": words_held(net),
              "noise": net.noise, "output_rounding": net.output_rounding,
              "configurations": {str(k): n for k, n in counts.items()}}, True)  # fmt: skip
        return
    click.secho(f"{model.name}: {net!r}", bold=True)
    names = [(layer.name,) if any(layer.name for layer in net.layers) else () for layer in net.layers]
    rows = [
        (l, *names[l - 1], net.widths[l], layer.activation.name, largest, layer.activation.lipschitz,
         sum(math.prod(shape) for shape in layer.parameters.values()))
        for l, (layer, largest) in enumerate(zip(net.layers, net._largest_weights()), start=1)
    ]  # fmt: skip
    header = ("neurons", "activation", "max |w|", "Lipschitz", "parameters")
    grid(("layer", *["name"] * len(names[0]), *header), rows)
    click.echo(f"  inputs {net.widths[0]}, hidden neurons {net.n_neurons}, outputs are {net.outputs}")
    for line in of_words(net):
        click.echo(wrapped("  ", line))
    click.echo(f"  fingerprint {net.fingerprint}, withstand {ws.__version__}")
    for k, count in counts.items():
        click.echo(f"  at most {counted(k, 'crashed neuron')}: {count:,} configurations")


@command()
@opt.failure_options_of_files
@opt.question_options
@click.option("--method", "-m", type=Choice(METHODS), default="tightest", show_default=True)
def bound(model: opt.Model, method: str, epsilon: float | None, argmax: str | None, threads: int | None,
          as_json: bool, **options: Any) -> None:  # fmt: skip
    """Bound the largest output error that the failures can cause."""
    model, failures = opt.asked(model, options, of_outputs=True)
    rounding = Roundings(model.network, options, argmax)
    result = ws.bound(model.network, failures, opt.domain_of(model, options), method=method,
                      spec=opt.spec_of(argmax), threads=threads)  # fmt: skip
    value = rounding.added(result.value)
    word = judged(-math.inf, value, epsilon, bool(argmax))
    said = stated(result, model, options, verdict=word, epsilon=budget_of(epsilon, argmax),
                  rigor=rounding.rigor(result.statement))  # fmt: skip
    fields = {"method": result.method, "won_by": result.won_by, "value": value,
              "output_rounding": rounding.amount or None,
              "per_output": [rounding.added(each) for each in result.per_output.tolist()] if as_json else None,
              "rigor": said.rigor, "reference": result.reference}  # fmt: skip
    tell(said, fields, as_json, f"{failures!r}: {said.word} <= {value:.6g}")
    verdict(epsilon, -float("inf"), value, decisions=bool(argmax))


@command("enumerate")
@opt.failure_options
@opt.question_options
@click.option("--checkpoint", type=OutputFile(), help="File to resume from after an interruption.")
@click.option("--components", is_flag=True, help="Also rank the components by what happens when they fail.")
def enumerate_(model: opt.Model, epsilon: float | None, argmax: str | None, threads: int | None,
               checkpoint: Path | None, components: bool, as_json: bool, **options: Any) -> None:  # fmt: skip
    """Try every configuration at every input: the exact worst error, its witness and the statistics.

    Ctrl-C ends the run with what is known so far, and exit code 130. Where the checkpoint could not be kept the answer
    is given, and the exit code is 4.
    """
    if options["radius"] is not None:
        raise click.UsageError("enumeration needs inputs, not a box: use worst-case or bound with --radius")
    model, failures = opt.asked(model, options, of_outputs=True)  # which refuses noise itself
    X = opt.need(opt.inputs_of(model, options), model)
    with keeping() as ctrl_c, remembering(CheckpointWarning) as lost:
        result = ws.enumerate_failures(model.network, failures, X, epsilon=epsilon, threads=threads,
                                       checkpoint=checkpoint, spec=opt.spec_of(argmax),
                                       progress=watched(), components=components)  # fmt: skip
    maps = {} if as_json else channels_by_first(model.network, failures)
    ranking = [(f"channel {maps[c]}" if c in maps else c, *result.components[c])
               for c in result.critical()] if result.components else []  # fmt: skip
    said = stated(result, model, options)
    fields = {"status": result.status, "worst": result.worst,
              **witness_fields(result.witness, as_json), "mean": result.mean, "std": result.std,
              "median": result.quantile(0.5) if result.done else None, "exceeding": result.exceeding,
              "done": result.done, "configurations": result.configurations, "evaluations": result.evaluations,
              "seconds": result.seconds}  # fmt: skip
    if components and as_json:
        fields["components"] = [dict(zip(RANKING, row)) for row in ranking]
    tell(said, fields, as_json, f"{failures!r}: worst {said.word} {result.worst:.6g} ({result.status})",
         [RANKING, *ranking[:SHOWN]])  # fmt: skip
    if ctrl_c.came or result.status != "complete":
        kept = f"{checkpoint} keeps what is done, the same command goes on from there" if checkpoint else None
        interrupted(lost[0] if lost else kept)
    if lost:
        raise DidNotWork(lost[0])
    verdict(epsilon, result.worst, result.worst, decisions=bool(argmax))


@command("worst-case")
@opt.failure_options_of_files
@opt.question_options
@click.option("--gap", type=Number(min=0), help="Stop at this relative gap; 0: go on to the end.  "
              "[default: 0.001 over a box, 0 of given inputs]")
@click.option("--time-limit", type=Number(min=0), help="Stop after so many seconds.")
@click.option("--node-limit", type=click.IntRange(min=1), help="Stop after so many nodes (deterministic).")
@click.option("--certificate", type=OutputFile(), help="Write a proof of the upper end, for `check`.")
def worst_case(model: opt.Model, epsilon: float | None, argmax: str | None, threads: int | None, gap: float | None,
               time_limit: float | None, node_limit: int | None, certificate: Path | None, as_json: bool,
               **options: Any) -> None:  # fmt: skip
    """Find the exact worst case, proved, without trying every configuration.

    Ctrl-C ends the search with the interval known so far, and exit code 130.
    """
    model, failures = opt.asked(model, options, of_outputs=True)
    domain = opt.need(opt.domain_of(model, options), model)
    near = gap if gap is not None else BOX_GAP if isinstance(domain, ws.Box) else 0.0
    rounding = Roundings(model.network, options, argmax)
    announce(model.network, settled(failures, model.network, domain), 1 if isinstance(domain, ws.Box) else len(domain))
    with keeping() as ctrl_c, naming(certificate):
        result = ws.worst_case(model.network, failures, domain, spec=opt.spec_of(argmax), gap=near,
                               time_limit=time_limit, node_limit=node_limit, threads=threads,
                               progress=watched(), certificate=certificate)  # fmt: skip
    if certificate is not None and not result.exact:
        remark("the interval is what the certificate proves: without --certificate it may be narrower")
    if gap is None and near > 0 and result.status == "gap":
        remark(f"to {near:.1%}: --gap 0 goes on")
    if result.status == "gap" and result.nodes == 0:
        remark("nothing was searched: the upper end is that of a bound, and no limit would narrow the interval")
    lower, upper = rounding.interval(result.lower, result.upper)
    word = judged(lower, upper, epsilon, bool(argmax))
    said = stated(result, model, options, verdict=word, epsilon=budget_of(epsilon, argmax),
                  rigor=rounding.rigor(result.statement))  # fmt: skip
    fields = {"status": result.status, "lower": None if rounding.of_file else lower, "upper": upper,
              "witnessed": result.lower if rounding.of_file else None,
              "output_rounding": rounding.amount or None, "exact": result.exact and not rounding.of_file,
              **witness_fields(result.witness, as_json), **place_fields(result.witness, domain, as_json),
              "configurations": result.configurations, "nodes": result.nodes, "evaluations": result.evaluations,
              "seconds": result.seconds}  # fmt: skip
    least = "" if rounding.of_file else f"{lower:.6g} <= "
    tell(said, fields, as_json, f"{failures!r}: {least}worst {said.word} <= {upper:.6g} ({result.status})")
    if ctrl_c.came:
        interrupted()
    verdict(epsilon, lower, upper, decisions=bool(argmax))


@app.command(cls=Command)
@click.argument("certificate", type=Certificate())
@opt.model_argument
@rounded_option
@click.option(
    "--effort",
    type=click.IntRange(min=0),
    default=20_000,
    show_default=True,
    help="Parts into which leaves may be split where the checker's own bound is weaker.",
)
@opt.json_option
@refusals_have_exit_codes
def check(certificate: Path, model: opt.Model, rounded: str | None, effort: int, as_json: bool) -> None:
    """Confirm a certificate that worst-case wrote, for MODEL, without trusting the search."""
    model = opt.rounded(model, rounded)
    found = ws.check_certificate(certificate, model.network, effort=effort, progress=watched())
    fields = {"certificate": str(certificate), "valid": found.valid, "reason": found.reason,
              "lower": found.lower, "upper": found.upper, "goal": found.goal,
              "inputs": found.inputs, "domain": found.domain.tolist() if as_json else None,
              "classes": found.classes if found.goal == "argmax" else None, "network": found.network,
              "nodes": found.nodes, "bounded": found.bounded, "enumerated": found.enumerated,
              "configurations": found.configurations, "refined": found.refined}  # fmt: skip
    claim = f"{found.lower:.6g} <= worst {'harm' if found.goal == 'argmax' else 'error'} <= {found.upper:.6g}"
    if found.valid or as_json:
        tell(stated(found, model, {}), fields, as_json, f"confirmed: {claim}")
    else:  # nothing is proved, so that nothing is stated
        show(fields, False, "rejected")
    sys.exit(0 if found.valid else 1)


def budget_of(epsilon: object, argmax: str | None) -> str | None:
    """Return the budget as a statement tells it; decisions have none."""
    return None if epsilon is None or argmax else str(epsilon)


def announce(net: ws.Network, failures: ws.Failures, inputs: int) -> None:
    """Say how much work there is, before it starts, to people only."""
    if not watched() or rehearsed():
        return
    try:
        count = failures.configurations(net)
        said = f"{count:,}" if count < MANY else f"about 10^{math.log10(count):.0f}"
    except ValueError:  # a search needs no count
        said = "too many to count"
    say(f"{said} configurations x {counted(inputs, 'input')}")
