# SPDX-License-Identifier: MIT
"""Kinds of failures that are counted, by name: a number or a format follows where they have one."""

from __future__ import annotations

from collections.abc import Callable

import click

import withstand as ws
from withstand._coerce import did_you_mean
from withstand.cli.parameters import TextType, number
from withstand.model.formats import FORMATS

Kind = Callable[..., ws.Failures]

#: Kinds by name.
PLAIN: dict[str, Kind] = {
    "crash": ws.Crash,
    "synapse-crash": ws.SynapseCrash,
    "weight-crash": ws.WeightCrash,
    "channel": lambda counts: ws.Crash(counts, unit="channel"),
}
#: Those with a value or a capacity.
WITH_NUMBER: dict[str, Kind] = {
    "stuck": ws.StuckAt,
    "byzantine": ws.Byzantine,
    "deviation": lambda counts, capacity: ws.Byzantine(counts, capacity, convention="deviation"),
    "synapse-byzantine": ws.SynapseByzantine,
}
#: Those of words.
WITH_FORMAT: dict[str, Kind] = {
    "bit-flip": lambda counts, form: ws.BitFlip(counts, format=form),
    "weight-flip": lambda counts, form: ws.WeightFlip(counts, format=form),
}


class KindType(TextType):
    """A kind of failure, with its value, capacity or format: crash, stuck:0.5, byzantine:1, weight-flip:int8."""

    name = "kind"

    def parsed(self, text: str) -> Kind:
        """Return a function from counts to a failure model."""
        name, colon, value = text.partition(":")
        if name in PLAIN:
            if colon:
                raise ValueError(f"{text!r}: {name} takes no number")
            return PLAIN[name]
        if name in WITH_FORMAT:
            if value not in FORMATS:
                said = f"{text!r}: {name} takes a format, one of {', '.join(FORMATS)}, like {name}:int8"
                raise ValueError(said + did_you_mean(value, FORMATS))
            return lambda counts: WITH_FORMAT[name](counts, value)
        if name not in WITH_NUMBER:
            known = (*PLAIN, *WITH_NUMBER, *WITH_FORMAT)
            raise ValueError(f"{name!r} is none of {', '.join(known)}{did_you_mean(name, known)}")
        if not colon:
            raise ValueError(f"{text!r}: {name} takes a number, like {name}:1")
        try:
            amount = number(value)
        except ValueError:
            raise ValueError(f"{value!r} is no number") from None
        return lambda counts: WITH_NUMBER[name](counts, amount)


kind_option = click.option(
    "--of", "kind", type=KindType(), default="crash", show_default=True,
    help="What fails: crash, stuck:VALUE, byzantine:CAPACITY, deviation:CAPACITY, synapse-crash, "
    "synapse-byzantine:CAPACITY, channel, weight-crash, weight-flip:FORMAT, bit-flip:FORMAT.",
)  # fmt: skip
