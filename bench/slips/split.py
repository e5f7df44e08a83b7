# SPDX-License-Identifier: MIT
"""Slips in the bound that tries the first failures: which sets, what is left out, what rounds, what is left."""

from __future__ import annotations

from .slip import Slip

EXECUTIONS, SPLIT = "src/evaluate/executions.cpp", "src/bounds/split.cpp"

SLIPS = (
    Slip(
        "split-next",
        EXECUTIONS,
        "if (last != nullptr && !(*last < site)) continue;",
        "if (last != nullptr && site.layer == last->layer) continue;",
        "two failures in one layer are never tried together",
    ),
    Slip(
        "split-underflow",
        EXECUTIONS,
        "if (!any) lost(j) = 0;",
        "lost(j) = 0;",
        "no floor below what products lose under the normal range",
    ),
    Slip(
        "split-rounding",
        EXECUTIONS,
        "error.doubles = phi.lipschitz() * (1 + 1e-9) * doubles + own;",
        "error.doubles = own;",
        "what sums round is forgotten",
    ),
    Slip(
        "split-left-out",
        EXECUTIONS,
        "if (choice.sent != before.post[l](i)) return false;",
        "if (before.post[l](i) != 0) return false;",
        "a stuck neuron that would send 0 is left out like a crash",
    ),
    Slip(
        "split-spared",
        SPLIT,
        "if (site < last) restriction.alive.push_back(site);",
        "if (site.layer <= last.layer) restriction.alive.push_back(site);",
        "what comes later in the same layer is taken to work",
    ),
    Slip(
        "split-leaders",
        SPLIT,
        "leaders_.size() <= leading || harm(c) > leaders_.back().harm",
        "leaders_.size() < leading",
        "the first sets, not the worst ones, are evaluated closely",
    ),
)
