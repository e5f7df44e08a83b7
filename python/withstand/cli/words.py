# SPDX-License-Identifier: MIT
"""The options about words: bits that flip, parameters that fail, and what their words are."""

from __future__ import annotations

from typing import Any

import click

import withstand as ws
from withstand.cli.parameters import Choice, CountsType, Number, TextType, number
from withstand.model.formats import FORMATS
from withstand.model.quantisation import carried

#: What only flips have, by their names as arguments.
_OF_FLIPS = {"format_": "--format", "scale": "--scale", "bits": "--bits", "to": "--to", "clamp": "--clamp"}


class BitsType(TextType):
    """Bits with commas between them, those that flip together joined by +: 7, or 0,1+2."""

    name = "bits"

    def parsed(self, text: str) -> list[tuple[int, ...]]:
        """Parse the bits."""
        try:
            return [tuple(int(bit) for bit in entry.split("+")) for entry in text.split(",")]
        except ValueError:
            raise ValueError(f"{text!r} is no list of bits, like 7 or 0,1+2") from None


class RangeType(TextType):
    """Two numbers: LOW:HIGH."""

    name = "low:high"

    def parsed(self, text: str) -> tuple[float, float]:
        """Parse the numbers."""
        try:
            low, high = (number(part) for part in text.split(":"))
        except ValueError:
            raise ValueError(f"{text!r} is not LOW:HIGH, like -1:1") from None
        return low, high


class NoiseType(TextType):
    """An amplitude, or the word "file": what rounding to the words of a quantised file moves signals by."""

    name = "number"

    def parsed(self, text: str) -> float | str:
        """Return the number, or the word."""
        try:
            return text if text == "file" else number(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a number nor 'file'") from None


def noise_of(net: ws.Network, noise: float | str) -> ws.Failures:
    """Return the noise that the option names.

    Raises
    ------
    click.UsageError
        Where a file states no roundings.
    """
    amplitudes = net.noise if isinstance(noise, str) else noise
    if amplitudes is None:
        raise click.UsageError("--noise file: the file is not quantised, it states no roundings; give a number")
    return ws.Noise(amplitudes)


rounded_option = click.option("--rounded", type=Choice(FORMATS),
                              help="First round the network's parameters to words of this format.")  # fmt: skip
bits_option = click.option("--bits", type=BitsType(),
                           help="Bits that flip: 7, or 0,1+2 (1 and 2 together).  [default: any one]")  # fmt: skip
biases_option = click.option("--biases", is_flag=True, help="Biases may flip, too.")

WORD_OPTIONS = (
    click.option("--channel", "--channels", type=CountsType(), help="Crashed channels: feature maps."),
    click.option("--bit-flip", "--bit-flips", type=CountsType(), help="Neurons that transmit a flipped bit."),
    click.option("--weight-flip", "--weight-flips", type=CountsType(), help="Stored weights with a flipped bit."),
    click.option("--weight-crash", "--weight-crashes", type=CountsType(), help="Stored weights that become 0."),
    click.option("--format", "format_", type=Choice(FORMATS),
                 help="Of words that flip.  [default: int8; of --bit-flip the file's own]"),
    click.option("--scale", type=Number(min=0, min_open=True), help="Of integer words, where no file says it."),
    bits_option,
    click.option("--to", type=click.IntRange(0, 1), help="Only flips to this value: cells stuck at it."),
    click.option("--clamp", type=RangeType(), help="The range that words are restricted to after a flip: LOW:HIGH."),
    biases_option,
    rounded_option,
)


def words_held(net: ws.Network) -> list[dict[str, str | None]] | None:
    """Return the formats of the words that each layer 1..L+1 holds; None of a network that states none."""
    if net.formats is None:
        return None
    kinds = ("weight", "bias", "signal")
    each = ([getattr(layer, kind) for kind in kinds] for layer in net.formats)
    return [{kind: None if form is None else form.name for kind, form in zip(kinds, forms)} for forms in each]


def words_in_short(net: ws.Network) -> str:
    """Return which words a network states: "int8 weights, int32 biases, int8 signals"; empty where it states none."""
    held = words_held(net) or []
    said = []
    for kind, name in (("weight", "weights"), ("bias", "biases"), ("signal", "signals")):
        forms = sorted({form for layer in held if (form := layer[kind]) is not None})
        said += [f"{' and '.join(forms)} {name}"] if forms else []
    return ", ".join(said)


def of_words(net: ws.Network) -> list[str]:
    """Return what is said of the words that a network states, and of what rounding to them does."""
    said = words_in_short(net)
    lines = [f"words: {said} (asked about by --weight-flip, --weight-crash, --bit-flip)"] if said else []
    if net.noise is not None:
        neurons, _ = carried(net._described(), net.noise)
        lines.append(f"rounding of a run moves what hidden neurons transmit by at most {max(neurons, default=0.0):.3g}")
        lines.append(f"behind the last neurons it moves outputs by at most {net.output_rounding:.3g}")
        lines.append("--noise file asks about both; bound and worst-case add the second to the upper end")
    return lines


def words_of(net: ws.Network, options: dict[str, Any], among: list[tuple[int, int]] | None) -> list[ws.Failures]:
    """Return the models of words of a network that the options name; `among` are the neurons that may fail."""
    flips = {name.rstrip("_"): options[name] for name in _OF_FLIPS if options[name] is not None}
    if options["bit_flip"] is None and options["weight_flip"] is None:
        given = [option for name, option in _OF_FLIPS.items() if options[name] is not None]
        given += ["--biases"] if options["biases"] else []
        if given:
            raise click.UsageError(f"{given[0]} is about flips: give --weight-flip or --bit-flip")
    if options["biases"] and options["weight_flip"] is None:
        raise click.UsageError("--biases are parameters: give --weight-flip")
    on_weights = [name for name in ("weight_flip", "weight_crash") if options[name] is not None]
    if on_weights and among is not None:
        option = on_weights[0].replace("_", "-")
        count, layers = options[on_weights[0]], set(options["layer"]) - {0} or {1}
        each = [(count if isinstance(count, int) else 1) * (n in layers) for n in range(1, net.depth + 2)]
        form = f"--{option} {','.join(map(str, each))}"
        raise click.UsageError(f"--layer is of neurons: give counts per layer of weights instead, like {form}")
    exactly: bool = options["exactly"]
    models: list[ws.Failures] = []
    if options["bit_flip"] is not None:
        models.append(ws.BitFlip(options["bit_flip"], among=among, exactly=exactly, **flips))
    flips.setdefault("format", "int8")
    if options["weight_flip"] is not None:
        models.append(ws.WeightFlip(options["weight_flip"], biases=options["biases"], exactly=exactly, **flips))
    if options["weight_crash"] is not None:
        models.append(ws.WeightCrash(options["weight_crash"], exactly=exactly))
    return models
