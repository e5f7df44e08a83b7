// SPDX-License-Identifier: MIT
#pragma once

#include "core/budget.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// The worst case by trying every configuration at the given inputs (of boxes: at their middles), as far as the budget
/// lasts; `ceiling` bounds the harm. Where there are too many to write down nothing is tried.
SearchResult enumerated(const Network& network, const Space& space, const Domain& domain, const SearchOptions& options,
                        double ceiling, Budget& budget);

}  // namespace withstand::search
