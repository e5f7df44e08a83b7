// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/types.hpp"

namespace withstand {

/// Sum of the `count` largest of n gains, the worst that at most `count` failures add; gains below 0 are left out
/// unless `exactly`. Infinite when a gain is not a number; -infinity when `exactly` asks for more gains than there are.
double top_sum(const double* gains, Index n, Index count, bool exactly = false);

/// Where the `count` largest positive ones of n gains are, largest first, ties by position.
std::vector<Index> top_indices(const double* gains, Index n, Index count);

}  // namespace withstand
