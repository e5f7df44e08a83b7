# SPDX-License-Identifier: MIT
"""Faults that were found and mended once, planted again."""

from __future__ import annotations

from .slip import Slip

SLIPS = (
    Slip(
        "fault-1-telescoped",
        "src/bounds/linear/marginal.cpp",
        "if (marginals_.telescoped[at(j)] == 0) continue;",
        "if (layer.upper_slope(j) == layer.lower_slope(j)) continue;",
        "which receivers telescope is asked of the lines again, an ulp later",
    ),
    Slip(
        "fault-2-scalar",
        "src/bounds/scalar.cpp",
        "return target.is_difference() && !is_added(failure.effect) ? known + Upper(rows(output)) * largest : known;",
        "return known;",
        "a dead synapse into one of two compared outputs hides only what its source transmits intact",
    ),
    Slip(
        "fault-2-adjoint",
        "src/bounds/adjoint.cpp",
        "factors(i) = parts ? add_up(std::abs(a), std::abs(b)) : std::max(sub_up(a, b), sub_up(b, a));",
        "factors(i) = std::max(sub_up(a, b), sub_up(b, a));",
        "two outputs always see the same deviation, dead synapse or not",
    ),
    Slip(
        "fault-3-idle-neuron",
        "src/enumerate/replay.cpp",
        "if (site.is_synapse() && neuron != nullptr && neuron->layer == site.layer && neuron->to == site.to) continue;",
        "",
        "a failed neuron held at its own value is dropped although its synapse has failed",
    ),
    Slip(
        "fault-4-upper",
        "src/search/branch_bound.cpp",
        "double bound = std::max(open_.bound(), incumbent_.above());",
        "double bound = std::max(open_.bound(), incumbent_.harm());",
        "the upper end forgets what evaluations round",
    ),
    Slip(
        "fault-5-overflow",
        "src/evaluate/overflow.cpp",
        "const auto fits = [](double value) { return value <= largest_value; };",
        "const auto fits = [](double) { return true; };",
        "nothing is refused that may overflow",
    ),
    Slip(
        "fault-6-norm",
        "src/network/dense.cpp",
        "facts.row_norm = weight.rowwise().stableNorm() * up;\n"
        "  facts.row_norm = facts.row_norm.cwiseMax(facts.row_max);",
        "facts.row_norm = weight.rowwise().norm() * up;\n",
        "squares of tiny weights vanish from the norm of a row",
    ),
    Slip(
        "fault-6-rounding",
        "src/bounds/linear/substitute.cpp",
        "+= underflow(terms, before.magnitude, layer.rounding(j));",
        "+= 0;",
        "no floor below what products lose under the normal range",
        survives="probably hidden: what sending loses is added as well, wherever a weight meets a signal",
    ),
)
