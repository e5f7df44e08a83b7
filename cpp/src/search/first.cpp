// SPDX-License-Identifier: MIT
#include "search/first.hpp"

#include "search/continuous/execution.hpp"
#include "search/layered/idle.hpp"

namespace withstand::search {
namespace {

/// The prescribed numbers of failures of a space, each with what it may be filled with. A total is one quota, counts per
/// layer are one each.
struct Prescribed {
  std::vector<Index> owed;
  std::vector<Option> options;
};

Prescribed prescribed(const Space& space) {
  Prescribed all;
  for (std::size_t t = 0; t < space.terms().size(); ++t) {
    const Space::Term& term = space.terms()[t];
    if (!term.failure.exactly || !is_counted(term.failure.effect)) continue;
    if (term.failure.total) all.owed.push_back(term.failure.counts.front());
    for (std::size_t l = 0; l < term.sites.size(); ++l) {
      if (!term.failure.total) all.owed.push_back(term.count(static_cast<Index>(l)));
      for (const Site& site : term.sites[l]) all.options.push_back({site, 0, all.owed.size() - 1, t});
    }
  }
  return all;
}

}  // namespace

std::vector<Failed> evaluate_one(const Network& net, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent) {
  Restriction restriction(space);
  const Prescribed needed = prescribed(space);
  if (const auto filled = fill(needed.owed, needed.options))
    for (const Option& option : *filled) restriction.fail(space, option.site, option.term);
  const Execution execution(net, space, goal);
  const auto components = execution.components(restriction);
  const Vector lower = domain.lower.row(0).transpose(), upper = domain.upper.row(0).transpose();
  const Execution::Point point = execution.middle(components, lower, upper);
  const Harm harm(net, point.input, goal);
  incumbent.offer(net, harm, point.input, 0, execution.forced(components, point));
  return execution.failed(components, point);
}

}  // namespace withstand::search
