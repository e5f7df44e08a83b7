// SPDX-License-Identifier: MIT
#include "search/meetings/best_alone.hpp"

#include <algorithm>

#include "search/meetings/meetings.hpp"

namespace withstand::search {
namespace {

/// The options that add most to an objective, within the quotas, each component once.
std::vector<Forced> best_alone(const Singles& singles, const Choices& choices, Index objective) {
  const auto gain = [&](std::size_t option) { return singles.effect(option)[objective]; };
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < singles.options().size(); ++n)
    if (singles.effect(n) != nullptr && gain(n) > 0) order.push_back(n);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gain(a) > gain(b); });
  std::vector<Index> left;
  for (const Choices::Quota& quota : choices.quotas) left.push_back(quota.count);
  std::vector<Forced> failed;
  for (const std::size_t n : order) {
    const Option& option = singles.options()[n];
    const auto same = [&](const Forced& other) { return other.site == option.site; };
    if (left[option.quota] == 0 || std::any_of(failed.begin(), failed.end(), same)) continue;
    --left[option.quota];
    failed.push_back({option.site, option.value});
    if (std::all_of(left.begin(), left.end(), [](Index count) { return count == 0; })) break;
  }
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return failed;
}

}  // namespace

void offer_the_best_alone(const Network& net, const Domain& domain, const Choices& choices, Points& points,
                          Incumbent& incumbent, Budget& budget) {
  if (Meetings::most(net, choices) == 0) return;
  Budget some = budget.part(budget.nodes_left(), 0.2);
  try {
    const Interruptible work(some);
    for (Index n = 0; n < domain.size(); ++n) {
      const BranchBound::Row row = points.prepare(static_cast<std::size_t>(n));
      const Layered::Problem& problem = row.problem;
      const auto singles = Singles::of(net, choices, 1, problem.harm, trace(net, problem.input));
      if (!singles) return;
      for (Index o = 0; o < singles->objectives(); ++o)
        incumbent.offer(net, problem.harm, problem.input, n, best_alone(*singles, choices, o), problem.precise);
    }
  } catch (const Interrupted&) {  // what was found is as good as before
  }
}

}  // namespace withstand::search
