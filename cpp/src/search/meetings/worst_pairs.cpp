// SPDX-License-Identifier: MIT
#include "search/meetings/worst_pairs.hpp"

#include <algorithm>
#include <cmath>

#include "search/meetings/pairs.hpp"
#include "search/tree.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {

std::optional<PairsProved> worst_pairs(const Network& net, const Domain& domain, const Choices& choices, Points& points,
                                       Incumbent& incumbent, Budget& budget, int threads) {
  PairsProved proved;
  try {
    for (Index n = 0; n < domain.size(); ++n) {
      if (!Pairs::applies(net, choices)) return std::nullopt;
      const BranchBound::Row row = points.prepare(static_cast<std::size_t>(n));
      if (row.problem.precise != nullptr) proved.error = std::max(proved.error, row.problem.precise->error());
      proved.scale = std::max(proved.scale, row.scale);
      const Trace intact = trace(net, row.problem.input);
      std::optional<Singles> singles = Singles::of(net, choices, row.problem.harm, intact);
      if (!singles) return std::nullopt;
      Pairs pairs(row, choices, std::move(*singles), intact, incumbent, budget, threads);
      proved.complete = pairs.run();
      proved.evaluations += pairs.evaluations();
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
