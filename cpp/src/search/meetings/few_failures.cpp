// SPDX-License-Identifier: MIT
#include "search/meetings/few_failures.hpp"

#include <algorithm>
#include <cmath>

#include "search/meetings/pairs.hpp"
#include "search/meetings/triples.hpp"
#include "search/tree.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {

std::optional<MeetingsProved> few_failures(const Network& net, const Domain& domain, const Choices& choices, Points& points,
                                       Incumbent& incumbent, Budget& budget, int threads) {
  const Index failures = Meetings::most(net, choices);
  if (failures < 2 || failures > 3) return std::nullopt;
  MeetingsProved proved;
  try {
    for (Index n = 0; n < domain.size(); ++n) {
      const BranchBound::Row row = points.prepare(static_cast<std::size_t>(n));
      if (row.problem.precise != nullptr) proved.error = std::max(proved.error, row.problem.precise->error());
      proved.scale = std::max(proved.scale, row.scale);
      const Trace intact = trace(net, row.problem.input);
      std::optional<Singles> singles = Singles::of(net, choices, failures, row.problem.harm, intact);
      if (!singles || (failures == 3 && !Triples::fit(*singles))) return std::nullopt;
      if (failures == 2) {
        Pairs pairs(row, choices, *singles, intact, incumbent, budget, threads);
        proved.complete = pairs.run();
        proved.evaluations += pairs.evaluations();
      } else {
        Triples triples(row, choices, *singles, intact, incumbent, budget, threads);
        proved.complete = triples.run();
        proved.evaluations += triples.evaluations();
      }
      if (!proved.complete) return proved;
    }
  } catch (const Interrupted&) {  // the incumbent stays true
    proved.complete = false;
  }
  const double harm = incumbent.harm();
  if (proved.complete) proved.upper = std::max(incumbent.above(), harm + tie(harm, proved.scale));
  return proved;
}

}  // namespace withstand::search
