# SPDX-License-Identifier: MIT
"""Kinds of failures that are counted, by name: a number or a format follows where they have one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

import withstand as ws
from withstand._coerce import did_you_mean
from withstand.cli.parameters import TextType, number
from withstand.model.formats import FORMATS

Maker = Callable[..., ws.Failures]

#: Kinds by name.
PLAIN: dict[str, Maker] = {
    "crash": ws.Crash,
    "synapse-crash": ws.SynapseCrash,
    "weight-crash": ws.WeightCrash,
    "channel": lambda counts: ws.Crash(counts, unit="channel"),
}
#: Those with a value or a capacity.
WITH_NUMBER: dict[str, Maker] = {
    "stuck": ws.StuckAt,
    "byzantine": ws.Byzantine,
    "deviation": lambda counts, capacity: ws.Byzantine(counts, capacity, convention="deviation"),
    "synapse-byzantine": ws.SynapseByzantine,
}
#: Those of words.
WITH_FORMAT: dict[str, Maker] = {
    "bit-flip": lambda counts, form, **words: ws.BitFlip(counts, format=form, **words),
    "weight-flip": lambda counts, form, **words: ws.WeightFlip(counts, format=form, **words),
}

#: Commands that know crashes alone, and what asks about other failures.
_OF_CRASHES = {
    "report": "a report is about crashed neurons, of every count up to --most; other failures are asked about one "
    "question at a time (withstand worst-case --{0}), or many in a study (withstand run)",
    "criticality": "neurons are ranked by what their crashes do; withstand enumerate --{0} --components ranks others",
}


@dataclass(frozen=True)
class Kind:
    """A kind of failure: a function from counts to a failure model."""

    name: str
    make: Maker
    own: tuple[Any, ...] = ()

    def __call__(self, counts: Any, **words: Any) -> ws.Failures:
        """Return the model of so many."""
        return self.make(counts, *self.own, **words)

    def of_words(self, bits: Any, biases: bool) -> Maker:
        """Return the kind with the bits that flip, and with biases, as options name them."""
        if bits is not None and self.name not in WITH_FORMAT:
            raise click.UsageError(f"--bits is about flips: give --of {' or --of '.join(_forms())}")
        if biases and self.name != "weight-flip":
            raise click.UsageError("--biases are parameters: give --of weight-flip:int8")
        words = {**({} if bits is None else {"bits": bits}), **({"biases": True} if biases else {})}
        return lambda counts: self(counts, **words)


def asks_instead(option: str) -> str | None:
    """Return what gives a kind of failure where one option takes all kinds; None where the option is no kind."""
    name = _singular(option)
    forms = {form.partition(":")[0]: form for form in (*PLAIN, *(f"{kind}:1" for kind in WITH_NUMBER), *_forms())}
    return f"--of {forms[name]}" if name in forms else None


def of_crashes(command: str, option: str) -> str | None:
    """Return what to say where a command that asks about crashes alone is given another kind of failure."""
    name = _singular(option)
    ranked = (*PLAIN, "stuck", *WITH_FORMAT)
    known = {"report": ("noise", *ranked, *WITH_NUMBER), "criticality": ranked}.get(command, ())
    if name not in known:
        return None
    return f"no option {option}: {_OF_CRASHES[command].format(name)}"


def _singular(option: str) -> str:
    """Return the kind that an option is named after; plurals are other spellings of it."""
    plurals = {"--channels": "channel", "--bit-flips": "bit-flip", "--weight-flips": "weight-flip",
               "--weight-crashes": "weight-crash"}  # fmt: skip
    return plurals.get(option, option.lstrip("-"))


def _forms() -> tuple[str, ...]:
    return tuple(f"{name}:int8" for name in WITH_FORMAT)


class KindType(TextType):
    """A kind of failure, with its value, capacity or format: crash, stuck:0.5, byzantine:1, weight-flip:int8."""

    name = "kind"

    def parsed(self, text: str) -> Kind:
        """Return a function from counts to a failure model."""
        name, colon, value = text.partition(":")
        if name in PLAIN:
            if colon:
                raise ValueError(f"{text!r}: {name} takes no number")
            return Kind(name, PLAIN[name])
        if name in WITH_FORMAT:
            if name == "bit-flip" and not colon:
                return Kind(name, WITH_FORMAT[name], (None,))
            if value not in FORMATS:
                said = f"{text!r}: {name} takes a format, one of {', '.join(FORMATS)}, like {name}:int8"
                raise ValueError(said + did_you_mean(value, FORMATS))
            return Kind(name, WITH_FORMAT[name], (value,))
        if name not in WITH_NUMBER:
            known = (*PLAIN, *WITH_NUMBER, *WITH_FORMAT)
            raise ValueError(f"{name!r} is none of {', '.join(known)}{did_you_mean(name, known)}")
        if not colon:
            raise ValueError(f"{text!r}: {name} takes a number, like {name}:1")
        try:
            amount = number(value)
        except ValueError:
            raise ValueError(f"{value!r} is no number") from None
        return Kind(name, WITH_NUMBER[name], (amount,))


kind_option = click.option(
    "--of", "kind", type=KindType(), default="crash", show_default=True,
    help="What fails: crash, stuck:VALUE, byzantine:CAPACITY, deviation:CAPACITY, synapse-crash, "
    "synapse-byzantine:CAPACITY, channel, weight-crash, weight-flip:FORMAT, bit-flip:FORMAT, "
    "or bit-flip: of the file's own words, else int8.",
)  # fmt: skip
