# SPDX-License-Identifier: MIT
"""What the commands take: a model, what may fail, where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

import withstand as ws
from withstand._coerce import did_you_mean
from withstand._types import FloatArray
from withstand.cli.arrays import CLASSES, chosen_rows, read, refuse_images
from withstand.cli.output import remark
from withstand.cli.parameters import CountsType, CountsWithValue, EpsilonType, InputFile, Number, beside
from withstand.cli.refusals import DidNotWork, working_with
from withstand.cli.words import WORD_OPTIONS, NoiseType, noise_of, words_in_short, words_of
from withstand.importers.embedded import EMBEDDED, embedded
from withstand.model.parameters import channels

#: Where a context keeps networks that are loaded already, by name.
LOADED = "withstand.loaded"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Model:
    """A network, the inputs that come with it (None for a file), and the format it was rounded to, if any."""

    name: str
    network: ws.Network
    samples: FloatArray | None
    rounded: str | None = None

    @property
    def title(self) -> str:
        """The name, and what was made of the network of that name."""
        return self.name if self.rounded is None else f"{self.name}, rounded to {self.rounded}"


class ModelType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3 only
    """A path that `withstand.load` reads, or the name of an embedded network."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Model:
        """Load the network: not to find the file is wrong usage, not to be able to read it is not."""
        if isinstance(value, Model):
            return value
        path = Path(value)
        loaded: dict[str, Model] = {} if ctx is None else ctx.meta.get(LOADED, {})
        if value in loaded:
            return loaded[value]
        if value in EMBEDDED and not path.exists():
            network, inputs, _ = embedded(value)
            return Model(value, network, inputs)
        if not path.exists():
            like = did_you_mean(value, (*EMBEDDED, *beside(value)))
            self.fail(f"{value}: no such file, nor one of {', '.join(EMBEDDED)}{like}", param, ctx)
        if path.is_dir():
            self.fail(f"{value} is a directory, not a model file", param, ctx)
        if not path.is_file():
            raise DidNotWork(f"{value}: not a regular file")
        with working_with(value):
            return Model(value, ws.load(value), None)


def compose(*decorators: Callable[[Any], Any]) -> Callable[[F], Any]:
    """Return the decorators as one, the first outermost."""

    def apply(function: F) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


model_argument = click.argument("model", type=ModelType())
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")



def noise_option(said: str = "") -> Callable[[Any], Any]:
    """Return the option of noise, with what else is said of it."""
    return click.option("--noise", type=NoiseType(), help=f"Every neuron off by at most this, still relaying{said}.")


#: What may fail of neurons, in the order of the help.
_of_neurons = compose(
    click.option("--crash", "-k", type=CountsType(), help="Crashed neurons: a total, or per hidden layer like 2,1,0."),
    click.option("--stuck", type=CountsWithValue(), help="Neurons stuck at a value: COUNTS:VALUE."),
    click.option("--byzantine", type=CountsWithValue(), help="Byzantine neurons: COUNTS:CAPACITY."),
    click.option("--deviation", type=CountsWithValue(), help="Neurons off by at most a capacity: COUNTS:CAPACITY."),
)
_of_the_rest = compose(
    click.option("--synapse-crash", type=CountsType(), help="Crashed synapses: a total, or per layer."),
    click.option("--synapse-byzantine", type=CountsWithValue(), help="Byzantine synapses: COUNTS:CAPACITY."),
    *WORD_OPTIONS,
    click.option("--layer", "-l", type=int, multiple=True, help="Only neurons of this layer fail (repeatable)."),
    click.option("--exactly", is_flag=True, help="Exactly that many fail, instead of at most."),
)

failure_options = compose(_of_neurons, noise_option(), _of_the_rest)
#: Of the commands that can tell the file as it runs from the network with noise (`asked`).
failure_options_of_files = compose(
    _of_neurons,
    noise_option("; 'file': by what the roundings of a quantised file do (inspect tells them)"),
    _of_the_rest,
)

