// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "withstand/budget.hpp"
#include "withstand/domain.hpp"
#include "withstand/incumbent.hpp"
#include "withstand/space.hpp"
#include "withstand/tree_record.hpp"

namespace withstand {

struct SearchOptions {
  Goal goal = Goal::error;
  double gap = 0;                                  ///< stop when (upper - lower) <= gap * |upper|
  double time_limit = std::numeric_limits<double>::infinity();  ///< seconds
  std::uint64_t node_limit = Budget::unlimited;    ///< deterministic: one thread works while it is set
  int threads = 0;                                 ///< 0: default_threads()
  /// Share of the cost of enumerating everything that bounding may take before enumeration takes over, where the first
  /// bounds are promising; 0: only enumerate, infinite: only bound.
  double bounding = 0.3;
};

enum class SearchStatus { exact, gap, budget, interrupted };

/// lower <= truth <= upper, with the witness that attains `lower`.
struct SearchResult {
  SearchStatus status = SearchStatus::exact;
  double lower = 0;
  double upper = 0;
  double rounding = 0;  ///< `exact` says that upper - lower is at most this: what evaluations round, and what is a tie
  std::optional<Witness> witness;  ///< absent only when stopped before the first evaluation
  std::uint64_t nodes = 0;
  std::uint64_t evaluations = 0;
};

/// The worst that the failures of a space can do on a domain. `record` keeps the leaves of the tree, of finite spaces at
/// given inputs.
SearchResult worst_case(const Network& network, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch = {}, TreeRecord* record = nullptr);

}  // namespace withstand
