// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "evaluate/ranges.hpp"
#include "withstand/space.hpp"

// The bound methods, all of one shape: upper bounds on the deviation (faulty - nominal) of linear functionals of the
// outputs' pre-activations, for all inputs of one row of a domain. The dispatcher bound.cpp does the rest.
namespace withstand::bounds {

/// The functional s_plus - s_minus of the outputs' pre-activations, or s_plus alone (then |deviation| is bounded).
struct Target {
  Index plus = 0;
  Index minus = -1;

  bool is_difference() const { return minus >= 0; }
};

enum class Formula { fep, at_most, capped };

struct ScalarBound {
  std::vector<double> values;  ///< one per target
  bool relaxed = false;        ///< too many combinations of totals: each layer may hold what it can
};

/// Theorems A, B, F and their capped forms, from one interval of transmitted values per layer 0..L.
ScalarBound scalar_bound(const Network& network, const Space& space, const std::vector<Interval>& layers,
                         Formula formula, const std::vector<Target>& targets);

/// The matrix recursion: |W|, a deviation per neuron, and the worst failures for every receiver.
std::vector<double> matrix_bound(const Network& network, const Space& space, const Nominal& nominal,
                                 const std::vector<Target>& targets);

/// Signed intervals of the deviation with local slopes, and the worst failures for every receiver.
std::vector<double> signed_bound(const Network& network, const Space& space, const Nominal& nominal,
                                 const std::vector<Target>& targets);

/// One backward pass and one common set of failures. Not for equivocal failures.
std::vector<double> adjoint_bound(const Network& network, const Space& space, const Nominal& nominal,
                                  const std::vector<Target>& targets);

/// Whether a failed neuron may tell its successors different values.
bool equivocal(const Space& space);

}  // namespace withstand::bounds
