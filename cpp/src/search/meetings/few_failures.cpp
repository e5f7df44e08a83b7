// SPDX-License-Identifier: MIT
#include "search/meetings/few_failures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rounding.hpp"
#include "search/meetings/pairs.hpp"
#include "search/meetings/triples.hpp"
#include "search/tree.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

/// Where all of it ends early, what is open there stays open.
template <class Sets>
void run(Sets&& sets, MeetingsProved& proved) {
  try {
    proved.complete = sets.run();
  } catch (const Interrupted&) {
    proved.complete = false;
  }
  proved.evaluations += sets.evaluations();
  proved.upper = proved.complete ? -infinity : sets.open();
}

/// One input; false where it would take too much memory.
bool search(const Network& net, const Choices& choices, Index failures, const BranchBound::Row& row, Incumbent& incumbent,
            Budget& budget, int threads, MeetingsProved& proved) {
  if (row.problem.precise != nullptr) proved.error = std::max(proved.error, row.problem.precise->error());
  proved.scale = std::max(proved.scale, row.scale);
  const Trace intact = trace(net, row.problem.input);
  const std::optional<Singles> singles = Singles::of(net, choices, failures, row.problem.harm, intact);
  if (!singles || (failures == 3 && !Triples::fit(*singles))) return false;
  if (failures < 3) run(Pairs(row, choices, *singles, intact, incumbent, budget, threads), proved);
  else run(Triples(row, choices, *singles, intact, incumbent, budget, threads), proved);
  return true;
}

}  // namespace

std::optional<MeetingsProved> few_failures(const Network& net, const Domain& domain, const Choices& choices, Points& points,
                                           Incumbent& incumbent, Budget& budget, int threads) {
  const Index failures = Meetings::most(net, choices);
  if (failures < 1 || failures > 3) return std::nullopt;
  MeetingsProved proved;
  try {
    for (Index n = 0; n < domain.size(); ++n) {
      proved.complete = false;
      proved.upper = infinity;
      const BranchBound::Row row = points.prepare(static_cast<std::size_t>(n));
      if (!search(net, choices, failures, row, incumbent, budget, threads, proved)) return std::nullopt;
      if (proved.complete) continue;
      if (n + 1 < domain.size()) proved.upper = infinity;
      return proved;
    }
  } catch (const Interrupted&) {  // before anything was known of an input
    return proved;
  }
  const double harm = incumbent.harm();
  proved.upper = std::max(incumbent.above(), harm + tie(harm, proved.scale));
  return proved;
}

}  // namespace withstand::search
