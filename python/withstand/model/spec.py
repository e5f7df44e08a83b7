# SPDX-License-Identifier: MIT
"""What counts as harm: the largest output error, or a change of the decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from withstand._coerce import shown
from withstand._types import FloatArray


@dataclass(frozen=True)
class Argmax:
    """Ask for decisions: whether a failure changes the class that the network picks.

    The harm of a configuration at an input is the maximum over outputs j != c of (faulty output j - faulty output c),
    with c the intact network's class at that input (the first of equal outputs). The class flips where harm >= 0.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, 0.0], [0.0, 1.0]]])
    >>> ws.enumerate_failures(net, ws.Crash(1), [[1.0]], spec=ws.Argmax()).worst  # crash of neuron 1: 1 against 0
    1.0
    """


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
