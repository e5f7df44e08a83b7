# SPDX-License-Identifier: MIT
"""What counts as harm, other than the largest output error."""

from __future__ import annotations

from dataclasses import dataclass


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
    raise TypeError(f"spec must be None or Argmax(), got {spec!r}")
