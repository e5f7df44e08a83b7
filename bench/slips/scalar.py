# SPDX-License-Identifier: MIT
"""Slips in the bounds with one number per layer, in the adjoint bound and in what failures do."""

from __future__ import annotations

from .slip import Slip

SCALAR, EFFECTS, ADJOINT = "src/bounds/scalar.cpp", "src/failure/effects.cpp", "src/bounds/adjoint.cpp"
MAGNITUDE = "src/core/interval.hpp"
SPENDING = "src/bounds/spending.hpp"

SLIPS = (
    Slip(
        "scalar-all-relay",
        SCALAR,
        "        if (!f.term->grouped()) alive -= taken;  // of groups, whoever is not among the worst ones relays\n",
        "",
        "N_l neurons relay, not N_l - f_l",
    ),
    Slip(
        "scalar-next-weight",
        SCALAR,
        "received_from(fans_[static_cast<std::size_t>(l - 1)], before))",
        "received_from(fans_[static_cast<std::size_t>(l)], before))",
        "the largest weight of the wrong layer",
    ),
    Slip(
        "scalar-no-noise",
        SCALAR,
        "by_synapses(l, counts, correct * relayed) + correct * noise_[at];",
        "by_synapses(l, counts, correct * relayed);",
        "noise forgotten",
    ),
    Slip(
        "scalar-room",
        SPENDING,
        "const Index room = std::min(f.most[static_cast<std::size_t>(l)], f.total - f.used(state));",
        "const Index room = std::min(f.most[static_cast<std::size_t>(l)], f.total - f.used(state) - 1);",
        "the last failure of a total is never spent in a hidden layer",
    ),
    Slip(
        "scalar-capped-sum",
        SCALAR,
        "const Upper each = failed + by_synapses(l, counts, correct * relayed) + correct * noise_[at];",
        "Upper relaying = by_synapses(l, counts, correct * relayed);\n"
        "    if (formula_ == Formula::capped && l > 0)\n"
        "      relaying = std::min(relaying, correct * Upper(net_.activation(l).range()));\n"
        "    const Upper each = failed + relaying + correct * noise_[at];",
        "the cap is put on the sum, which drops synapses of neurons counted as failed",
    ),
    Slip(
        "scalar-equivocal",
        "src/bounds/fans.cpp",
        "weight = apart ? add_up(weight, std::abs(b[i]))",
        "weight = apart ? std::max(weight, std::abs(b[i]))",
        "an equivocal neuron tells one of two outputs only",
    ),
    Slip(
        "scalar-last-synapses",
        SCALAR,
        "const Index here = f.counted_here ? f.most.back() : f.total - f.used(state);",
        "const Index here = f.counted_here ? f.most.back() : 0;",
        "a total of synapses never reaches the outputs",
    ),
    Slip(
        "scalar-forced",
        SCALAR,
        "(formula_ == Formula::capped && f.term->failure.exactly && !(relaxed() && f.term->failure.total))",
        "(formula_ == Formula::capped && !(relaxed() && f.term->failure.total))",
        "at most treated as exactly",
    ),
    Slip(
        "effects-hull",
        EFFECTS,
        "return {sub_down(sent.lower, before.upper), sub_up(sent.upper, before.lower)};",
        "return {sub_down(sent.lower, before.lower), sub_up(sent.upper, before.lower)};",
        "the deviation of a failure forgets one end of the nominal range",
    ),
    Slip(
        "effects-no-abs",
        EFFECTS,
        "mul_up(std::abs(weight), free)",
        "mul_up(weight, free)",
        "dropped abs of the weight",
    ),
    Slip(
        "interval-magnitude",
        MAGNITUDE,
        "return std::max(std::abs(range.lower), std::abs(range.upper));",
        "return std::abs(range.upper);",
        "one end of an interval taken for its magnitude",
    ),
    Slip(
        "effects-replaced",
        EFFECTS,
        "return {-free, free};",
        "return does.strikes == Strikes::synapses ? Interval{} : Interval{-free, free};",
        "a replaced product treated as a crashed one",
    ),
    Slip(
        "effects-least",
        EFFECTS,
        "return std::max<Index>(0, term.failure.counts.front() - elsewhere);",
        "return term.most(layer);",
        "an exact total must fail in every layer",
    ),
    Slip(
        "effects-first-noise",
        EFFECTS,
        "layer >= 1 && layer < space.layers()",
        "layer > 1 && layer < space.layers()",
        "the first hidden layer has no noise",
    ),
    Slip(
        "adjoint-slope-layer",
        ADJOINT,
        "mul_up(factors(j), net_.activation(l, j).lipschitz());",
        "mul_up(factors(j), net_.activation(l + 1).lipschitz());",
        "the Lipschitz constant of the wrong layer",
    ),
    Slip(
        "adjoint-one-output",
        ADJOINT,
        "    if (target.is_difference()) receivers_(target.minus) = 1;\n",
        "",
        "synapses into the second of two compared outputs cannot fail",
    ),
    Slip(
        "adjoint-noise-layer",
        ADJOINT,
        "mul_up(factors(site.to), amount(term.failure, l))",
        "mul_up(factors(site.to), amount(term.failure, 1))",
        "every layer has the first one's noise",
    ),
    Slip(
        "adjoint-lowest",
        ADJOINT,
        "const Index sender = on_synapses(term.failure.effect) && l > 0 ? l - 1 : l;",
        "const Index sender = l;",
        "the pass backward ends before the lowest failing synapses",
    ),
    Slip(
        "adjoint-selected",
        ADJOINT,
        "else sum = add_up(sum, selected(std::move(here), term.most(l)));",
        "else sum = std::max(sum, selected(std::move(here), term.most(l)));",
        "the worst layer instead of all layers",
    ),
)