domain_options = compose(
    click.option("--inputs", "-x", type=InputFile(),
                 help="Inputs: .npy, .csv, or .npz (array X, x or samples_x). Embedded networks bring their own."),
    click.option("--rows", default=None, metavar="START:STOP",
                 help="Which of the inputs, counted from 0, STOP not among them: '--rows 0:4' the first four, "
                 "'--rows -4:' the last four, '--rows 7' one, '--rows :' all.  [default: 0:16, the first 16]"),
    click.option("--radius", type=Number(min=0), help="A box of this radius around the one input."),
)  # fmt: skip

epsilon_option = click.option(
    "--epsilon", "-e", type=EpsilonType(),
    help="Largest tolerated error. Exit code 0: tolerated, 1: violated, 3: unknown.",
)  # fmt: skip
argmax_option = compose(
    click.option("--argmax", "argmax", flag_value="highest", help="Ask about decisions: harm >= 0 changes the class."),
    click.option("--argmin", "argmax", flag_value="lowest", help="The same, where the class is the smallest output."),
)
lowest_option = click.option("--lowest", is_flag=True, help="A class is the smallest output, not the largest.")
classes_option = click.option("--classes", "-y", type=InputFile(),
                              help="Right classes, one per input: .npy, .csv, or .npz (array y).")  # fmt: skip
threads_option = click.option("--threads", "-t", type=click.IntRange(min=1), help="Threads.  [default: all processors]")
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of random draws.")
whole_time_limit_option = click.option(
    "--time-limit", type=Number(min=0), default=60.0, show_default=True,
    help="Seconds in all; then what is known is the answer. inf: no limit.",
)  # fmt: skip
#: Where, and what is harm: of every command that asks for the worst case, beside what may fail.
question_options = compose(domain_options, epsilon_option, argmax_option, threads_option)


def spec_of(argmax: str | None) -> ws.Argmax | None:
    """Return what harm is, as --argmax and --argmin say."""
    return None if argmax is None else ws.Argmax(lowest=argmax == "lowest")


def asked(model: Model, options: dict[str, Any], *, of_outputs: bool = False) -> tuple[Model, ws.Failures]:
    """Return the model, rounded where that is asked for, and what may fail of it.

    `of_outputs`: whether the command tells the file as it runs from the network with noise (`Roundings`); where it does
    not, `--noise file` is refused: it would leave out what outputs are off by, and call harm what no run need do.
    """
    model = rounded(model, options["rounded"])
    failures = failures_of(model.network, options)
    if not of_outputs and options["noise"] == "file":
        here = click.get_current_context().info_name
        raise click.UsageError(
            f"--noise file: roundings also move the outputs themselves, by at most "
            f"{model.network.output_rounding:.3g}, which {here} cannot add: ask withstand bound or withstand worst-case"
        )
    return model, failures


def rounded(model: Model, form: str | None) -> Model:
    """Return the model with parameters that are words of a format.

    Raises
    ------
    click.UsageError
        Where the file states words of its own, which would be replaced.
    """
    if form is None:
        return model
    if any(layer.parameters for layer in model.network.formats or ()):
        raise click.UsageError(
            f"--rounded {form} would replace the words that {model.name} states, {words_in_short(model.network)}: "
            "leave it out; --weight-flip, --weight-crash and --bit-flip ask about these words, "
            "--noise file about their roundings"
        )
    return replace(model, network=model.network.rounded(form), rounded=form)


