// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/domain.hpp"
#include "search/incumbent.hpp"
#include "withstand/space.hpp"

namespace withstand::search {

/// Offer one configuration of the space at an input of the first row, whatever the space: where numbers of failures are
/// prescribed, the first components that fill them; values and inputs that range over intervals in their middle.
/// Returns what failed.
std::vector<Failed> evaluate_one(const Network& network, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent);

}  // namespace withstand::search
