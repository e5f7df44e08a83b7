// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "bounds/methods.hpp"
#include "withstand/bound.hpp"

namespace withstand::bounds {

/// One row of a domain, or no domain: everything a method may ask for.
struct Problem {
  const Network& net;
  const Space& space;
  const Nominal* nominal;        ///< null where there is no domain and the method needs none
  bool domain;
  std::vector<Interval> layers;  ///< hulls of the transmitted values of layers 0..L
  static constexpr double patience = 2e10;  ///< multiply-adds: one or two seconds
  double work = patience;                   ///< that trying failures may take
};

struct Found {
  std::vector<double> values;  ///< one per output, or per target
  bool relaxed = false;
};

struct Recipe;

/// The linear method looks through the output activation itself: upper bounds of row * (F_failed - F), or of
/// row * F_failed.
Vector linear_rows(const Problem& problem, const Matrix& rows, bool faulty);

/// Bound the error of every output, after the output activation.
Found errors(const Problem& problem, const Recipe& method);

/// Bound the harm to the decision that every output does as the new class; -infinity where it is surely the old one.
Found harms(const Problem& problem, const Recipe& method);

}  // namespace withstand::bounds
