# SPDX-License-Identifier: MIT
"""What counts as harm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Argmax:
    """Ask for the decision instead of the values.

    The class of an input is its largest output (the first of equals). Harm is the maximum over the other outputs j of
    F_j - F_c in the failed network, c being the intact network's class at the same input: where harm >= 0 the decision
    flips.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Argmax()
    Argmax()
    """
