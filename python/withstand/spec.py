# SPDX-License-Identifier: MIT
"""What counts as harm besides the size of an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Argmax:
    """Ask for decisions: harm is max over j != c of (faulty F_j - faulty F_c).

    c is the intact network's class at the same input (the first of equal outputs); the class flips where harm >= 0.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Argmax()
    Argmax()
    """


#: A specification, or None for the error.
Spec = Union[Argmax, None]
