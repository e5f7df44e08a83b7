# SPDX-License-Identifier: MIT
"""Slips in branch and bound, over sets of failures and over what they transmit."""

from __future__ import annotations

from .slip import Slip

TREE, NODE = "src/search/branch_bound.cpp", "src/search/tree_node.cpp"
LEAVES, THRESHOLD = "src/search/tree_leaves.cpp", "src/search/threshold.cpp"
CONTINUOUS, SPLIT = "src/search/continuous/continuous.cpp", "src/search/continuous/split.cpp"
EFFECTS = "src/failure/effects.cpp"

SLIPS = (
    Slip(
        "tree-absolute-tie",
        "src/evaluate/tie.hpp",
        "std::max(std::abs(harm), std::min(1.0, scale));",
        "std::max(std::abs(harm), 1.0 + 0 * scale);",
        "ties are measured beside 1, however small the network",
    ),
    Slip(
        "tree-gap",
        TREE,
        "top - incumbent_.harm() <= gap_ * std::abs(top);",
        "top - incumbent_.harm() >= gap_ * std::abs(top);",
        "the gap test inverted",
    ),
    Slip(
        "tree-other-way",
        NODE,
        "if (choices_.overlapping)  // the component may also fail in another way",
        "if (choices_.overlapping && taken.empty())",
        "later components of a selection fail in one way only",
        survives="open: small networks are enumerated before a selection of two shared components is split",
    ),
    Slip(
        "tree-remaining",
        NODE,
        "if (remaining > static_cast<Index>(along.size())) return add(taken, {});",
        "if (remaining > static_cast<Index>(along.size()) + 1) return add(taken, {});",
        "one more failure than the selection is never tried",
    ),
    Slip(
        "tree-second",
        NODE,
        "Node node{std::min(root.bound, open.front()->harm), 0,",
        "Node node{std::min(root.bound, open.back()->harm), 0,",
        "the least of the open bounds instead of the greatest",
    ),
    Slip(
        "tree-above",
        NODE,
        "if (std::min(bound.harm, inherited) > level())",
        "if (std::min(bound.harm, inherited) > 1.001 * level())",
        "objectives are given up that may do better",
    ),
    Slip(
        "leaves-decided",
        LEAVES,
        "  for (const Option& option : node.decisions.failed) failed.push_back({option.site, option.value});\n",
        "",
        "sets are evaluated without what has been decided to fail",
    ),
    Slip(
        "threshold-prune",
        THRESHOLD,
        "if (sum + gains_[n].value + (prefix_[last] - prefix_[std::min(last, n + 1)]) <= level_) return true;",
        "if (sum + (prefix_[last] - prefix_[std::min(last, n + 1)]) <= level_) return true;",
        "what the next failure gains is left out of the most that may come",
    ),
    Slip(
        "threshold-completed",
        THRESHOLD,
        "if (has(taken, same)) add(gain.value);",
        "if (has(taken, same)) add(0 * gain.value);",
        "what taken failures gain is left out of the bound of a child",
    ),
    Slip(
        "continuous-one-side",
        "src/search/adapters/linear_boxes.cpp",
        "return error_rows(m);",
        "return error_rows(m).topRows(m);",
        "errors upward only",
    ),
    Slip(
        "continuous-taken",
        CONTINUOUS,
        "  out.children.push_back(std::move(taken));\n",
        "",
        "the child in which the whole selection fails is lost",
    ),
    Slip(
        "continuous-missing",
        CONTINUOUS,
        "if (space_.terms()[t].failure.exactly && left > 0) return;",
        "if (space_.terms()[t].failure.exactly && left > 1) return;",
        "a witness may lack one prescribed failure",
    ),
    Slip(
        "continuous-closed",
        CONTINUOUS,
        "return std::max(incumbent_.harm(), std::min(open_.bound(), known_));",
        "return open_.empty() ? incumbent_.harm() : std::max(open_.best().bound, incumbent_.harm());",
        "bounds that were given up are left out of the upper end",
    ),
    Slip(
        "split-values",
        SPLIT,
        "(upper_half ? failed.lower : failed.upper) = middle;",
        "failed.upper = middle;",
        "the upper half of what a failure transmits is lost",
    ),
    Slip(
        "split-inputs",
        SPLIT,
        "(upper_half ? child.lower : child.upper)(n) = middle;",
        "child.upper(n) = middle;",
        "the upper half of the inputs is lost",
    ),
    Slip(
        "split-pieces",
        SPLIT,
        "positive ? range.upper(neuron) : kink});",
        "positive ? kink : kink});",
        "the piece above a kink is lost",
    ),
    Slip(
        "tree-ways",
        "src/search/tree_node.cpp",
        "(other.quota == option.quota && other.way == option.way)",
        "other.quota == option.quota",
        "a component is left out in the ways that the selection does not take",
    ),
    Slip(
        "execution-deviation",
        EFFECTS,
        "does.hears == Hears::intact ? signal.intact : signal.arriving;",
        "signal.arriving;",
        "a deviation from the failed network instead of the intact one",
    ),
    Slip(
        "execution-signal",
        EFFECTS,
        "return signal.weight * (heard + failed.free);",
        "return signal.weight * heard + failed.free;",
        "what a synapse adds to its signal is not weighted",
    ),
)
