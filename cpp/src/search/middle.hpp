// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "search/conclusion.hpp"

namespace withstand::search {

/// Over boxes: offer the worst failures at the middle of each, as far as a small part of the budget finds them, and what
/// they do where the inputs go uphill from there. `at_points` searches at given inputs. Without it the first witness is
/// what a bound over the whole box points at, which may do less than no failure at all.
void offer_the_middle(Search& search, const std::function<SearchResult(Search&)>& at_points);

}  // namespace withstand::search
