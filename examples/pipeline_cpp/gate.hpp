// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "withstand/network.hpp"

/// What is asked of a network before it is released.
struct Demand {
  withstand::Index crashes = 1;  ///< so many hidden neurons may die, whichever
  double epsilon = 0;            ///< and no output may be off by more, at any of the given inputs
  double seconds = 60;           ///< for the search
};

/// As the exit codes of the command line: tolerated 0, violated 1, unknown 3.
enum class Verdict { tolerated = 0, violated = 1, unknown = 3 };

struct Decision {
  Verdict verdict;
  std::string reason;
};

/// The bound first, which takes milliseconds; where it is above epsilon, the search for the exact worst case, whose
/// witness is executed once more before it is believed. Throws std::invalid_argument where the demand makes no sense.
Decision decide(const withstand::Network& network, const withstand::Matrix& inputs, const Demand& demand);
