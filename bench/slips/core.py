# SPDX-License-Identifier: MIT
"""Slips in what all engines share, and in the kernels."""

from __future__ import annotations

from .slip import Slip

LOGISTIC, ELU, FORWARD, NATURAL = (
    f"src/{name}.cpp" for name in ("activation/logistic", "activation/elu", "evaluate/forward", "core/natural")
)

SLIPS = (
    Slip(
        "activation-logistic",
        LOGISTIC,
        "[](double) { return 0.25; },",
        "[](double) { return 0.5; },",
        "twice the Lipschitz constant of the logistic function",
    ),
    Slip(
        "activation-elu",
        ELU,
        "double steepest(double alpha) { return std::max(1.0, alpha); }",
        "double steepest(double) { return 1.0; }",
        "a slope above 1 forgotten",
    ),
    Slip(
        "activation-elu-modulus",
        ELU,
        "(alpha - 1) * up + (t - below) + t * 4e-16;",
        "(t - below) + t * 4e-16;",
        "the steep part of elu left out of its modulus",
    ),
    Slip(
        "activation-elu-infimum",
        ELU,
        "return alpha == 0 ? 0.0 : -alpha;",
        "return alpha == 0 ? 0.0 : -1.0;",
        "elu ends at -1 whatever its slope",
    ),
    Slip(
        "space-exactly",
        "src/failure/counting.cpp",
        "choice.demands.push_back({cap, failure.exactly});",
        "choice.demands.push_back({cap, failure.exactly && failure.total});",
        "exact counts per layer counted as at most",
    ),
    Slip(
        "space-shared",
        "src/failure/counting.cpp",
        "const auto free = size - static_cast<std::uint64_t>(degrees.back());",
        "const auto free = size;",
        "components that several models share are counted as if each had its own",
    ),
    Slip(
        "space-ways",
        "src/failure/counting.cpp",
        "static_cast<std::uint32_t>(std::max(1, ways(space.terms()[t].failure)))",
        "1",
        "a component that may fail in several ways counted once",
    ),
    Slip(
        "restriction-stuck",
        "src/failure/restriction.cpp",
        "failed.push_back({site, term, free.lower, free.upper});",
        "failed.push_back({site, term, -free.upper, free.upper});",
        "a stuck neuron may transmit what a Byzantine one may",
    ),
    Slip(
        "forward-bias",
        FORWARD,
        "? sum : sum + net.bias(l)(j);",
        "? sum : sum;",
        "the bias behind failed synapses forgotten",
    ),
    Slip(
        "forward-synapse",
        FORWARD,
        "  for (Cursor f = synapse; f != end; ++f) sum += f->value;  // a bias that is replaced sorts last\n",
        "",
        "a failed synapse delivers nothing, whatever it sends",
    ),
    Slip(
        "natural-carry",
        NATURAL,
        "  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));\n",
        "",
        "the last carry of a product lost",
    ),
    Slip(
        "natural-fits",
        NATURAL,
        "limbs_[1] < 0x80000000U",
        "limbs_[1] <= 0x80000000U",
        "2^63 is said to fit 63 bits",
    ),
    Slip(
        "overflow-synapses",
        "src/evaluate/overflow.cpp",
        "most.received += count * free;",
        "most.received += free;",
        "one of several synapses into a receiver counted",
    ),
    Slip(
        "rounding-grid",
        "src/core/rounding.cpp",
        "exponent - 1075 + zeros",
        "exponent - 1074 + zeros",
        "numbers lie on a grid twice as coarse as theirs",
    ),
    Slip(
        "network-row-sum",
        "src/network/dense.cpp",
        "facts.row_sum = weight.cwiseAbs().rowwise().sum() * up;",
        "facts.row_sum = weight.rowwise().sum() * up;",
        "dropped abs in the sum of a row",
    ),
    Slip(
        "kernels-clip",
        "src/kernels/activate.inl",
        "return smaller(one, larger(zero, x + 0.5));",
        "return smaller(one, larger(zero, x));",
        "clip without its shift",
    ),
    Slip(
        "kernels-product",
        "src/kernels/multiply_add.inl",
        "      for (long i = 0; i < k; ++i) sum += a[r * lda + i] * b[i * ldb + j];",
        "      for (long i = 1; i < k; ++i) sum += a[r * lda + i] * b[i * ldb + j];",
        "the first term of a product missing at the edge of a matrix",
    ),
    Slip(
        "kernels-split",
        "src/kernels/relax.inl",
        "for (; i < n; ++i) out[i] = a[i] > 0 ? a[i] * above[i] : a[i] * below[i];",
        "for (; i < n; ++i) out[i] = a[i] * above[i];",
        "the upper line whatever the sign, at the end of a row",
    ),
    Slip(
        "kernels-openable",
        "src/kernels/rows.inl",
        "    for (long c = 0; c < corrections; ++c) top += most[c] * larger(load(responses[c] + j), zero);\n",
        "",
        "hinges that corrections open stay shut",
    ),
    Slip(
        "kernels-reach",
        "src/kernels/rows.inl",
        "store(highest + j, larger(column, load(before + j)));",
        "store(highest + j, column);",
        "the most of the last lane instead of the most of all",
    ),
    Slip(
        "kernels-merge",
        "src/kernels/walk.inl",
        "const Pack near = error >= old - slack ? tie : before;",
        "const Pack near = before;",
        "of two inputs within rounding the first is believed",
    ),
)
