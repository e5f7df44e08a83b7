# SPDX-License-Identifier: MIT
"""What an answer about `--noise file` may say of the file as a runtime runs it, and what not."""

from __future__ import annotations

import math
from typing import Any

import withstand as ws
from withstand.cli.output import remark
from withstand.questions.interval import PROVED, RIGOR
from withstand.statement import Statement

#: What the lower end of a search is, where a file as it runs is asked about: none of the file's.
WITNESSED = "no lower end is known; witnessed is what a replayed configuration does to the network in real numbers"


class Roundings:
    """From the network with noise to the file as it runs: what upper ends lack, and why lower ends are none.

    Parameters
    ----------
    net : Network
    options : dict
        What the command was given; anything but `--noise file` adds nothing.
    argmax : str or None
        Where decisions are asked about, a lead is a difference of two outputs, each of which is off.

    Attributes
    ----------
    of_file : bool
        Whether the answer is of the file as it runs. What is witnessed is then of the network in real numbers, with
        roundings that the search chose: a run rounds as it does, and need not reach it.
    amount : float
        What is added to upper ends: `Network.output_rounding`, twice that for decisions, or 0.
    """

    def __init__(self, net: ws.Network, options: dict[str, Any], argmax: str | None) -> None:
        self.of_file = options["noise"] == "file"
        each = (net.output_rounding or 0.0) if self.of_file else 0.0
        self.amount = 2 * each if argmax else each
        self._twice = "twice " if argmax else ""
        if self.amount:
            remark(f"the upper end has {self._twice}{each:.3g} for what roundings behind the last neurons do to "
                   "outputs: it holds for the file as a runtime runs it")  # fmt: skip

    def added(self, upper: float) -> float:
        """Return an upper end for the file as a runtime runs it, rounded outward."""
        return math.nextafter(upper + self.amount, math.inf) if self.amount else upper

    def interval(self, lower: float, upper: float) -> tuple[float, float]:
        """Return what is known of what was asked about: of a file that runs, an upper end alone."""
        if not self.of_file:
            return lower, upper
        remark("witnessed is of the network in real numbers, with roundings that the search chose: no run of the file "
               "need reach it, so that it violates nothing")  # fmt: skip
        return -math.inf, self.added(upper)

    def rigor(self, said: Statement) -> str:
        """Return how a statement is known, with what was added."""
        known = f"{WITNESSED}; {PROVED}" if self.of_file and said.rigor == RIGOR else said.rigor
        if not self.amount:
            return known
        return f"{known}; upper ends have {self.amount:g} added, {self._twice}what roundings do to an output"
