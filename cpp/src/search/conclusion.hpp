// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "core/budget.hpp"
#include "search/frontier.hpp"
#include "search/incumbent.hpp"
#include "withstand/forward.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// A question, what is known of the answer, and how long the search for it may go on.
struct Search {
  const Network& net;
  const Space& space;
  const Domain& domain;
  const SearchOptions& options;
  Budget& budget;
  Incumbent& incumbent;
  double ceiling;  ///< no configuration at any input does more harm
  Frontier* frontier = nullptr;

  /// One team size for the whole search: with a limit of nodes the result must not depend on who is first.
  int team() const { return budget.limited() ? 1 : options.threads; }
};

/// What a search has proved, and how well evaluations know it.
struct Proved {
  double upper;
  double error;  ///< of the most precise evaluations
  double scale;    ///< of what the outputs sum up
  double outputs;  ///< `outputs_of` the intact executions
};

/// The largest pre-activation of an output in any of these executions; where all are 0, the largest value in them.
double outputs_of(const std::vector<Trace>& executions);

/// Whether an interval is as narrow as evaluations can tell.
bool is_exact(const SearchResult& result, const Proved& proved);

/// What is said of a search that has ended.
SearchResult conclude(const Search& search, const Proved& proved, std::uint64_t evaluations);

}  // namespace withstand::search
