# SPDX-License-Identifier: MIT
"""Slips in the bounds that go forward neuron by neuron, in intervals, selections, decisions and slack."""

from __future__ import annotations

from .slip import Slip

RECEPTION, SIGNED, INTERVAL = "src/bounds/reception.cpp", "src/bounds/signed.cpp", "src/evaluate/ranges.cpp"
DECISION, SELECTION = "src/bounds/decision.cpp", "src/core/top_sum.cpp"

SLIPS = (
    Slip(
        "reception-select",
        RECEPTION,
        "can account for.\n    sum += top_between(gains_, synapses_ ? 0 : f.least, f.most);",
        "can account for.\n    sum += top_between(gains_, synapses_ ? 0 : f.least, f.most - 1);",
        "r - 1 failures instead of r",
    ),
    Slip(
        "reception-twice",
        RECEPTION,
        "can account for.\n    sum += top_between(gains_, synapses_ ? 0 : f.least, f.most);",
        "can account for.\n    sum += top_between(gains_, f.least, f.most);",
        "a source whose synapse fails too must fail all the same",
    ),
    Slip(
        "reception-hull",
        RECEPTION,
        "low = std::min(low, f.lower(static_cast<Index>(c)));\n",
        "",
        "what a failed source transmits is missing from one end of what its failed synapse takes away",
    ),
    Slip(
        "reception-product",
        RECEPTION,
        "gains_.push_back(is_added(failure.effect) ? sent : sent - least);",
        "gains_.push_back(sent);",
        "the product of a dead synapse is counted on",
    ),
    Slip(
        "reception-rounding",
        RECEPTION,
        "const double bound = add_up(sum, error(row, struck));",
        "const double bound = add_up(sum, 0 * error(row, struck));",
        "sums are taken for exact",
    ),
    Slip(
        "reception-few",
        SELECTION,
        "for (; at > 0 && best[at - 1] < value; --at)",
        "for (; at > 1 && best[at - 1] < value; --at)",
        "off by one in the sorted list of the largest gains",
    ),
    Slip(
        "signed-slope",
        SIGNED,
        "delta.upper = eta.upper < 0 ? mul_up(slope.lower, eta.upper)",
        "delta.upper = eta.upper < 0 ? mul_up(slope.upper, eta.upper)",
        "a deviation surely below 0 shrinks by the steepest slope, not by the flattest",
    ),
    Slip(
        "signed-noise",
        SIGNED,
        "next.upper(j) = add_up(delta.upper, noisy);",
        "next.upper(j) = delta.upper;",
        "noise on one side only",
    ),
    Slip(
        "signed-range",
        SIGNED,
        "eta.upper = std::min(eta.upper, sub_up(faulty.upper(k), nominal_.pre(last, k).lower));",
        "eta.upper = std::min(eta.upper, sub_up(faulty.upper(k), nominal_.pre(last, k).upper));",
        "over a box the deviation is measured from the wrong end of the intact range",
    ),
    Slip(
        "signed-fall",
        SIGNED,
        "fall = sub_down(after.lower, before.upper);",
        "fall = sub_down(after.lower, before.lower);",
        "the deepest fall begins at the wrong end",
    ),
    Slip(
        "matrix-noise",
        SIGNED,
        "largest(j) = add_up(modulus_above(net.activation(l), magnitude(reception.of(j))), noise(space, l));",
        "largest(j) = modulus_above(net.activation(l), magnitude(reception.of(j)));",
        "the matrix recursion forgets noise",
    ),
    Slip(
        "interval-rounding",
        INTERVAL,
        "pre_lower(j) = sub_down(sub_down(pre_lower(j), spread), error);",
        "pre_lower(j) = sub_down(pre_lower(j), spread);",
        "one end without the rounding of the sum",
    ),
    Slip(
        "interval-spread",
        INTERVAL,
        "pre_upper(j) = add_up(add_up(pre_upper(j), spread), error);",
        "pre_upper(j) = add_up(pre_upper(j), error);",
        "the radius of the box is added on one side only",
    ),
    Slip(
        "interval-ramp",
        INTERVAL,
        "for (int k = 0; k <= p.corners; ++k) {",
        "for (int k = 0; k <= (p.ramp ? 1 : p.corners); ++k) {",
        "a ramp that ends inside the range is taken for a straight line",
    ),
    Slip(
        "interval-hinge",
        INTERVAL,
        "std::max(found.upper, p.slope[k])};",
        "std::max(found.upper, std::min(p.slope[k], 1.0))};",
        "a leaky slope above 1 forgotten",
    ),
    Slip(
        "decision-gap",
        DECISION,
        "const double apart = sub_up(p.nominal->post(last, j).upper, p.nominal->post(last, c).lower);",
        "const double apart = sub_up(p.nominal->post(last, j).lower, p.nominal->post(last, c).upper);",
        "the gap between two outputs from the wrong ends",
    ),
    Slip(
        "decision-beaten",
        DECISION,
        "p.nominal->post(p.net.layers(), j).lower > p.nominal->post(p.net.layers(), c).upper;",
        "p.nominal->post(p.net.layers(), j).upper > p.nominal->post(p.net.layers(), c).lower;",
        "an output that may be exceeded is taken for one that surely is",
    ),
    Slip(
        "decision-one-side",
        DECISION,
        "add_up(single[j], single[c]);",
        "single[j];",
        "only one of two outputs deviates",
    ),
    Slip(
        "errors-one-side",
        "src/bounds/error.cpp",
        "const Vector larger = both.head(m).cwiseMax(both.tail(m));",
        "const Vector larger = both.head(m);",
        "errors upward only",
    ),
    Slip(
        "tightest-max",
        "src/bounds/bound.cpp",
        "best.values[k] = std::min(best.values[k], found.values[k]);",
        "best.values[k] = std::max(best.values[k], found.values[k]);",
        "the greatest of all methods instead of the least",
    ),
    Slip(
        "slack-propagation",
        "src/bounds/slack.cpp",
        "error = steepest * (mul_up(row, error) + rounding) + last;",
        "error = steepest * rounding + last;",
        "rounding of earlier layers does not reach later ones",
    ),
    Slip(
        "selection-many",
        SELECTION,
        "const Index size = std::min(count, static_cast<Index>(kept.size()));",
        "const Index size = std::min(count - 1, static_cast<Index>(kept.size()));",
        "r - 1 of many failures instead of r",
    ),
    Slip(
        "selection-few",
        SELECTION,
        "for (std::size_t i = 0; i <= last; ++i) sum += best[i];",
        "for (std::size_t i = 0; i < last; ++i) sum += best[i];",
        "the smallest of the selected is not added",
    ),
)
