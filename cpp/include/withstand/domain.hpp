// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/network.hpp"

namespace withstand {

/// Where a statement holds: at given inputs (rows with lower == upper), or for every input of a box (one row).
struct Domain {
  Matrix lower;  ///< n x d
  Matrix upper;  ///< n x d, lower <= upper

  static Domain points(Matrix inputs) { return {inputs, inputs}; }
  static Domain box(const Vector& lower, const Vector& upper) { return {lower.transpose(), upper.transpose()}; }

  Index size() const { return lower.rows(); }
  bool is_point(Index row) const { return lower.row(row) == upper.row(row); }
};

/// Throws std::invalid_argument unless the domain has at least one row, the network's number of inputs, finite ends
/// and lower <= upper.
void check(const Domain& domain, const Network& network);

}  // namespace withstand
