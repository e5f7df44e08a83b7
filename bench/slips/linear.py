# SPDX-License-Identifier: MIT
"""Slips in the linear bound: lines, back-substitution, refinement, intact and failed values together."""

from __future__ import annotations

from .slip import Slip

LINES, LAYER, RESPONSE = "src/bounds/linear/lines.cpp", "src/bounds/linear/layer.cpp", "src/bounds/linear/response.cpp"
SUBSTITUTE, MARGINAL = "src/bounds/linear/substitute.cpp", "src/bounds/linear/marginal.cpp"
CRITICAL, JOINT = "src/bounds/linear/critical.cpp", "src/bounds/linear/joint.cpp"

SLIPS = (
    Slip(
        "lines-kink",
        CRITICAL,
        "for (int k = 0; k < phi.pieces().corners; ++k) points.add(",
        "for (int k = phi.pieces().corners / 2; k < phi.pieces().corners; ++k) points.add(",
        "one of two kinks forgotten",
    ),
    Slip(
        "lines-straight",
        LINES,
        "if (phi.rectifier()) return range.lower >= 0 ? phi.gain() : range.upper <= 0 ? 0 : -1;",
        "if (phi.rectifier()) return range.upper >= 0 ? phi.gain() : 0;",
        "a rectifier is straight as soon as its range reaches above 0",
    ),
    Slip(
        "lines-end",
        LINES,
        "  include(range.upper);\n  if (",
        "  if (",
        "the offset of a line from one end of the range",
    ),
    Slip(
        "lines-leaky",
        LINES,
        "return {phi.gain() * *least, phi.gain() * *most};",
        "return {phi.gain() * *least, phi.gain() * std::min(*most, 1.0)};",
        "a leaky slope above 1 forgotten",
    ),
    Slip(
        "layer-noise",
        LAYER,
        "layer.upper_offset(i) = up(response.upper.offset + noise);",
        "layer.upper_offset(i) = up(response.upper.offset);",
        "noise below the lines only",
    ),
    Slip(
        "layer-gain",
        LAYER,
        "neurons.rates.positive(i) = up(failed.upper - floor);",
        "neurons.rates.positive(i) = up(failed.upper - layer.signal.upper(i));",
        "gains over the largest signal instead of over the line's least value",
    ),
    Slip(
        "layer-cut",
        LAYER,
        "cut.removed = !sending.added;",
        "cut.removed = true;",
        "a synapse that adds loses its product as well",
    ),
    Slip(
        "layer-synapse-sign",
        LAYER,
        "site.to + synapses.keep, -gain.lower, site.from);",
        "site.to + synapses.keep, gain.upper, site.from);",
        "the gain of a failed synapse with the wrong sign",
    ),
    Slip(
        "response-concave",
        RESPONSE,
        "return product_down(eta >= 0 ? slope.lower : slope.upper, eta);",
        "return product_down(slope.lower, eta);",
        "the flattest slope on both sides",
    ),
    Slip(
        "response-shifted",
        RESPONSE,
        "return {slope, up(offsets(phi, slope, r.faulty).upper - offsets(phi, slope, r.pre).lower)};",
        "return {slope, up(offsets(phi, slope, r.faulty).upper - offsets(phi, slope, r.pre).upper)};",
        "the intact value taken from the wrong end",
    ),
    Slip(
        "substitute-synapses",
        SUBSTITUTE,
        "const Index top = pool.synapses ? signals + 1 : signals;",
        "const Index top = signals;",
        "failed synapses of the receivers themselves missing",
    ),
    Slip(
        "substitute-exactly",
        SUBSTITUTE,
        "top_sum(gains, width, pool.budget, pool.exactly && complete);",
        "top_sum(gains, width, pool.budget, pool.exactly);",
        "failures behind the layer looked at must have happened before it",
    ),
    Slip(
        "substitute-cut",
        SUBSTITUTE,
        "if (cut.removed) signal_.row(r)[cut.from] -= a[cut.to] * map.weight(cut.to, cut.from);",
        "if (cut.removed) signal_.row(r)[cut.from] += a[cut.to] * map.weight(cut.to, cut.from);",
        "a failed synapse counted twice instead of not at all",
    ),
    Slip(
        "marginal-others",
        MARGINAL,
        "return value >= threshold ? sum - value + next : sum;",
        "return value >= threshold ? sum - value : sum;",
        "one failure fewer may have come before",
    ),
    Slip(
        "marginal-base",
        MARGINAL,
        "marginals_.constant(j) = up(up(after.upper - before.lower) + noise_of(l, j));",
        "marginals_.constant(j) = up(after.upper - before.lower);",
        "noise forgotten where failures are counted one after the other",
    ),
    Slip(
        "refine-blend",
        "src/bounds/linear/refine.cpp",
        "offset = (1 - share) * offset + share * to.offset + outward",
        "offset = to.offset + outward",
        "the average of two lines with the offset of one",
    ),
    Slip(
        "joint-value",
        JOINT,
        "  if (!given_.sending[failed.term].added) c.intact -= c.deviation;  // ŷ - y = v - y\n",
        "",
        "what a failed neuron no longer transmits is forgotten",
    ),
    Slip(
        "joint-lower",
        JOINT,
        "const double lower = std::max(deviation.lower(j), -bounds(count + r));",
        "const double lower = std::max(deviation.lower(j), -bounds(r));",
        "the lower end from the rows of the upper one",
        survives="open: no box was met on which the lower end mattered",
    ),
    Slip(
        "joint-remaining",
        JOINT,
        "const Coefficients both{a * faulty.slope, a * faulty.slope + rest * remaining.slope,",
        "const Coefficients both{a * faulty.slope, rest * remaining.slope,",
        "phi(s + eta) moves with eta alone",
    ),
    Slip(
        "linear-noise-layer",
        "src/bounds/linear/linear.cpp",
        "up(noise(site.to) + amount(failure, l));",
        "up(noise(site.to) + amount(failure, 1));",
        "every layer has the first one's noise",
    ),
)
