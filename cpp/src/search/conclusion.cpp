// SPDX-License-Identifier: MIT
#include "search/conclusion.hpp"

#include <algorithm>
#include <cmath>

#include "search/tree.hpp"
#include "core/rounding.hpp"

namespace withstand::search {

void Outputs::include(const Trace& execution) {
  outputs_ = std::max(outputs_, execution.pre.back().cwiseAbs().maxCoeff());
  for (const Vector& layer : execution.post) largest_ = std::max(largest_, layer.cwiseAbs().maxCoeff());
}

/// An interval is exact where it is as narrow as evaluations can tell, and that is narrow beside the harm, or evaluations
/// can tell much of the outputs: of cancelled sums, which are all rounding errors, nothing is exact.
bool is_exact(const SearchResult& result, const Proved& proved) {
  constexpr double meaningful = 1e-9;
  if (result.upper > add_up(result.lower, result.rounding)) return false;
  return proved.error <= meaningful * std::max({proved.outputs, std::abs(result.lower), 0x1p-400}) ||
         result.upper - result.lower <= meaningful * std::abs(result.lower);
}

SearchResult conclude(const Search& search, const Proved& proved, std::uint64_t evaluations) {
  SearchResult result;
  Incumbent& incumbent = search.incumbent;
  result.lower = incumbent.harm();
  result.upper = proved.upper;
  result.witness = incumbent.witness();
  result.nodes = search.budget.nodes();
  result.evaluations = evaluations;
  result.status = status_of(search.budget.reason());
  if (result.lower == -infinity) return result;
  const double equal = add_up(result.lower, add_up(proved.error, tie(result.lower, proved.scale)));
  result.rounding = sub_up(equal, result.lower);
  if (result.status == SearchStatus::exact && !is_exact(result, proved)) result.status = SearchStatus::gap;
  if (result.status == SearchStatus::exact && result.upper > incumbent.above())
    result.upper = equal;  // for any number of threads
  return result;
}

}  // namespace withstand::search
