# SPDX-License-Identifier: MIT
"""Failure models as a certificate states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from withstand.model.failures import Failures


def described(failures: Failures) -> list[dict[str, Any]]:
    """Return the failure models as a certificate states them.

    Raises
    ------
    ValueError
        For models that certificates do not cover.
    """
    terms = []
    for term in failures._terms:
        if term.effect not in ("crash", "stuck") or term.together:
            raise ValueError(f"certificates cover crashed and stuck neurons, not {failures!r}")
        value = float(term.amount[0]) if term.effect == "stuck" else 0.0  # the format's own words, for what reads them
        among = None if term.among is None else [list(c) for c in term.among]
        terms.append({"effect": term.effect, "value": value, "counts": list(term.counts),
                      "total": term.total, "exactly": term.exactly, "among": among})  # fmt: skip
    return terms


def named(terms: Sequence[Mapping[str, Any]]) -> str:
    """Return failure models of a file as they are written in Python."""
    return " + ".join(map(_named, terms)) or "nothing that fails"


def _named(term: Mapping[str, Any]) -> str:
    counts = term["counts"][0] if term["total"] else tuple(term["counts"])
    value = f", value={term['value']:g}" if term["effect"] == "stuck" else ""
    exactly = ", exactly" if term["exactly"] else ""
    among = "" if term["among"] is None else f", among {len(term['among'])}"
    return f"{'StuckAt' if term['effect'] == 'stuck' else 'Crash'}({counts}{value}{exactly}{among})"


def same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether two lists of models say the same, in the same order."""
    return [_canonical(t) for t in one] == [_canonical(t) for t in other]


def _canonical(term: Mapping[str, Any]) -> tuple[Any, ...]:
    among = None if term["among"] is None else sorted({tuple(c) for c in term["among"]})
    return term["effect"], term["value"], tuple(term["counts"]), term["total"], term["exactly"], among
