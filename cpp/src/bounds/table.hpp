// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/problem.hpp"

namespace withstand::bounds {

/// A row of the table of methods: what everybody may know of one, and how it is done.
struct Recipe : MethodFacts {
  bool scalar;   ///< one interval of transmitted values per layer is all it needs
  bool modulus;  ///< carries a deviation through the output activation by its modulus, else by min(K e, R) as in the paper
  /// Deviations of the outputs' pre-activations; null where the method looks through the output activation itself, or is
  /// the least of others.
  Found (*deviations)(const Problem& problem, const std::vector<Target>& targets);
  /// Upper bounds of row * (F_failed - F), or of row * F_failed, after the output activation; null where there are none.
  Vector (*rows)(const Problem& problem, const Matrix& rows, bool faulty);
  /// Whether it may know more than the methods before it; null: it may.
  bool (*worthwhile)(const Problem& problem) = nullptr;
};

/// The one list of methods. Throws std::logic_error for a method that is not in it.
const std::vector<Recipe>& recipes();
const Recipe& recipe(Method method);

}  // namespace withstand::bounds
