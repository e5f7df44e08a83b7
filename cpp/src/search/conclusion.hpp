// SPDX-License-Identifier: MIT
#pragma once

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
  double outputs;  ///< size of the intact `Outputs`
};

/// How large the outputs of intact executions are: their largest pre-activation; where all are 0, the largest value.
class Outputs {
 public:
  void include(const Trace& execution);
  double size() const { return outputs_ > 0 ? outputs_ : largest_; }

 private:
  double outputs_ = 0, largest_ = 0;
};

/// Whether an interval is as narrow as evaluations can tell.
bool is_exact(const SearchResult& result, const Proved& proved);

/// What is said of a search that has ended.
SearchResult conclude(const Search& search, const Proved& proved, std::uint64_t evaluations);

}  // namespace withstand::search
