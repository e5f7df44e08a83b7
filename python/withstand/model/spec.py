# SPDX-License-Identifier: MIT
"""What counts as harm: the largest output error, or a change of the decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._coerce import flag, shown
from withstand._types import FloatArray


@dataclass(frozen=True)
class Argmax:
    """Ask for decisions: whether a failure changes the class that the network picks.

    The harm of a configuration at an input is the maximum over outputs j != c of (faulty output j - faulty output c),
    with c the intact network's class at that input (the first of equal outputs). The class flips where harm >= 0.

    A network with one output F chooses between two classes: 1 where F >= t, else 0, with t = 0 for a logit and t = 1/2
    behind a logistic activation (generally: what the activation makes of 0). The harm is t - F of the faulty network
    where the intact one chooses 1, and F - t where it chooses 0.

    Parameters
    ----------
    lowest : bool, default False
        The class is the smallest output instead of the largest, as in the collision avoidance networks ACAS Xu; of one
        output, class 1 where F <= t. Outputs must be behind an activation that is odd about its centre: identity,
        logistic, tanh, hard_tanh, clip, softsign.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, 0.0], [0.0, 1.0]]])
    >>> ws.enumerate_failures(net, ws.Crash(1), [[1.0]], spec=ws.Argmax()).worst  # crash of neuron 1: 1 against 0
    1.0
    >>> ws.worst_case(net, ws.Crash(1), [[1.0]], spec=ws.Argmax(lowest=True)).lower  # crash of neuron 2: 0 against 1
    1.0
    """

    lowest: bool = False

    def __post_init__(self) -> None:
        flag(self.lowest, "lowest")


#: What questions take as ``spec``: None for errors, `Argmax` for decisions.
Spec = Argmax | None


def asks_decisions(spec: object) -> bool:
    """Return whether `spec` asks for decisions.

    Raises
    ------
    TypeError
        If `spec` is neither None nor `Argmax()`.
    """
    if spec is None:
        return False
    if isinstance(spec, Argmax):
        return True
    raise TypeError(f"spec must be None or Argmax(), got {'the class Argmax' if spec is Argmax else shown(spec)}")


def output_harms(intact: FloatArray, faulty: FloatArray, decisions: bool) -> FloatArray:
    """Return the harm of every output: |faulty - intact|, or for decisions its lead over the intact network's class.

    Outputs have shapes (m,) or (n, m), `faulty` possibly with more axes in front; the class itself does -infinity.
    """
    if not decisions:
        return np.asarray(np.abs(faulty - intact))
    chosen = np.broadcast_to(intact.argmax(axis=-1)[..., None], (*faulty.shape[:-1], 1))
    lead = faulty - np.take_along_axis(faulty, chosen, axis=-1)
    np.put_along_axis(lead, chosen, -np.inf, axis=-1)
    return np.asarray(lead)
