// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "search/choices.hpp"

namespace withstand::search {

/// What a search has decided: these options are taken, these components do not fail.
struct Decisions {
  std::vector<Option> failed;
  std::vector<Site> alive;
};

/// How much an undecided option can add to the bound of an objective.
struct OptionGain {
  Option option;
  double value = 0;
};

/// An upper bound of one objective under decisions.
struct ObjectiveBound {
  Index objective = 0;
  double harm = 0;                ///< no completion of the decisions does more
  std::vector<OptionGain> gains;  ///< largest first, then in order of sites
  /// Where finite, every undecided option has its gain above, and completing the decisions by a set F does at most
  /// base + (sum of the gains of F).
  double base = 0;
};

/// A bound method as a search sees it. The search knows nothing else of bounds, and a bound nothing of the search.
class Relaxation {
 public:
  struct Result {
    std::vector<ObjectiveBound> objectives;  ///< as asked for
    std::shared_ptr<const void> hints;       ///< for the bounds of further decisions
  };
  virtual ~Relaxation() = default;
  /// Bounds of the `objectives` of a harm; `hints` come from a subset of the decisions, or are null. Below `enough`
  /// nobody needs to know how low a bound is.
  virtual Result bound(const Decisions& decisions, const std::vector<Index>& objectives,
                       const std::shared_ptr<const void>& hints, double enough) = 0;
};

}  // namespace withstand::search
