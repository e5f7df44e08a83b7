# SPDX-License-Identifier: MIT
"""What roundings behind the last neurons of a quantised file add to an answer about `--noise file`."""

from __future__ import annotations

import math
from typing import Any

import withstand as ws
from withstand.cli.output import remark
from withstand.statement import Statement


class Roundings:
    """How far a run of a file is off where no neuron is, which its noise leaves out.

    Parameters
    ----------
    net : Network
    options : dict
        What the command was given; anything but `--noise file` adds nothing.
    argmax : str or None
        Where decisions are asked about, a lead is a difference of two outputs, each of which is off.

    Attributes
    ----------
    amount : float
        What is added to upper ends: `Network.output_rounding`, twice that for decisions, or 0.
    """

    def __init__(self, net: ws.Network, options: dict[str, Any], argmax: str | None) -> None:
        each = (net.output_rounding or 0.0) if options["noise"] == "file" else 0.0
        self.amount = 2 * each if argmax else each
        self._twice = "twice " if argmax else ""
        if self.amount:
            remark(f"the upper end has {self._twice}{each:.3g} for what roundings behind the last neurons do to "
                   "outputs: it holds for the file as a runtime runs it")  # fmt: skip

    def added(self, upper: float) -> float:
        """Return an upper end for the file as a runtime runs it, rounded outward."""
        return math.nextafter(upper + self.amount, math.inf) if self.amount else upper

    def rigor(self, said: Statement) -> str:
        """Return how a statement is known, with what was added."""
        if not self.amount:
            return said.rigor
        return f"{said.rigor}; upper ends have {self.amount:g} added, {self._twice}what roundings do to an output"
