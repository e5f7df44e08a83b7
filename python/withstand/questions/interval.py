# SPDX-License-Identifier: MIT
"""The result of a search: witnessed <= truth <= proved."""

from __future__ import annotations

from dataclasses import dataclass

from withstand._answer import Answer
from withstand._plural import counted
from withstand.model.witness import Witness

#: In which sense the upper end of an interval is true.
PROVED = "upper: no configuration at any of the inputs does more, in real arithmetic, rounded outward"
#: In which sense both ends are.
RIGOR = f"lower is what a replayed configuration does; {PROVED}"


@dataclass(frozen=True, eq=False, repr=False)
class WorstCase(Answer):
    """What `worst_case` found: lower <= truth <= upper.

    Attributes
    ----------
    status : {"exact", "gap", "budget", "interrupted"}
        Why the search ended: the interval closed; it is as narrow as asked for, as splitting makes it, or as
        evaluations can tell; a limit was reached; Ctrl-C. Of int8 files with many layers a last bit may decide which
        word a sum becomes, and with it a step of the outputs: then every configuration may have been evaluated, as
        `enumerate_failures` does, and what is proved of real arithmetic is still what bounds say.
    lower : float
        The harm of the witness, by the canonical evaluation.
    upper : float
        No configuration at any input of the domain does more harm, in real arithmetic: the rounding of evaluations is
        part of it.
    exact : bool
        Whether `upper - lower` is at most `rounding`, and either at most 1e-9 of `lower`, or what evaluations may be
        off by is at most 1e-9 of the outputs' pre-activations (where all are 0: of the largest value transmitted), or
        below 1e-129. Where groups, parameters or bits fail, every configuration may have been tried, by evaluations in
        doubles of networks with very large words: there the interval is at most 1e-6 of `lower` or of these
        pre-activations.
    rounding : float
        How far apart the ends of an exact interval may be: what evaluations with twice the digits of a double may be
        off by, in any configuration (0 where no evaluation rounds), and what the search takes for a tie: 4e-15 of the
        harm, or of the absolute values that an output sums up (at most 1) where those are larger. 4e-13 where values
        or inputs range over intervals, for there the search ends at bounds.
    witness : Witness or None
        Attains `lower`; None only when the search ended before its first evaluation.
    nodes, evaluations : int
        States and bounds visited; complete evaluations of single configurations.
    configurations : int or None
        Size of the failure space; None for interval-valued failures, and beyond 1.8e308.
    seconds : float
        Wall time.
    """

    status: str
    lower: float
    upper: float
    exact: bool
    rounding: float
    witness: Witness | None
    nodes: int
    evaluations: int
    configurations: int | None
    seconds: float

    def _said(self) -> str:
        size = "" if self.configurations is None else f" of {counted(self.configurations, 'configuration')}"
        steps = f"{counted(self.nodes, 'node')}, {counted(self.evaluations, 'evaluation')}{size}"
        return (
            f"WorstCase ({self.status}): {self.lower:.6g} <= worst {self._word} <= {self.upper:.6g}\n"
            f"  search   {steps} in {self.seconds:.3g} s\n"
            f"  witness  {self.witness}"
        )
