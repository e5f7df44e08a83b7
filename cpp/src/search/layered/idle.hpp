// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "search/choices.hpp"

namespace withstand::search {

/// Give `owed[q]` of the idle options (whose failure changes nothing) to every quota q, no component twice. Earliest
/// options first where there is a choice. Nothing when there are not enough: then the quotas cannot be met.
std::optional<std::vector<Option>> fill(const std::vector<Index>& owed, const std::vector<Option>& idle);

}  // namespace withstand::search
