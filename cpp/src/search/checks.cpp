// SPDX-License-Identifier: MIT
#include "search/checks.hpp"

#include "core/require.hpp"
#include "failure/effects.hpp"

namespace withstand::search {

void check_question(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options) {
  check(domain, net);
  check(space, net);
  require(options.gap >= 0, "gap must be at least 0, got ", options.gap);
  require(options.time_limit >= 0, "time_limit must be at least 0 seconds, got ", options.time_limit);
  for (const Space::Term& term : space.terms())
    require(!term.failure.equivocal, term.failure.describe(),
            ": a search needs one transmitted value for all successors; bound covers more");
}

void require_one_way(const Space& space) {
  for (const Space::Term& term : space.terms())
    require(ways(term.failure) <= 1 && !(ways(term.failure) == 1 && hears_something(term.failure)), term.failure.describe(),
            ": a component that fails in several ways, or sends what depends on its signal, is searched neither over a Box ",
            "nor together with values of an interval");
}

}  // namespace withstand::search
