# SPDX-License-Identifier: MIT
"""What the certificate checker is willing to do: work is counted before it is done, and too much is refused by name."""

from __future__ import annotations

#: The most of everything, over one certificate.
LIMITS = {
    "bytes": 100_000_000,
    "ways to fail": 1_000_000,  # neurons times failure models
    "decisions on the paths of the tree": 20_000_000,
    "steps of counting configurations": 20_000_000,
    "configurations to evaluate": 5_000_000,
    "configurations of components": 1_000_000,  # at all inputs together
    "multiply-adds of components": 20_000_000_000,
    "multiply-adds": 10**12,
    "multiply-adds of splitting leaves": 5_000_000_000,  # and a share for every leaf of the file
    "multiply-adds in rational arithmetic": 2_000_000,
}

#: What grows with the inputs and the components that a question is about.
_OF_COMPONENTS = ("configurations of components", "multiply-adds of components")


class Rejected(ValueError):
    """The certificate does not prove its claim: where, and why."""


class Budget:
    """What has been spent on one certificate."""

    def __init__(self) -> None:
        self._spent = dict.fromkeys(LIMITS, 0)
        self._limits = dict(LIMITS)

    def allow(self, kind: str, amount: int) -> None:
        """Raise the limit of a kind of work."""
        self._limits[kind] += amount

    def spend(self, kind: str, amount: int) -> None:
        """Count work that is about to be done.

        Raises
        ------
        Rejected
            If that makes more than the limit.
        """
        self._spent[kind] += amount
        if self._spent[kind] > self._limits[kind]:
            instead = "; ask about fewer inputs or components" if kind in _OF_COMPONENTS else ""
            spent, limit = self._spent[kind], self._limits[kind]
            raise Rejected(f"too much to check: {spent:,} {kind}, the limit is {limit:,}{instead}")