def failures_of(net: ws.Network, options: dict[str, Any]) -> ws.Failures:
    """Return the sum of the failure models that the options name."""
    among = _among(net, options["layer"])
    common: dict[str, Any] = {"exactly": options["exactly"], "among": among}
    models: list[ws.Failures] = []
    if options["crash"] is not None:
        models.append(ws.Crash(options["crash"], **common))
    if options["stuck"] is not None:
        models.append(ws.StuckAt(options["stuck"][0], value=options["stuck"][1], **common))
    for name, convention in (("byzantine", "value"), ("deviation", "deviation")):
        if options[name] is not None:
            counts, capacity = options[name]
            models.append(ws.Byzantine(counts, capacity=capacity, convention=convention, **common))
    if options["noise"] is not None:
        models.append(noise_of(net, options["noise"]))
    if options["synapse_crash"] is not None:
        models.append(ws.SynapseCrash(options["synapse_crash"], exactly=options["exactly"]))
    if options["synapse_byzantine"] is not None:
        counts, capacity = options["synapse_byzantine"]
        models.append(ws.SynapseByzantine(counts, capacity=capacity, exactly=options["exactly"]))
    if options["channel"] is not None:
        maps = _channels(net, options["layer"])
        models.append(ws.Crash(options["channel"], unit="channel", exactly=options["exactly"], among=maps))
    models += words_of(net, options, among)
    if not models:
        raise click.UsageError("say what may fail: --crash 2, --stuck 1:0.5, --weight-flip 1, ...")
    total = models[0]
    for model in models[1:]:
        total = total + model
    return total


def _among(net: ws.Network, layers: tuple[int, ...]) -> list[tuple[int, int]] | None:
    if not layers:
        return None
    for layer in layers:
        if not 0 <= layer <= net.depth:
            raise click.UsageError(f"--layer {layer}: failing neurons are in layers 0 (inputs) to {net.depth}")
    return [(layer, neuron) for layer in sorted(set(layers)) for neuron in range(net.widths[layer])]


def _channels(net: ws.Network, layers: tuple[int, ...]) -> list[tuple[int, int]] | None:
    layout = net._described()
    known = {layer: sorted(set(channels(layout, layout.places[layer]))) for layer in sorted(set(layers))}
    return [(layer, channel) for layer, maps in known.items() for channel in maps] or None


def inputs_of(model: Model, options: dict[str, Any]) -> FloatArray | None:
    """Return the inputs that the options name, or those the network brings, or None."""
    path: Path | None = options["inputs"]
    with working_with(path):
        rows = model.samples if path is None else read(path)
    if rows is None:
        return None
    if path is not None:
        refuse_images(path, rows.shape, model.network.widths[0])
    start, stop = chosen_rows(options["rows"])
    chosen = np.atleast_2d(rows)[start:stop]
    if len(chosen) == 0:
        raise click.UsageError(f"--rows {options['rows']} selects none of {len(np.atleast_2d(rows))} inputs")
    if options["rows"] is None and len(chosen) < len(rows) and rows.ndim > 1:
        remark(f"asked of the first {len(chosen)} of {len(rows)} inputs: --rows : asks of all")
    first = range(len(np.atleast_2d(rows)))[start:stop][0]
    if first:
        remark(f"inputs are counted from 0 among those asked: input 0 is row {first}")
    return chosen


def classes_of(model: Model, path: Path | None, options: dict[str, Any]) -> FloatArray:
    """Return the right classes of the inputs that the options name, or those the network brings."""
    if path is None and (model.samples is None or options["inputs"] is not None):
        raise click.UsageError("which classes are right? give --classes FILE")
    with working_with(path):
        classes = embedded(model.name).targets if path is None else read(path, CLASSES)
    start, stop = chosen_rows(options["rows"])
    chosen = np.asarray(classes)[start:stop]
    return chosen.reshape(-1) if chosen.size == len(chosen) else chosen


def domain_of(model: Model, options: dict[str, Any]) -> FloatArray | ws.Box | None:
    """Return the inputs or the box that the options name, or None."""
    rows = inputs_of(model, options)
    radius = options["radius"]
    if radius is None or rows is None:
        return rows
    if len(rows) != 1:
        raise click.UsageError(f"--radius makes a box around one input, --rows selects {len(rows)}")
    return ws.Box(rows[0] - radius, rows[0] + radius)


def need(domain: Any, model: Model) -> Any:
    """Return `domain`, or say that the model brings no inputs."""
    if domain is None:
        raise click.UsageError(f"{model.name} brings no inputs: give --inputs FILE")
    return domain
