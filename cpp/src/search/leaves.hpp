// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/relaxation.hpp"

namespace withstand::search {

/// A part of a failure space that a search closed, at one input. The leaves of a search cover the space exactly once, and
/// the order of their decisions is free: what was split on can be read off the leaves, so inner nodes are not kept.
struct Leaf {
  enum class Kind { bounded, enumerated };
  Kind kind = Kind::bounded;
  Index input_index = 0;
  Decisions decisions;
  double bound = 0;  ///< bounded: no completion of the decisions does more harm
};

/// What a search writes down of its tree, for others to check. While one is kept, nodes are closed only by bounds and by
/// nothing being left to decide: a bound that excludes all but some sets is short to use but long to write down.
struct TreeRecord {
  std::vector<Leaf> leaves;
};

}  // namespace withstand::search
