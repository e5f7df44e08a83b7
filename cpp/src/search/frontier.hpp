// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "search/relaxation.hpp"

namespace withstand::search {

/// Some of the parts of a layered walk, `first` to before `last`.
struct Walked {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  double cost = 0;  ///< in multiply-adds, the order
};

/// A part of a failure space at one input that a search left open: what is decided there, and once bounding no longer
/// pays the share of the walk through what is not.
struct OpenPart {
  Index input_index = 0;
  double bound = 0;  ///< nothing in it does more harm
  double cost = 0;   ///< of enumerating it, in multiply-adds, the order
  Decisions decisions;
  bool first = false;  ///< nobody has bounded it
  std::optional<Walked> walk;
  std::vector<Index> objectives;  ///< that may still do better, by their numbers in the harm; empty: nobody has looked
};

/// Where a search over finite failures without "exactly", at given inputs, starts from, and where it may leave off for
/// others to go on: its open parts are disjoint, and together with what is closed they are everything it started from.
struct Frontier {
  double grain = std::numeric_limits<double>::infinity();  ///< work after which the rest is left, if it is more than that
  std::vector<OpenPart> from;                              ///< empty: everything
  std::vector<OpenPart> open;                              ///< what is left, empty at the end of a whole search
  double closed = std::numeric_limits<double>::infinity();  ///< nothing else that it started from does more harm
};

}  // namespace withstand::search
