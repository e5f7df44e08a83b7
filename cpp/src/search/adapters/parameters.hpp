// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "core/budget.hpp"
#include "search/incumbent.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// The worst case of failed parameters of a chain of matrices at given inputs, which are tried layer by layer: those of the
/// outputs are selected, exactly; those before are tried in the order of what each can do at most, whatever else fails, and
/// given up as soon as what is left of them cannot do more than what is known. Nothing for other spaces.
std::optional<SearchResult> by_parameters(const Network& network, const Space& space, const Domain& domain,
                                          const SearchOptions& options, double ceiling, Budget& budget);

}  // namespace withstand::search
