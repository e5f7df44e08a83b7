// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>

#include "search/conclusion.hpp"

namespace withstand::search {

/// Failures that may send any value of an interval, noise say, beside others that nobody searches together with them: the
/// worst of the others alone, which is one of the configurations, as far as `search_part` finds it in half of the time and
/// some nodes: whatever it finds, the interval stays open. Nothing where the former must fail, or there are no others.
std::optional<SearchResult> worst_finite_part(const Search& search, const std::function<SearchResult(Search&)>& search_part);

}  // namespace withstand::search
