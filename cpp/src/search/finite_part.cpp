// SPDX-License-Identifier: MIT
#include "search/finite_part.hpp"

#include <vector>

#include "core/rounding.hpp"
#include "withstand/failed.hpp"

namespace withstand::search {

std::optional<SearchResult> worst_finite_part(const Search& search, const std::function<SearchResult(Search&)>& search_part) {
  std::vector<Failure> finite;
  std::vector<std::size_t> numbers;  // of the terms
  for (std::size_t t = 0; t < search.space.terms().size(); ++t) {
    const Failure& failure = search.space.terms()[t].failure;
    if (ways(failure) > 0) {
      finite.push_back(failure);
      numbers.push_back(t);
    } else if (failure.exactly) {
      return std::nullopt;
    }
  }
  if (finite.empty()) return std::nullopt;
  const Space part(search.net, finite);
  constexpr std::uint64_t nodes = 10'000;
  Budget budget = search.budget.part(nodes, 0.5);
  const Interruptible work(budget);
  Incumbent incumbent;
  Search alone{search.net, part, search.domain, search.options, budget, incumbent, search.ceiling};
  SearchResult found = search_part(alone);
  if (!found.witness) return std::nullopt;
  for (Failed& failed : found.witness->ways) failed.term = numbers[failed.term];
  return found;
}

}  // namespace withstand::search
