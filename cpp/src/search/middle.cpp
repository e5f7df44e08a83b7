// SPDX-License-Identifier: MIT
#include "search/middle.hpp"

#include <algorithm>

#include "search/continuous/execution.hpp"
#include "search/adapters/linear_relaxation.hpp"

namespace withstand::search {
namespace {

/// Restrict what fails to that; false where a component fails in no way that is left.
bool restrict(Restriction& to, const Space& space, const std::vector<Forced>& failed) {
  for (const Forced& component : failed) {
    bool found = false;
    for (std::size_t t = 0; t < space.terms().size() && !found; ++t) {
      found = space.terms()[t].has(component.site) && to.remaining(space, t, component.site.layer) > 0;
      if (found) to.fail(space, component.site, t);
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

void offer_the_middle(Search& search, const std::function<SearchResult(Search&)>& at_points) {
  constexpr double share = 0.05, work = 1e9, near = 0.01;
  const auto nodes = static_cast<std::uint64_t>(std::max(1.0, std::min(1e4, work / cost_of_linear(search.net))));
  SearchOptions options = search.options;
  options.gap = std::max(options.gap, near);
  const Execution execution(search.net, search.space, options.goal);
  for (Index row = 0; row < search.domain.size() && search.budget.poll(0); ++row) {
    const Vector lower = search.domain.lower.row(row).transpose(), upper = search.domain.upper.row(row).transpose();
    const Domain middle = Domain::points((0.5 * lower + 0.5 * upper).transpose());
    Budget budget = search.budget.part(nodes, share);
    Incumbent found;
    Search there{search.net, search.space, middle, options, budget, found, search.ceiling};
    try {
      const Interruptible work_there(budget);
      at_points(there);
    } catch (const Interrupted&) {  // what was found is as good as before
    }
    if (!found.witness()) continue;
    const Harm harm(search.net, found.witness()->input, options.goal);
    search.incumbent.offer(search.net, harm, found.witness()->input, row, found.witness()->failed);
    Restriction failed(search.space);
    if (!restrict(failed, search.space, found.witness()->failed)) continue;
    const auto components = execution.components(failed);
    const Execution::Point point = execution.climb(components, lower, upper, 1);
    search.incumbent.offer(search.net, Harm(search.net, point.input, options.goal), point.input, row, execution.forced(components, point));
  }
}

}  // namespace withstand::search
