# SPDX-License-Identifier: MIT
"""Words whose scales follow from the inputs asked about, for questions that ask about some of these at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.term import Term


def settled(failures: Failures, net: Network, domain: Any) -> Failures:
    """Return the failure model with the words that it has at all inputs of a domain.

    Where these are no given inputs nothing is known of their signals, and the model is returned as it is.
    """
    hears = [term.effect == "bit_flip" for term in failures._terms]
    if not any(hears) or domain is None or isinstance(domain, Box):
        return failures
    rows, _ = bounds_of(net, domain, "domain")
    largest = tuple(float(np.abs(y).max()) for y in net.trace(rows)[:-1])
    return Failures(_heard(term, largest) if hear else term for term, hear in zip(failures._terms, hears))


def _heard(term: Term, largest: tuple[float, ...]) -> Term:
    assert term.flips is not None
    return term._replace(flips=term.flips._replace(signals=largest))
