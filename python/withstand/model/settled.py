# SPDX-License-Identifier: MIT
"""Words as a network states them, and as large as all inputs say, where some of these are asked about at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term


def worded(failures: Failures, net: Network) -> Failures:
    """Return the failure model with the words that the network states for its signals, where it names no others."""
    return Failures(term.worded(net) for term in failures._terms)


def settled(failures: Failures, net: Network, domain: Any) -> Failures:
    """Return the failure model with the words that it has at all inputs of a domain.

    Where these are no given inputs nothing is known of how large their signals are.
    """
    failures = worded(failures, net)
    hears = [term.effect == "bit_flip" for term in failures._terms]
    if not any(hears) or domain is None or isinstance(domain, Box):
        return failures
    rows, _ = bounds_of(net, domain, "domain")
    largest = tuple(float(np.abs(y).max()) for y in net.trace(rows)[:-1])
    return Failures(_heard(term, largest) if hear else term for term, hear in zip(failures._terms, hears))


def _heard(term: Term, largest: tuple[float, ...]) -> Term:
    assert term.flips is not None
    return term._replace(flips=term.flips._replace(signals=largest))
