// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/domain.hpp"
#include "withstand/search.hpp"
#include "withstand/space.hpp"

namespace withstand::search {

/// Throws std::invalid_argument for what no search answers: spaces and domains of other networks, limits that are none.
void check_question(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options);

/// A search over values takes each component to fail in one way, or to send any value of an interval.
void require_one_way(const Space& space);

}  // namespace withstand::search
